"""What the conversions of all types share: their interface and their error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pyarrow as pa

from micromegas_dbapi.errors import DataError

__all__ = ["Convert", "conversion_error"]

#: Converts an array of any type to a list of as many values.
Convert: TypeAlias = Callable[[pa.Array], list[Any]]


def conversion_error(kind: pa.DataType, reason: str) -> DataError:
    """Create the error for a value that Python cannot hold.

    Parameters
    ----------
    kind : pyarrow.DataType
        The type of the value.
    reason : str
        Such as ``"is not within one day"``.

    Returns
    -------
    DataError
        With the alternatives in its message.
    """
    alternative = "fetch_arrow_table() returns it unchanged"
    if pa.types.is_timestamp(kind):
        alternative = f'timestamps="ns" returns it as an integer, {alternative}'
    return DataError(f"a value of the Arrow type {kind} {reason}; {alternative}")
