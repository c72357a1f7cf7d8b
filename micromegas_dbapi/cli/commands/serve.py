"""``micromegas-sql serve``: a local service over a lake."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from ipaddress import ip_address
from pathlib import Path

from micromegas_dbapi.errors import NotSupportedError

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C or SIGTERM, both of which are a good end."""
    try:
        from micromegas_dbapi.lake.transport import LakeTransport
        from micromegas_dbapi.server import LocalService
    except ImportError as error:
        raise NotSupportedError(
            f"serve needs more packages: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.demo:
            lake = LakeTransport.demo(options.seed, options.size, writable=options.writable)
        else:
            lake = LakeTransport(Path(options.lake), writable=options.writable)
        try:
            service = LocalService(
                lake, options.host, options.port, options.max_body, options.flight_port
            )
            what = "demo data" if options.demo else options.lake
            if not _loopback(options.host):
                print(
                    f"micromegas-sql: whoever reaches {options.host} can read all of it: there is "
                    "no authentication",
                    file=sys.stderr,
                )
            where = " and ".join(filter(None, (service.url, service.flight_url)))
            print(f"serving {what} at {where} (Ctrl-C stops)", flush=True)
            service.run()
        finally:
            lake.close()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
