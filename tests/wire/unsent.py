"""Recorded statements that the driver refuses unsent, or sends with another range, and why."""

from __future__ import annotations

import micromegas_dbapi as mm

#: The bounds that stand for open ones, and for those beyond 64-bit nanoseconds.
MIN, MAX = "1677-09-21T00:12:44Z", "2262-04-11T23:47:16.854775807Z"

KEEPS_NOTHING = "the service keeps nothing of it, and may answer as if it did"

#: Case -> why, the class of the error, words in it.
REFUSED: dict[str, tuple[str, type[mm.Error], str]] = {
    "range_reversed": ("silently no rows, as a rule", mm.ProgrammingError, "is after end"),
    "range_naive": ("an instant needs a zone", mm.ProgrammingError, "has no time zone"),
    "range_garbage": ("no instant at all", mm.ProgrammingError, "'yesterday' is not a valid time"),
    **{
        f"error_{name}": (KEEPS_NOTHING, mm.NotSupportedError, f"{word} is rejected")
        for name, word in {
            "create_table": "CREATE",
            "drop_table": "DROP",
            "insert": "INSERT",
            "update": "UPDATE",
            "delete": "DELETE",
            "set": "SET",
            "begin": "BEGIN",
            "prepare": "PREPARE",
        }.items()
    },
}

UTC = "the same instants, written in UTC"
CLAMPED = "beyond 64-bit nanoseconds the service answers with no rows; so the bound is clamped"
COMPLETED = "one bound alone is refused, or no range in silence; so the other is sent as open"
_BEGIN, _END = "2026-11-23T20:51:20Z", "2026-11-23T20:51:40Z"

#: Case of the recordings of 0.30 -> why, and the range that is sent.
OTHER_RANGES: dict[str, tuple[str, str, str]] = {
    "range_offset": (UTC, _BEGIN, _END),
    "range_year1_9999": (CLAMPED, MIN, MAX),
    "range_past_max": (CLAMPED, _BEGIN, MAX),
    "range_before_min": (CLAMPED, MIN, _END),
    "range_begin_only": (COMPLETED, _BEGIN, MAX),
    "range_end_only": (COMPLETED, MIN, _END),
}
