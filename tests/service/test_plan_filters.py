"""Recorded plans of both kinds of services, and the time columns in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from micromegas_dbapi.service.catalog import TimeColumns, time_columns_of
from micromegas_dbapi.service.plan_filters import SENTINEL, filter_columns
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.protocol import Request
from tests.wire import flight
from tests.wire.recordings import case

TIME = TimeColumns("time", "time")
INSERTED = TimeColumns("insert_time", "insert_time")


def columns(upto: str, since: str) -> TimeColumns:
    return TimeColumns(upto, since, ordered=False, nullable=True)


# The time columns in the plan of each view, by recording.
SHOWN = {
    "http-0.2.3": {
        "log_entries": TIME,
        "measures": TIME,
        "log_instance": TIME,
        "measures_instance": TIME,
        "processes": INSERTED,
        "streams": INSERTED,
        "blocks": INSERTED,
        "thread_spans": columns("begin", "end"),
    },
    "flight-0.30": {
        "log_entries": TIME,
        "measures": TIME,
        "log_instance": TIME,
        "measures_instance": TIME,
        "async_events": TIME,
        "images": TIME,
        "blocks": columns("begin_time", "insert_time"),
        "thread_spans": columns("begin", "end"),
        "net_spans": columns("begin_time", "end_time"),
        "otel_spans": columns("start_time", "end_time"),
        # Their filters are below an aggregation.
        "processes": None,
        "streams": None,
        "log_stats": None,
    },
}
CASES = [(where, view) for where, views in SHOWN.items() for view in views]
# The range of the recorded queries, as the plans of either kind of service show it.
RECORDED = {"http-0.2.3": (1795466370, 1795466390), "flight-0.30": (1795467080, 1795467100)}


def plan(wire: Callable[[str], Path], where: str, name: str) -> pa.Table:
    """Return a recorded plan, converted to the range `SENTINEL`."""
    if where == "http-0.2.3":
        table = decode(case(wire(where), name).body, Request("", None, "")).read_all()
    else:
        table = flight.table(wire(where), name)
    begin, end = (f"{seconds}000000000" for seconds in RECORDED[where])
    kinds, texts = (table.column(at).to_pylist() for at in range(2))
    texts = [
        text.replace(begin, str(SENTINEL.begin)).replace(end, str(SENTINEL.end)) for text in texts
    ]
    return pa.table({"plan_type": kinds, "plan": texts})


@pytest.mark.parametrize(("where", "view"), CASES)
def test_recorded_plans(wire: Callable[[str], Path], where: str, view: str) -> None:
    assert filter_columns(plan(wire, where, f"explain_{view}")) == SHOWN[where][view]


@pytest.mark.parametrize("where", SHOWN)
def test_the_catalog_says_what_the_services_show(where: str) -> None:
    known = time_columns_of({"http-0.2.3": "0.1", "flight-0.30": "0.13"}[where])
    for view, shown in SHOWN[where].items():
        view_set = {"log_instance": "log_entries", "measures_instance": "measures"}.get(view, view)
        if shown is None:  # of log_stats the time is what rows are grouped by
            assert known[view_set].aggregated is (view_set != "log_stats")
        else:
            assert known[view_set][:2] == shown[:2]


@pytest.mark.parametrize("where", SHOWN)
def test_another_range_or_none_tells_nothing(wire: Callable[[str], Path], where: str) -> None:
    asked = plan(wire, where, "explain_log_entries")
    for bound in (SENTINEL.begin, SENTINEL.end):
        texts = [text.replace(str(bound), "1") for text in asked.column("plan").to_pylist()]
        assert filter_columns(asked.set_column(1, "plan", [texts])) is None
    assert filter_columns(plan(wire, where, "explain_norange_log_entries")) is None


UPTO = f'time <= TimestampNanosecond({SENTINEL.end}, Some("+00:00"))'
SINCE = f'time >= TimestampNanosecond({SENTINEL.begin}, Some("+00:00"))'
SCAN = "  TableScan: v projection=[a, time, b.c]"
B_C = SINCE.replace("time", "b.c", 1)

SHAPES = {
    f"Filter: {UPTO} AND {SINCE}\n{SCAN}": TIME,
    f"Filter: {SINCE} AND {UPTO}\n{SCAN}, partial_filters=[{UPTO}, {SINCE}]\n": TIME,
    f"SubqueryAlias: v\n  Filter: v.{UPTO} AND v.{SINCE}\n  {SCAN}": TIME,
    # A column's name may have a dot: the list of the scan decides.
    f"Filter: {UPTO} AND {B_C}\n{SCAN}": columns("time", "b.c"),
    f"Filter: {UPTO} AND v.{B_C}\n{SCAN}": columns("time", "b.c"),
    f"Filter: {UPTO} AND other.{SINCE}\n{SCAN}": None,
    f"Filter: {UPTO}\n{SCAN}": None,
    f"Filter: {UPTO} AND {UPTO}\n{SCAN}": None,
    f"Filter: {UPTO} AND {SINCE} AND v.a = Int64(1)\n{SCAN}": None,
    f"Filter: {UPTO.replace('<=', '<')} AND {SINCE}\n{SCAN}": None,
    f"Filter: CAST({UPTO.replace(' <=', ' AS Timestamp) <=')} AND {SINCE}\n{SCAN}": None,
    f"Filter: {UPTO} OR {SINCE}\n{SCAN}": None,
    f"Projection: v.time AS t\n  Filter: {UPTO} AND {SINCE}\n  {SCAN}": None,
    f"Limit: skip=0, fetch=1\n  Filter: {UPTO} AND {SINCE}\n  {SCAN}": TIME,
    f"Limit: skip=0, fetch=2\n  Filter: {UPTO} AND {SINCE}\n  {SCAN}": None,
    f"Aggregate: groupBy=[[v.a]]\n  Filter: {UPTO} AND {SINCE}\n  {SCAN}": None,
    f"Filter: {UPTO} AND {SINCE}\n  TableScan: v": None,
    f"Filter: {UPTO} AND {SINCE}\n  SubqueryAlias: v\n  {SCAN}": None,
    "TableScan: v projection=[a, time]": None,
    f"TableScan: v projection=[a, time], full_filters=[{UPTO}, {SINCE}]": None,
    "EmptyRelation": None,
    "no plan at all": None,
    "": None,
}


@pytest.mark.parametrize("logical", SHAPES)
def test_shapes(logical: str) -> None:
    answer = pa.table({"plan_type": ["logical_plan", "physical_plan"], "plan": [logical, ""]})
    assert filter_columns(answer) == SHAPES[logical]


def test_answers_that_are_no_plans() -> None:
    assert filter_columns(pa.table({"plan_type": ["physical_plan"], "plan": ["x"]})) is None
    assert filter_columns(pa.table({"a": [1]})) is None
    assert filter_columns(pa.table({})) is None
