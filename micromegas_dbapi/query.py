"""One running query: what identifies it, what it holds, and how it ends."""

from __future__ import annotations

import uuid
from collections import deque
from enum import Enum

import pyarrow as pa

from micromegas_dbapi.errors import Error, InterfaceError, OperationalError
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import NoTimeRange, TimeRange
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import NO_LIMITS, Limits, NoRows, Request

__all__ = ["TRANSITIONS", "Query", "State"]


class State(Enum):
    """Where a query is."""

    RUNNING = "the statement was sent, or is about to be; there is no result yet"
    ANSWERED = "there is a result, and none of it was read"
    READING = "the result is read as rows"
    HANDED_OVER = "the result belongs to the caller, as a reader of Arrow batches"
    FINISHED = "everything was read"
    FAILED = "an error has ended it; every later fetch raises the error"
    CANCELLED = "it was cancelled; every later fetch raises an OperationalError"
    CLOSED = "cursor or connection were closed; every later fetch raises an InterfaceError"

    # By identity: the hash of an enum calls a Python function.
    __hash__ = object.__hash__


_ENDS = (State.FINISHED, State.FAILED, State.CANCELLED, State.CLOSED)

#: The states that can follow each state. The first end stays.
TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.RUNNING: (State.ANSWERED, *_ENDS),  # FINISHED: a call without rows
    State.ANSWERED: (State.READING, State.HANDED_OVER, State.CANCELLED, State.CLOSED),
    State.READING: _ENDS,
    State.HANDED_OVER: (State.FINISHED, State.FAILED, State.CANCELLED),
    **dict.fromkeys(_ENDS, ()),
}


class Query:
    """The owner of everything that belongs to one running query.

    One thread runs the query and reads its result: the methods `answer`, `read`, `hand_over` and
    `finish` are for that thread. Any thread, signal handler and finalizer may call `cancel` and
    `close` at any time. There are no locks: each transition is one operation of a deque, so it
    can be interrupted before or after it, and the first one to end the query decides.

    Parameters
    ----------
    statement : Statement
        The statement to send.
    limits : Limits
        Of the size of the result.

    Attributes
    ----------
    statement : Statement
        The statement to send.
    query_id : str
        A UUID.
    time_range : TimeRange, NoTimeRange or None
        The range to send; None before it is chosen.
    cancellation : Cancellation
        Its timeout, and what transports have to do to stop it: they register each resource that
        it leases, such as a socket.
    """

    __slots__ = (
        "__weakref__",
        "_end",
        "_held",
        "_limits",
        "_progress",
        "_schema",
        "_unclaimed",
        "cancellation",
        "query_id",
        "statement",
        "time_range",
    )

    def __init__(self, statement: Statement, limits: Limits = NO_LIMITS) -> None:
        self.statement = statement
        self._limits = limits
        self.query_id = str(uuid.uuid4())
        self.time_range: TimeRange | NoTimeRange | None = None
        self.cancellation = Cancellation()
        self._progress = State.RUNNING
        self._end: deque[tuple[State, Error | None]] = deque()  # the first one counts
        self._held: deque[pa.RecordBatchReader | NoRows] = deque()  # the result
        self._schema: pa.Schema | NoRows | None = None
        self._unclaimed: deque[None] = deque()  # not empty: nobody reads the result yet

    @property
    def sql(self) -> str:
        """The text to send."""
        return self.statement.text

    @property
    def state(self) -> State:
        """Where the query is."""
        return self._end[0][0] if self._end else self._progress

    @property
    def error(self) -> Error | None:
        """The error that every later fetch raises, or None."""
        return self._end[0][1] if self._end else None

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result; may send a request to the service. Stays after the end."""
        if isinstance(self._schema, NoRows):
            self._schema = self._schema.schema
        return self._schema

    def request(self) -> Request:
        """Return what a transport needs to know.

        Returns
        -------
        Request
            With the time range, if one was chosen.
        """
        chosen = self.time_range
        sent = chosen if isinstance(chosen, TimeRange) else None
        return Request(
            self.statement.text,
            sent,
            self.query_id,
            self.cancellation,
            self.statement,
            self._limits,
        )

    def check(self) -> None:
        """Raise the error of a query that has ended with one.

        Raises
        ------
        Error
            The same object each time.
        """
        if self._end and (error := self._end[0][1]) is not None:
            raise error

    # -- by the thread that runs it ----------------------------------------------------------

    def answer(self, result: pa.RecordBatchReader | NoRows) -> None:
        """Hold the result: from RUNNING to ANSWERED.

        Parameters
        ----------
        result : pyarrow.RecordBatchReader or NoRows
            As a transport returns it.

        Raises
        ------
        InterfaceError, OperationalError
            If the query was closed or cancelled meanwhile. The result is dropped then.
        """
        self._schema = result if isinstance(result, NoRows) else result.schema
        self._held.append(result)
        self._unclaimed.append(None)
        self._progress = State.ANSWERED
        if self._end:  # it may have come before the result was held
            self._held.clear()
            del result  # the traceback of the error must not keep it
            self.check()

    def claim(self) -> bool:
        """Decide that the result is read as rows: from ANSWERED to READING.

        Returns
        -------
        bool
            False if the result is read already, as rows or as Arrow.
        """
        return self._claim(State.READING)

    def read(self) -> pa.RecordBatch | None:
        """Wait for the next batch of a result that is READING.

        Returns
        -------
        pyarrow.RecordBatch or None
            None after the last: the query is FINISHED.

        Raises
        ------
        Error
            If the result ends early, or the query has ended.
        """
        self.check()
        batch = self._next_batch()
        if batch is None:
            self.finish()
        self.check()  # it may have ended while this waited
        return batch

    def hand_over(self) -> pa.RecordBatchReader | NoRows | None:
        """Give the result to the caller: from ANSWERED to HANDED_OVER.

        Returns
        -------
        pyarrow.RecordBatchReader, NoRows or None
            None if the result is read already, as rows or as Arrow.

        Raises
        ------
        Error
            If the query has ended with an error.
        """
        self.check()
        if not self._claim(State.HANDED_OVER):
            return None
        try:
            return self._held.popleft()
        except IndexError:  # it has ended in between
            self.check()
            raise

    def finish(self) -> None:
        """End in FINISHED, because everything was read."""
        self._end.append((State.FINISHED, None))
        self._held.clear()

    def fail(self, error: BaseException) -> Error:
        """End in FAILED, and stop what still runs.

        Parameters
        ----------
        error : BaseException
            An `Error` gets the statement and the query id, unless it has some. Anything else,
            such as KeyboardInterrupt, becomes the cause of an OperationalError.

        Returns
        -------
        Error
            What every later fetch raises.
        """
        if isinstance(error, Error):
            error.sql = error.sql or self.sql
            error.query_id = error.query_id or self.query_id
            latched = error
        else:
            latched = self._operational(
                "an earlier fetch of this result was interrupted, and rows are lost: execute the "
                "statement again",
                retryable=True,
            )
            latched.__cause__ = error
        self._stop(State.FAILED, latched, "an error has ended the query")
        first = self.error or latched
        if first is not latched and first.__cause__ is None:
            first.__cause__ = latched  # what a cancellation has caused
        return first

    # -- by any thread, signal handler or finalizer ------------------------------------------

    def cancel(self) -> None:
        """End in CANCELLED, unless it has ended. Returns at once."""
        why = "the query was cancelled"
        if not self._end:
            self._stop(State.CANCELLED, self._operational(why, retryable=False), why)

    def close(self, why: str) -> None:
        """End in CLOSED, unless it has ended or was handed over. Returns at once.

        Parameters
        ----------
        why : str
            The text of later errors.
        """
        if not self._end and self._progress is not State.HANDED_OVER:
            error = InterfaceError(why, sql=self.sql, query_id=self.query_id)
            self._stop(State.CLOSED, error, why)

    def _stop(self, state: State, error: Error, why: str) -> None:
        self._end.append((state, error))
        self.cancellation.cancel(why)
        self._held.clear()

    def _claim(self, state: State) -> bool:
        try:
            self._unclaimed.pop()  # one thread only gets it
        except IndexError:
            return False
        self._progress = state
        return True

    def _next_batch(self) -> pa.RecordBatch | None:
        try:
            result = self._held[0]
            return None if isinstance(result, NoRows) else result.read_next_batch()
        except (StopIteration, IndexError):  # IndexError: it has ended meanwhile
            return None

    def _operational(self, message: str, *, retryable: bool) -> OperationalError:
        return OperationalError(message, sql=self.sql, query_id=self.query_id, retryable=retryable)
