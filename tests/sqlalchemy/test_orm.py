"""The ORM over a service: mapped by reflection, loaded in each way, never written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import (
    Session,
    configure_mappers,
    joinedload,
    lazyload,
    selectinload,
    subqueryload,
)

PROCESSES = 9  # of the demo lake


@pytest.fixture(scope="module")
def classes(demo: Any) -> Any:
    base = automap_base()
    base.prepare(autoload_with=demo)
    configure_mappers()  # makes the other sides of relations
    return base.classes


@pytest.fixture
def session(demo: Any) -> Iterator[Any]:
    with Session(demo) as opened:
        yield opened


@pytest.fixture(scope="module")
def streams_of(demo: Any) -> dict[str, int]:
    """The number of streams of each process, counted by the engine."""
    sql = "SELECT process_id, count(*) FROM streams GROUP BY process_id"
    with demo.connect() as connection:
        return {process: count for process, count in connection.exec_driver_sql(sql)}


@pytest.mark.parametrize("loader", [lazyload, joinedload, selectinload, subqueryload])
def test_each_loader(
    session: Any, classes: Any, streams_of: dict[str, int], loader: Callable[[Any], Any]
) -> None:
    mapped = classes.processes
    statement = select(mapped).options(loader(mapped.streams_collection))
    found = session.execute(statement).unique().scalars().all()
    assert len(found) == PROCESSES
    loaded = {each.process_id: len(each.streams_collection) for each in found}
    assert {process: count for process, count in loaded.items() if count} == streams_of
    assert all(s.processes is each for each in found for s in each.streams_collection)


def test_the_query_of_before_2_0(session: Any, classes: Any, streams_of: dict[str, int]) -> None:
    mapped = classes.processes
    query = session.query(mapped).filter(mapped.streams_collection.any())
    assert query.count() == len(streams_of)
    ordered = query.order_by(mapped.exe, mapped.process_id)
    assert ordered.first().process_id == ordered.limit(1).one().process_id
    assert [each.exe for each in ordered] == sorted(each.exe for each in query)
    loaded = query.options(subqueryload(mapped.streams_collection)).all()
    assert sum(len(each.streams_collection) for each in loaded) == sum(streams_of.values())


def test_get_and_the_parent(session: Any, classes: Any) -> None:
    mapped = classes.processes
    child = session.execute(select(mapped).where(mapped.parent_process_id != "")).scalars().first()
    parent = session.get(mapped, child.parent_process_id)
    assert child.processes is parent
    assert child in parent.processes_collection
    assert parent.parent_process_id == ""
    assert parent.processes is None  # '' is nobody's id
    assert session.get(mapped, "nobody") is None


def test_conditions_on_relations(session: Any, classes: Any) -> None:
    processes, streams = classes.processes, classes.streams
    tagged = select(streams).where(func.array_has(streams.tags, "cpu"))
    exes = {each.processes.exe for each in session.execute(tagged).scalars()}
    by_condition = select(processes.exe).where(
        processes.streams_collection.any(func.array_has(streams.tags, "cpu"))
    )
    assert set(session.execute(by_condition).scalars()) == exes
    by_join = select(processes.exe).join(streams).where(func.array_has(streams.tags, "cpu"))
    assert set(session.execute(by_join).scalars()) == exes
    one = sorted(exes)[0]
    having = select(func.count()).where(streams.processes.has(processes.exe == one))
    assert session.execute(having).scalar_one() > 0


def test_options_reach_the_driver(session: Any, classes: Any) -> None:
    statement = select(func.count()).select_from(classes.streams)
    options = {"begin": "2000-01-01T00:00:00Z", "end": "2000-01-02T00:00:00Z"}
    assert session.execute(statement).scalar_one() > 0
    assert session.execute(statement, execution_options=options).scalar_one() == 0
    assert session.execute(statement.execution_options(**options)).scalar_one() == 0
    query = session.query(classes.streams)
    assert query.execution_options(**options).count() == 0


def test_in_parts(session: Any, classes: Any) -> None:
    statement = select(classes.streams).execution_options(yield_per=2)
    sizes = [len(part) for part in session.execute(statement).scalars().partitions()]
    assert set(sizes[:-1]) == {2}
    assert sum(sizes) == session.query(classes.streams).count()


def test_nothing_is_written(session: Any, classes: Any) -> None:
    session.add(classes.processes(process_id="x"))
    with pytest.raises(CompileError, match="do not support INSERT"):
        session.flush()
    session.rollback()
    found = session.query(classes.processes).first()
    found.exe = "other"
    with pytest.raises(CompileError, match="do not support UPDATE"):
        session.flush()
    session.rollback()
    session.delete(session.query(classes.streams).first())
    with pytest.raises(CompileError, match="do not support DELETE"):
        session.flush()
    session.rollback()
