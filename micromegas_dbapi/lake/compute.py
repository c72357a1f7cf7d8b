"""A planned statement -> record batches, lazily, with the engine's errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from datafusion import DataFrame

from micromegas_dbapi.errors import DatabaseError, Error, InternalError, from_service
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.transport import Request, conforming, stream

__all__ = ["compute", "planned"]


def compute(
    session: Session,
    plan: Callable[[], tuple[DataFrame, list[str] | None]],
    request: Request,
) -> pa.RecordBatchReader:
    """Plan and run a statement: its first batch at once, the rest as they are read.

    Parameters
    ----------
    session : Session
    plan : callable
        One of the session's methods that plan.
    request : Request
        For errors, and its cancellation.

    Raises
    ------
    DatabaseError
        Also mid-stream.
    """
    about = {"sql": request.sql, "query_id": request.query_id}
    try:
        frame, names = plan()
        expected = frame.schema()
        # Not the C stream: it drives partitions one after another, and hangs for ever where
        # a join waits for all of them (engine 55, dynamic filters).
        batches = (batch.to_pyarrow() for batch in frame.execute_stream())
        first = next(batches, None)
    except BaseException as error:
        if not _of_the_engine(error):
            raise
        raise _translated(error, session, about)  # noqa: B904  (it has its cause)
    schema = _named(expected if first is None else _agreed(expected, first.schema), names)
    return stream(schema, _batches(schema, first, batches, session, about), request)


def planned(
    session: Session, plan: Callable[[], tuple[DataFrame, list[str] | None]], request: Request
) -> pa.Schema:
    """Plan a statement, and tell the columns of its result; see `compute`."""
    try:
        frame, names = plan()
        return _named(frame.schema(), names)
    except BaseException as error:
        if not _of_the_engine(error):
            raise
        about = {"sql": request.sql, "query_id": request.query_id}
        raise _translated(error, session, about)  # noqa: B904  (it has its cause)


def _named(schema: pa.Schema, names: list[str] | None) -> pa.Schema:
    if names is None:
        return schema
    return pa.schema([f.with_name(n) for f, n in zip(schema, names, strict=True)])


def _batches(
    schema: pa.Schema,
    first: pa.RecordBatch | None,
    rest: Iterator[pa.RecordBatch],
    session: Session,
    about: dict[str, Any],
) -> Iterator[pa.RecordBatch]:
    while first is not None:
        yield conforming(first, schema)
        try:
            first = next(rest, None)
        except BaseException as error:
            if not _of_the_engine(error):
                raise
            raise _translated(error, session, about)  # noqa: B904  (it has its cause)


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
    return type(error).__name__ == "PanicException"  # a BaseException of the Rust bindings


def _of_the_engine(error: BaseException) -> bool:
    """Tell the engine's errors from ours, and from Ctrl-C."""
    return not isinstance(error, Error) and (isinstance(error, Exception) or _panicked(error))


def _translated(error: BaseException, session: Session, about: dict[str, Any]) -> DatabaseError:
    """Turn what the engine raised into the error of ours that it means.

    Its cause is the text as a service would send it, and that one's cause what the engine raised.
    """
    if _panicked(error):
        failure: DatabaseError = InternalError(f"the engine panicked: {error}", **about)
        failure.__cause__ = error
        return failure
    if isinstance(session.refusal, DatabaseError):
        failure = session.refusal
        failure.sql, failure.query_id = about["sql"], about["query_id"]
    else:
        text = str(error) if session.refusal is None else f"Execution error: {session.refusal}"
        failure = from_service(_PYTHON_ERROR.sub(r"\1", text), **about)
    if failure.__cause__ is not None:
        failure.__cause__.__cause__ = error
    return failure
