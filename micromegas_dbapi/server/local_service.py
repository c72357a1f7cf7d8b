"""A local service: the wires of the Micromegas services over a lake, for one machine."""

from __future__ import annotations

import logging
import threading

from waitress.server import create_server

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.app import application
from micromegas_dbapi.server.disconnects import Watch
from micromegas_dbapi.server.flight.grpc_server import FlightServer

__all__ = ["LocalService"]

_THREADS = 16


class LocalService:
    """A server that listens once it is made, and answers while `run` runs.

    Over HTTP it has the endpoints of the first services, of the gateway and of the web server.

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
    flight_port : int, optional
        Speak FlightSQL too, at this port; 0 takes a free one.

    Attributes
    ----------
    url : str
        Where it answers; the base URL for clients, without a final slash.
    flight_url : str
        Where it speaks FlightSQL; empty if it does not.

    Raises
    ------
    OperationalError
        If an address cannot be listened at.
    NotSupportedError
        If FlightSQL needs a package that is not installed.
    """

    def __init__(
        self,
        lake: LakeTransport,
        host: str = "127.0.0.1",
        port: int = 8082,
        max_body: int = 16 * 2**20,
        flight_port: int | None = None,
    ) -> None:
        # One that waits for a thread is no event worth a line on standard error.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        for given in (port, flight_port or 0):
            if not 0 <= given < 2**16:  # gRPC would take what is left of it
                raise OperationalError(f"cannot listen at {host}:{given}: there is no such port")
        self._watch = Watch()
        self._flight: FlightServer | None = None
        if flight_port is not None:
            self._flight = FlightServer(lake, host, flight_port, max_body)
        try:
            self._server = create_server(
                application(lake, self._watch),
                host=host,
                port=port,
                ipv4=":" not in host,  # a name of both kinds would make two servers
                ipv6=":" in host,
                threads=_THREADS,
                connection_limit=1000,
                max_request_body_size=max_body,
                channel_request_lookahead=1,  # which notices clients that go away
                ident=None,
            )
        except (OSError, ValueError) as error:
            if self._flight is not None:
                self._flight.stop()
            raise OperationalError(f"cannot listen at {host}:{port}: {error}") from error
        self._ending, self._ended = threading.Lock(), False
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.effective_port}"
        self.flight_url = "" if self._flight is None else f"grpc://{shown}:{self._flight.port}"

    def run(self) -> None:
        """Answer requests until `stop`, or until KeyboardInterrupt or SystemExit in this thread."""
        server = self._server
        try:
            self._watch.start()
            if self._flight is not None:
                self._flight.start()
            # Not its run(), which at Ctrl-C waits for its threads before we can stop their work.
            loop, adjusted = server.asyncore.loop, server.adj
            loop(adjusted.asyncore_loop_timeout, adjusted.asyncore_use_poll, server._map)
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            with self._ending:
                self._ended = True
                self._let_go()  # first, that nobody takes the end of a query for an answer
            self._watch.stop()
            if self._flight is not None:
                self._flight.stop()
            server.task_dispatcher.shutdown()
            server.close()  # and its trigger

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
