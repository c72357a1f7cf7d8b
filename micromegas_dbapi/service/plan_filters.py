"""Find the columns that a query's range filters by, in a service's plan of a view.

The plan is requested with a range that contains no data. Its two instants appear in the filter that
the service puts on the scan.
"""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

from micromegas_dbapi.service.catalog import TimeColumns
from micromegas_dbapi.timerange import TimeRange

__all__ = ["PLAN", "SENTINEL", "filter_columns"]

#: Requests the plan of a relation, named as in a FROM clause.
PLAN: Final = "EXPLAIN SELECT * FROM {}"
#: 1971-02-03T04:05:06.000000007Z and two nanoseconds less than a second later.
SENTINEL: Final = TimeRange(34_401_906_000_000_007, 34_401_907_000_000_005, "inferred")

# Of the statement with LIMIT 1, as services show it. No view has such a limit itself.
_LIMIT = ("Limit", "skip=0, fetch=1")
_NODE = re.compile(r" *(\w+): ?(.*)")
_SCAN = re.compile(r"(.+?) projection=\[([^\]]*)\].*")
_TERM = re.compile(r'(.+) (<=|>=) TimestampNanosecond\((\d+), Some\("\+00:00"\)\)')


def filter_columns(plan: pa.Table) -> TimeColumns | None:
    """Read the time columns from the result of `PLAN` with the range `SENTINEL`.

    Parameters
    ----------
    plan : pyarrow.Table
        With the columns plan_type and plan.

    Returns
    -------
    TimeColumns or None
        None if the filter has another shape than that of a view, or is not directly on a scan. (If
        it is below an aggregation, for example, it does not filter the rows of the view.)
    """
    if not {"plan_type", "plan"} <= set(plan.column_names):
        return None
    logical = [row["plan"] for row in plan.to_pylist() if row["plan_type"] == "logical_plan"]
    if len(logical) != 1:
        return None
    nodes = [_NODE.fullmatch(line) for line in str(logical[0]).splitlines() if line.strip()]
    found = [(node[1], node[2]) for node in nodes if node is not None]
    if len(found) != len(nodes):
        return None
    if found and (found[0] == _LIMIT or found[0][0] == "SubqueryAlias"):
        found = found[1:]
    if [kind for kind, _ in found] != ["Filter", "TableScan"]:
        return None
    return _columns(found[0][1], found[1][1])


def _columns(condition: str, scan: str) -> TimeColumns | None:
    table = _SCAN.fullmatch(scan)
    terms = [_TERM.fullmatch(term) for term in condition.split(" AND ")]
    if table is None or len(terms) != 2:
        return None
    columns: dict[str, str] = {}
    for term in terms:
        if term is None:
            return None
        bound = {"<=": SENTINEL.end, ">=": SENTINEL.begin}[term[2]]
        name = _column(term[1], table[1], table[2].split(", "))
        if int(term[3]) != bound or name is None or term[2] in columns:
            return None
        columns[term[2]] = name
    upto, since = columns["<="], columns[">="]
    return TimeColumns(upto, since, ordered=upto == since, nullable=upto != since)


def _column(text: str, table: str, projected: list[str]) -> str | None:
    """Find the column of a name with or without its table; column names may have dots too."""
    bare = text.removeprefix(f"{table}.")
    named = [name for name in dict.fromkeys((text, bare)) if name.strip('"') in projected]
    return named[0].strip('"') if len(named) == 1 else None
