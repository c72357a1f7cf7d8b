"""Arrow types as DataFusion spells them in DESCRIBE -> the types of what JSON carries.

The newer, short spelling (``Timestamp(ns, "+00:00")``) and most of the older, long one
(``Timestamp(Nanosecond, Some("+00:00"))``) are known. Values in JSON are as they are read, not as
they are stored, and so are the types:

* a dictionary, or a run-end encoded type, is the type of its values;
* an interval of any kind is one of months, days and nanoseconds, the only one that pyarrow has;
* a decimal of 32 or 64 bits is one of 128, where pyarrow is too old for these;
* a field of floats may be null, since JSON has nothing else for NaN and infinities.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from micromegas_dbapi.rust_strings import unescaped

__all__ = ["arrow_type", "may_be_null"]

_PLAIN = {
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
# The name of a list's field is not escaped: it ends where what may follow begins.
_ITEM_NAME = re.compile(r", field: '(.*?)'(?=\)|, metadata: \{)", re.DOTALL)
_METADATA = re.compile(
    r', metadata: \{(?:"(?:[^"\\]|\\.)*": "(?:[^"\\]|\\.)*"(?:, )?)*\}', re.DOTALL
)
_DEEPEST = 64


def arrow_type(text: str, *, encoded: bool = False) -> pa.DataType | None:
    """Give the type of values in JSON whose column is said to be of a type.

    Parameters
    ----------
    text : str
        As DataFusion spells it.
    encoded : bool
        Give the type itself instead, as Arrow's own messages have it: with its dictionaries.

    Returns
    -------
    pyarrow.DataType or None
        None where the spelling is not known.

    Examples
    --------
    >>> arrow_type("List(non-null Utf8, field: 'tag')")
    ListType(list<tag: string not null>)
    """
    spelled = _Spelled(text, encoded)
    try:
        found = spelled.kind()
        spelled.end()
    except (_UnknownError, pa.ArrowException, ValueError, OverflowError):
        return None
    return found


def may_be_null(said: bool, kind: pa.DataType) -> bool:
    """Tell whether a field may be null here, of which the service says whether it may there."""
    return said or pa.types.is_floating(kind)


class _UnknownError(Exception):
    """A type is spelled in a way that is not known."""


class _Spelled:
    """A text that is read from its beginning on."""

    def __init__(self, text: str, encoded: bool) -> None:
        self._text = text
        self._encoded = encoded
        self._at = 0
        self._depth = 0

    # -- parts -------------------------------------------------------------------------------

    def _find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = self._find(pattern)
        if match is None:
            raise _UnknownError
        return match

    def _skip(self, literal: str) -> bool:
        found = self._text.startswith(literal, self._at)
        if found:
            self._at += len(literal)
        return found

    def _need(self, literal: str) -> None:
        if not self._skip(literal):
            raise _UnknownError

    def _integer(self) -> int:
        return int(self._take(_INTEGER)[0])

    def _quoted(self) -> str:
        return unescaped(self._take(_TEXT)[1])

    def _unit(self) -> str:
        found = _UNITS.get(self._take(_WORD)[0])
        if found is None:
            raise _UnknownError
        return found

    def end(self) -> None:
        if self._at != len(self._text):
            raise _UnknownError

    # -- types -------------------------------------------------------------------------------

    def kind(self) -> pa.DataType:
        """Read a type."""
        name = self._take(_WORD)[0]
        if name in _PLAIN:
            return _PLAIN[name]
        make = _WITH_ARGUMENTS.get(name)
        self._depth += 1
        if make is None or self._depth > _DEEPEST:
            raise _UnknownError
        self._need("(")
        found = make(self)
        self._need(")")
        self._depth -= 1
        return found

    def field(self) -> pa.Field:
        """Read a field: its name, and whether it may be null, and its type."""
        name = self._quoted()
        self._need(": ")
        return self._field_of(name)

    def _field_of(self, name: str) -> pa.Field:
        nullable = not self._skip("non-null ")
        kind = self.kind()
        self._find(_METADATA)
        return pa.field(name, kind, nullable if self._encoded else may_be_null(nullable, kind))

    def item(self) -> pa.Field:
        """Read the field of a list, whose name stands behind, if it is an odd one."""
        found = self._field_of("item")
        if name := self._find(_ITEM_NAME):
            found = found.with_name(name[1])
        self._find(_METADATA)
        return found

    def timestamp(self) -> pa.DataType:
        unit, zone = self._unit(), None
        if self._skip(", Some("):
            zone = self._quoted()
            self._need(")")
        elif not self._skip(", None") and self._skip(", "):
            zone = self._quoted()
        return pa.timestamp(unit, zone)

    def decimal(self, name: str) -> pa.DataType:
        make = getattr(pa, name, None if self._encoded else pa.decimal128)
        precision = self._integer()
        self._need(", ")
        if make is None:
            raise _UnknownError
        return make(precision, self._integer())

    def interval(self) -> pa.DataType:
        known = ("MonthDayNano",) if self._encoded else ("YearMonth", "DayTime", "MonthDayNano")
        if self._take(_WORD)[0] not in known:
            raise _UnknownError
        return pa.month_day_nano_interval()

    def dictionary(self) -> pa.DataType:
        keys = self.kind()
        self._need(", ")
        values = self.kind()
        return pa.dictionary(keys, values) if self._encoded else values

    def run_ends(self) -> pa.DataType:
        if self._encoded:
            raise _UnknownError
        self.field()
        self._need(", ")
        return self.field().type

    def fixed_size_list(self) -> pa.DataType:
        size = self._integer()
        self._need(" x ")
        return pa.list_(self.item(), size)

    def struct(self) -> pa.DataType:
        fields: list[pa.Field] = []
        while not self._text.startswith(")", self._at):
            if fields:
                self._need(", ")
            fields.append(self.field())
        return pa.struct(fields)

    def map(self) -> pa.DataType:
        entries = self.field().type
        if not self._skip(", unsorted"):
            self._need(", sorted")
        if not pa.types.is_struct(entries) or entries.num_fields != 2:
            raise _UnknownError
        return pa.map_(entries.field(0), entries.field(1))


def _unit_of(make: Callable[[str], pa.DataType]) -> Callable[[_Spelled], pa.DataType]:
    return lambda spelled: make(spelled._unit())


def _items_of(name: str, instead: str | None = None) -> Callable[[_Spelled], pa.DataType]:
    """Read a list of a kind; where pyarrow is too old for it, values in JSON are of another."""
    made: Callable[[pa.Field], pa.DataType] | None = getattr(pa, name, None)

    def read(spelled: _Spelled) -> pa.DataType:
        make = made
        if make is None and instead is not None and not spelled._encoded:
            make = getattr(pa, instead)
        if make is None:
            raise _UnknownError
        return make(spelled.item())

    return read


def _decimal_of(name: str) -> Callable[[_Spelled], pa.DataType]:
    return lambda spelled: spelled.decimal(name)


_WITH_ARGUMENTS: dict[str, Callable[[_Spelled], Any]] = {
    "Timestamp": _Spelled.timestamp,
    "Time32": _unit_of(pa.time32),
    "Time64": _unit_of(pa.time64),
    "Duration": _unit_of(pa.duration),
    "Interval": _Spelled.interval,
    "Decimal32": _decimal_of("decimal32"),
    "Decimal64": _decimal_of("decimal64"),
    "Decimal128": _decimal_of("decimal128"),
    "Decimal256": _decimal_of("decimal256"),
    "FixedSizeBinary": lambda spelled: pa.binary(spelled._integer()),
    "List": _items_of("list_"),
    "LargeList": _items_of("large_list"),
    "ListView": _items_of("list_view", "list_"),
    "LargeListView": _items_of("large_list_view", "large_list"),
    "FixedSizeList": _Spelled.fixed_size_list,
    "Dictionary": _Spelled.dictionary,
    "RunEndEncoded": _Spelled.run_ends,
    "Struct": _Spelled.struct,
    "Map": _Spelled.map,
}
