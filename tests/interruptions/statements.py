"""Statements whose results are known, and the ways to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import micromegas_dbapi as mm

Rows = list[tuple[Any, ...]]

AGAIN = "SELECT value FROM generate_series(1, 3)"
AGAIN_ROWS: Rows = [(1,), (2,), (3,)]
# The view has rows of the same time and text, which the other columns do not tell apart.
VIEW = (
    "SELECT target, level, msg FROM log_entries WHERE time >= '2000-01-01T00:00:00Z' "
    "ORDER BY target, level, msg LIMIT 40"
)


@dataclass(frozen=True)
class Statement:
    """A statement and all rows of its result."""

    name: str
    sql: str
    rows: Rows


def series(name: str, count: int) -> Statement:
    """Create a statement of so many rows; the engine's batches have 8192 of them."""
    return Statement(
        name,
        f"SELECT value, value * 3 AS triple FROM generate_series(1, {count}) ORDER BY value",
        [(number, 3 * number) for number in range(1, count + 1)],
    )


SMALL = series("small", 10)


def statements(connection: mm.Connection) -> list[Statement]:
    """Create the statements of a run, most often small ones; the view is read once for them."""
    view = Statement("view", VIEW, connection.execute(VIEW).fetchall())
    assert len(view.rows) == 40
    large = [series("batch", 3000), series("batch", 3000), series("batches", 20_000)]
    return 50 * [SMALL] + 7 * [view] + large


# -- ways to read ----------------------------------------------------------------------------------
# Each way adds rows to a list as it gets them, so that they are known after an interruption.

_SIZE = 1000


def read_all(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    rows += cursor.execute(sql).fetchall()


def read_first(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    row = cursor.execute(sql).fetchone()
    assert row is not None, "there is no first row"
    rows.append(row)


def read_many(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    cursor.execute(sql)
    while found := cursor.fetchmany(_SIZE):
        rows += found


def read_loop(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    for row in cursor.execute(sql):
        rows.append(row)


def read_table(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    columns = cursor.execute(sql).fetch_arrow_table().to_pydict()
    rows += zip(*columns.values(), strict=True)


def read_batches(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    for batch in cursor.execute(sql).fetch_record_batch():
        rows += zip(*batch.to_pydict().values(), strict=True)


def read_frame(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    rows += cursor.execute(sql).fetch_df().itertuples(index=False, name=None)


def read_two(cursor: mm.Cursor, sql: str, rows: Rows) -> None:
    """Read with a second cursor of the connection between the rows of the first one."""
    cursor.execute(sql)
    other = cursor.connection.execute(AGAIN)
    if (row := cursor.fetchone()) is not None:
        rows.append(row)
    found = other.fetchall()
    assert found == AGAIN_ROWS, f"the second cursor returns {found}"
    other.close()
    rows += cursor.fetchall()


@dataclass(frozen=True)
class Way:
    """A way to read a result.

    Attributes
    ----------
    read : callable
        Executes a statement and reads its result.
    at_once : int or None
        The number of rows that one call of the cursor returns, which are lost if an interrupt comes
        between the call and the next instruction. None if it returns no rows, but Arrow.
    complete : bool
        Whether it reads all rows.
    """

    read: Callable[[mm.Cursor, str, Rows], None]
    at_once: int | None
    complete: bool = True

    def expected(self, statement: Statement) -> Rows:
        """Return the rows to read."""
        return statement.rows if self.complete else statement.rows[:1]

    def remainders(self, statement: Statement, rows: Rows) -> Iterator[Rows]:
        """Return what may be left of a result, from which some rows were read."""
        yield statement.rows[len(rows) :]
        if self.at_once is not None:
            yield statement.rows[len(rows) + self.at_once :]


_ALL = 2**63
WAYS = {
    "all": Way(read_all, _ALL),
    "first": Way(read_first, 1, complete=False),
    "many": Way(read_many, _SIZE),
    "loop": Way(read_loop, 1),
    "table": Way(read_table, None),
    "batches": Way(read_batches, None),
    "frame": Way(read_frame, None),
    "two cursors": Way(read_two, _ALL),
}
