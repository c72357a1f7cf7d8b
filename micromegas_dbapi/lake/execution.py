"""Run a planned query, lazily, and convert the engine's errors to the driver's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.arrow.readers import cast_batch
from micromegas_dbapi.errors import DatabaseError, Error, InternalError, from_service
from micromegas_dbapi.lake.batches import BatchIterator, StoppedError
from micromegas_dbapi.lake.engine_stack import is_deep
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.large_stack import run_with_large_stack
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import check_cancelled, stream

__all__ = ["PlannedQuery"]


class PlannedQuery:
    """A query with a logical plan that has not been started.

    Parameters
    ----------
    session : Session
        Reports the errors of the functions that the engine called.
    plan : callable
        Returns a DataFrame and its column names, as `Session.query` does.
    request : Request
        Its cancellation ends the execution, but not the planning.

    Attributes
    ----------
    schema : pyarrow.Schema
        The columns of its result, according to the plan.

    Raises
    ------
    DatabaseError
        If the query cannot be planned.
    """

    def __init__(
        self,
        session: Session,
        plan: Callable[[], tuple[DataFrame, list[str] | None]],
        request: Request,
    ) -> None:
        self._session = session
        self._request = request
        self._run: Callable[[Callable[[], Any]], Any] = _call

        def _planned() -> tuple[DataFrame, list[str] | None, pa.Schema]:
            frame, names = plan()
            return frame, names, frame.schema()

        try:
            if is_deep(request.statement):
                self._run = run_with_large_stack
            self._frame, names, schema = self._run(_planned)
        except BaseException as error:
            raise self._converted(error)  # noqa: B904  (it has its cause)
        self.schema: pa.Schema = schema
        if names is not None:
            renamed = (f.with_name(name) for f, name in zip(schema, names, strict=True))
            self.schema = pa.schema(list(renamed))

    def start(self) -> Iterator[pa.RecordBatch]:
        """Create the physical plan and return the batches, each computed on demand.

        Returns
        -------
        iterator of pyarrow.RecordBatch
            Their fields may differ from `schema` in nullability. Raises DatabaseError if the
            execution fails.

        Raises
        ------
        DatabaseError
            If there is no physical plan.
        """
        try:
            batches = self._run(lambda: BatchIterator(self._frame, self._request.cancellation))
        except BaseException as error:
            raise self._converted(error)  # noqa: B904  (it has its cause)
        return self._iterate(batches)

    def reader(self) -> pa.RecordBatchReader:
        """Run the query: the first batch is computed now, the others as they are read.

        Returns
        -------
        pyarrow.RecordBatchReader
            Raises DatabaseError if the execution fails later.

        Raises
        ------
        DatabaseError
            If the execution fails.
        """
        batches = self.start()
        first = next(batches, None)
        schema = self.schema if first is None else _merged(self.schema, first.schema)
        return stream(schema, _cast_all(schema, first, batches), self._request)

    def _iterate(self, batches: BatchIterator) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            raise self._converted(error)  # noqa: B904  (it has its cause)
        finally:
            batches.stop()
            self._request.cancellation.settled()

    def _converted(self, error: BaseException) -> BaseException:
        """Return the exception to raise: a driver error, except for KeyboardInterrupt etc."""
        if isinstance(error, StoppedError):
            check_cancelled(self._request, error)
        if isinstance(error, Error) or not (isinstance(error, Exception) or _is_panic(error)):
            return error
        return _driver_error(error, self._session, self._request)


def _call(function: Callable[[], Any]) -> Any:
    return function()


def _cast_all(
    schema: pa.Schema, first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield cast_batch(first, schema)
        del first
        for batch in rest:
            yield cast_batch(batch, schema)


def _merged(planned: pa.Schema, actual: pa.Schema) -> pa.Schema:
    """Merge the nullability of the plan and of a batch: they may differ (floor(), DISTINCT)."""
    if planned.equals(actual):
        return planned
    return pa.schema([_merged_field(a, b) for a, b in zip(planned, actual, strict=True)])


def _merged_field(planned: pa.Field, actual: pa.Field) -> pa.Field:
    field = actual if planned.type != actual.type else planned
    return field.with_nullable(planned.nullable or actual.nullable)


_PYTHON_ERROR = re.compile(
    r"(?:Python error )?PyErr \{ type: .*?, value: (.*?), traceback: .*\}", re.DOTALL
)


def _is_panic(error: BaseException) -> bool:
    # While planning, the binding raises a BaseException; while executing, an Exception.
    return type(error).__name__ in ("PanicException", "RustPanic")


def _driver_error(error: BaseException, session: Session, request: Request) -> DatabaseError:
    """Convert an exception of the engine.

    The cause of the result is the text as a service would send it; the cause of that is the
    engine's exception.
    """
    sql, query_id = request.sql, request.query_id
    if _is_panic(error):
        text = f"the engine panicked: {error}"
        failure: DatabaseError = InternalError(text, sql=sql, query_id=query_id)
        failure.__cause__ = error
        return failure
    raised = session.errors.last
    if isinstance(raised, DatabaseError):
        failure = raised
        failure.sql, failure.query_id = sql, query_id
    else:
        text = str(error) if raised is None else f"Execution error: {raised}"
        failure = from_service(_PYTHON_ERROR.sub(r"\1", text), sql=sql, query_id=query_id)
    if failure.__cause__ is not None:
        failure.__cause__.__cause__ = error
    return failure
