"""The table of docs/tools.md is what a run of ``python -m tests.tools`` has written.

The run itself needs an environment for each tool, and is not a part of the suite.
"""

from __future__ import annotations

import pytest

from tests.pages import ROOT, read
from tests.tools import table
from tests.tools.environments import FOLDER, TOOLS, pins

PAGE = table.PAGE.read_text("utf-8")
ROWS = table.rows(PAGE)


def test_each_tool_has_a_row_and_a_page() -> None:
    assert sorted(ROWS) == TOOLS
    assert [page.stem for page in sorted((ROOT / "docs" / "tools").glob("*.md"))] == TOOLS


def test_a_run_would_write_the_table() -> None:
    """All lines of the table are rows, in the order in which a run puts them."""
    lines = PAGE.partition(table.HEAD)[2].partition("\n\n")[0].splitlines()
    assert lines == sorted(ROWS.values(), key=str.lower)
    for name in TOOLS:
        page, _, after = PAGE.partition(table.HEAD)
        assert table.with_row(page + table.HEAD + after, name, ROWS[name]) == PAGE


@pytest.mark.parametrize("name", TOOLS)
def test_row_is_of_the_pinned_versions(name: str) -> None:
    """A change of the pins, or of what is known not to work, needs a run."""
    passed = table.row(name, [])
    failed = table.row(name, ["page: AssertionError"]).replace("page |", "")
    assert ROWS[name] == passed or ROWS[name].startswith(failed)


@pytest.mark.parametrize("name", TOOLS)
def test_all_is_pinned(name: str) -> None:
    lines = (FOLDER / name / "requirements.txt").read_text("utf-8").splitlines()
    assert lines
    assert all("==" in line for line in lines)
    assert pins(name)


@pytest.mark.parametrize("name", TOOLS)
def test_page_is_run(name: str) -> None:
    """The job runs the page, or reads its blocks. A page may have none."""
    job = (FOLDER / name / "job.py").read_text("utf-8")
    blocks = read(ROOT / "docs" / "tools" / f"{name}.md")
    assert f'run_page("{name}"' in job or f'"{name}.md"' in job or not blocks


def test_rows_of_a_run() -> None:
    works = table.row("streamlit", [])
    assert works.endswith(" | works |")
    assert table.row("polars", []).partition(" | works; ")[2]
    failed = [
        "values over http: IndexError: 1",
        "values over grpc: IndexError: 1",
        "page: Error: 2",
    ]
    assert table.row("streamlit", failed).endswith(" | fails: values, page |")
