"""A planned statement -> record batches, lazily, with the engine's errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.arrow.readers import cast_batch
from micromegas_dbapi.errors import DatabaseError, Error, InternalError, from_service
from micromegas_dbapi.lake.batches import Batches, StoppedError
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import check_cancelled, stream

__all__ = ["Planned", "compute"]


class Planned:
    """A statement that the engine understands, and has not begun to compute.

    Parameters
    ----------
    session : Session
    plan : callable
        One of the session's methods that plan.
    request : Request
        For errors, and its cancellation, which ends the computing; planning runs to its end.

    Attributes
    ----------
    schema : pyarrow.Schema
        The columns of its result.

    Raises
    ------
    DatabaseError
    """

    def __init__(
        self,
        session: Session,
        plan: Callable[[], tuple[DataFrame, list[str] | None]],
        request: Request,
    ) -> None:
        self._session = session
        self._request = request
        try:
            self._frame, names = plan()
            schema = self._frame.schema()
        except BaseException as error:
            raise self._failure(error)  # noqa: B904  (it has its cause)
        self.schema: pa.Schema = schema
        if names is not None:
            named = (f.with_name(name) for f, name in zip(schema, names, strict=True))
            self.schema = pa.schema(list(named))

    def start(self) -> Iterator[pa.RecordBatch]:
        """Plan how to compute it, and give its batches, each computed when it is asked for.

        What they say of nulls may differ from what the schema says.

        Raises
        ------
        DatabaseError
            Also mid-stream.
        """
        try:
            batches = Batches(self._frame, self._request.cancellation)
        except BaseException as error:
            raise self._failure(error)  # noqa: B904  (it has its cause)
        return self._guarded(batches)

    def _guarded(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            raise self._failure(error)  # noqa: B904  (it has its cause)
        finally:
            batches.stop()
            self._request.cancellation.settled()

    def _failure(self, error: BaseException) -> BaseException:
        """Give the error to raise: of ours, but for Ctrl-C and the like."""
        if isinstance(error, StoppedError):
            check_cancelled(self._request, error)
        if isinstance(error, Error) or not (isinstance(error, Exception) or _panicked(error)):
            return error
        return _translated(error, self._session, self._request)


def compute(planned: Planned, request: Request) -> pa.RecordBatchReader:
    """Run a statement: its first batch at once, the rest as they are read.

    Raises
    ------
    DatabaseError
        Also mid-stream.
    """
    batches = planned.start()
    first = next(batches, None)
    schema = planned.schema if first is None else _agreed(planned.schema, first.schema)
    return stream(schema, _conforming(schema, first, batches), request)


def _conforming(
    schema: pa.Schema, first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield cast_batch(first, schema)
        del first
        for batch in rest:
            yield cast_batch(batch, schema)


def _agreed(planned: pa.Schema, seen: pa.Schema) -> pa.Schema:
    """Join what the plan and its first batch say of nulls, which may differ (floor(), DISTINCT)."""
    if planned.equals(seen):
        return planned
    return pa.schema([_nullable_as(a, b) for a, b in zip(planned, seen, strict=True)])


def _nullable_as(a: pa.Field, b: pa.Field) -> pa.Field:
    field = b if a.type != b.type else a
    return field.with_nullable(a.nullable or b.nullable)


_PYTHON_ERROR = re.compile(
    r"(?:Python error )?PyErr \{ type: .*?, value: (.*?), traceback: .*\}", re.DOTALL
)


def _panicked(error: BaseException) -> bool:
    # A BaseException of the Rust bindings while planning, an exception of theirs while computing.
    return type(error).__name__ in ("PanicException", "RustPanic")


def _translated(error: BaseException, session: Session, request: Request) -> DatabaseError:
    """Turn what the engine raised into the error of ours that it means.

    Its cause is the text as a service would send it, and that one's cause what the engine raised.
    """
    sql, query_id = request.sql, request.query_id
    if _panicked(error):
        text = f"the engine panicked: {error}"
        failure: DatabaseError = InternalError(text, sql=sql, query_id=query_id)
        failure.__cause__ = error
        return failure
    if isinstance(session.refusal, DatabaseError):
        failure = session.refusal
        failure.sql, failure.query_id = sql, query_id
    else:
        text = str(error) if session.refusal is None else f"Execution error: {session.refusal}"
        failure = from_service(_PYTHON_ERROR.sub(r"\1", text), sql=sql, query_id=query_id)
    if failure.__cause__ is not None:
        failure.__cause__.__cause__ = error
    return failure
