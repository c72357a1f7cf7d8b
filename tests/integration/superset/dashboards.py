"""A dashboard with a native time filter, which is looked at in the browser."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.superset.charts import P90
from tests.integration.superset.scene import Scene

_UNFILTERED = {
    "clause": "WHERE",
    "comparator": "No filter",
    "expressionType": "SIMPLE",
    "operator": "TEMPORAL_RANGE",
    "subject": "time",
}
_FRAME_TIME = {
    "clause": "WHERE",
    "comparator": "frame_time",
    "expressionType": "SIMPLE",
    "operator": "==",
    "subject": "name",
}
_LINE = {
    "x_axis": "time",
    "time_grain_sqla": "PT1M",
    "row_limit": 10000,
    "x_axis_sort_asc": True,
    "show_legend": True,
    "rich_tooltip": True,
    "truncate_metric": True,
}
CHARTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "Log entries by minute",
        "echarts_timeseries_line",
        "log_entries",
        {**_LINE, "metrics": ["count"], "groupby": ["exe"]},
    ),
    ("Log entries", "big_number_total", "log_entries", {"metric": "count"}),
    (
        "Targets",
        "table",
        "log_entries",
        {
            "query_mode": "aggregate",
            "groupby": ["target", "exe"],
            "metrics": ["count"],
            "all_columns": [],
            "row_limit": 20,
            "order_desc": True,
        },
    ),
    (
        "Frame time, p90 in ms",
        "echarts_timeseries_line",
        "metrics",
        {
            **_LINE,
            "metrics": [{**P90, "optionName": "p90", "label": "p90"}],
            "groupby": ["exe"],
            "adhoc_filters": [_UNFILTERED, _FRAME_TIME],
        },
    ),
)


def create(scene: Scene) -> tuple[int, list[int]]:
    """Create the dashboard; gives its id and those of its charts."""
    session = scene.session
    board = session(
        "POST", "/api/v1/dashboard/", {"dashboard_title": "Telemetry", "published": True}
    )
    number = board["id"]
    charts = []
    for title, kind, dataset, options in CHARTS:
        of = scene.datasets[dataset]
        form = {
            "datasource": f"{of}__table",
            "viz_type": kind,
            "adhoc_filters": [_UNFILTERED],
            **options,
        }
        body = {
            "slice_name": title,
            "viz_type": kind,
            "datasource_id": of,
            "datasource_type": "table",
            "dashboards": [number],
            "params": json.dumps(form),
        }
        charts.append(session("POST", "/api/v1/chart/", body)["id"])
    metadata = {
        "native_filter_configuration": [_native_filter(scene, charts)],
        "chart_configuration": {},
        "global_chart_configuration": {
            "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            "chartsInScope": charts,
        },
    }
    body = {"position_json": json.dumps(_layout(charts)), "json_metadata": json.dumps(metadata)}
    answer = session("PUT", f"/api/v1/dashboard/{number}", body)
    scene.checks.true("dashboard", session.status == 200, answer)
    return number, charts


def check(scene: Scene) -> tuple[int, list[int]]:
    scene.checks.step("dashboard")
    number, charts = create(scene)
    found = scene.session("GET", f"/api/v1/dashboard/{number}/charts")["result"]
    scene.checks.equal("dashboard: charts", {each["id"] for each in found}, set(charts))
    _filtered(scene)
    return number, charts


def _filtered(scene: Scene) -> None:
    """A native filter replaces the time range of a chart's form, as the browser does."""
    span = scene.time_range
    filters = [{"col": "time", "op": "TEMPORAL_RANGE", "val": span}]
    form = {"extra_form_data": {"time_range": span}, "adhoc_filters": [_UNFILTERED]}
    result, received = scene.query(
        scene.datasets["log_entries"], filters=filters, form_data=form, time_range=span
    )
    expected = [{"count": scene.one(f"SELECT count(*) FROM log_entries WHERE {scene.within}")}]
    scene.checks.equal("dashboard: filtered", result.get("data"), expected)
    got = [(each.begin or "")[:19] for each in received]
    scene.checks.equal("dashboard: range", got, [scene.expected_range()[0]])


def _native_filter(scene: Scene, charts: list[int]) -> dict[str, Any]:
    return {
        "id": "NATIVE_FILTER-time",
        "name": "Time",
        "type": "NATIVE_FILTER",
        "filterType": "filter_time",
        "targets": [{}],
        "defaultDataMask": {
            "extraFormData": {"time_range": scene.time_range},
            "filterState": {"value": scene.time_range},
        },
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "controlValues": {"enableEmptyFilter": False},
        "description": "",
        "chartsInScope": charts,
        "tabsInScope": [],
    }


def _layout(charts: list[int]) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {
            "type": "GRID",
            "id": "GRID_ID",
            "children": ["ROW-0", "ROW-1"],
            "parents": ["ROOT_ID"],
        },
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": "Telemetry"}},
    }
    for row, pair in enumerate(((0, 1), (2, 3))):
        layout[f"ROW-{row}"] = {
            "type": "ROW",
            "id": f"ROW-{row}",
            "children": [f"CHART-{at}" for at in pair],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for at in pair:
            layout[f"CHART-{at}"] = {
                "type": "CHART",
                "id": f"CHART-{at}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{row}"],
                "meta": {
                    "chartId": charts[at],
                    "height": 45,
                    "width": 8 if at in (0, 3) else 4,
                    "sliceName": CHARTS[at][0],
                },
            }
    return layout
