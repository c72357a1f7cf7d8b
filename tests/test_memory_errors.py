"""Memory that runs out, and errors of pyarrow, are errors of this driver wherever they occur."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.transport.protocol import Request

BATCH = pa.RecordBatch.from_pydict({"n": [1, 2]})
ERRORS = {
    "MemoryError": MemoryError(),
    "ArrowMemoryError": pa.ArrowMemoryError("malloc of size 9 failed"),
    "ArrowCapacityError": pa.ArrowCapacityError("more than 2 GiB"),
}
FETCH: dict[str, Callable[[mm.Cursor], Any]] = {
    "fetchone": lambda cursor: cursor.fetchone(),
    "fetchmany": lambda cursor: cursor.fetchmany(9),
    "fetchall": lambda cursor: cursor.fetchall(),
    "iteration": list,
    "fetch_arrow_table": lambda cursor: cursor.fetch_arrow_table(),
    "fetch_df": lambda cursor: cursor.fetch_df(),
    "fetch_polars": lambda cursor: cursor.fetch_polars(),
}
errors = pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)


class Failing:
    """A transport whose query fails, or whose result does."""

    def __init__(self, error: Exception | None = None, *, lazily: bool = False) -> None:
        self._error, self._lazily = error, lazily

    def run(self, request: Request) -> pa.RecordBatchReader:
        if self._error is not None and not self._lazily:
            raise self._error
        return pa.RecordBatchReader.from_batches(BATCH.schema, self._batches())

    def schema(self, request: Request) -> pa.Schema:
        return self.run(request).schema

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self._error is not None:
            raise self._error
        yield BATCH

    def stamp(self) -> None:
        return None

    def presumed(self) -> mm.Service:
        return mm.Service("canned", "0.1")

    def close(self) -> None:
        pass

    def cursor(self) -> mm.Cursor:
        return mm.Connection(self, Ranges(self), "datetime").cursor()  # type: ignore[arg-type]


def expect(call: Callable[[], Any], error: Exception) -> None:
    words = "does not fit in memory" if isinstance(error, MemoryError) else "cannot be read"
    with pytest.raises(mm.OperationalError, match=f"the result {words}") as caught:
        call()
    assert type(caught.value.__cause__) is type(error)


@errors
def test_execute(error: Exception) -> None:
    with Failing(error).cursor().connection as connection:
        cursor = connection.cursor()
        expect(lambda: cursor.execute("SELECT 1"), error)
        expect(lambda: cursor.describe("SELECT 1"), error)


@errors
@pytest.mark.parametrize("method", FETCH)
def test_reading(error: Exception, method: str) -> None:
    with Failing(error, lazily=True).cursor().connection as connection:
        cursor = connection.cursor().execute("SELECT 1")
        expect(lambda: FETCH[method](cursor), error)
        if method in ("fetchone", "fetchmany", "fetchall"):
            expect(cursor.fetchall, error)  # and again: rows are missing


def out_of_memory(*_: Any, **__: Any) -> NoReturn:
    raise MemoryError


@pytest.mark.parametrize(
    ("place", "method"),
    [
        ("micromegas_dbapi.arrow.rows.columns", "fetchone"),
        ("micromegas_dbapi.arrow.rows.columns", "fetchmany"),
        ("micromegas_dbapi.arrow.rows.columns", "fetchall"),
        ("micromegas_dbapi.arrow.rows.columns", "iteration"),
        ("micromegas_dbapi.arrow.handover._consolidated", "fetch_arrow_table"),
        ("micromegas_dbapi.arrow.handover._consolidated", "fetch_df"),
        ("micromegas_dbapi.arrow.pandas_frames._supported", "fetch_df"),
        ("micromegas_dbapi.arrow.polars_frames._has_only_categoricals", "fetch_polars"),
    ],
)
def test_conversion(monkeypatch: pytest.MonkeyPatch, place: str, method: str) -> None:
    with Failing().cursor().connection as connection:
        cursor = connection.cursor().execute("SELECT 1")
        monkeypatch.setattr(place, out_of_memory)
        expect(lambda: FETCH[method](cursor), MemoryError())
