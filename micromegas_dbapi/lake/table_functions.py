"""What newer services do with partitions by SQL: list, materialize and retire them.

``list_partitions()`` is a table. The other two answer with a row of time and text for each step,
and work when that is read, not when the statement is planned, described or explained.
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

_LINES = pa.schema(
    [
        pa.field("time", pa.timestamp("ns", tz="+00:00"), nullable=False),
        pa.field("msg", pa.string(), nullable=False),
    ]
)
_RFC3339 = re.compile(r"\S+[Tt ]\S+(?:[Zz]|[+-]\d\d:\d\d)")
_PLACES = ("first", "2nd", "3rd", "4th")


class TableFunctions:
    """The functions, by their names; each makes a table of its arguments.

    Parameters
    ----------
    folder : Folder
    views : collection of str
        The views of the lake, each with a global instance.
    writable : bool
        Whether files may be moved aside.
    guarded : callable
        Wraps a function that the engine calls, to keep what it raises.
    """

    NAMES = ("list_partitions", "materialize_partitions", "retire_partitions")

    def __init__(
        self,
        folder: Folder,
        views: Collection[str],
        writable: bool,
        guarded: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._folder = folder
        self._views = views
        self._writable = writable
        self._guarded = guarded

    def list_partitions(self, *_: object) -> DataFrame:
        """List the lake's files; arguments don't count."""
        return SessionContext().from_arrow(partitions.list_partitions(self._folder))

    def materialize_partitions(self, *arguments: Any) -> DataFrame:
        """Of a view set, begin, end, and the seconds of a partition."""
        view = _text(arguments, 0, "view_set_name")
        begin, end = _instant(arguments, 1), _instant(arguments, 2)
        seconds = _argument(arguments, 3, "a number of seconds(i64)")
        if not pa.types.is_int64(seconds.type):
            raise _unfit(seconds, "i64")

        def lines() -> Iterator[str]:
            if view not in self._views:  # a service answers, and says so as the last line
                yield f"materialize_partitions_impl\n\nCaused by:\n    can't find view {view}"
                return
            yield from partitions.materialize(
                self._folder, view, "global", begin, end, seconds.as_py()
            )

        return self._worked(lines)

    def retire_partitions(self, *arguments: Any) -> DataFrame:
        """Of a view set, an instance of it, begin and end."""
        view, instance = (
            _text(arguments, 0, "view_set_name"),
            _text(arguments, 1, "view_instance_id"),
        )
        begin, end = _instant(arguments, 2), _instant(arguments, 3)
        return self._worked(
            lambda: partitions.retire(self._folder, view, instance, begin, end, self._writable)
        )

    def _worked(self, lines: Callable[[], Iterator[str]]) -> DataFrame:
        def batches() -> Iterator[pa.RecordBatch]:
            left = lines()
            return map(_row, iter(self._guarded(lambda: next(left, None)), None))

        context = SessionContext()  # where the name is not taken
        context.register_dataset("worked", _Work(batches))
        return context.table("worked")


class _Work(ds.InMemoryDataset):  # type: ignore[misc]  # pyarrow has no types
    """Rows that are made by working, once they are asked for.

    The engine asks for fragments when it plans, of which this is the only one, for a fragment's
    scanner when it computes, and leaves conditions to that.
    """

    def __init__(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        super().__init__(_LINES.empty_table())
        self._batches = batches

    def get_fragments(self, filter: ds.Expression | None = None) -> Iterator[_Work]:
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
            self._batches(), schema=_LINES, columns=columns, filter=filter
        )


def _row(line: str) -> pa.RecordBatch:
    now = pa.array([time.time_ns()], pa.int64()).cast(_LINES.field("time").type)
    return pa.RecordBatch.from_arrays([now, pa.array([line])], schema=_LINES)


# -- arguments: constants, which the engine has folded ----------------------------------------


def _text(arguments: tuple[Any, ...], place: int, name: str) -> str:
    value = _argument(arguments, place, f"{name}: String")
    if not pa.types.is_string(value.type):
        raise _unfit(value, "string")
    return str(value)


def _instant(arguments: tuple[Any, ...], place: int) -> int:
    value = _argument(arguments, place, "a UTC nanoseconds timestamp")
    if pa.types.is_timestamp(value.type) and value.type.unit == "ns":
        return int(value.cast(pa.int64()).as_py())
    if not pa.types.is_string(value.type) or not _RFC3339.fullmatch(str(value)):
        raise _unfit(value, "timestamp")
    return to_ns(str(value), 0)


def _argument(arguments: tuple[Any, ...], place: int, expected: str) -> Any:
    if place >= len(arguments):
        raise from_service(
            f"Error during planning: Missing {_PLACES[place]} argument, expected {expected}"
        )
    given = Expr(arguments[place])
    if given.variant_name() != "Literal" or not (value := given.python_value()).is_valid:
        raise _unfit(given, "a constant")
    return value


def _unfit(value: object, kind: str) -> DatabaseError:
    return from_service(f"Error during planning: can't convert {value} to {kind}")
