"""Statements with their results, on the engines of services: DataFusion 43 and 54.

They need environments of their own, and run where it is asked for: see CONTRIBUTING.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.ranges.range_options import RangeOptions
from micromegas_dbapi.service import Service
from micromegas_dbapi.transport.protocol import Request
from tests.engines.pipe import PYTHONS, Pipe, RefusedError
from tests.sqlalchemy.answers import DIALECT, check, each_way, rows, untyped
from tests.sqlalchemy.expressions import Statements, answer
from tests.sqlalchemy.test_mixed_types import CASES as MIXED
from tests.sqlalchemy.test_queries import CASES as QUERIES
from tests.sqlalchemy.test_statements import ANSWERS
from tests.sqlalchemy.test_time_places import CASES as TIMES
from tests.sqlalchemy.test_types import CASES as PLACED
from tests.sqlalchemy.test_types import KINDS, table

SCRIPT = Path(__file__).with_name("bare_engine.py")
# Places of a type where no two values of it stand in one column.
ALONE = {"literals", "cast", "cast of NULL", "coalesce"}


class PipeTransport(Pipe):
    """A transport to an empty engine."""

    def __init__(self, python: str) -> None:
        #: Statements whose rows were of other types than told, and what they were.
        self.told_otherwise: list[tuple[str, dict[bytes, bytes]]] = []
        super().__init__(python, SCRIPT)

    def run(self, request: Request) -> pa.RecordBatchReader:
        try:
            found = self.ask(request.sql)
        except RefusedError as error:
            about = {"sql": request.sql, "query_id": request.query_id}
            raise from_service(str(error), **about)  # noqa: B904  (it has its cause)
        if found.schema.metadata:
            self.told_otherwise.append((request.sql, found.schema.metadata))
        return found.to_reader()

    def service(self) -> Service:
        return Service("lake", "0.1")


@pytest.fixture(scope="module", params=PYTHONS)
def services_transport(request: pytest.FixtureRequest) -> Iterator[PipeTransport]:
    transport = PipeTransport(request.param)
    yield transport
    transport.close()


@pytest.fixture
def told_otherwise(services_transport: PipeTransport) -> list[Any]:
    """The differences between reported and actual types within the test."""
    services_transport.told_otherwise = []
    return services_transport.told_otherwise


@pytest.fixture(scope="module")
def services_engine(services_transport: PipeTransport) -> Iterator[Any]:
    transport = services_transport
    ranges = Ranges(transport, options=RangeOptions(infer_range="off"))  # type: ignore[arg-type]
    connection = mm.Connection(transport, ranges, "datetime")  # type: ignore[arg-type]
    engine = sa.create_engine(
        "micromegas+demo://", creator=lambda: connection, poolclass=sa.pool.StaticPool
    )
    with engine.connect() as asked:
        release = asked.exec_driver_sql("SELECT version()").scalar_one()
    yield engine, re.findall(r"\d+", release)[0]
    connection.close()


def text(statement: Any) -> str:
    return str(statement.compile(dialect=DIALECT))


def placed(kind: str, place: str, shape: Any) -> tuple[Any, Any]:
    type_, values, _ = KINDS[kind]
    t = table(type_, values)
    statement, answer = shape(type_, t, t.c.v, values)
    return statement, answer


# Each with the words that its exceptions are known by.
CASES = [
    *((" ".join(text(case[0]).split()), *case) for case in [*ANSWERS, *QUERIES]),
    *((f"{kind}-{place}", *placed(kind, place, shape)) for kind, place, shape in PLACED),
    *((f"time {case.id}", *case.values) for case in TIMES),
]

#: Release of DataFusion -> what it cannot do in any form -> the cases.
EXCEPTIONS: dict[str, dict[str, list[str]]] = {
    "43": {
        "VALUES of 64 bits without sign: it takes the small ones for signed, and no others then": [
            f"ubigint-{place}"
            for kind, place, _ in PLACED
            if kind == "ubigint" and place not in ALONE
        ],
        "ORDER BY of a UNION ALL takes the LIMIT of its parts away": [
            "LIMIT ?) AS anon_1 UNION ALL"
        ],
        "encode() takes binary for text": ["SELECT encode("],
        "EXISTS that is not correlated is not implemented": ["WHERE t.i = ?) ORDER BY t.i"],
        "ORDER BY an aggregate that is not selected loses the columns of VALUES": [
            "GROUP BY t.s ORDER BY sum(t.x)"
        ],
    },
}


def exception(release: str, words: str) -> str | None:
    known = EXCEPTIONS.get(release, {})
    return next((why for why, cases in known.items() if any(c in words for c in cases)), None)


@pytest.mark.engines
@each_way
@pytest.mark.parametrize(
    ("words", "statement", "answer"), CASES, ids=[case[0][:70] for case in CASES]
)
def test_answer(
    services_engine: Any,
    told_otherwise: list[Any],
    words: str,
    statement: Any,
    answer: Any,
    literal_binds: bool,
) -> None:
    engine, release = services_engine
    why = exception(release, words)
    if why is None:
        check(engine, statement, answer, literal_binds)
        assert told_otherwise == []
        return
    with pytest.raises((sa.exc.DBAPIError, AssertionError)):  # still
        check(engine, statement, answer, literal_binds)


@pytest.mark.engines
@each_way
@pytest.mark.parametrize(("words", "statement", "answer"), MIXED, ids=[case[0] for case in MIXED])
def test_mixed_types(
    services_engine: Any,
    told_otherwise: list[Any],
    words: str,
    statement: Any,
    answer: Any,
    literal_binds: bool,
) -> None:
    found = rows(services_engine[0], statement, literal_binds)
    assert untyped(found) == untyped(answer) if literal_binds else found == answer
    assert told_otherwise == []


@pytest.mark.engines
def test_random_statements(services_engine: Any, told_otherwise: list[Any], demo_lake: Any) -> None:
    """Each gives the same as on the embedded engine, or fails."""
    engine, _ = services_engine
    seeds, alike = range(2000), 0
    with engine.connect() as there, demo_lake.connect() as here:
        for seed in seeds:
            statement = Statements(seed).statement()
            found, expected = answer(there, statement), answer(here, statement)
            if isinstance(found, list) and isinstance(expected, list):
                assert found == expected, (seed, text(statement))
                alike += 1
    assert told_otherwise == []
    assert alike > 0.95 * len(seeds)
