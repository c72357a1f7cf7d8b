"""A local service: the wire of the Micromegas HTTP service over a lake, for one machine."""

from __future__ import annotations

import logging
import threading

from waitress.server import create_server

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.lake.server.app import application
from micromegas_dbapi.transport.lake import LakeTransport

__all__ = ["LocalService"]

_THREADS = 16


class LocalService:
    """A server that listens once it is made, and answers while `run` runs.

    Parameters
    ----------
    lake : LakeTransport
        What it serves; not closed by it.
    host : str
        The address to listen at. Whoever reaches it may read the lake: there is no authentication.
    port : int
        0 takes a free one.
    max_body : int
        Requests whose body has more bytes are answered with status 413.

    Raises
    ------
    OperationalError
        If the address cannot be listened at.
    """

    def __init__(
        self,
        lake: LakeTransport,
        host: str = "127.0.0.1",
        port: int = 8082,
        max_body: int = 16 * 2**20,
    ) -> None:
        # One that waits for a thread is no event worth a line on standard error.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        try:
            self._server = create_server(
                application(lake),
                host=host,
                port=port,
                ipv4=":" not in host,  # a name of both kinds would make two servers
                ipv6=":" in host,
                threads=_THREADS,
                connection_limit=1000,
                max_request_body_size=max_body,
                ident=None,
            )
        except (OSError, ValueError) as error:
            raise OperationalError(f"cannot listen at {host}:{port}: {error}") from error
        self._ending, self._ended = threading.Lock(), False
        shown = f"[{host}]" if ":" in host else host
        #: Where it answers; the base URL for clients, without a final slash.
        self.url = f"http://{shown}:{self._server.effective_port}"

    def run(self) -> None:
        """Answer requests until `stop`, or until KeyboardInterrupt or SystemExit in this thread."""
        try:
            self._server.run()
        finally:
            self._server.task_dispatcher.shutdown()
            with self._ending:
                self._ended = True
                self._let_go()
                self._server.close()  # and its trigger

    def stop(self) -> None:
        """Make `run` return; from any thread, and more than once."""
        with self._ending:  # the trigger must not be closed under our hands
            if not self._ended:
                self._server.trigger.pull_trigger(self._let_go)

    def _let_go(self) -> None:
        """Close all connections and leave nothing to wait for: `run`, whose thread it is, ends."""
        for channel in list(self._server._map.values()):
            if channel not in (self._server, self._server.trigger):
                channel.close()
        self._server._map.clear()
