"""The table functions of newer services that list, materialize and retire partitions.

``list_partitions()`` is a table. The result of the other two has a row with time and text for each
step. They work while that result is read, not when the statement is planned, described or
explained.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from datafusion import DataFrame, Expr, SessionContext

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.lake import partitions
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.timerange import to_ns

__all__ = ["TableFunctions"]

_PROGRESS = pa.schema(
    [
        pa.field("time", pa.timestamp("ns", tz="+00:00"), nullable=False),
        pa.field("msg", pa.string(), nullable=False),
    ]
)
_RFC3339 = re.compile(r"\S+[Tt ]\S+(?:[Zz]|[+-]\d\d:\d\d)")
_ORDINALS = ("first", "2nd", "3rd", "4th")


class TableFunctions:
    """The table functions, as methods that take expressions and return a DataFrame.

    Parameters
    ----------
    folder : Folder
        The lake.
    views : collection of str
        The lake's views with a global instance.
    writable : bool
        Whether ``retire_partitions()`` may move files.
    wrap : callable
        Wraps a function that the engine calls; see `CallbackErrors.captured`.
    """

    NAMES = ("list_partitions", "materialize_partitions", "retire_partitions")

    def __init__(
        self,
        folder: Folder,
        views: Collection[str],
        writable: bool,
        wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._folder = folder
        self._views = views
        self._writable = writable
        self._wrap = wrap

    def list_partitions(self, *_arguments: object) -> DataFrame:
        """List the lake's files.

        Parameters
        ----------
        *_arguments : object
            Ignored, as on a service.

        Returns
        -------
        datafusion.DataFrame
            See `micromegas_dbapi.lake.partitions.list_partitions`.
        """
        return SessionContext().from_arrow(partitions.list_partitions(self._folder))

    def materialize_partitions(self, *arguments: Any) -> DataFrame:
        """Report the files of a view for each step of a time range.

        Parameters
        ----------
        *arguments : object
            View set, begin, end, and the length of a step in seconds.

        Returns
        -------
        datafusion.DataFrame
            A row per step.

        Raises
        ------
        ProgrammingError
            If an argument is missing or of another type.
        """
        view = _string(arguments, 0, "view_set_name")
        begin, end = _timestamp(arguments, 1), _timestamp(arguments, 2)
        seconds = _argument(arguments, 3, "a number of seconds(i64)")
        if not pa.types.is_int64(seconds.type):
            raise _conversion_error(seconds, "i64")

        def _lines() -> Iterator[str]:
            if view not in self._views:  # a service reports this in the last row
                yield f"materialize_partitions_impl\n\nCaused by:\n    can't find view {view}"
                return
            yield from partitions.materialize(
                self._folder, view, "global", begin, end, seconds.as_py()
            )

        return self._progress(_lines)

    def retire_partitions(self, *arguments: Any) -> DataFrame:
        """Move the files of a view instance that lie within a time range.

        Parameters
        ----------
        *arguments : object
            View set, instance, begin and end.

        Returns
        -------
        datafusion.DataFrame
            A row per file.

        Raises
        ------
        ProgrammingError
            If an argument is missing or of another type.
        """
        view, instance = (
            _string(arguments, 0, "view_set_name"),
            _string(arguments, 1, "view_instance_id"),
        )
        begin, end = _timestamp(arguments, 2), _timestamp(arguments, 3)
        return self._progress(
            lambda: partitions.retire(self._folder, view, instance, begin, end, self._writable)
        )

    def _progress(self, lines: Callable[[], Iterator[str]]) -> DataFrame:
        def batches() -> Iterator[pa.RecordBatch]:
            remaining = lines()
            return map(_row, iter(self._wrap(lambda: next(remaining, None)), None))

        context = SessionContext()  # a separate one, in which the name is not in use
        context.register_dataset("progress", _ProgressDataset(batches))
        return context.table("progress")


class _ProgressDataset(ds.InMemoryDataset):  # type: ignore[misc]  # pyarrow has no types
    """A dataset that calls a function for its rows when it is scanned.

    The engine requests the fragments, of which there is only this one, when it plans. It requests
    a fragment's scanner when it executes, and the scanner applies all filters.
    """

    def __init__(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        super().__init__(_PROGRESS.empty_table())
        self._batches = batches

    def get_fragments(self, filter: ds.Expression | None = None) -> Iterator[_ProgressDataset]:
        return iter([self])

    def scanner(
        self,
        schema: pa.Schema | None = None,
        *,
        columns: list[str] | None = None,
        filter: ds.Expression | None = None,
        **_: object,
    ) -> ds.Scanner:
        return ds.Scanner.from_batches(
            self._batches(), schema=_PROGRESS, columns=columns, filter=filter
        )


def _row(line: str) -> pa.RecordBatch:
    now = pa.array([time.time_ns()], pa.int64()).cast(_PROGRESS.field("time").type)
    return pa.RecordBatch.from_arrays([now, pa.array([line])], schema=_PROGRESS)


# -- arguments: constants, because the engine has folded expressions ---------------------------


def _string(arguments: tuple[Any, ...], position: int, name: str) -> str:
    value = _argument(arguments, position, f"{name}: String")
    if not pa.types.is_string(value.type):
        raise _conversion_error(value, "string")
    return str(value)


def _timestamp(arguments: tuple[Any, ...], position: int) -> int:
    value = _argument(arguments, position, "a UTC nanoseconds timestamp")
    if pa.types.is_timestamp(value.type) and value.type.unit == "ns":
        return int(value.cast(pa.int64()).as_py())
    if not pa.types.is_string(value.type) or not _RFC3339.fullmatch(str(value)):
        raise _conversion_error(value, "timestamp")
    return to_ns(str(value), 0)


def _argument(arguments: tuple[Any, ...], position: int, expected: str) -> Any:
    if position >= len(arguments):
        raise from_service(
            f"Error during planning: Missing {_ORDINALS[position]} argument, expected {expected}"
        )
    argument = Expr(arguments[position])
    if argument.variant_name() != "Literal" or not (value := argument.python_value()).is_valid:
        raise _conversion_error(argument, "a constant")
    return value


def _conversion_error(value: object, kind: str) -> DatabaseError:
    return from_service(f"Error during planning: can't convert {value} to {kind}")
