"""A local service that serves a lake over HTTP and FlightSQL."""

from __future__ import annotations

import logging
import threading
from typing import Any

from waitress.server import create_server

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.addresses import check_port, join
from micromegas_dbapi.server.app import application
from micromegas_dbapi.server.disconnect_monitor import DisconnectMonitor
from micromegas_dbapi.server.grpc_server import FlightServer
from micromegas_dbapi.server.wsgi import Application

__all__ = ["LocalService"]

_THREADS = 16


class LocalService:
    """A server that accepts connections once it is created, and responds while `run` runs.

    Over HTTP it has the endpoints of the HTTP service, the gateway and the web app.

    Parameters
    ----------
    lake : LakeTransport
        The lake to serve. The service does not close it.
    host : str
        The address to listen on. There is no authentication: every client that reaches the
        address can read the lake.
    port : int
        0 selects a free port.
    max_body : int
        Requests with a larger body in bytes are rejected with status 413.
    flight_port : int, optional
        The port for FlightSQL; 0 selects a free port. None disables FlightSQL.

    Attributes
    ----------
    url : str
        The base URL for HTTP clients, without a trailing slash.
    flight_url : str
        The URL for FlightSQL clients; empty if FlightSQL is disabled.

    Raises
    ------
    OperationalError
        If the server cannot listen on an address.
    NotSupportedError
        If a package that FlightSQL needs is not installed.
    """

    def __init__(
        self,
        lake: LakeTransport,
        host: str = "127.0.0.1",
        port: int = 8082,
        max_body: int = 16 * 2**20,
        flight_port: int | None = None,
    ) -> None:
        check_port(host, port)
        self._monitor = DisconnectMonitor()
        self._flight: FlightServer | None = None
        if flight_port is not None:
            self._flight = FlightServer(lake, host, flight_port, max_body)
        self._channels: dict[int, Any] = {}
        try:
            app = application(lake, self._monitor)
            self._server = _http_server(app, host, port, max_body, self._channels)
        except OperationalError:
            if self._flight is not None:
                self._flight.stop()
            raise
        self._stop_lock, self._stopped = threading.Lock(), False
        self.url = f"http://{join(host, self._server.effective_port)}"
        self.flight_url = "" if self._flight is None else self._flight.url

    def run(self) -> None:
        """Serve requests until `stop` is called.

        KeyboardInterrupt and SystemExit in this thread stop it too.
        """
        server = self._server
        try:
            self._monitor.start()
            if self._flight is not None:
                self._flight.start()
            # Not server.run(): at Ctrl-C, it waits for its threads, whose work goes on.
            loop, settings = server.asyncore.loop, server.adj
            loop(settings.asyncore_loop_timeout, settings.asyncore_use_poll, self._channels)
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            with self._stop_lock:
                self._stopped = True
                # First, so that no client takes the error of a stopped query for its response.
                self._close_connections()
            self._monitor.stop()
            if self._flight is not None:
                self._flight.stop()
            server.task_dispatcher.shutdown()
            server.close()  # also closes its trigger

    def stop(self) -> None:
        """Make `run` return. Safe to call from any thread, and repeatedly."""
        with self._stop_lock:  # so that the trigger is not closed meanwhile
            if not self._stopped:
                self._server.trigger.pull_trigger(self._close_connections)

    def _close_connections(self) -> None:
        """Close all connections, which ends the loop of `run`. Called in the thread of `run`."""
        for channel in list(self._channels.values()):
            if channel not in (self._server, self._server.trigger):
                channel.close()
        self._channels.clear()


def _http_server(
    app: Application, host: str, port: int, max_body: int, channels: dict[int, Any]
) -> Any:
    # Requests that wait for a thread are logged as warnings, which is too much for a local service.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        return create_server(
            app,
            map=channels,
            host=host,
            port=port,
            ipv4=":"
            not in host,  # a host name with both kinds of addresses would create two servers
            ipv6=":" in host,
            threads=_THREADS,
            connection_limit=1000,
            max_request_body_size=max_body,
            channel_request_lookahead=1,  # needed to detect that clients disconnect
            ident=None,
        )
    except (OSError, ValueError) as error:
        raise OperationalError(f"cannot listen on {host}:{port}: {error}") from error
