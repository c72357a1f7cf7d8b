"""Python values as SQL literals, compared with the value that the engine reads from the text."""

from __future__ import annotations

import enum
import math
import re
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

try:
    import pandas as pd
except ImportError:
    pd = None

needs_pandas = pytest.mark.skipif(pd is None, reason="pandas is not installed here")
UTC = timezone.utc
INDIA = timezone(timedelta(hours=5, minutes=30))


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


class Name(str, enum.Enum):
    QUOTED = "it's"


class Nested(enum.Enum):
    INNER = Colour.RED


TEXTS: list[tuple[Any, str]] = [
    (None, "NULL"),
    (True, "TRUE"),
    (False, "FALSE"),
    (0, "0"),
    (42, "42"),
    (-1, "(-1)"),
    (2**64 - 1, "18446744073709551615"),
    (-(2**63), "(-9223372036854775808)"),
    (1.5, "1.5"),
    (1.0, "1.0"),
    (-0.0, "(-0.0)"),
    (1e300, "1e+300"),
    (5e-324, "5e-324"),
    (math.nan, "CAST('NaN' AS DOUBLE)"),
    (math.inf, "CAST('inf' AS DOUBLE)"),
    (-math.inf, "CAST('-inf' AS DOUBLE)"),
    (Decimal("1.50"), "arrow_cast('1.50', 'Decimal128(3, 2)')"),
    (Decimal("-7"), "arrow_cast('-7', 'Decimal128(1, 0)')"),
    (Decimal("0.001"), "arrow_cast('0.001', 'Decimal128(3, 3)')"),
    (Decimal("0E+80"), "arrow_cast('0', 'Decimal128(1, 0)')"),
    (Decimal("-0E-3"), "arrow_cast('0.000', 'Decimal128(3, 3)')"),
    (Decimal("0E-80"), f"arrow_cast('0.{'0' * 76}', 'Decimal256(76, 76)')"),
    (Decimal("1E+3"), "arrow_cast('1000', 'Decimal128(4, 0)')"),
    (Decimal("9" * 38), f"arrow_cast('{'9' * 38}', 'Decimal128(38, 0)')"),
    (Decimal("9" * 39), f"arrow_cast('{'9' * 39}', 'Decimal256(39, 0)')"),
    ("", "''"),
    ("it's", "'it''s'"),
    ("\\n", "'\\n'"),
    ("-- no comment", "'-- no comment'"),
    ("nul \x00, line\n", "'nul \x00, line\n'"),
    ("日本 🎉", "'日本 🎉'"),
    (b"", "X''"),
    (b"\x00\xff", "X'00ff'"),
    (bytearray(b"\x01"), "X'01'"),
    (memoryview(b"\x02\x03")[::-1], "X'0302'"),
    (date(2026, 11, 1), "DATE '2026-11-01'"),
    (time(1, 2, 3), "TIME '01:02:03'"),
    (time(1, 2, 3, 4), "TIME '01:02:03.000004'"),
    (datetime(2026, 11, 1), "TIMESTAMP '2026-11-01T00:00:00Z'"),
    (datetime(2026, 11, 1, 5, 30, tzinfo=INDIA), "TIMESTAMP '2026-11-01T00:00:00Z'"),
    (datetime(2026, 1, 2, 3, 4, 5, 6), "TIMESTAMP '2026-01-02T03:04:05.000006000Z'"),
    (
        datetime(1, 1, 1),
        "arrow_cast('0001-01-01T00:00:00Z', 'Timestamp(Microsecond, None)')",
    ),
    (
        datetime(9999, 12, 31, 23, 59, 59, 999999),
        "arrow_cast('9999-12-31T23:59:59.999999000Z', 'Timestamp(Microsecond, None)')",
    ),
    (timedelta(days=1, seconds=2, microseconds=3), "(INTERVAL '1 days 2000003 microseconds')"),
    (timedelta(microseconds=-1), "(INTERVAL '-1 days 86399999999 microseconds')"),
    (uuid.UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
    (Colour.RED, "'red'"),
    (Number.SEVEN, "7"),
    (Name.QUOTED, "'it''s'"),
    (Nested.INNER, "'red'"),
    ([1, "a", None], "(1, 'a', NULL)"),
    ((-1,), "((-1))"),
    ({7}, "(7)"),
    (frozenset({"x"}), "('x')"),
    (np.int8(-128), "(-128)"),
    (np.uint64(2**64 - 1), "18446744073709551615"),
    (np.bool_(True), "TRUE"),
    (np.float64(0.1), "0.1"),
    (np.float32(0.1), "0.10000000149011612"),
    (np.str_("it's"), "'it''s'"),
    (np.bytes_(b"\x01"), "X'01'"),
    (
        np.datetime64("2026-01-02T03:04:05.000000006"),
        "TIMESTAMP '2026-01-02T03:04:05.000000006Z'",
    ),
    (np.datetime64("2026"), "TIMESTAMP '2026-01-01T00:00:00Z'"),
    (np.datetime64("NaT"), "NULL"),
    (np.timedelta64("NaT"), "NULL"),
    (np.ma.masked, "NULL"),
    (np.ma.array([1, 2], mask=[1, 0])[0], "NULL"),
    ([1, np.ma.masked], "(1, NULL)"),
    (np.timedelta64(-1, "ns"), "(INTERVAL '-1 days 86399999999 microseconds 999 nanoseconds')"),
    (np.timedelta64(2, "W"), "(INTERVAL '14 days 0 microseconds')"),
]


def shown(value: object) -> str:
    """Return the repr of a value without its address, which differs from run to run."""
    return re.sub(r" at 0x\w+", "", repr(value))[:50]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=[shown(value) for value, _ in TEXTS])
def test_the_text_of_a_literal(value: Any, text: str) -> None:
    assert literal(value) == text


@needs_pandas
def test_the_texts_of_pandas_scalars() -> None:
    stamp = pd.Timestamp("2026-01-02T03:04:05.123456789+05:30")
    assert literal(stamp) == "TIMESTAMP '2026-01-01T21:34:05.123456789Z'"
    assert literal(pd.Timestamp("2026-01-02").as_unit("s")) == "TIMESTAMP '2026-01-02T00:00:00Z'"
    assert literal(pd.Timedelta(1, "ns")) == ("(INTERVAL '0 days 0 microseconds 1 nanoseconds')")
    assert literal(pd.NaT) == "NULL"
    assert literal(pd.NA) == "NULL"
    for values in (pd.array([1, None], dtype="Int64"), pd.array(["a", None], dtype="string")):
        assert literal(values[1]) == "NULL"
        assert literal(list(values)).endswith(", NULL)")
    assert literal(pd.Categorical(["a", None])[0]) == "'a'"


# ---- Refusals -----------------------------------------------------------------------------------


class Recordset:
    """A class of the user's own."""


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (Recordset(), mm.ProgrammingError, "is of type Recordset; accepted: None, bool, int"),
        ({"a": 1}, mm.ProgrammingError, "is of type dict"),
        (1j, mm.ProgrammingError, "is of type complex"),
        (iter([1]), mm.ProgrammingError, "is of type list_iterator"),
        (np.array(1), mm.ProgrammingError, "is of type ndarray"),
        (np.array([[1, 2]]), mm.ProgrammingError, "is a list of lists"),
        (np.array([(1, 2)], "i8,i8"), mm.ProgrammingError, "is of type void"),
        (pa.array([[1]]), mm.ProgrammingError, "scalar of the type list"),
        (pa.scalar({"a": 1}), mm.ProgrammingError, "scalar of the type struct"),
        (pa.scalar(1, pa.time64("ns")), mm.DataError, "is a time with nanoseconds"),
        (np.complex128(1), mm.ProgrammingError, "is of type complex"),
        (np.longdouble(1), mm.ProgrammingError, "is of type longdouble|is of type float128"),
        ([], mm.ProgrammingError, "is an empty list, which has a meaning only directly"),
        (set(), mm.ProgrammingError, "is an empty list"),
        ([[1]], mm.ProgrammingError, "is a list of lists"),
        ([1, Recordset()], mm.ProgrammingError, "is of type Recordset"),
        (2**64, mm.DataError, "outside of 64 bits, .* pass a Decimal"),
        (-(2**63) - 1, mm.DataError, "outside of 64 bits"),
        (Decimal("NaN"), mm.DataError, r"is Decimal\('NaN'\), .* pass a float"),
        (Decimal("-Infinity"), mm.DataError, "pass a float"),
        (Decimal("1" * 77), mm.DataError, "a Decimal of 77 digits; SQL decimals have up to 76"),
        (Decimal("1E+76"), mm.DataError, "77 digits"),
        (Decimal("1E-77"), mm.DataError, "77 digits"),
        ("ab\ud800", mm.DataError, "lone surrogate at character 3"),
        (["ok", "\udfff"], mm.DataError, "lone surrogate at character 1"),
        (time(1, tzinfo=UTC), mm.DataError, "time with a time zone"),
        (datetime(1, 1, 1, tzinfo=INDIA), mm.DataError, "outside of the years 1 to 9999"),
        (
            datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=1))),
            mm.DataError,
            "outside of the years 1 to 9999",
        ),
        (np.datetime64("10000-01-01"), mm.DataError, "outside of the years 1 to 9999"),
        (np.datetime64(1, "ps"), mm.DataError, "unit 'ps'"),
        (np.datetime64(MIN_NS - 1, "ns"), mm.DataError, "nanoseconds outside of the years 1677"),
        (np.timedelta64(1, "Y"), mm.DataError, "unit 'Y'; accepted: W to ns"),
        (np.timedelta64(1), mm.DataError, "unit 'generic'"),
        (np.timedelta64(2**31, "D"), mm.DataError, "more days than fit into 32 bits"),
    ],
    ids=shown,
)
def test_what_has_no_literal(value: object, error: type[mm.Error], words: str) -> None:
    with pytest.raises(error, match=f"^parameter 2 {words}|^parameter 2 .*{words}") as caught:
        literal(value, "parameter 2")
    assert type(caught.value) is error


@needs_pandas
def test_pandas_values_that_have_no_literal() -> None:
    for value in (pd.Period("2026"), pd.Interval(1, 2), pd.DataFrame()):
        with pytest.raises(mm.ProgrammingError, match=f"is of type {type(value).__name__}"):
            literal(value)


def test_an_error_names_where_the_value_stands() -> None:
    with mm.connect("http://localhost") as connection:
        with pytest.raises(mm.ProgrammingError, match=r"^parameter 3 is of type object"):
            connection.execute("SELECT ?, ?, ?", (1, 2, object()))
        with pytest.raises(mm.DataError, match=r"^parameter :b is an int"):
            connection.execute("SELECT :a, :b", {"a": 1, "b": 2**64})


# ---- The engine reads back what was written -----------------------------------------------------

Read = Callable[[Sequence[Any]], list[Any]]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mm.Connection]:
    """The embedded engine, over a lake without files."""
    folder: Path = tmp_path_factory.mktemp("lake")
    with mm.connect(f"lake:{folder.as_posix()}") as opened:
        yield opened


def read_back(connection: mm.Connection, timestamps: Any, values: Sequence[Any]) -> list[Any]:
    """Select values in one row, and fetch that row."""
    sql = "SELECT " + ", ".join(f"? AS c{i}" for i in range(len(values)))
    row = connection.cursor(timestamps=timestamps).execute(sql, values).fetchone()
    assert row is not None
    return list(row)


@pytest.fixture(scope="module")
def read(connection: mm.Connection) -> Read:
    return partial(read_back, connection, "datetime")


@pytest.fixture(scope="module")
def read_ns(connection: mm.Connection) -> Read:
    return partial(read_back, connection, "ns")


def many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Send a few dozen values in a query, which costs as much as one."""
    return st.lists(values, min_size=1, max_size=40)


some = settings(max_examples=25, deadline=None)

LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# Pieces with a meaning to some lexer, combined in any order.
HOSTILE = st.lists(
    st.sampled_from(
        [
            *("'", "''", '"', "`", "\\", "\\'", "E'", "X'", "$$", "$1", "$a$", "%", "%s", "{"),
            *("--", "/*", "*/", ";", "?", ":a", "::", " ", "\t", "\n", "\r", "a", "DROP TABLE t"),
            *("\x00", "\x1b", "\x7f", "é", "e\u0301", "\u200b", "\u2028", "\ufeff"),
            *("🎉", "\U0010ffff"),
        ]
    ),
    max_size=12,
).map("".join)
DECIMALS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=76).map(tuple),
    st.integers(-76, 0),
).filter(lambda d: max(len(d.as_tuple().digits), -int(d.as_tuple().exponent)) <= 76)
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATETIMES = st.datetimes(timezones=st.none() | st.just(UTC) | OFFSETS)
# Moving a time in the first or last hours of Python's calendar to UTC leaves it.
MOVABLE = DATETIMES.filter(
    lambda d: datetime(1, 1, 2) <= d.replace(tzinfo=None) <= datetime(9999, 12, 30)
)
WIDTHS = [bits for power in (7, 8, 15, 16, 31, 32, 63) for bits in (2**power - 1, -(2**power))]
INTEGERS = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([*WIDTHS, 2**63, 2**64 - 1, 0, -1])


def bits(number: float) -> bytes:
    return struct.pack(">d", number)


def in_utc(value: datetime) -> datetime:
    """The naive UTC time that a TIMESTAMP without a zone holds."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


@some
@given(values=many(st.one_of(st.none(), st.booleans(), INTEGERS, LETTERS, HOSTILE, st.binary())))
def test_plain_values_come_back_with_their_types(read: Read, values: list[Any]) -> None:
    returned = read(values)
    assert returned == values
    assert list(map(type, returned)) == list(map(type, values))


@pytest.mark.parametrize("value", [*WIDTHS, 2**63, 2**64 - 1])
def test_the_ends_of_every_integer_width(read: Read, value: int) -> None:
    assert read([value]) == [value]


@some
@given(values=many(st.floats(allow_subnormal=True)))
def test_floats_come_back_bit_by_bit(read: Read, values: list[float]) -> None:
    nan = bits(math.nan)
    expected = [nan if math.isnan(value) else bits(value) for value in values]
    assert [bits(value) for value in read(values)] == expected


def test_the_odd_floats(read: Read) -> None:
    odd = [-0.0, 0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e16, 1e22]
    odd += [0.1, 1 / 3, 123456789012345680.0, float(2**53 + 2), 1e-7, math.inf, -math.inf]
    assert [bits(value) for value in read(odd)] == [bits(value) for value in odd]
    assert math.isnan(read([math.nan])[0])


@some
@given(values=many(DECIMALS))
def test_decimals_come_back_digit_by_digit(read: Read, values: list[Decimal]) -> None:
    exact = Context(prec=80)
    for returned, value in zip(read(values), values, strict=True):
        assert type(returned) is Decimal
        assert returned.compare(value, exact) == 0
        assert returned.as_tuple().exponent == value.as_tuple().exponent


@some
@given(values=many(st.dates() | st.times()))
def test_dates_and_times_come_back(read: Read, values: list[Any]) -> None:
    returned = read(values)
    assert returned == values
    assert list(map(type, returned)) == list(map(type, values))


@some
@given(values=many(MOVABLE))
def test_datetimes_of_any_zone_come_back_as_instants(read: Read, values: list[datetime]) -> None:
    assert read(values) == [in_utc(value) for value in values]


@pytest.mark.parametrize("value", [datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar(read: Read, value: datetime) -> None:
    assert read([value]) == [value.replace(tzinfo=None)]


@some
@given(values=many(st.integers(MIN_NS, MAX_NS) | st.sampled_from([MIN_NS, MAX_NS, -1, 0, 1])))
def test_nanoseconds_come_back(read_ns: Read, values: list[int]) -> None:
    assert read_ns([np.datetime64(value, "ns") for value in values]) == values


@some
@given(
    values=many(
        st.tuples(st.integers(-(10**9), 10**9), st.sampled_from(["D", "h", "m", "s", "ms", "us"]))
    )
)
def test_datetime64_of_every_unit_comes_back(
    read_ns: Read, read: Read, values: list[tuple[int, str]]
) -> None:
    stamps = [np.datetime64(count, unit) for count, unit in values]
    stamps = [s for s in stamps if np.datetime64("0001", "D") <= s < np.datetime64("10000", "D")]
    if stamps:
        assert read(stamps) == [stamp.astype("M8[us]").item() for stamp in stamps]


@some
@given(values=many(st.timedeltas()))
def test_timedeltas_come_back_over_the_range_of_python(read: Read, values: list[timedelta]) -> None:
    assert read(values) == values


@pytest.mark.parametrize(
    "value",
    [timedelta.min, timedelta.max, timedelta(0), timedelta.resolution, -timedelta.resolution],
)
def test_the_ends_of_timedelta(read: Read, value: timedelta) -> None:
    assert read([value]) == [value]


@some
@given(values=many(st.integers(-(2**62), 2**62)))
def test_nanoseconds_of_timedelta64_come_back(connection: mm.Connection, values: list[int]) -> None:
    """Rows floor to microseconds; the difference of two instants keeps what is behind it."""
    sql = "SELECT " + ", ".join(
        f"CAST(TIMESTAMP '1970-01-01T00:00:00Z' + ? AS BIGINT) AS c{i}" for i in range(len(values))
    )
    row = connection.execute(sql, [np.timedelta64(value, "ns") for value in values]).fetchone()
    assert row == tuple(values)


@some
@given(values=many(st.uuids()))
def test_uuids_come_back_as_their_text(read: Read, values: list[uuid.UUID]) -> None:
    assert read(values) == [str(value) for value in values]


def test_numpy_scalars_come_back_as_what_they_equal(read: Read) -> None:
    given = [np.int8(-128), np.uint64(2**64 - 1), np.float16(0.1), np.float32(0.1), np.bool_(False)]
    given += [np.str_("it's"), np.bytes_(b"\x00\xff"), np.datetime64("NaT")]
    expected = [-128, 2**64 - 1, 0.0999755859375, 0.10000000149011612, False]
    assert read(given) == [*expected, "it's", b"\x00\xff", None]


def test_enums_come_back_as_their_values(read: Read) -> None:
    assert read([Colour.RED, Number.SEVEN, Name.QUOTED, Nested.INNER]) == ["red", 7, "it's", "red"]


@needs_pandas
def test_pandas_scalars_come_back(read: Read, read_ns: Read) -> None:
    stamp = pd.Timestamp(1_700_000_000_123_456_789, tz="Asia/Kolkata")
    assert read_ns([stamp, pd.NaT]) == [1_700_000_000_123_456_789, None]
    far = pd.Timestamp(datetime(9000, 1, 1, tzinfo=INDIA))
    assert read([far, pd.Timedelta(days=-3, microseconds=5)]) == [
        datetime(8999, 12, 31, 18, 30),
        timedelta(days=-3, microseconds=5),
    ]


ANYTHING = st.one_of(
    st.none(), st.booleans(), INTEGERS, LETTERS, HOSTILE, st.binary(), DECIMALS, MOVABLE, st.dates()
)


@some
@given(values=many(ANYTHING))
def test_named_and_repeated_placeholders_equal_positional_ones(
    connection: mm.Connection, read_ns: Read, values: list[Any]
) -> None:
    names = {f"p{i}": value for i, value in enumerate(values)}
    sql = "SELECT " + ", ".join(f":{name} AS a_{name}, :{name} AS b_{name}" for name in names)
    row = connection.cursor(timestamps="ns").execute(sql, names).fetchone()
    assert row is not None
    assert list(row[0::2]) == list(row[1::2]) == read_ns(values)


# ---- In any context -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("SELECT ? || ?", ("it's", "--"), "it's--"),
        ("SELECT ?||?", ("/*", "*/"), "/**/"),
        ("SELECT 1-?", (-1,), 2),
        ("SELECT 1 -?", (-2.5,), 3.5),
        ("SELECT -?", (-3,), 3),
        ("SELECT - ?", (-3.5,), 3.5),
        ("SELECT 1+?*2", (-3,), -5),
        ("SELECT 2*?", (-0.5,), -1.0),
        ("SELECT ?-?", (5, -5), 10),
        ("SELECT ?::int", ("7",), 7),
        ("SELECT ?::varchar", (-1,), "-1"),
        ("SELECT ?::date", (datetime(2026, 11, 1, 23),), date(2026, 11, 1)),
        ("SELECT length(?) AS n", ("\x00\n'",), 3),
        ("SELECT replace(?,?,?)", ("a'b", "'", "''"), "a''b"),
        ("SELECT coalesce(?, ?)", (None, "x"), "x"),
        ("SELECT CASE WHEN ? THEN ? ELSE ? END", (False, 1, 2), 2),
        ("SELECT/**/?/**/", ("x",), "x"),
        ("SELECT--\n?--", ("--",), "--"),
        ("SELECT ? -- ?", ("a\nb",), "a\nb"),
        ("SELECT ? /* ? */", (timedelta(1),), timedelta(1)),
        ("SELECT ?second", (timedelta(1),), timedelta(1)),
        ("SELECT ? day", (timedelta(1),), timedelta(1)),
        ("SELECT ? hour", (datetime(2026, 1, 1),), datetime(2026, 1, 1)),
        ("SELECT [1,2,3][?]", (-1,), 3),
        ("SELECT [1,2,3][1:?]", (2,), [1, 2]),
        ("SELECT ? BETWEEN ? AND ?", (1, -1, 1.5), True),
        ("SELECT ? IN ?", (2, [1, 2]), True),
        ("SELECT ? IN (?)", (-2, (-2,)), True),
        ("SELECT ? NOT IN ?", ("b'", {"a'", "b'"}), False),
        ("SELECT ? LIKE ?", ("50%", "5_%"), True),
        ("SELECT sum(column1) FROM (VALUES (?), (?)) LIMIT ?", (1, -2, 1), -1),
        ("SELECT column1 FROM (VALUES (1), (2)) ORDER BY 1 LIMIT?OFFSET?", (1, 1), 2),
        (
            "SELECT date_bin(?, ?)",
            (timedelta(hours=1), datetime(2026, 1, 1, 5, 59)),
            datetime(2026, 1, 1, 5),
        ),
        ("SELECT ? + ?", (datetime(2026, 1, 1), timedelta(days=-1)), datetime(2025, 12, 31)),
        ("SELECT ? - ?", (datetime(2026, 1, 1), timedelta(hours=1)), datetime(2025, 12, 31, 23)),
        ("SELECT ? * ?", (Decimal("1.5"), Decimal("-2")), Decimal("-3.0")),
        ("SELECT isnan(?)", (math.nan,), True),
        ("SELECT DATE ?", ("2026-11-01",), date(2026, 11, 1)),
        ("SELECT CAST(? AS BIGINT)", (-(2**63),), -(2**63)),
    ],
)
def test_a_value_keeps_its_meaning_wherever_it_stands(
    connection: mm.Connection, sql: str, parameters: tuple[Any, ...], expected: Any
) -> None:
    [(found,)] = connection.execute(sql, parameters).fetchall()
    assert found == expected
    assert type(found) is type(expected)


@some
@given(pieces=st.lists(st.tuples(HOSTILE, st.sampled_from(["||", " || ", "/*?*/||", "--?\n||"]))))
def test_hostile_texts_concatenate_to_themselves(
    connection: mm.Connection, pieces: list[tuple[str, str]]
) -> None:
    sql = "SELECT " + "".join(f"?{glue}" for _, glue in pieces) + "'' AS whole"
    [(found,)] = connection.execute(sql, [text for text, _ in pieces]).fetchall()
    assert found == "".join(text for text, _ in pieces)


@some
@given(numbers=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_signs_never_run_into_operators(connection: mm.Connection, numbers: list[int]) -> None:
    sql = "SELECT 0-" + "-".join("?" * len(numbers))
    assert connection.execute(sql, numbers).fetchall() == [(-sum(numbers),)]
