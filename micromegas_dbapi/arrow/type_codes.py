"""PEP 249 type codes and the columns of ``cursor.description``.

A type code is a ``str``, the SQL name of the type, so that tools without knowledge of Arrow can
read it. It also has the Arrow type as an attribute. The five type objects of PEP 249 compare equal
to the codes that they represent::

    >>> import pyarrow as pa
    >>> code = type_code(pa.timestamp("ns", "UTC"))
    >>> code, code == DATETIME, code.arrow_type
    ('TIMESTAMP', True, TimestampType(timestamp[ns, tz=UTC]))
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pyarrow as pa

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

    def __reduce__(self) -> tuple[Any, ...]:
        return TypeCode, (str(self), self._arrow_type)


class TypeObject:
    """A PEP 249 type object: equal to each type code that it represents.

    Type objects are hashable, because users of PEP 249 put them into dictionaries. A type object
    and an equal code have different hashes, so compare codes with ``==``.

    Parameters
    ----------
    name : str
        The name in PEP 249.
    *codes : str
        The type codes that it represents.
    """

    __slots__ = ("_codes", "_name")

    def __init__(self, name: str, *codes: str) -> None:
        self._name = name
        self._codes = codes

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return other in self._codes
        if isinstance(other, TypeObject):
            return self._name == other._name
        return NotImplemented

    def __hash__(self) -> int:
        return hash((TypeObject, self._name))

    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(self._codes) or 'no type'}>"


STRING = TypeObject("STRING", "VARCHAR")
BINARY = TypeObject("BINARY", "BINARY")
NUMBER = TypeObject(
    "NUMBER",
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "TINYINT UNSIGNED",
    "SMALLINT UNSIGNED",
    "INTEGER UNSIGNED",
    "BIGINT UNSIGNED",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
)
DATETIME = TypeObject("DATETIME", "DATE", "TIME", "TIMESTAMP", "DURATION", "INTERVAL")
ROWID = TypeObject("ROWID")

_NAMES = {
    "NULL": "NA",
    "BOOLEAN": "BOOL",
    "TINYINT": "INT8",
    "SMALLINT": "INT16",
    "INTEGER": "INT32",
    "BIGINT": "INT64",
    "TINYINT UNSIGNED": "UINT8",
    "SMALLINT UNSIGNED": "UINT16",
    "INTEGER UNSIGNED": "UINT32",
    "BIGINT UNSIGNED": "UINT64",
    "FLOAT": "HALF_FLOAT FLOAT",
    "DOUBLE": "DOUBLE",
    "DECIMAL": "DECIMAL32 DECIMAL64 DECIMAL128 DECIMAL256",
    "VARCHAR": "STRING LARGE_STRING STRING_VIEW",
    "BINARY": "BINARY LARGE_BINARY BINARY_VIEW FIXED_SIZE_BINARY",
    "DATE": "DATE32 DATE64",
    "TIME": "TIME32 TIME64",
    "TIMESTAMP": "TIMESTAMP",
    "DURATION": "DURATION",
    "INTERVAL": "INTERVAL_MONTH_DAY_NANO",
    "ARRAY": "LIST LARGE_LIST LIST_VIEW LARGE_LIST_VIEW FIXED_SIZE_LIST",
    "STRUCT": "STRUCT",
    "MAP": "MAP",
}

# By pyarrow's number of each type. Older pyarrow has no decimals of 32 and 64 bits.
_NAME_OF = {
    getattr(pa.lib, f"Type_{arrow_name}"): name
    for name, arrow_names in _NAMES.items()
    for arrow_name in arrow_names.split()
    if hasattr(pa.lib, f"Type_{arrow_name}")
}

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
        The type. It equals one of the type objects, except ARRAY, STRUCT, MAP, NULL and OTHER.
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
    return TypeCode(_NAME_OF.get(_values(arrow_type).id, "OTHER"), arrow_type)


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
    values = _values(field.type)
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


def _values(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type of the values, without encodings and extensions."""
    while True:
        if isinstance(arrow_type, pa.BaseExtensionType):
            arrow_type = arrow_type.storage_type
        elif pa.types.is_dictionary(arrow_type) or pa.types.is_run_end_encoded(arrow_type):
            arrow_type = arrow_type.value_type
        else:
            return arrow_type
