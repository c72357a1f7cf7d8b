"""Call each function with arguments of many types, and compare planned and real types."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from micromegas_dbapi.sql.engine_functions import FUNCTIONS
from tests.planned_types.comparison import difference
from tests.planned_types.data import engine

#: The functions of the services, which an engine does not have.
OWN = frozenset(("property_get",))
_WINDOWS = frozenset(
    (
        *("cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value"),
        *("ntile", "percent_rank", "rank", "row_number"),
    )
)
_ARGUMENTS = (
    *("l.level", "l.target", "l.msg", "l.time", "l.properties", "m.value", "s.tags", "s.stream_id"),
    *("s.objects_metadata", "t.id", "t.line", "1", "2.5", "'a'", "'day'", "NULL", "'%Y'", "true"),
    *("INTERVAL '1 day'", "make_array(1, 2)", "[l.level]", "CAST(l.time AS DATE)"),
)
_FROM = (
    "FROM log_entries l JOIN measures m ON l.level = m.value "
    "JOIN streams s ON array_length(s.tags) = l.level JOIN thread_spans t ON t.id = l.level"
)
# Calls of functions that take other arguments than these.
_CALLS = {
    "approx_percentile_cont_with_weight": ["(1, 0.5) WITHIN GROUP (ORDER BY m.value)"],
    "array_any_value": ["(s.tags)"],
    "array_intersect": ["(s.tags, s.tags)"],
    "array_remove_n": ["(s.tags, 'log', 1)"],
    "array_replace_n": ["(s.tags, 'log', 'x', 1)", "([1, 2], 1, 3, 1)"],
    "array_slice": ["(make_array(1, 2, 3), 1, 2)"],
    "array_distance": ["([1.0, 2.0], [2.0, 1.0])"],
    "array_except": ["(make_array(1, 2), make_array(1))", "(s.tags, s.tags)"],
    "arrow_cast": ["(l.level, 'Int64')", "(l.target, 'Utf8')"],
    "arrow_try_cast": ["(l.msg, 'Int64')"],
    "date_trunc": ["('hour', l.time)", "('day', CAST(l.time AS DATE))"],
    "datetrunc": ["('hour', l.time)"],
    "datepart": ["('hour', l.time)"],
    "date_part": ["('hour', l.time)"],
    "date_bin": ["(INTERVAL '5 minutes', l.time)"],
    "decode": ["('00', 'hex')", "(encode(l.msg, 'base64'), 'base64')"],
    "digest": ["(l.msg, 'sha256')", "(l.target, 'md5')"],
    "encode": ["(l.msg, 'hex')", "(s.objects_metadata, 'hex')"],
    "grouping": ["(l.level)"],
    "get_field": ["(named_struct('a', l.level), 'a')"],
    "list_intersect": ["(s.tags, s.tags)"],
    "list_slice": ["(make_array(1, 2, 3), 1, 2)"],
    "list_except": ["(make_array(1, 2), make_array(1))"],
    "list_replace": ["([1, 2], 1, 3)"],
    "list_union": ["([1, 2], [2, 3])"],
    "make_date": ["(2026, 1, 2)"],
    "make_time": ["(1, 2, 3)"],
    "map": ["([l.target], [l.level])"],
    "map_entries": ["(map([l.target], [l.level]))"],
    "map_extract": ["(map([l.target], [l.level]), 'a')"],
    "map_keys": ["(map([l.target], [l.level]))"],
    "map_values": ["(map([l.target], [l.level]))"],
    "percentile_cont": ["(0.5) WITHIN GROUP (ORDER BY m.value)"],
    "quantile_cont": ["(0.5) WITHIN GROUP (ORDER BY m.value)"],
    "unnest": ["(s.tags)", "([1, 2.5])"],
    "generate_series": ["(1, l.level)"],
    "nth_value": ["(l.target, 2)"],
}


@dataclass
class Found:
    """How many calls of a function ran, and which had a wrong type in the plan."""

    ran: int = 0
    wrong: list[str] = field(default_factory=list)


def calls(name: str, most: int) -> Iterator[str]:
    """Create statements that call a function."""
    chance = random.Random(name)
    ways = [(), *((a,) for a in _ARGUMENTS), *itertools.product(_ARGUMENTS, repeat=2)]
    ways = [*ways[:40], *chance.sample(ways[40:], most)]
    ways += [tuple(chance.choices(_ARGUMENTS, k=n)) for n in (3, 3, 4) for _ in range(most // 3)]
    over = " OVER (ORDER BY l.level)" if name in _WINDOWS else ""
    tail = " GROUP BY l.level" if name == "grouping" else ""
    for arguments in [*_CALLS.get(name, []), *(f"({', '.join(way)})" for way in ways)]:
        yield f"SELECT {name}{arguments}{over} AS x {_FROM}{tail}"


def check(most: int = 60) -> dict[str, Found]:
    """Call every function of the table."""
    context = engine()
    tally = {name: Found() for name in sorted(FUNCTIONS - OWN)}
    for name, found in tally.items():
        for sql in calls(name, most):
            try:
                wrong = difference(context, sql)
            except BaseException as error:  # a panic of the engine is one
                if isinstance(error, KeyboardInterrupt):
                    raise
                continue
            found.ran += 1
            if wrong:
                found.wrong.append(f"{wrong}: {sql}")
    return tally
