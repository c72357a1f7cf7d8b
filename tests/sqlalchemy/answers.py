"""What a statement answers, with its values bound and with ``literal_binds``."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

DIALECT = sa.create_engine("micromegas+demo://").dialect

each_way = pytest.mark.parametrize("literal_binds", [False, True], ids=["bound", "literal"])


def shown(case: Any) -> str:
    """Name a test by its statement."""
    if isinstance(case, tuple):
        case = case[0]
    return " ".join(str(case.compile(dialect=DIALECT)).split())[:70]


def rows(engine: Any, statement: Any, literal_binds: bool) -> list[tuple[Any, ...]]:
    """Run a statement; as a text alone it has no types, and the rows are the driver's."""
    with engine.connect() as connection:
        if not literal_binds:
            return [tuple(row) for row in connection.execute(statement)]
        options = {"literal_binds": True}
        text = str(statement.compile(dialect=engine.dialect, compile_kwargs=options))
        return [tuple(row) for row in connection.exec_driver_sql(text)]


def check(engine: Any, statement: Any, answer: Iterable[Any], literal_binds: bool) -> None:
    """Compare what a statement answers with what it should."""
    found, expected = rows(engine, statement, literal_binds), list(answer)
    if literal_binds:
        assert untyped(found) == untyped(expected)
        return
    assert found == expected
    assert [[type(v) for v in row] for row in found] == [[type(v) for v in r] for r in expected]


def untyped(found: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Leave out what SQLAlchemy's types make of the driver's values."""
    return [tuple(_untyped(value) for value in row) for row in found]


def _untyped(value: Any) -> Any:
    if isinstance(value, list):
        return [_untyped(each) for each in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, enum.Enum):
        return value.name
    return str(value) if isinstance(value, uuid.UUID) else value
