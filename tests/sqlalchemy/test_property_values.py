"""``properties["key"]`` with the accessors of JSON, for both forms in which services store them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from micromegas_dbapi.service.catalog import SCHEMAS
from tests.arrow.test_jsonb import encode
from tests.sqlalchemy.answers import each_way, rows

#: One process each. JSONB has the typed values, and lists have their texts.
VALUES: list[dict[str, Any]] = [
    {"text": "eu-west", "n": 5, "big": 2**40, "x": 1.5, "on": True, "price": "1.255"},
    {"text": "it's", "n": -7, "x": -0.25, "on": False, "price": "10"},
    {},
]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FORMS: dict[str, Callable[[pa.DataType], pa.Array]] = {
    "lists": lambda kind: pa.array(
        [[{"key": k, "value": _text(v)} for k, v in each.items()] for each in VALUES], kind
    ),
    "jsonb": lambda kind: pa.array([encode(each) for each in VALUES]).dictionary_encode(),
}


@pytest.fixture(scope="module", params=FORMS)
def processes(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Any]:
    """A table of processes, whose engine is its ``info["engine"]``."""
    folder: Path = tmp_path_factory.mktemp("lake")
    schema = SCHEMAS["processes"]
    index = schema.get_field_index("properties")
    properties = FORMS[request.param](schema.field(index).type)
    table = pa.table(
        [pa.array([str(i) for i in range(3)]), properties], names=["process_id", "properties"]
    )
    pq.write_table(table, folder / "processes.parquet")
    engine = sa.create_engine(f"micromegas+lake:///{folder}")
    yield sa.Table("processes", sa.MetaData(), autoload_with=engine, info={"engine": engine})
    engine.dispose()


#: Expression of the column of properties -> its values in the three rows.
EXPRESSIONS: list[tuple[Callable[[Any], Any], list[Any]]] = [
    (lambda p: p["text"], ["eu-west", "it's", None]),
    (lambda p: p["TEXT"].as_string(), ["eu-west", "it's", None]),
    (lambda p: p["n"], ["5", "-7", None]),
    (lambda p: p["n"].as_integer(), [5, -7, None]),
    (lambda p: p["big"].as_integer(), [2**40, None, None]),
    (lambda p: p["x"].as_float(), [1.5, -0.25, None]),
    (lambda p: p["n"].as_float(), [5.0, -7.0, None]),
    (lambda p: p["on"].as_boolean(), [True, False, None]),
    (lambda p: p["price"].as_numeric(10, 2), [Decimal("1.26"), Decimal("10.00"), None]),
    (lambda p: p["x"].as_numeric(4, 2, asdecimal=False), [1.5, -0.25, None]),
    (lambda p: sa.cast(p["n"], sa.Integer) + 1, [6, -6, None]),
    (lambda p: p["n"].as_integer() > 4, [True, False, None]),
    (lambda p: p["on"].as_boolean().is_(True), [True, False, False]),
    (lambda p: p["text"] == "it's", [False, True, None]),
    (lambda p: p["text"].is_(None), [False, False, True]),
    (lambda p: p["text"] == None, [False, False, True]),  # noqa: E711
    (lambda p: p["text"].as_string().in_(["it's", "x"]), [False, True, None]),
    (lambda p: p["text"].like("eu%"), [True, False, None]),
    (lambda p: p["text"] + "!", ["eu-west!", "it's!", None]),
    (lambda p: p[sa.literal("text")], ["eu-west", "it's", None]),
    (lambda p: p[sa.func.lower("TEXT")], ["eu-west", "it's", None]),
    (lambda p: sa.func.coalesce(p["text"], "none"), ["eu-west", "it's", "none"]),
]


@each_way
@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_expressions(
    processes: Any, expression: Any, expected: list[Any], literal_binds: bool
) -> None:
    statement = sa.select(expression(processes.c.properties)).order_by(processes.c.process_id)
    found = [value for (value,) in rows(processes.info["engine"], statement, literal_binds)]
    if literal_binds:  # without SQLAlchemy's types
        found = [float(v) if isinstance(v, Decimal) else v for v in found]
        expected = [float(v) if isinstance(v, Decimal) else v for v in expected]
    assert found == expected


def test_in_a_subquery_and_in_groups(processes: Any) -> None:
    p = processes.c.properties
    inner = sa.select(p["n"].label("n"), p["text"].label("t")).subquery()
    total = sa.select(sa.func.sum(inner.c.n.as_integer())).where(inner.c.t != "x")
    grouped = (
        sa.select(p["on"].as_boolean().label("on"), sa.func.count())
        .group_by(p["on"].as_boolean())
        .order_by("on")
    )
    with processes.info["engine"].connect() as connection:
        assert connection.scalar(total) == -2
        assert connection.execute(grouped).all() == [(False, 1), (True, 1), (None, 1)]
        cached = sa.select(processes.c.process_id).where(p[sa.bindparam("key")] == "it's")
        assert connection.execute(cached, {"key": "text"}).all() == [("1",)]
        assert connection.execute(cached, {"key": "price"}).all() == []


def test_a_text_that_cannot_be_converted_is_an_error(processes: Any) -> None:
    number = processes.c.properties["text"].as_integer()
    with processes.info["engine"].connect() as connection:
        with pytest.raises(DBAPIError, match=r"eu-west|it.s"):
            connection.execute(sa.select(number)).all()
        if hasattr(sa, "try_cast"):
            tried = sa.select(sa.try_cast(processes.c.properties["text"], sa.Integer))
            assert connection.execute(tried).all() == [(None,)] * 3


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda p: p["a", "b"], r"invalid key \('a', 'b'\) .* outermost level"),
    (lambda p: p[("a",)], r"invalid key \('a',\) .* accepted: a str or an expression"),
    (lambda p: p[0], "invalid key 0 of a property"),
    (lambda p: p[1:2], "invalid key slice"),
    (lambda p: p["a"].as_json(), "1 and '1' are equal; accepted: as_string"),
    (lambda p: p["a"] == 5, "text, which cannot be compared with 5; accepted: a str, or as_int"),
    (lambda p: p["a"] > 0.5, "compared with 0.5"),
    (lambda p: p["a"] == True, "compared with True"),  # noqa: E712
    (lambda p: p["a"].in_(["1", 2]), "compared with 2"),
    (lambda p: p["a"].between(1, 2), "compared with 1"),
    (lambda p: p["a"] < Decimal(1), "compared with Decimal"),
    (lambda p: p.as_string(), "as_string"),  # as of each JSON column of SQLAlchemy
]


@pytest.mark.parametrize(("expression", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refused(processes: Any, expression: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        expression(processes.c.properties)
