"""The gRPC server that runs `FlightService`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from micromegas_dbapi.errors import NotSupportedError, OperationalError
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.addresses import check_port, join
from micromegas_dbapi.transport.flight.channel import silence_grpc
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads

__all__ = ["FlightServer"]

_T = TypeVar("_T")
_MAX_CALLS = 1000
_STOP_SECONDS = 5.0


class FlightServer:
    """A server that accepts connections once it is created, and responds after `start`.

    Parameters
    ----------
    lake : LakeTransport
        The lake to serve.
    host : str
        The address to listen on.
    port : int
        0 selects a free port.
    max_request : int
        Larger requests in bytes are rejected.

    Attributes
    ----------
    url : str
        The URL for clients.

    Raises
    ------
    NotSupportedError
        If grpcio is not installed.
    OperationalError
        If the server cannot listen on the address.
    """

    def __init__(self, lake: LakeTransport, host: str, port: int, max_request: int) -> None:
        check_port(host, port)
        try:
            with silence_grpc():
                import grpc

                from micromegas_dbapi.server.flight import FlightService

                self._workers = DaemonThreads()
                self._server = grpc.server(
                    _WorkerExecutor(self._workers),
                    handlers=(FlightService(lake),),
                    options=[
                        ("grpc.so_reuseport", 0),  # otherwise two servers can share a port
                        ("grpc.max_receive_message_length", max_request),
                        ("grpc.http2.max_ping_strikes", 0),  # the driver pings often
                    ],
                    maximum_concurrent_rpcs=_MAX_CALLS,
                )
                port = self._server.add_insecure_port(join(host, port))
        except ImportError as error:
            raise NotSupportedError(
                f"FlightSQL needs more packages: pip install 'micromegas-dbapi[lake]' ({error})"
            ) from error
        except RuntimeError as error:
            raise OperationalError(
                f"cannot listen on {host}:{port}: the port is in use, or the host is not an "
                "address of this machine"
            ) from error
        self.url = f"grpc://{join(host, port)}"

    def start(self) -> None:
        """Start to serve requests."""
        self._server.start()

    def stop(self) -> None:
        """End all calls and their queries."""
        self._server.stop(None).wait(_STOP_SECONDS)
        self._workers.close()


class _WorkerExecutor(Executor):
    """Runs calls in daemon threads, because the planning of a query must not delay the exit."""

    def __init__(self, workers: DaemonThreads) -> None:
        self._workers = workers

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        future: Future[_T] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._workers.start(task)
        return future
