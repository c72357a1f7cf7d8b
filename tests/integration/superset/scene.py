"""What the steps of a run share: services, Superset, and what the driver itself answers."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import micromegas_dbapi as mm
from tests.integration.superset.recorders import Received, Recorder
from tests.integration.superset.rest import Checks, Session

#: What inference adds to a range at both ends.
PADDING = timedelta(minutes=1)


@dataclass
class Scene:
    """One run. `urls` are SQLAlchemy's, by the names of the databases in Superset."""

    session: Session
    checks: Checks
    recorder: Recorder
    direct: mm.Connection
    lake: mm.Connection
    urls: dict[str, str]
    other: str  # the URL of the second Superset
    databases: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)
    charts: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find a process and a thread, and the part of the data that charts show."""
        newest = self.one("SELECT max(time) FROM log_entries")
        self.until = newest.replace(second=0, microsecond=0) - timedelta(minutes=5)
        self.since = self.until - timedelta(minutes=25)
        of_cpu = "SELECT stream_id FROM streams WHERE array_has(tags, 'cpu') ORDER BY 1 LIMIT 1"
        self.stream = self.one(of_cpu)
        self.process = self.one("SELECT process_id FROM processes ORDER BY 1 LIMIT 1")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the driver answers within a range that contains everything."""
        return self.direct.execute(sql, begin="-30d").fetchall()

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    @property
    def within(self) -> str:
        """The condition of the charts."""
        return f"time >= '{_text(self.since)}' AND time < '{_text(self.until)}'"

    @property
    def time_range(self) -> str:
        """The same, as Superset writes it."""
        return f"{_text(self.since)[:-1]} : {_text(self.until)[:-1]}"

    def expected_range(self, shift: timedelta = timedelta(0)) -> tuple[str, str]:
        """What the service must receive for a chart."""
        return _second(self.since - PADDING - shift), _second(self.until + PADDING - shift)

    def execute(
        self, database: str, sql: str, session: Session | None = None, **more: Any
    ) -> tuple[dict[str, Any], list[Received]]:
        """Run a statement in SQL Lab."""
        mark = self.recorder.mark
        body = {
            "database_id": self.databases[database],
            "sql": sql,
            "schema": "public",
            "client_id": uuid.uuid4().hex[:11],
            "runAsync": False,
            "select_as_cta": False,
            "queryLimit": 1000,
            "tab": "checks",
            "sql_editor_id": "1",
            "expand_data": True,
            **more,
        }
        answer = (session or self.session)("POST", "/api/v1/sqllab/execute/", body)
        return answer, self.recorder.since(mark)

    def query(self, dataset: int, **query: Any) -> tuple[dict[str, Any], list[Received]]:
        """Fetch the data of a chart."""
        mark = self.recorder.mark
        asked = {
            "columns": [],
            "metrics": ["count"],
            "orderby": [],
            "row_limit": 1000,
            "extras": {},
            "filters": [],
            "is_timeseries": False,
            **query,
        }
        body = {
            "datasource": {"id": dataset, "type": "table"},
            "force": True,
            "queries": [asked],
            "result_format": "json",
            "result_type": "full",
        }
        answer = self.session("POST", "/api/v1/chart/data", body)
        result = (answer.get("result") or [answer])[0]
        return result, self.recorder.since(mark)


def ranges(received: list[Received]) -> list[tuple[str, str] | None]:
    """The ranges of statements, to the second; None for a statement without one."""
    return [
        None if each.begin is None or each.end is None else (each.begin[:19], each.end[:19])
        for each in received
    ]


def as_json(value: Any) -> Any:
    """A value of the driver or of a chart's data: numbers to 12 digits, instants as numbers."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return as_json(
            (aware - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(milliseconds=1)
        )
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:.12g}" if number else value


def table(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows in a form that can be sorted and compared."""
    return sorted(json.dumps([as_json(value) for value in row], default=str) for row in rows)


def _text(instant: datetime) -> str:
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _second(instant: datetime) -> str:
    return _text(instant)[:-1]
