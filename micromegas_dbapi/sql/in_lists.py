"""Values that stand for the list of an IN condition: lists, arrays, columns of data frames."""

from __future__ import annotations

import sys
from collections.abc import KeysView, ValuesView
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["Array", "in_list"]


class Array(tuple[Any, ...]):
    """An array value, rendered as ``make_array(1, 2)`` and not as an IN list."""

    __slots__ = ()


_LISTS = (list, tuple, set, frozenset, range, KeysView, ValuesView)


def in_list(value: object) -> list[Any] | None:
    """Return the items of a value that stands for a list, or None if it is a single value.

    Parameters
    ----------
    value : object
        A list, tuple, set, frozenset, range, view of a mapping, numpy array, pyarrow array, pandas
        Series, Index or array, or polars Series. Neither pandas nor polars is imported.

    Returns
    -------
    list or None
        Missing values are None. NaN of a column of floats stays NaN.

    """
    if isinstance(value, Array):
        return None
    if isinstance(value, _LISTS):
        return list(value)
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return list(value)
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return [None if item is np.ma.masked else item for item in value]
    if (pd := sys.modules.get("pandas")) is not None and isinstance(
        value, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
    ):
        keeps_nan = isinstance(value.dtype, np.dtype) and value.dtype.kind == "f"
        missing = [False] * len(value) if keeps_nan else value.isna()
        return [None if gone else item for item, gone in zip(value, missing, strict=True)]
    if (pl := sys.modules.get("polars")) is not None and isinstance(value, pl.Series):
        return list(value.to_arrow())
    return None
