"""Arrow tables -> pandas DataFrames. Importing it without pandas raises NotSupportedError."""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.errors import DataError, NotSupportedError

try:
    import pandas as pd
except ImportError as error:
    raise NotSupportedError(
        "a DataFrame needs pandas: pip install 'micromegas-dbapi[pandas]'"
    ) from error

__all__ = ["to_pandas"]

# Looking for equal strings costs more than it saves where pandas keeps objects.
_DEDUPLICATE = int(pd.__version__.partition(".")[0]) >= 3


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Make a DataFrame.

    Parameters
    ----------
    table : pyarrow.Table

    Returns
    -------
    pandas.DataFrame
        Timestamps in nanoseconds, dictionaries as categories, duplicate names kept.

    Raises
    ------
    DataError
        If pandas cannot hold a value.
    """
    try:
        frame: pd.DataFrame = table.to_pandas(deduplicate_objects=_DEDUPLICATE)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise DataError(f"pandas cannot hold the result: {error}") from error
    return frame
