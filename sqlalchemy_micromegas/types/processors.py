"""Parts of SQLAlchemy's bind and result processors, which convert one value each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pyarrow as pa

__all__ = ["Processor", "column_arrow_type", "nullable"]

Processor: TypeAlias = Callable[[Any], Any]


def nullable(process: Processor) -> Processor:
    """Return a processor that passes None through and other values to another processor.

    Parameters
    ----------
    process : callable
        Converts a value that is not None.

    Returns
    -------
    callable
        The processor.
    """
    return lambda value: None if value is None else process(value)


def column_arrow_type(coltype: object) -> pa.DataType | None:
    """Return the Arrow type of a result column.

    Parameters
    ----------
    coltype : object
        The type code in ``cursor.description``. The driver's carry the Arrow type.

    Returns
    -------
    pyarrow.DataType or None
        None if it is not the driver's.
    """
    return getattr(coltype, "arrow_type", None)
