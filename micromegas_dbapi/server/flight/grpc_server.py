"""The gRPC server that `FlightService` answers through."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from micromegas_dbapi.errors import NotSupportedError, OperationalError
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.transport.flight.channel import silence_grpc
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads

__all__ = ["FlightServer"]

_T = TypeVar("_T")
_CALLS = 1000
_PATIENCE = 5.0


class FlightServer:
    """A server that listens once it is made, and answers from `start` to `stop`.

    Parameters
    ----------
    lake : LakeTransport
    host : str
    port : int
        0 takes a free one.
    max_request : int
        Calls whose request has more bytes are refused.

    Attributes
    ----------
    port : int

    Raises
    ------
    NotSupportedError
        If grpcio is not installed.
    OperationalError
        If the address cannot be listened at.
    """

    def __init__(self, lake: LakeTransport, host: str, port: int, max_request: int) -> None:
        try:
            with silence_grpc():
                import grpc

                from micromegas_dbapi.server.flight import FlightService

                self._workers = DaemonThreads()
                self._server = grpc.server(
                    _Threads(self._workers),
                    handlers=(FlightService(lake),),
                    options=[
                        ("grpc.so_reuseport", 0),  # else two servers share one port
                        ("grpc.max_receive_message_length", max_request),
                        ("grpc.http2.max_ping_strikes", 0),  # ours is one that pings often
                    ],
                    maximum_concurrent_rpcs=_CALLS,
                )
                shown = f"[{host}]" if ":" in host else host
                self.port: int = self._server.add_insecure_port(f"{shown}:{port}")
        except ImportError as error:
            raise NotSupportedError(
                f"FlightSQL needs more packages: pip install 'micromegas-dbapi[lake]' ({error})"
            ) from error
        except RuntimeError as error:
            said = "it is taken, or no address of this machine"
            raise OperationalError(f"cannot listen at {host}:{port}: {said}") from error

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """End all calls, and their queries."""
        self._server.stop(None).wait(_PATIENCE)
        self._workers.close()


class _Threads(Executor):
    """Threads for calls: daemons, since a query being planned must not hold up the end."""

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
