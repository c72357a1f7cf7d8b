"""Run ``micromegas-sql serve``: a local service over a lake."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from micromegas_dbapi.errors import NotSupportedError

if TYPE_CHECKING:
    from micromegas_dbapi.server import LocalService

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C or SIGTERM, both of which end the command with success.

    Parameters
    ----------
    options : argparse.Namespace
        With ``demo`` or ``lake`` and the other options of the command.

    Raises
    ------
    NotSupportedError
        If the packages of the extra ``lake`` are not installed.
    OperationalError
        If the lake cannot be read, or the service cannot listen at the address.
    """
    try:
        from micromegas_dbapi.lake.transport import LakeTransport
        from micromegas_dbapi.server import LocalService
    except ImportError as error:
        raise NotSupportedError(
            f"serve needs extra packages: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    with _until_interrupted():
        if options.demo:
            lake = LakeTransport.demo(options.seed, options.size, writable=options.writable)
        else:
            lake = LakeTransport(
                Path(options.lake), writable=options.writable, follow_links=options.follow_links
            )
        with closing(lake):
            service = LocalService(
                lake, options.host, options.port, options.max_body, options.flight_port
            )
            _announce(service, options)
            service.run()


def _announce(service: LocalService, options: argparse.Namespace) -> None:
    if not _is_loopback(options.host):
        print(
            f"micromegas-sql: warning: anyone who can reach {options.host} can read all data: "
            "there is no authentication",
            file=sys.stderr,
        )
    data = "demo data" if options.demo else options.lake
    urls = " and ".join(filter(None, (service.url, service.flight_url)))
    print(f"serving {data} at {urls} (Ctrl-C stops)", flush=True)


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block without an error."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
