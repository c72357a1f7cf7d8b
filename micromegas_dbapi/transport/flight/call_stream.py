"""Streams of FlightSQL calls, with timeouts, cancellation and errors of this driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.flight as fl

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.options.settings import Timeout
from micromegas_dbapi.transport.flight.channel import Call
from micromegas_dbapi.transport.flight.flight_errors import from_flight
from micromegas_dbapi.transport.flight.prefetch import Prefetcher
from micromegas_dbapi.transport.layout import decoding_error
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import check_cancelled

__all__ = ["CallCanceller", "CallResults", "read_messages", "read_results"]

_T = TypeVar("_T")


class CallCanceller:
    """Cancels a DoGet call from any thread or finalizer, even before the call has started.

    Each method writes its attribute before it reads the other one. So one of them sees the other
    without a lock. A forked child cancels nothing: the call and its socket belong to the parent.
    """

    def __init__(self) -> None:
        self._reader: fl.FlightStreamReader | None = None
        self._cancelled = False
        self._pid = os.getpid()

    def started(self, reader: fl.FlightStreamReader) -> None:
        """Set the call to cancel, and cancel it if `cancel` was called before.

        Parameters
        ----------
        reader : pyarrow.flight.FlightStreamReader
            The stream of the call.
        """
        self._reader = reader
        if self._cancelled:
            reader.cancel()

    def cancel(self) -> None:
        """Cancel the call."""
        self._cancelled = True
        if self._reader is not None and self._pid == os.getpid():
            self._reader.cancel()


def read_messages(
    call: Call,
    ticket: fl.Ticket,
    canceller: CallCanceller,
    request: Request,
) -> Iterator[Any]:
    """Make a DoGet call.

    Parameters
    ----------
    call : Call
        The client and the headers.
    ticket : pyarrow.flight.Ticket
        The query.
    canceller : CallCanceller
        Can cancel the call once it has started.
    request : Request
        For errors.

    Yields
    ------
    pyarrow.Schema or pyarrow.RecordBatch
        The schema, then the batches, which are not checked.

    Raises
    ------
    DataError
        If a message does not match the schema.
    OperationalError
        If a message has no batch.
    pyarrow.ArrowException
        If the call fails.
    """
    reader = call.do_get(ticket)
    canceller.started(reader)
    schema = reader.schema
    yield schema
    while True:
        try:
            chunk = reader.read_chunk()
        except StopIteration:
            # pyarrow also stops at a message without content, as if the stream ended there.
            with suppress(StopIteration):
                reader.read_chunk()
                raise _no_batch(request) from None
            return
        except (pa.ArrowException, OSError) as error:
            if (mismatch := decoding_error(error, schema, request)) is not None:
                raise mismatch from error
            raise
        if chunk.data is None:  # only metadata, which no version of the service sends
            raise _no_batch(request)
        yield chunk.data


def _no_batch(request: Request) -> OperationalError:
    return OperationalError(
        "the response is damaged: a message has no batch", retryable=None, **request.context
    )


def read_results(call: Call, action: fl.Action) -> Iterator[bytes]:
    """Make a DoAction call.

    Parameters
    ----------
    call : Call
        The client and the headers.
    action : pyarrow.flight.Action
        The action.

    Yields
    ------
    bytes
        The body of each result.

    Raises
    ------
    pyarrow.ArrowException
        If the call fails.
    """
    for result in call.do_action(action):
        yield result.body.to_pybytes()


class CallResults(Iterator[_T]):
    """The prefetched messages of a call, with a timeout and with errors of this driver.

    Parameters
    ----------
    prefetcher : Prefetcher
        Makes the call.
    request : Request
        Its cancellation stops the call. It is settled at the end of the call.
    host : str
        Host and port, for errors.
    timeout : Timeout
        Its read timeout applies to each message.

    Raises
    ------
    DatabaseError
        While iterating, if the call fails.
    """

    def __init__(
        self, prefetcher: Prefetcher[_T], request: Request, host: str, timeout: Timeout
    ) -> None:
        self._prefetcher = prefetcher
        self._request = request
        self._host = host
        self._timeout = timeout
        self._answered = False
        request.cancellation.on_cancel(prefetcher.close)

    def __next__(self) -> _T:
        request, timeout = self._request, self._timeout
        try:
            item = self._prefetcher.get(timeout.read)
        except StopIteration:
            check_cancelled(request)
            request.cancellation.settled()
            raise
        except TimeoutError as error:
            self._prefetcher.close()
            raise OperationalError(
                f"no data from {self._host} for {timeout.read:g} s; the query was cancelled "
                "(timeout=Timeout(read=...) waits longer)",
                retryable=False,
                **request.context,
            ) from error
        except (pa.ArrowException, OSError) as error:
            check_cancelled(request, error)
            request.cancellation.settled()
            raise from_flight(  # noqa: B904  (it has its cause)
                error, request, self._host, timeout.connect, answered=self._answered
            )
        except BaseException:  # Ctrl-C while waiting
            self._prefetcher.close()
            raise
        self._answered = True
        return item
