"""Statements that are so deep that the engine or a parser could end the process.

Each runs in a process of its own, because that is what could end.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.large_stack import run_with_large_stack

CODE = """
import sys, threading
import micromegas_dbapi as mm
{before}
connection = mm.connect({url!r})
def run():
    try:
        print("answered", connection.execute(sys.stdin.read()).fetchall()[:1])
    except mm.Error as error:
        print(type(error).__name__, str(error)[:100])
    print(connection.execute("SELECT 1").fetchall())
threading.stack_size(2**19)  # as on macOS
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""

DEEP = {
    "operators": ("SELECT " + "1+" * 50_000 + "1", "50,000 operators in a row"),
    "conditions": (
        "SELECT 1 FROM processes WHERE " + " AND ".join(["exe <> 'a'"] * 50_000),
        "50,000 operators in a row",
    ),
    "casts": ("SELECT 1" + "::int" * 50_000, "50,000 operators in a row"),
    "unions": (" UNION ALL ".join(["SELECT 1"] * 50_000), "99,999 queries"),
    "tables": ("SELECT 1 FROM " + ", ".join(["processes"] * 50_000), "50,000 queries"),
    "brackets": ("SELECT " + "(" * 50_000 + "1" + ")" * 50_000, "recursion"),
    "calls": ("SELECT " + "abs(" * 50_000 + "1" + ")" * 50_000, "recursion"),
    "subqueries": ("SELECT * FROM (" * 50_000 + "SELECT 1" + ")" * 50_000, "queries"),
    "negations": ("SELECT " + "NOT " * 50_000 + "true", "50,000 operators"),
    "cases": ("SELECT " + "CASE WHEN true THEN " * 50_000 + "1" + " END" * 50_000, "SQL error"),
    "types": ("SELECT CAST(1 AS " + "ARRAY<" * 50_000 + "INT" + ">" * 50_000 + ")", "operators"),
}
LONG = {
    "conditions": "SELECT count(*) FROM processes WHERE "
    + " AND ".join(f"exe <> '{at}'" for at in range(4_000)),
    "alternatives": "SELECT count(*) FROM processes WHERE "
    + " OR ".join(f"exe = '{at}'" for at in range(4_000)),
    "operators": "SELECT " + "1+" * 2_000 + "1",
    "texts": "SELECT " + "exe || " * 400 + "exe FROM processes",
    "unions": "SELECT count(*) FROM (" + " UNION ALL ".join(["SELECT 1"] * 900) + ")",
    "list": "SELECT 1 IN (" + ", ".join(map(str, range(50_000))) + ")",
}


def run(sql: str, url: str = "demo:", before: str = "") -> str:
    code = CODE.format(url=url, before=before)
    done = subprocess.run(
        [sys.executable, "-c", code], input=sql, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    first, last = done.stdout.splitlines()
    assert last == "[(1,)]"  # the connection works afterwards
    return first


@pytest.mark.parametrize("name", DEEP)
def test_too_deep(name: str) -> None:
    sql, text = DEEP[name]
    found = run(sql)
    assert found.startswith("ProgrammingError"), found
    assert text in found.replace("RecursionLimitExceeded", "recursion"), found


@pytest.mark.parametrize("name", LONG)
def test_long_statements_are_answered(name: str) -> None:
    assert run(LONG[name]).startswith("answered")


@pytest.mark.parametrize("before", ["import datafusion", "import micromegas_dbapi.lake.scan"])
def test_if_other_code_has_started_the_engine(before: str) -> None:
    """Its threads have small stacks then, if nobody has set the environment variable."""
    if before == "import datafusion":
        before += "\ndatafusion.SessionContext().sql('SELECT 1').collect()"
        found = run(LONG["conditions"], before=before)
        assert "accepted: at most 400; more if other code" in found or "4,000 operators" in found
        assert run(LONG["texts"], before=before).startswith("answered")
    else:
        assert run(LONG["conditions"], before=before).startswith("answered")


def test_error_in_the_thread_is_raised() -> None:
    def fail() -> None:
        raise ProgrammingError("why")

    with pytest.raises(mm.ProgrammingError, match="why"):
        run_with_large_stack(fail)
    assert run_with_large_stack(lambda: 5) == 5


@pytest.fixture(scope="module")
def service() -> Iterator[list[str]]:
    """Run the command serve, and return the URL of each wire."""
    command = "import sys; from micromegas_dbapi.cli import main; sys.exit(main())"
    arguments = ["serve", "--demo", "--port=0", "--flight-port=0"]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            http, flight = re.findall(r"\w+://[\w.:]+", process.stdout.readline())
            yield [http, flight, f"gateway+{http}", f"web+{http}/mm"]
        finally:
            process.terminate()
    assert process.returncode == 0  # it has stopped as it was told to


@pytest.mark.parametrize("name", ["operators", "conditions", "unions"])
@pytest.mark.parametrize("wire", range(4), ids=["http", "flight", "gateway", "web"])
def test_service_survives(service: list[str], wire: int, name: str) -> None:
    sql, text = DEEP[name]
    with mm.connect(service[wire]) as connection:
        with pytest.raises(mm.DatabaseError, match=text):
            connection.execute(sql)
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
