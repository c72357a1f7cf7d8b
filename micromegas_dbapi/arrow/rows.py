"""Convert Arrow record batches to Python rows, and to values that JSON can represent.

Each column is converted as a whole, with numpy where that is exact, and rows are zipped from
columns. This is an order of magnitude faster than converting single values. pyarrow's own
``to_pylist`` is used only for types for which it is both exact and fast. It is not for times:
nanoseconds become pandas objects where pandas is installed, and a ValueError where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow.conversion import Convert
from micromegas_dbapi.arrow.types import ArrowType, Converter, all_types
from micromegas_dbapi.errors import DatabaseError, NotSupportedError

__all__ = ["Form", "Timestamps", "column", "columns"]

#: What timestamps become in rows.
Timestamps: TypeAlias = Literal["datetime", "ns"]

#: What all values become: rows with either kind of timestamps, or JSON.
Form: TypeAlias = Timestamps | Literal["json"]


def columns(batch: pa.RecordBatch, form: Form = "datetime") -> list[list[Any]]:
    """Convert every column of a record batch; ``zip(*columns(batch))`` are its rows.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Batches of some thousand rows are fastest. Column names can repeat.
    form : {"datetime", "ns", "json"}
        As for `column`.

    Returns
    -------
    list of list
        One list for each column, each as long as the batch. A batch with rows but without columns
        gives an empty list.

    Raises
    ------
    DataError, NotSupportedError
        As for `column`; the message starts with the name of the column.
    """
    return [
        column(array, form, name)
        for name, array in zip(batch.schema.names, batch.columns, strict=True)
    ]


def column(array: pa.Array, form: Form = "datetime", name: str | None = None) -> list[Any]:
    """Convert an Arrow array to a list of Python values.

    Parameters
    ----------
    array : pyarrow.Array
        Of any type except unions. Slices are allowed.
    form : {"datetime", "ns", "json"}
        The type of timestamps, including nested ones. ``"ns"`` returns the exact nanoseconds since
        the epoch as int, for every unit and any distance from the epoch. ``"json"`` returns values
        that JSON can represent, without loss: see `micromegas_dbapi.arrow.json_form`.
    name : str, optional
        The name of the column, for errors.

    Returns
    -------
    list
        One value for each element; None for each null, and NaN only for NaN.

        ============================  ==========================================================
        Arrow type                    Python value
        ============================  ==========================================================
        null, bool                    None, bool
        integers, floats              int, float
        decimals                      Decimal with the scale of the type
        strings, binary               str, bytes (all widths, and views)
        timestamp with time zone      datetime in UTC, for every zone
        timestamp without time zone   naive datetime
        date, time                    date, time
        duration                      timedelta
        month-day-nanosecond interval timedelta, or with months
                                      ``pyarrow.MonthDayNano(months, days, nanoseconds)``
        lists                         list
        struct                        dict by field name
        map                           dict
        dictionary, run-end encoded   the value itself
        extension                     the value of its storage
        ============================  ==========================================================

        Times are rounded down to microseconds, also before 1970. Lists and dicts are not shared
        between rows.

    Raises
    ------
    DataError
        If Python cannot hold a value: a year before 1 or after 9999, a duration of more than
        999,999,999 days, a string that is not UTF-8, a map with an unhashable key or two equal
        keys, or a struct with two fields of one name. Values that are in no row (behind a null, or
        outside of a slice) raise no error.
    NotSupportedError
        If the type is a union or unknown.
    """
    try:
        return _CONVERT[form](array)
    except DatabaseError as error:
        if name is None:
            raise
        raise type(error)(f"column {name!r}: {error}") from error


def _convert_with(select: Callable[[ArrowType], Converter]) -> Convert:
    """Return the function that converts arrays by what `select` returns for their types."""
    converters = {number: select(entry) for number, entry in all_types().items()}

    def convert(array: pa.Array) -> list[Any]:
        converter = converters.get(array.type.id)
        if converter is None:
            if isinstance(array.type, pa.BaseExtensionType):
                return convert(array.storage)
            raise NotSupportedError(
                f"values of the Arrow type {array.type} cannot be converted to Python values; "
                "fetch_arrow_table() returns them unchanged"
            )
        if array.null_count == len(array):
            return [None] * len(array)
        return converter(array, convert)

    return convert


_CONVERT: dict[str, Convert] = {
    "datetime": _convert_with(lambda entry: entry.rows),
    "ns": _convert_with(lambda entry: entry.nanoseconds or entry.rows),
    "json": _convert_with(lambda entry: entry.json),
}
