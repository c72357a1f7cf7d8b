"""Properties: dicts in rows, from every version of the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from micromegas_dbapi.errors import DataError
from sqlalchemy_micromegas import Properties
from tests.arrow.test_jsonb import encode
from tests.wire import flight

Wire = Callable[[str], Path]
process = Properties().result_processor(None, None)


def test_what_the_newer_service_sends_is_what_it_says(wire: Wire) -> None:
    """Each decoded value of jsonb_raw equals the service's own text of it in jsonb_text."""
    folder = wire("flight-0.30")
    raw, text = (flight.table(folder, f"jsonb_{kind}") for kind in ("raw", "text"))
    told = dict(zip(*(text.column(i).to_pylist() for i in (0, 1)), strict=True))
    found = dict(zip(*(raw.column(i).to_pylist() for i in (0, 1)), strict=True))
    assert found.keys() == told.keys()
    assert len(found) > 1
    for key, value in found.items():
        assert process(value) == json.loads(told[key])


def test_rows_of_the_newer_service(newer: Any) -> None:
    processes = sa.Table("processes", sa.MetaData(), autoload_with=newer)
    column = processes.c.properties
    with newer.connect() as connection:
        rows = connection.execute(sa.select(column, column["region"])).all()
    assert sorted((p.get("region"), value) for p, value in rows if p) == [
        ("eu-west", "eu-west"),
        ("us-east", "us-east"),
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), values, max_size=4))
def test_jsonb_becomes_the_dict_that_was_written(written: dict[str, Any]) -> None:
    """Results are equal twice, and rows do not share dicts."""
    first, second = process(encode(written)), process(encode(written))
    assert first == second == written
    assert first is not second
    first["changed"] = "by its owner"
    assert process(encode(written)) == written


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=5))
def test_of_equal_keys_in_a_list_the_first_counts(pairs: list[tuple[str, str]]) -> None:
    entries = [{"key": key, "value": value} for key, value in pairs]
    expected: dict[str, str] = {}
    for key, value in pairs:
        expected.setdefault(key, value)
    assert process(entries) == expected


def test_nothing_and_what_is_no_properties() -> None:
    assert process(None) is None
    assert Properties().python_type is dict
    with pytest.raises(sa.exc.CompileError, match="a cast to Properties"):
        str(
            sa.cast(sa.column("x"), Properties()).compile(
                dialect=sa.create_engine("micromegas+demo://").dialect
            )
        )


def test_json_to_other_databases(recorded: Any) -> None:
    """A reflected table can be created in another database and filled with its rows."""
    metadata = sa.MetaData()
    processes = sa.Table("processes", metadata, autoload_with=recorded)
    other = sa.create_engine("sqlite://")
    metadata.create_all(other, tables=[processes])
    with recorded.connect() as source, other.begin() as target:
        rows = [dict(row) for row in source.execute(sa.select(processes)).mappings()]
        target.execute(processes.insert(), rows)
        copied = target.execute(sa.select(processes.c.process_id, processes.c.properties))
        found = {process: properties for process, properties in copied}
    assert found == {row["process_id"]: row["properties"] for row in rows}
    other.dispose()


def test_what_is_no_jsonb(recorded: Any) -> None:
    """The error is one of PEP 249, and the alternative in its message returns the bytes."""
    values = sa.select(sa.literal(b"\x01\x02", sa.LargeBinary).label("p")).subquery()
    with recorded.connect() as connection:
        broken = connection.execute(sa.select(sa.type_coerce(values.c.p, Properties)))
        with pytest.raises(DataError, match="not a JSONB value"):
            broken.all()
        column = sa.type_coerce(sa.type_coerce(values.c.p, Properties), sa.LargeBinary)
        assert connection.execute(sa.select(column)).scalar_one() == b"\x01\x02"
