"""Run magics in a notebook: queries, frames, listings and profiles."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from tests.pages import Block
from tests.tools.job import error_of, run_page
from tests.tools.source import Source

LIMIT = "`%sqlcmd explore` writes `FETCH NEXT`, which DataFusion lacks; `--persist` is refused"
shell = InteractiveShell.instance()


def cell(code: str) -> Any:
    result = shell.run_cell(code)
    result.raise_error()
    return result.result


def run_cell(block: Block, namespace: dict[str, Any]) -> str:
    result = cell(block.code)
    return "" if result is None else str(result)


def connect(source: Source) -> None:
    cell("%load_ext sql")
    cell("%config SqlMagic.displaycon = False")
    cell("%config SqlMagic.autopandas = True")
    cell(f"%sql {source.engine_url}")


def check_page() -> None:
    run_page("jupysql", run_cell)


def check_queries(source: Source) -> None:
    connect(source)
    levels = "SELECT level, count(*) AS n FROM log_entries GROUP BY level ORDER BY level"
    frame = cell(f"%sql {levels}")
    assert list(frame.itertuples(index=False, name=None)) == source.rows(levels)
    shell.push({"highest": 3})
    frame = cell("%sql SELECT count(*) AS n FROM log_entries WHERE level <= {{highest}}")
    expected = source.value("SELECT count(*) FROM log_entries WHERE level <= 3")
    assert frame["n"].item() == expected
    cell("%%sql --save warnings --no-execute\nSELECT * FROM log_entries WHERE level <= 3")
    frame = cell("%sql --with warnings SELECT count(*) AS n FROM warnings")
    assert frame["n"].item() == expected


def check_listings(source: Source) -> None:
    connect(source)
    tables = str(cell("%sqlcmd tables"))
    assert all(view in tables for view in ("blocks", "log_entries", "measures", "processes"))
    columns = str(cell("%sqlcmd columns -t measures"))
    assert "DOUBLE" in columns
    assert "the value, in unit" in columns
    assert "30185" in str(cell("%sqlcmd profile -t measures"))
    assert cell("%sqlcmd test -t log_entries -c level --less-than 7") is True


def check_refused(source: Source) -> None:
    connect(source)
    shell.push({"frame": cell("%sql SELECT level FROM log_entries LIMIT 3")})
    assert "FETCH clause is not supported" in error_of(
        lambda: cell("%sqlcmd explore --table log_entries")
    )
    assert "read-only" in error_of(lambda: cell("%sql --persist frame"))
