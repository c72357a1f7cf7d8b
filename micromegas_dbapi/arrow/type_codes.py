"""PEP 249 type codes and the columns of ``cursor.description``.

A type code is a ``str``, the SQL name of the type, so that tools without knowledge of Arrow can
read it. It also has the Arrow type as an attribute. The five type objects of PEP 249 compare equal
to the codes that they represent::

    >>> import pyarrow as pa
    >>> code = type_code(pa.timestamp("ns", "UTC"))
    >>> code, code == DATETIME, code.arrow_type
    ('TIMESTAMP WITH TIME ZONE', True, TimestampType(timestamp[ns, tz=UTC]))
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa

from micromegas_dbapi.arrow.nested import values_type
from micromegas_dbapi.arrow.types import all_types, sql_name

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Column",
    "TypeCode",
    "TypeObject",
    "describe",
    "type_code",
]


class TypeCode(str):
    """The SQL name of a column's type, with the Arrow type; created by `type_code`.

    It compares and hashes like any ``str``.
    """

    __slots__ = ("_arrow_type",)
    _arrow_type: pa.DataType

    def __new__(cls, name: str, arrow_type: pa.DataType) -> TypeCode:  # noqa: D102
        self = super().__new__(cls, name)
        self._arrow_type = arrow_type
        return self

    @property
    def arrow_type(self) -> pa.DataType:
        """The complete Arrow type, including unit, time zone, precision and dictionary index."""
        return self._arrow_type

    def upper(self) -> str:
        """Return the name in capitals, or ``"OTHER"`` if capitals would be misleading.

        polars looks for SQL names in the capitals of a code. In the name of a struct or of a nested
        list it finds the name of a part, and fails, or converts values to strings. Of timestamps
        and decimals it expects what not all rows have. For ``"OTHER"`` it uses the types of the
        values. Capitals are also not the names of the fields of a struct.

        Returns
        -------
        str
            The name itself in capitals for other types and lists of these.
        """
        kind, types = values_type(self._arrow_type), pa.types
        unclear = types.is_struct(kind) or types.is_map(kind)
        if types.is_nested(kind) and not unclear:
            kind = values_type(kind.value_type)
            unclear = types.is_nested(kind) or types.is_decimal(kind) or types.is_interval(kind)
        wide = types.is_decimal(kind) and kind.precision > 38
        return "OTHER" if unclear or wide or types.is_timestamp(kind) else super().upper()

    def __reduce__(self) -> tuple[Any, ...]:
        return TypeCode, (str(self), self._arrow_type)


# The name of a type that is not nested, without what follows the family.
_SCALAR = re.compile(r"([A-Z ]+?)(?:\(\d+(?:, ?-?\d+)?\))?(?: WITH TIME ZONE)?")


class TypeObject:
    """A PEP 249 type object: equal to each type code that it represents.

    Type objects are hashable, because users of PEP 249 put them into dictionaries. A type object
    and an equal code have different hashes, so compare codes with ``==``.

    Parameters
    ----------
    name : str
        The name in PEP 249.
    *codes : str
        The SQL names of the types that it represents.
    """

    __slots__ = ("_codes", "_name")

    def __init__(self, name: str, *codes: str) -> None:
        self._name = name
        self._codes = codes

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            family = _SCALAR.fullmatch(other)
            return family is not None and family[1] in self._codes
        if isinstance(other, TypeObject):
            return self._name == other._name
        return NotImplemented

    def __hash__(self) -> int:
        return hash((TypeObject, self._name))

    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(self._codes) or 'no type'}>"


def _type_object(name: str) -> TypeObject:
    """Create the type object that represents all types whose entries have this name."""
    names = (entry.name for entry in all_types().values() if entry.type_object == name)
    return TypeObject(name, *dict.fromkeys(names))


STRING = _type_object("STRING")
BINARY = _type_object("BINARY")
NUMBER = _type_object("NUMBER")
DATETIME = _type_object("DATETIME")
ROWID = _type_object("ROWID")

_FIXED_SIZE = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_temporal,
    pa.types.is_fixed_size_binary,
)


class Column(NamedTuple):
    """One column of ``cursor.description``: the seven items of PEP 249.

    Attributes
    ----------
    name : str
        As in the result. Names can repeat.
    type_code : TypeCode
        The type. It equals one of the type objects, unless it is nested, NULL or OTHER.
    display_size : None
        Unknown.
    internal_size : int or None
        The size of each value in bytes, if it is fixed and a whole number.
    precision : int or None
        The number of digits of a decimal.
    scale : int or None
        The number of digits of a decimal after the decimal point.
    null_ok : bool
        Whether the service declares the column as nullable.
    """

    name: str
    type_code: TypeCode
    display_size: None
    internal_size: int | None
    precision: int | None
    scale: int | None
    null_ok: bool


def type_code(arrow_type: pa.DataType) -> TypeCode:
    """Return the type code of an Arrow type.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        Any type. Dictionaries and run-end encoded types have the name of their values, extension
        types that of their storage.

    Returns
    -------
    TypeCode
        ``"OTHER"`` if SQL has no name for the type, for example for a union.
    """
    return TypeCode(sql_name(arrow_type), arrow_type)


def describe(schema: pa.Schema) -> tuple[Column, ...]:
    """Return the columns of a result in the form of ``cursor.description``.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of the result.

    Returns
    -------
    tuple of Column
        In the order of the schema.
    """
    return tuple(_column(field) for field in schema)


def _column(field: pa.Field) -> Column:
    values = values_type(field.type)
    decimal = pa.types.is_decimal(values)
    fixed = any(is_kind(values) for is_kind in _FIXED_SIZE)
    return Column(
        name=field.name,
        type_code=type_code(field.type),
        display_size=None,
        internal_size=values.bit_width // 8 if fixed else None,
        precision=values.precision if decimal else None,
        scale=values.scale if decimal else None,
        null_ok=field.nullable,
    )
