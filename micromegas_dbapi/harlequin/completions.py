"""What the editor completes: functions and keywords of the services' query engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from micromegas_dbapi.service.descriptions import INSTANCE_IDS
from micromegas_dbapi.sql.engine_functions import AGGREGATES, FUNCTIONS, WINDOWS

__all__ = ["Completion", "completions"]

# Those that harlequin's own list may lack.
_KEYWORDS = (
    *("ANALYZE", "ASC", "CUBE", "DESC", "DESCRIBE", "EXPLAIN", "FETCH", "FILTER", "FIRST"),
    *("GROUPING SETS", "ILIKE", "INTERVAL", "LAST", "LATERAL", "NULLS", "OFFSET", "OVER"),
    *("PARTITION", "QUALIFY", "ROLLUP", "SHOW", "SIMILAR TO", "TIMESTAMP", "TRY_CAST", "UNNEST"),
    *("VALUES", "VERBOSE", "WINDOW", "WITHIN GROUP"),
)
_TABLE_FUNCTIONS = ("list_partitions", "list_view_sets", "process_spans", "view_instance")
# Lowest first, as harlequin has them for keywords and for functions.
_KEYWORD, _INSTANCE, _FUNCTION = 100, 600, 1000


class Completion(NamedTuple):
    """One item of the list in the editor.

    Attributes
    ----------
    label : str
        What is shown, and compared with what is typed.
    kind : str
        Two to four characters, shown beside it.
    value : str
        What is inserted.
    priority : int
        The lowest is listed first.
    """

    label: str
    kind: str
    value: str
    priority: int


def completions() -> Iterator[Completion]:
    """Return the completions apart from the catalog, whose items harlequin completes itself.

    Yields
    ------
    Completion
        Keywords, calls of ``view_instance()`` for each view set, and functions.
    """
    for word in _KEYWORDS:
        yield Completion(word.lower(), "kw", word, _KEYWORD)
    for view_set, id_column in INSTANCE_IDS.items():
        call = f"view_instance('{view_set}', '{id_column.upper()}')"
        yield Completion(f"view_instance {view_set}", "inst", call, _INSTANCE)
    for name in _TABLE_FUNCTIONS:
        yield Completion(name, "tbl", name, _FUNCTION)
    for name in sorted(FUNCTIONS - set(_TABLE_FUNCTIONS)):
        kind = "agg" if name in AGGREGATES else "win" if name in WINDOWS else "fn"
        yield Completion(name, kind, name, _FUNCTION)
