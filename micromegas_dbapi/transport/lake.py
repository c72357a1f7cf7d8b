"""In process: DataFusion over a lake's folder."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from micromegas_dbapi.errors import (
    DatabaseError,
    Error,
    InternalError,
    ProgrammingError,
    from_service,
)
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.session import Session
from micromegas_dbapi.transport import Request, stream

__all__ = ["LakeTransport"]


class LakeTransport:
    """A lake, queried in process.

    Parameters
    ----------
    path : Path
        The folder; see `micromegas_dbapi.lake.folder`.
    temporary : TemporaryDirectory, optional
        To be removed when the transport is closed.

    Raises
    ------
    OperationalError
        If the folder does not exist.
    """

    def __init__(
        self, path: Path, temporary: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        self._folder = Folder(path)
        self._temporary = temporary

    @classmethod
    def demo(cls, seed: int = 0, size: int = 1) -> LakeTransport:
        """Generate a lake whose newest event is now, in a temporary folder."""
        from micromegas_dbapi.lake.demo import write_demo

        temporary = tempfile.TemporaryDirectory(prefix="micromegas-demo-")
        try:
            write_demo(Path(temporary.name), seed=seed, size=size, now=time.time_ns())
        except ValueError as error:
            temporary.cleanup()
            raise ProgrammingError(f"demo: cannot be made: {error}") from error
        return cls(Path(temporary.name), temporary)

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The first batch is computed at once, the rest lazily."""
        session = Session(self._folder, request.time_range)
        try:
            frame, names = session.query(request.sql)
            planned = frame.schema()
            # Not the C stream: it drives partitions one after another, and hangs for ever where
            # a join waits for all of them (engine 55, dynamic filters).
            batches = (batch.to_pyarrow() for batch in frame.execute_stream())
            first = next(batches, None)
        except BaseException as error:
            if not _of_the_engine(error):
                raise
            raise _translated(error, session, request) from error
        schema = planned if first is None else _agreed(planned, first.schema)
        if names is not None:
            schema = pa.schema([f.with_name(n) for f, n in zip(schema, names, strict=True)])
        return stream(schema, _batches(schema, first, batches, session, request))

    def close(self) -> None:
        """Remove a demo's files."""
        if self._temporary is not None:
            self._temporary.cleanup()


def _batches(
    schema: pa.Schema,
    first: pa.RecordBatch | None,
    rest: Iterator[pa.RecordBatch],
    session: Session,
    request: Request,
) -> Iterator[pa.RecordBatch]:
    while first is not None:
        yield _conforming(first, schema)
        try:
            first = next(rest, None)
        except BaseException as error:
            if not _of_the_engine(error):
                raise
            raise _translated(error, session, request) from error


def _agreed(planned: pa.Schema, seen: pa.Schema) -> pa.Schema:
    """Join what the plan and its first batch say of nulls, which may differ (floor(), DISTINCT)."""
    if planned.equals(seen):
        return planned
    return pa.schema([_nullable_as(a, b) for a, b in zip(planned, seen, strict=True)])


def _nullable_as(a: pa.Field, b: pa.Field) -> pa.Field:
    field = b if a.type != b.type else a
    return field.with_nullable(a.nullable or b.nullable)


def _conforming(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.equals(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


_PYTHON_ERROR = re.compile(
    r"(?:Python error )?PyErr \{ type: .*?, value: (.*?), traceback: .*\}", re.DOTALL
)


def _panicked(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"  # a BaseException of the Rust bindings


def _of_the_engine(error: BaseException) -> bool:
    """Tell the engine's errors from ours, and from Ctrl-C."""
    return not isinstance(error, Error) and (isinstance(error, Exception) or _panicked(error))


def _translated(error: BaseException, session: Session, request: Request) -> DatabaseError:
    """Turn what the engine raised into the error of ours that it means."""
    about: dict[str, Any] = {"sql": request.sql, "query_id": request.query_id}
    if isinstance(session.refusal, DatabaseError):
        session.refusal.sql, session.refusal.query_id = request.sql, request.query_id
        return session.refusal
    if _panicked(error):
        return InternalError(f"the engine panicked: {error}", **about)
    text = str(error) if session.refusal is None else f"Execution error: {session.refusal}"
    return from_service(_PYTHON_ERROR.sub(r"\1", text), **about)
