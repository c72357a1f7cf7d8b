"""Parse the names of Arrow types in DataFusion's DESCRIBE.

The parser understands the newer, short spelling (``Timestamp(ns, "+00:00")``) and most of the
older, long one (``Timestamp(Nanosecond, Some("+00:00"))``). JSON contains values without their
encoding, so the types for JSON differ from the names:

* a dictionary or run-end encoded type is the type of its values;
* an interval of any kind is one of months, days and nanoseconds, the only kind that pyarrow has;
* a decimal of 32 or 64 bits is one of 128 bits where pyarrow is too old for these;
* a field of floats is nullable, because in JSON null also represents NaN and infinities.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from micromegas_dbapi.rust_strings import unescaped

__all__ = ["arrow_type", "is_nullable"]

_SIMPLE = {
    "Null": pa.null(),
    "Boolean": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float16": pa.float16(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Utf8": pa.string(),
    "LargeUtf8": pa.large_string(),
    "Utf8View": pa.string_view(),
    "Binary": pa.binary(),
    "LargeBinary": pa.large_binary(),
    "BinaryView": pa.binary_view(),
    "Date32": pa.date32(),
    "Date64": pa.date64(),
}
_UNITS = {
    "s": "s",
    "ms": "ms",
    "µs": "us",
    "μs": "us",
    "us": "us",
    "ns": "ns",
    "Second": "s",
    "Millisecond": "ms",
    "Microsecond": "us",
    "Nanosecond": "ns",
}
_WORD = re.compile(r"\w+")
_INTEGER = re.compile(r"-?\d+")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# The name of a list's field is not escaped: it ends where one of the possible next tokens begins.
_ITEM_NAME = re.compile(r", field: '(.*?)'(?=\)|, metadata: \{)", re.DOTALL)
_METADATA = re.compile(
    r', metadata: \{(?:"(?:[^"\\]|\\.)*": "(?:[^"\\]|\\.)*"(?:, )?)*\}', re.DOTALL
)
_MAX_DEPTH = 64


def arrow_type(text: str, *, encoded: bool = False) -> pa.DataType | None:
    """Parse the name of a type.

    Parameters
    ----------
    text : str
        The name in DataFusion's spelling.
    encoded : bool
        Return the type itself, with its dictionaries, as in Arrow messages. By default, return the
        type of its values in JSON.

    Returns
    -------
    pyarrow.DataType or None
        None if the spelling is unknown.

    Examples
    --------
    >>> arrow_type("List(non-null Utf8, field: 'tag')")
    ListType(list<tag: string not null>)
    """
    parser = _Parser(text, encoded)
    try:
        kind = parser.kind()
        parser.end()
    except (_UnknownError, pa.ArrowException, ValueError, OverflowError):
        return None
    return kind


def is_nullable(declared: bool, kind: pa.DataType) -> bool:
    """Return whether a field can be null in JSON.

    Parameters
    ----------
    declared : bool
        Whether the service declares it as nullable.
    kind : pyarrow.DataType
        The type of the field.

    Returns
    -------
    bool
        Always true for floats.
    """
    return declared or pa.types.is_floating(kind)


class _UnknownError(Exception):
    """The spelling of a type is unknown."""


class _Parser:
    """A recursive descent parser; each method consumes what it parses."""

    def __init__(self, text: str, encoded: bool) -> None:
        self._text = text
        self.encoded = encoded
        self._at = 0
        self._depth = 0

    # -- tokens ------------------------------------------------------------------------------

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _expect(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = self._match(pattern)
        if match is None:
            raise _UnknownError
        return match

    def _skip(self, literal: str) -> bool:
        matches = self._text.startswith(literal, self._at)
        if matches:
            self._at += len(literal)
        return matches

    def _expect_literal(self, literal: str) -> None:
        if not self._skip(literal):
            raise _UnknownError

    def integer(self) -> int:
        return int(self._expect(_INTEGER)[0])

    def _quoted(self) -> str:
        return unescaped(self._expect(_TEXT)[1])

    def unit(self) -> str:
        unit = _UNITS.get(self._expect(_WORD)[0])
        if unit is None:
            raise _UnknownError
        return unit

    def end(self) -> None:
        if self._at != len(self._text):
            raise _UnknownError

    # -- types -------------------------------------------------------------------------------

    def kind(self) -> pa.DataType:
        """Parse a type."""
        name = self._expect(_WORD)[0]
        if name in _SIMPLE:
            return _SIMPLE[name]
        parse = _WITH_ARGUMENTS.get(name)
        self._depth += 1
        if parse is None or self._depth > _MAX_DEPTH:
            raise _UnknownError
        self._expect_literal("(")
        kind = parse(self)
        self._expect_literal(")")
        self._depth -= 1
        return kind

    def field(self) -> pa.Field:
        """Parse a field: its name, whether it is nullable, and its type."""
        name = self._quoted()
        self._expect_literal(": ")
        return self._field_of(name)

    def _field_of(self, name: str) -> pa.Field:
        nullable = not self._skip("non-null ")
        kind = self.kind()
        self._match(_METADATA)
        return pa.field(name, kind, nullable if self.encoded else is_nullable(nullable, kind))

    def item(self) -> pa.Field:
        """Parse the field of a list. Its name follows its type, if it is not "item"."""
        field = self._field_of("item")
        if name := self._match(_ITEM_NAME):
            field = field.with_name(name[1])
        self._match(_METADATA)
        return field

    def timestamp(self) -> pa.DataType:
        unit, zone = self.unit(), None
        if self._skip(", Some("):
            zone = self._quoted()
            self._expect_literal(")")
        elif not self._skip(", None") and self._skip(", "):
            zone = self._quoted()
        return pa.timestamp(unit, zone)

    def decimal(self, name: str) -> pa.DataType:
        create = getattr(pa, name, None if self.encoded else pa.decimal128)
        precision = self.integer()
        self._expect_literal(", ")
        if create is None:
            raise _UnknownError
        return create(precision, self.integer())

    def interval(self) -> pa.DataType:
        known = ("MonthDayNano",) if self.encoded else ("YearMonth", "DayTime", "MonthDayNano")
        if self._expect(_WORD)[0] not in known:
            raise _UnknownError
        return pa.month_day_nano_interval()

    def dictionary(self) -> pa.DataType:
        keys = self.kind()
        self._expect_literal(", ")
        values = self.kind()
        return pa.dictionary(keys, values) if self.encoded else values

    def run_ends(self) -> pa.DataType:
        if self.encoded:
            raise _UnknownError
        self.field()
        self._expect_literal(", ")
        return self.field().type

    def fixed_size_list(self) -> pa.DataType:
        size = self.integer()
        self._expect_literal(" x ")
        return pa.list_(self.item(), size)

    def struct(self) -> pa.DataType:
        fields: list[pa.Field] = []
        while not self._text.startswith(")", self._at):
            if fields:
                self._expect_literal(", ")
            fields.append(self.field())
        return pa.struct(fields)

    def map(self) -> pa.DataType:
        entries = self.field().type
        if not self._skip(", unsorted"):
            self._expect_literal(", sorted")
        if not pa.types.is_struct(entries) or entries.num_fields != 2:
            raise _UnknownError
        return pa.map_(entries.field(0), entries.field(1))


def _with_unit(create: Callable[[str], pa.DataType]) -> Callable[[_Parser], pa.DataType]:
    return lambda parser: create(parser.unit())


def _list_of(name: str, fallback: str | None = None) -> Callable[[_Parser], pa.DataType]:
    """Return the parser of a list type, with a fallback for JSON if pyarrow is too old for it."""
    constructor: Callable[[pa.Field], pa.DataType] | None = getattr(pa, name, None)

    def _parse(parser: _Parser) -> pa.DataType:
        create = constructor
        if create is None and fallback is not None and not parser.encoded:
            create = getattr(pa, fallback)
        if create is None:
            raise _UnknownError
        return create(parser.item())

    return _parse


def _decimal(name: str) -> Callable[[_Parser], pa.DataType]:
    return lambda parser: parser.decimal(name)


_WITH_ARGUMENTS: dict[str, Callable[[_Parser], Any]] = {
    "Timestamp": _Parser.timestamp,
    "Time32": _with_unit(pa.time32),
    "Time64": _with_unit(pa.time64),
    "Duration": _with_unit(pa.duration),
    "Interval": _Parser.interval,
    "Decimal32": _decimal("decimal32"),
    "Decimal64": _decimal("decimal64"),
    "Decimal128": _decimal("decimal128"),
    "Decimal256": _decimal("decimal256"),
    "FixedSizeBinary": lambda parser: pa.binary(parser.integer()),
    "List": _list_of("list_"),
    "LargeList": _list_of("large_list"),
    "ListView": _list_of("list_view", "list_"),
    "LargeListView": _list_of("large_list_view", "large_list"),
    "FixedSizeList": _Parser.fixed_size_list,
    "Dictionary": _Parser.dictionary,
    "RunEndEncoded": _Parser.run_ends,
    "Struct": _Parser.struct,
    "Map": _Parser.map,
}
