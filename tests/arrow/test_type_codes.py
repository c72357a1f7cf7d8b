"""Type codes: the SQL name of every Arrow type, the PEP 249 type objects, and descriptions."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pyarrow as pa
import pytest

from micromegas_dbapi.arrow.type_codes import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Column,
    TypeCode,
    TypeObject,
    describe,
    type_code,
)

TYPE_OBJECTS = [STRING, BINARY, NUMBER, DATETIME, ROWID]


class Label(pa.ExtensionType):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(pa.dictionary(pa.int8(), pa.string()), "test.label")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> Label:
        return cls()


# Arrow type, name, the one type object that it equals (or none), bytes of each value.
TYPES: list[tuple[pa.DataType, str, TypeObject | None, int | None]] = [
    (pa.null(), "NULL", None, None),
    (pa.bool_(), "BOOLEAN", NUMBER, None),
    (pa.int8(), "TINYINT", NUMBER, 1),
    (pa.int16(), "SMALLINT", NUMBER, 2),
    (pa.int32(), "INTEGER", NUMBER, 4),
    (pa.int64(), "BIGINT", NUMBER, 8),
    (pa.uint8(), "TINYINT UNSIGNED", NUMBER, 1),
    (pa.uint16(), "SMALLINT UNSIGNED", NUMBER, 2),
    (pa.uint32(), "INTEGER UNSIGNED", NUMBER, 4),
    (pa.uint64(), "BIGINT UNSIGNED", NUMBER, 8),
    (pa.float16(), "FLOAT", NUMBER, 2),
    (pa.float32(), "FLOAT", NUMBER, 4),
    (pa.float64(), "DOUBLE", NUMBER, 8),
    (pa.decimal128(10, 2), "DECIMAL", NUMBER, 16),
    (pa.decimal256(10, 2), "DECIMAL", NUMBER, 32),
    (pa.string(), "VARCHAR", STRING, None),
    (pa.large_string(), "VARCHAR", STRING, None),
    (pa.string_view(), "VARCHAR", STRING, None),
    (pa.binary(), "BINARY", BINARY, None),
    (pa.large_binary(), "BINARY", BINARY, None),
    (pa.binary_view(), "BINARY", BINARY, None),
    (pa.binary(16), "BINARY", BINARY, 16),
    (pa.date32(), "DATE", DATETIME, 4),
    (pa.date64(), "DATE", DATETIME, 8),
    (pa.time32("s"), "TIME", DATETIME, 4),
    (pa.time64("ns"), "TIME", DATETIME, 8),
    (pa.timestamp("ns", "UTC"), "TIMESTAMP WITH TIME ZONE", DATETIME, 8),
    (pa.timestamp("us", "Asia/Tokyo"), "TIMESTAMP WITH TIME ZONE", DATETIME, 8),
    (pa.timestamp("s"), "TIMESTAMP", DATETIME, 8),
    (pa.duration("ns"), "DURATION", DATETIME, 8),
    (pa.month_day_nano_interval(), "INTERVAL", DATETIME, 16),
    (pa.list_(pa.int8()), "TINYINT[]", None, None),
    (pa.list_(pa.int8(), 4), "TINYINT[]", None, None),
    (pa.large_list(pa.int8()), "TINYINT[]", None, None),
    (pa.list_view(pa.int8()), "TINYINT[]", None, None),
    (pa.large_list_view(pa.int8()), "TINYINT[]", None, None),
    (pa.list_(pa.list_(pa.decimal128(10, 2))), "DECIMAL[][]", None, None),
    (pa.list_(pa.timestamp("ns", "UTC")), "TIMESTAMP WITH TIME ZONE[]", None, None),
    (pa.list_(pa.dictionary(pa.int8(), pa.string())), "VARCHAR[]", None, None),
    (pa.struct([("a", pa.int8())]), "STRUCT(a TINYINT)", None, None),
    (pa.struct([]), "STRUCT()", None, None),
    (
        pa.struct([("Key", pa.string()), ('a"b', pa.list_(pa.bool_()))]),
        'STRUCT("Key" VARCHAR, "a""b" BOOLEAN[])',
        None,
        None,
    ),
    (pa.map_(pa.string(), pa.list_(pa.int8())), "MAP(VARCHAR, TINYINT[])", None, None),
    # What stands for other values has their name and size, not that of its index.
    (pa.dictionary(pa.int16(), pa.string()), "VARCHAR", STRING, None),
    (pa.dictionary(pa.uint8(), pa.binary()), "BINARY", BINARY, None),
    (pa.dictionary(pa.int8(), pa.timestamp("ns")), "TIMESTAMP", DATETIME, 8),
    (pa.dictionary(pa.int8(), pa.list_(pa.int8())), "TINYINT[]", None, None),
    (pa.run_end_encoded(pa.int32(), pa.float64()), "DOUBLE", NUMBER, 8),
    (Label(), "VARCHAR", STRING, None),
    (pa.sparse_union([pa.field("a", pa.int8())]), "OTHER", None, None),
]
if hasattr(pa, "decimal32"):
    TYPES += [
        (pa.decimal32(9, 2), "DECIMAL", NUMBER, 4),
        (pa.decimal64(10, 2), "DECIMAL", NUMBER, 8),
    ]

each_type = pytest.mark.parametrize(
    ("arrow_type", "name", "type_object", "size"), [pytest.param(*t, id=str(t[0])) for t in TYPES]
)


@each_type
def test_codes(
    arrow_type: pa.DataType, name: str, type_object: TypeObject | None, size: int | None
) -> None:
    code = type_code(arrow_type)
    assert isinstance(code, TypeCode)
    assert code == name
    assert str(code) == name
    assert repr(code) == repr(name)
    assert hash(code) == hash(name)
    assert code.arrow_type == arrow_type


@each_type
def test_a_code_equals_its_type_object_and_no_other(
    arrow_type: pa.DataType, name: str, type_object: TypeObject | None, size: int | None
) -> None:
    code = type_code(arrow_type)
    for other in TYPE_OBJECTS:
        same = other is type_object
        for text in (code, name):
            assert (text == other) is same
            assert (other == text) is same
            assert (text != other) is not same
            assert (other != text) is not same


@each_type
def test_descriptions(
    arrow_type: pa.DataType, name: str, type_object: TypeObject | None, size: int | None
) -> None:
    (column,) = describe(pa.schema([pa.field("a", arrow_type)]))
    assert column.type_code == name
    assert column.type_code.arrow_type == arrow_type
    assert column.internal_size == size


@pytest.mark.parametrize(
    ("text", "type_object"),
    [
        ("DECIMAL(10, 2)", NUMBER),
        ("VARCHAR(20)", STRING),
        ("TIMESTAMP(9)", DATETIME),
        ("TIMESTAMP(9) WITH TIME ZONE", DATETIME),
        ("TIMESTAMP WITH TIME ZONE", DATETIME),
        ("VARCHAR WITH", None),
        ("DATE[]", None),
        ("STRUCT(a DATE)", None),
        ("date", None),
        ("", None),
    ],
)
def test_names_with_more_than_the_family(text: str, type_object: TypeObject | None) -> None:
    assert [each for each in TYPE_OBJECTS if each == text] == [type_object] * bool(type_object)


def test_a_description_has_the_seven_items_of_pep_249() -> None:
    schema = pa.schema(
        [
            pa.field("time", pa.timestamp("ns", "UTC"), nullable=False),
            pa.field("msg", pa.string()),
            pa.field("cost", pa.decimal128(10, 2)),
            pa.field("cost", pa.dictionary(pa.int8(), pa.decimal256(50, -3)), nullable=False),
        ]
    )
    assert describe(schema) == (
        ("time", "TIMESTAMP WITH TIME ZONE", None, 8, None, None, False),
        ("msg", "VARCHAR", None, None, None, None, True),
        ("cost", "DECIMAL", None, 16, 10, 2, True),
        ("cost", "DECIMAL", None, 32, 50, -3, False),
    )
    assert Column._fields == (
        "name",
        "type_code",
        "display_size",
        "internal_size",
        "precision",
        "scale",
        "null_ok",
    )


def test_no_columns_are_described_by_nothing() -> None:
    assert describe(pa.schema([])) == ()


@pytest.mark.parametrize("arrow_type", [t[0] for t in TYPES if t[0] != Label()], ids=str)
def test_codes_travel_with_their_arrow_type(arrow_type: pa.DataType) -> None:
    code = type_code(arrow_type)
    copies: list[Any] = [copy.copy(code), copy.deepcopy(code)]
    copies += [
        pickle.loads(pickle.dumps(code, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ]
    for other in copies:
        assert type(other) is TypeCode
        assert other == code
        assert other.arrow_type == arrow_type


def test_descriptions_travel() -> None:
    description = describe(pa.schema([("a", pa.timestamp("ns")), ("b", pa.string())]))
    again = pickle.loads(pickle.dumps(description))
    assert again == description
    assert [column.type_code.arrow_type for column in again] == [pa.timestamp("ns"), pa.string()]


def test_codes_do_not_change() -> None:
    code = type_code(pa.int8())
    with pytest.raises(AttributeError):
        code.arrow_type = pa.int16()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        code.precision = 3  # type: ignore[attr-defined]


def test_type_objects_are_keys_of_their_own() -> None:
    names = {kind: repr(kind) for kind in TYPE_OBJECTS}
    assert len(names) == 5
    assert names[pickle.loads(pickle.dumps(NUMBER))] == names[NUMBER]


@pytest.mark.parametrize("kind", TYPE_OBJECTS, ids=repr)
def test_type_objects_equal_themselves_alone(kind: TypeObject) -> None:
    assert [other for other in TYPE_OBJECTS if other == kind] == [kind]
    assert kind != 5
    assert kind is not None
    assert copy.deepcopy(kind) == kind


def test_type_objects_tell_what_they_stand_for() -> None:
    assert repr(STRING) == "<STRING: VARCHAR>"
    assert repr(BINARY) == "<BINARY: BINARY>"
    assert repr(DATETIME) == "<DATETIME: DATE, TIME, TIMESTAMP, DURATION, INTERVAL>"
    assert repr(ROWID) == "<ROWID: no type>"
    assert repr(NUMBER).startswith("<NUMBER: BOOLEAN, TINYINT, ")


def test_an_unknown_type_can_still_be_described() -> None:
    union = pa.dense_union([pa.field("a", pa.int8())])
    assert describe(pa.schema([("u", union)])) == (("u", "OTHER", None, None, None, None, True),)
