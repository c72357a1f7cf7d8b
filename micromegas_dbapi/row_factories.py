"""What a row is: a tuple, a named tuple or a dict."""

from __future__ import annotations

from collections import Counter, namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from micromegas_dbapi.errors import ProgrammingError

__all__ = ["RowFactory", "row_maker"]

RowFactory: TypeAlias = Literal["tuple", "namedtuple", "dict"]


def row_maker(
    factory: Literal["namedtuple", "dict"], names: Sequence[str]
) -> Callable[[tuple[Any, ...]], Any]:
    """Return what converts a tuple of values to a row.

    Parameters
    ----------
    factory : {"namedtuple", "dict"}
        What a row is.
    names : sequence of str
        The columns. In a named tuple, a name that is not an identifier of Python, begins with an
        underscore or repeats is replaced by an underscore and the index of the column.

    Returns
    -------
    callable
        Takes the values of a row in the order of the columns.

    Raises
    ------
    ProgrammingError
        If a name repeats, and rows are dicts.
    """
    if factory == "namedtuple":
        make: Callable[[tuple[Any, ...]], Any] = _named_tuple(tuple(names))._make
        return make
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise ProgrammingError(
            f"several columns are named {', '.join(map(repr, repeated))}, so a dict cannot hold "
            'a row: name the columns with AS, or use row_factory="tuple"',
            retryable=False,
        )
    return lambda row: dict(zip(names, row, strict=True))


@lru_cache(maxsize=256)
def _named_tuple(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)
