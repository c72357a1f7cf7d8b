"""Small views full of awkward instants, and a service's filter on every scan of them."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from datafusion import SessionConfig, SessionContext

from micromegas_dbapi.service import Service
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns, time_columns_of
from micromegas_dbapi.timerange import MAX_NS, MIN_NS

TIME = pa.timestamp("ns", "+00:00")
SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
#: The instants that rows and literals share: every six hours from 2024-01-01.
DOMAIN = [1_704_067_200 * SECOND + step * 6 * HOUR for step in range(24)]
ROWS = 40

#: View -> the columns of time that it has here, beside id, level and process_id.
COLUMNS = {
    "log_entries": ("time", "insert_time"),
    "measures": ("time",),
    "log_stats": ("time_bin",),
    "processes": ("start_time", "insert_time"),
    "blocks": ("begin_time", "end_time", "insert_time"),
    "thread_spans": ("begin", "end"),
    "otel_spans": ("start_time", "end_time"),
    "own_bins": ("time_bin",),
    "own_spans": ("begin", "end"),
}
#: Where a time may be unknown: what users declare may be anything.
NULLABLE = ("own_bins", "own_spans")
#: Views that are reached as instances, and how.
INSTANCES = {
    "log_entries": "view_instance('log_entries', 'p1')",
    "thread_spans": "view_instance('thread_spans', 's1')",
    "otel_spans": "view_instance('otel_spans', 'p1')",
}
#: What the user has declared.
DECLARED = {
    "own_bins": TimeColumns("time_bin", "time_bin"),
    "own_spans": TimeColumns("begin", "end", ordered=False, nullable=True),
    "calendar": UNFILTERED,
}
#: Tables of the service that are no views: no range filters them.
STATIC = {
    "calendar": pa.table(
        {
            "id": pa.array(range(8), pa.int64()),
            "day": [f"day {number}" for number in range(8)],
            "time": pa.array([DOMAIN[3 * number] for number in range(8)]).cast(TIME),
        }
    )
}


def table_of(instance: str) -> str:
    """Name the table that stands in for an instance of a view set."""
    return f"instance_of_{instance}"


@dataclass
class World:
    """The data of a service of one generation.

    Attributes
    ----------
    service : Service
    tables : dict of str to pyarrow.Table
        By the name that a statement for the engine reads them by.
    filters : dict of str to TimeColumns
    """

    service: Service
    tables: dict[str, pa.Table] = field(default_factory=dict)
    filters: dict[str, TimeColumns] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole = self.context(None)[0]

    def context(
        self, bounds: tuple[int, int] | None, sql: str = "", **settings: str
    ) -> tuple[SessionContext, int]:
        """Make a session whose scans are filtered, and tell how many rows that has removed.

        Parameters
        ----------
        bounds : (int, int) or None
        sql : str
            Only the views that it names are filtered and registered.
        **settings
            Of the engine's optimizer.
        """
        config = SessionConfig({"datafusion.execution.time_zone": "+00:00"})
        config = config.with_target_partitions(1)
        for name, value in settings.items():
            config = config.set(f"datafusion.optimizer.{name}", value)
        context, removed = SessionContext(config), 0
        for name, table in (self.tables | STATIC).items():
            if bounds is not None and name not in sql.lower():
                continue
            kept = table
            if bounds is not None and name in self.filters:
                columns = self.filters[name]
                begin, end = (pa.scalar(bound, TIME) for bound in bounds)
                kept = table.filter(
                    pc.and_(
                        pc.less_equal(table[columns.upto], end),
                        pc.greater_equal(table[columns.since], begin),
                    )
                )
                removed += table.num_rows - kept.num_rows
            batches = kept.combine_chunks().to_batches()
            batches = batches or [pa.RecordBatch.from_pylist([], schema=kept.schema)]
            context.register_record_batches(name, [batches])
        return context, removed


def world(generation: str, seed: int) -> World:
    """Make the views of a service of a generation."""
    chance = random.Random(seed)
    known = {**time_columns_of(generation), **DECLARED}
    tables, filters = {}, {}
    for view, times in COLUMNS.items():
        columns = known.get(view)
        if columns is None or columns.aggregated:
            continue
        names = [view] if view not in ("thread_spans", "otel_spans") else []
        if view in INSTANCES:
            names.append(table_of(view))
        for name in names:
            tables[name] = _table(chance, times, columns, view in NULLABLE)
            filters[name] = columns
    return World(
        Service("grpc", generation, time_columns=dict(DECLARED)), tables=tables, filters=filters
    )


def _table(
    chance: random.Random, times: tuple[str, ...], columns: TimeColumns, nulls: bool
) -> pa.Table:
    now = time.time_ns()
    values: dict[str, list[int | None]] = {
        name: [_instant(chance, now) for _ in range(ROWS)] for name in times
    }
    if columns.ordered and columns.upto != columns.since:
        values[columns.since] = [
            min(upto + chance.choice([0, 1, HOUR, 3 * HOUR]), MAX_NS)
            for upto in values[columns.upto]
            if upto is not None
        ]
    if nulls:
        values = {
            name: [None if chance.random() < 0.15 else instant for instant in column]
            for name, column in values.items()
        }
    ids = pa.array(range(ROWS), pa.int64())
    levels = pa.array([chance.choice([1, 2, 3, 4, None]) for _ in range(ROWS)], pa.int64())
    processes = pa.array([chance.choice(["p1", "p2", "p3"]) for _ in range(ROWS)])
    return pa.table(
        {"id": ids, "level": levels, "process_id": processes}
        | {name: pa.array(column, pa.int64()).cast(TIME) for name, column in values.items()}
    )


def _instant(chance: random.Random, now: int) -> int:
    where = chance.random()
    if where < 0.06:
        extremes = [-1, 0, 1, -5 * HOUR - 1, MIN_NS + 400 * DAY, MAX_NS - 400 * DAY]
        return chance.choice(extremes)
    if where < 0.18:
        # Around what statements reckon from now(), and within the skew of a clock of it.
        minutes = [-180, -121, -115, -90, -85, -55, -30, -25, -3 * 1440, 5, 20, 120]
        return now + chance.choice(minutes) * 60 * SECOND
    jitter = [0, 0, 0, 1, -1, HOUR, 30 * 60 * SECOND, 123_456_789]
    return chance.choice(DOMAIN) + chance.choice(jitter)
