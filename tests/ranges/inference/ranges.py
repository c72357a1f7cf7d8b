"""Shared by the tests of inference: a clock, services, and ranges as strings."""

from __future__ import annotations

from datetime import datetime, timezone

from micromegas_dbapi.ranges.inference import Inferred, Reason, infer
from micromegas_dbapi.service import Service
from micromegas_dbapi.service.catalog import UNFILTERED, TimeColumns
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, format_ns

#: 2026-11-22T12:34:56Z
NOW = int(datetime(2026, 11, 22, 12, 34, 56, tzinfo=timezone.utc).timestamp()) * 10**9

#: Views of the user: a view and a table that are declared, and a view without a usable plan.
OWN = {"my_bins": TimeColumns("time_bin", "time_bin"), "my_sums": None, "hosts": UNFILTERED}
HTTP = Service("http", "0.1")
FLIGHT = Service("grpc", "0.2")
RECENT = Service("grpc", "0.13", time_columns=OWN)

OPEN = ".."


def found(sql: str, service: Service = RECENT) -> tuple[str, str] | Reason:
    """Infer a range without padding and skew; open ends are `OPEN`."""
    result = infer(Statement(sql), service, now=NOW, skew=0, pad=0)
    return ends(result) if isinstance(result, Inferred) else result


def ends(result: Inferred) -> tuple[str, str]:
    """Return the ends of a range as strings."""
    begin = OPEN if result.begin == MIN_NS else format_ns(result.begin)
    return begin, OPEN if result.end == MAX_NS else format_ns(result.end)
