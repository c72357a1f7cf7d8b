"""all() and fetchall(): the same rows as one by one, and the collector is enabled afterwards."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

ROWS = 20_000  # more than set the collector off, many times
SERIES = (
    f"SELECT value, CAST(value AS VARCHAR) AS text FROM generate_series(1, {ROWS}) ORDER BY value"
)
EXPECTED = [(i, str(i)) for i in range(1, ROWS + 1)]

WAYS: dict[str, Callable[[Any], Any]] = {
    "all": lambda result: result.all(),
    "fetchall": lambda result: result.fetchall(),
    "list": list,
    "fetchone": lambda result: list(iter(result.fetchone, None)),
    "fetchmany": lambda result: [
        row for part in iter(lambda: result.fetchmany(7), []) for row in part
    ],
    "partitions": lambda result: [row for part in result.partitions(7) for row in part],
    "unique": lambda result: result.unique().all(),
    "mappings": lambda result: [tuple(row.values()) for row in result.mappings().all()],
    "scalars": lambda result: [(i, str(i)) for i in result.scalars().all()],
    "freeze": lambda result: result.freeze()().all(),
}


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Record the runs of the garbage collector."""
    seen: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        seen.append(phase)

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


@pytest.fixture(scope="module")
def lake(demo_urls: dict[str, str]) -> Iterator[Any]:
    engine = sa.create_engine("micromegas+lake:///" + demo_urls["lake"].removeprefix("lake:"))
    engine.connect().close()  # the pool keeps it
    yield engine
    engine.dispose()


@pytest.mark.parametrize("way", [way for way in WAYS if way != "freeze"])  # no text's, in 1.4.40
@pytest.mark.parametrize("statement", [sa.text(SERIES), SERIES], ids=["text", "driver"])
def test_every_way_gives_the_same(lake: Any, statement: Any, way: str) -> None:
    with lake.connect() as connection:
        if isinstance(statement, str):
            result = connection.exec_driver_sql(statement)
        else:
            result = connection.execute(statement)
        assert [tuple(row) for row in WAYS[way](result)] == EXPECTED
        assert gc.isenabled()


@pytest.mark.parametrize("options", [{"stream_results": True}, {"yield_per": 100}], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_from_a_stream(lake: Any, options: dict[str, Any], way: str) -> None:
    typed = sa.text(SERIES).columns(value=sa.BigInteger, text=sa.String).subquery()
    with lake.connect().execution_options(**options) as connection:
        result = connection.execute(sa.select(typed).order_by(typed.c.value))
        assert [tuple(row) for row in WAYS[way](result)] == EXPECTED
        assert gc.isenabled()


def test_what_was_fetched_before_is_not_given_again(lake: Any) -> None:
    with lake.connect() as connection:
        result = connection.execute(sa.text(SERIES))
        assert result.fetchone() == EXPECTED[0]
        assert result.fetchmany(2) == EXPECTED[1:3]
        assert result.all() == EXPECTED[3:]
        assert (result.all(), result.fetchall(), result.fetchone()) == ([], [], None)
        result.close()
        with pytest.raises(sa.exc.ResourceClosedError):
            result.all()


def test_the_collector_rests_while_rows_are_made(lake: Any, collections: list[str]) -> None:
    with lake.connect() as connection:
        result = connection.execute(sa.text(SERIES))
        arrived = result._fetchall_impl()
        awaited: list[bool] = []

        class Arriving:
            def fetchall(self, result: Any, cursor: Any) -> Any:
                awaited.append(gc.isenabled())  # a service may take long
                return arrived

        result.cursor_strategy = Arriving()
        collections.clear()
        rows = result.fetchall()
        during = collections.count("start")
        collections.clear()
        lists = [[i] for i in range(ROWS)]
    assert awaited == [True]
    assert len(rows) == len(lists)
    assert during <= 1  # at the beginning one may be due
    assert collections.count("start") > 3


def test_a_collector_that_was_off_stays_off(lake: Any) -> None:
    gc.disable()
    try:
        with lake.connect() as connection:
            assert len(connection.execute(sa.text(SERIES)).all()) == ROWS
            assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_works_after_an_error(lake: Any) -> None:
    """A value that its type cannot convert."""

    class Picky(sa.types.TypeDecorator):  # type: ignore[type-arg]
        impl = sa.String
        cache_ok = True

        def process_result_value(self, value: Any, dialect: Any) -> Any:
            raise ValueError(f"no {value}")

    statement = sa.text(SERIES).columns(value=sa.Integer, text=Picky)
    with lake.connect() as connection:
        result = connection.execute(statement)
        with pytest.raises(ValueError, match="no 1"):
            result.all()
        assert gc.isenabled()


def test_an_error_in_the_stream_is_the_drivers(lake: Any) -> None:
    sql = f"SELECT 1 / ({ROWS} - value) AS x FROM generate_series(1, {ROWS}) ORDER BY value"
    with lake.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="ivide by zero"):
        connection.execute(sa.text(sql)).all()
    assert gc.isenabled()
