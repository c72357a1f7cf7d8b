"""``micromegas-sql serve``: a local service over a lake."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from micromegas_dbapi.errors import NotSupportedError

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Parameters
    ----------
    options : argparse.Namespace
        ``lake`` or ``demo``, ``seed``, ``size``, ``host``, ``port``, ``writable``, ``max_body``.

    Returns
    -------
    int
        The exit code, 0.
    """
    try:
        from micromegas_dbapi.lake.server import LocalService
        from micromegas_dbapi.transport.lake import LakeTransport
    except ImportError as error:
        raise NotSupportedError(
            f"serve needs more packages: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.demo:
        lake = LakeTransport.demo(options.seed, options.size, writable=options.writable)
    else:
        lake = LakeTransport(Path(options.lake), writable=options.writable)
    try:
        service = LocalService(lake, options.host, options.port, options.max_body)
        print(f"serving {options.lake or 'demo data'} at {service.url} (Ctrl-C stops)", flush=True)
        service.run()
    finally:
        lake.close()
    return 0
