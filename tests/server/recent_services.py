"""The differences between the local service and the newest services, for all their protocols.

Everything else is equal: statuses, texts, columns, values. Each test also checks that a listed
difference still exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from tests.integration.serving import running
from tests.lake import test_equals_service as engine

# What is checked nevertheless:
#   "places" the texts are equal except for the location in the statement and the notes at the end
#   "text"   the statuses are equal, texts are not
#   "code"   both fail, with another status or at another step
#   "fails"  the service succeeds, ours fails
#   "values" columns are equal, values are not; "order": the rows are equal in any order
PLACES = "the engine's Python binding hands over no places in the statement, and no notes"
WORDED = "DataFusion 55 words it in another way than 54"
OUR_WORDS = "said by the lake, which serves older services' texts too"
TYPED = "the lake's property_get has types, so a wrong one is found sooner"
NO_CHANGES = "the lake refuses changes before they are planned"
BASE_TABLE = "the views of a lake are no tables that can be dropped"

DIFFERENT: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        [
            "error_unknown_table",
            "error_unknown_schema",
            "error_unknown_function",
            "error_type_mismatch",
            "error_ambiguous",
            "error_group_by",
            "end_bare",
        ],
        ("places", PLACES),
    ),
    "error_unknown_column": ("text", WORDED),
    **dict.fromkeys(
        ["error_view_id", "error_end_unquoted", "error_view_args"], ("text", OUR_WORDS)
    ),
    "error_property_args": ("text", TYPED),
    "error_property_type": ("code", TYPED),
    "error_update": ("text", NO_CHANGES),
    "error_delete": ("text", NO_CHANGES),
    "error_drop_table": ("fails", BASE_TABLE),
    "perfetto": ("code", engine.NO_DATA),
    **{
        name: ("values" if how in ("text", "values") else how, reason)
        for name, (how, _, reason) in engine.DIFFERENT[engine.NEW].items()
        if reason in (engine.NO_DATA, engine.PLAN, engine.SERVER, engine.FILES) or how == "order"
    },
}

_QUERY_ID = re.compile(r" \(query_id=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)")
_NOTES = re.compile(r"( \(at line \d+, column \d+\))?(\n(note|help): [^\n]*)*$")


@contextmanager
def serving(folder: Path) -> Iterator[LocalService]:
    """A local service over a lake, with FlightSQL."""
    service = LocalService(LakeTransport(folder), port=0, flight_port=0)
    with running(service):
        yield service


def columns(schema: pa.Schema) -> list[tuple[str, pa.DataType, bool]]:
    return [(field.name, field.type, field.nullable) for field in schema]


def rows(table: pa.Table) -> list[str]:
    """Return each row as a string, which distinguishes NaN and NULL, 0.0 and -0.0, and keeps ns."""
    return [
        repr(row)
        for batch in table.to_batches()
        for row in zip(*(column(c, "ns") for c in batch.columns), strict=True)
    ]


def check_rows(ours: list[str], theirs: list[str], how: str) -> None:
    if how == "values":
        assert ours != theirs, "no longer an exception: take it out of the table"
    elif how == "order":
        assert sorted(ours) == sorted(theirs)
    else:
        assert how == ""
        assert ours == theirs


def check_texts(ours: str, theirs: str, how: str) -> None:
    """Compare the texts of two errors, except for the ids of the queries."""
    ours, ids = _QUERY_ID.subn("", ours)
    theirs, expected_ids = _QUERY_ID.subn("", theirs)
    assert ids == expected_ids
    if how:
        assert ours != theirs, "no longer an exception: take it out of the table"
    if how == "places":
        theirs = _NOTES.sub("", theirs)
    if how in ("", "places"):
        assert ours == theirs
