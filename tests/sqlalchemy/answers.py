"""The result of a statement, with parameters and with ``literal_binds``."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from datafusion import SessionContext

DIALECT = sa.create_engine("micromegas+demo://").dialect

# Fixtures of one engine each over the same recorded data: in process, and over each wire.
RECORDED = ["recorded", "over_http", "over_grpc", "over_gateway", "over_web"]

# Parameters of the fixture `demo`.
DEMO = ["lake", "http", "grpc"]

_WAYS = ["bound", "literal"]
each_way = pytest.mark.parametrize("literal_binds", [False, True], ids=_WAYS)


def shown(case: Any) -> str:
    """Name a test by its statement."""
    if isinstance(case, tuple):
        case = case[0]
    return " ".join(str(case.compile(dialect=DIALECT)).split())[:70]


def on_each_engine(statements: list[tuple[Any, Any]]) -> pytest.MarkDecorator:
    """Each statement on each engine of `demo`, and each both bound and literal, in turn."""
    return in_turn(
        [
            (case, shown(case), engine, bool((number + turn) % 2))
            for number, case in enumerate(statements)
            for turn, engine in enumerate(DEMO)
        ]
    )


def in_turn(combinations: Iterable[tuple[tuple[Any, ...], str, str, bool]]) -> pytest.MarkDecorator:
    """Parametrize by tuples of a case, its name, the engine, and whether values are literals."""
    return pytest.mark.parametrize(
        ("case", "demo", "literal_binds"),
        [
            pytest.param(case, engine, literal, id=f"{name}-{engine}-{_WAYS[literal]}")
            for case, name, engine, literal in combinations
        ],
        indirect=["demo"],
    )


def rows(engine: Any, statement: Any, literal_binds: bool) -> list[tuple[Any, ...]]:
    """Execute a statement. As plain text it has no types, and the rows are the driver's."""
    with engine.connect() as connection:
        if not literal_binds:
            return [tuple(row) for row in connection.execute(statement)]
        options = {"literal_binds": True}
        text = str(statement.compile(dialect=engine.dialect, compile_kwargs=options))
        return [tuple(row) for row in connection.exec_driver_sql(text)]


def check(engine: Any, statement: Any, answer: Iterable[Any], literal_binds: bool) -> None:
    """Compare the result of a statement with the expected one.

    Parquet, over HTTP, has no intervals: the dialect asks for numbers, which its types make
    intervals of again, but for those inside of arrays.
    """
    expected, parquet = list(answer), engine.driver == "http"
    if parquet and any(isinstance(v, list) and _intervals(v) for row in expected for v in row):
        with pytest.raises(sa.exc.NotSupportedError, match="has no intervals"):
            rows(engine, statement, literal_binds)
        return
    found = rows(engine, statement, literal_binds)
    if literal_binds:
        numbered = [tuple(_number(v) if parquet else v for v in row) for row in expected]
        assert untyped(found) == untyped(numbered)
        return
    assert found == expected
    assert [[type(v) for v in row] for row in found] == [[type(v) for v in r] for r in expected]


def told_otherwise(statement: Any) -> list[tuple[str, str, str]]:
    """Return the columns whose reported type differs from their actual type.

    What a service tells is the plan before types are made to agree, as the engine's frame does.
    """
    options = {"literal_binds": True}
    frame = SessionContext().sql(str(statement.compile(dialect=DIALECT, compile_kwargs=options)))
    return [
        (field.name, str(field.type), str(came.type))
        for batch in frame.collect()
        for field, came in zip(frame.schema(), batch.schema, strict=True)
        if field.type != came.type
    ]


def _intervals(values: list[Any]) -> bool:
    return any(isinstance(value, timedelta) for value in values)


def _number(value: Any) -> Any:
    """Count an interval's nanoseconds."""
    return value // timedelta(microseconds=1) * 1000 if isinstance(value, timedelta) else value


def untyped(found: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Undo the conversions of SQLAlchemy's types."""
    return [tuple(_untyped(value) for value in row) for row in found]


def _untyped(value: Any) -> Any:
    if isinstance(value, list):
        return [_untyped(each) for each in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, enum.Enum):
        return value.name
    return str(value) if isinstance(value, uuid.UUID) else value
