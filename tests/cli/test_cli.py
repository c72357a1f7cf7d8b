"""Test ``micromegas-sql``: statements, errors, help and where the command may stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.arguments import COMMANDS, build_parser
from micromegas_dbapi.cli.default_command import command_first
from micromegas_dbapi.cli.render.table import cell_text
from tests.cli.terminal import COMMAND, bare, on_terminal, run
from tests.wire.recordings import case
from tests.wire.replay import Answer, replay


@pytest.fixture
def lake(wire: Callable[[str], Path]) -> str:
    return f"lake:{wire('http-0.2.3') / 'data'}"


def test_table(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT level, count(*) AS n, min(time) AS first FROM log_entries GROUP BY 1 ORDER BY 1"
    assert main([sql, "--url", lake]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == ["level", "n", "first"]
    assert lines[2:4] == [
        ["1", "3", "2026-11-23T20:39:30.152062098Z"],  # every nanosecond
        ["2", "91", "2026-11-23T20:39:30.152052394Z"],
    ]
    assert len(lines) == 2 + 5


def test_a_pipe_gets_each_row_whole(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["SELECT repeat('word ', 100) AS long, 1 AS one", "--url", lake]) == 0
    (row,) = capsys.readouterr().out.splitlines()[3:4] or ("",)
    assert row.split() == ["word"] * 100 + ["1"]


@pytest.mark.parametrize("begin", [["--begin", "-1000d"], ["--begin=-1000d"]])
def test_range(lake: str, begin: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    count = ["SELECT count(*) AS n FROM log_entries", "--url", lake]
    assert main([*count, *begin, "--end", "2026-11-23T20:39:35Z"]) == 0
    half = capsys.readouterr().out.split()[-1]
    assert main(count) == 0
    assert 0 < int(half) < int(capsys.readouterr().out.split()[-1])


@pytest.mark.parametrize(
    ("sql", "bounds", "told"),
    [
        (
            "SELECT * FROM log_entries WHERE time BETWEEN '2026-11-22' AND '2026-11-23'",
            [],
            "begin   2026-11-21T23:59:00Z\nend     2026-11-23T00:01:00Z\nsource  inferred\n",
        ),
        (
            "SELECT * FROM log_entries",
            ["--begin", "2026-11-22T00:00:00Z"],
            "begin   2026-11-22T00:00:00Z\nend     2262-04-11T23:47:16.854775807Z\n"
            "source  connection\n",
        ),
        (
            "SELECT * FROM log_entries",
            [],
            "no time range: log_entries has no condition on time that is understood\n",
        ),
        ("SELECT 1", [], "no time range: the statement reads no view\n"),
    ],
)
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
def test_explain_range(
    lake: str,
    capsys: pytest.CaptureFixture[str],
    url: str | None,
    sql: str,
    bounds: list[str],
    told: str,
) -> None:
    """Nothing is run: the HTTP service need not exist."""
    assert main(["--explain-range", sql, *bounds, "--url", url or lake]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["SELEC 1"], 1, "Expected: an SQL statement, found: SELEC"),
        (["SELECT * FROM nope"], 1, "table 'datafusion.public.nope' not found"),
        (["SELECT 1 / 0"], 1, "Divide by zero"),
        (["DROP TABLE log_entries"], 1, "DROP is rejected, and nothing was sent"),
        (["SELECT 1", "--begin", "yesterday"], 2, "begin='yesterday' is not a valid time"),
        (["SELECT 1", "--begin", "now", "--end", "-1h"], 2, "is after end"),
        (["SELECT 1", "--url", "ftp://host"], 2, "the URL has the scheme 'ftp'"),
        (["SELECT 1", "--url", "lake:/no/such/folder"], 1, "is not a folder"),
        (["SELECT 1", "--url", "http://127.0.0.1:9"], 1, "no response from 127.0.0.1:9"),
    ],
)
def test_errors_are_one_line(
    lake: str,
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = [] if "--url" in arguments else ["--url", lake]
    assert main([*arguments, *url]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("micromegas-sql: ")
    assert words in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["SELECT 1", "--nope"],
        ["SELECT 1", "SELECT 2"],
        ["describe"],
        ["log", "some-id", "--level", "loud"],
        ["spans", "some-id", "--top", "many"],
        ["serve"],
        ["serve", "--demo", "--lake", "folder"],
        ["completion", "fish"],
        ["SELECT 1", "--format", "xml"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert re.fullmatch(r"micromegas-sql: error: .+; see micromegas-sql( \w+)? --help", line)


def test_help_names_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "exit codes:" in shown
    for command, says in COMMANDS.items():
        assert re.search(rf"^    {command}\s", shown, re.MULTILINE)
        with pytest.raises(SystemExit) as left:
            main([command, "--help"])
        assert left.value.code == 0
        helped = capsys.readouterr().out
        assert f"usage: micromegas-sql {command}" in helped
        assert "examples:\n  " in helped
        assert says[1:30] in " ".join(helped.split())


def test_help_and_version_are_quick() -> None:
    """They load neither the engine nor rich nor pandas."""
    code = (
        "import sys\n"
        "from micromegas_dbapi.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: print(sorted({'datafusion', 'rich', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["[]"], done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["SELECT 1"], ["query", "SELECT 1"]),
        (["--url", "demo:", "SELECT 1"], ["query", "--url", "demo:", "SELECT 1"]),
        (["--url", "tables", "tables"], ["tables", "--url", "tables"]),
        (["--url=demo:", "describe", "v"], ["describe", "--url=demo:", "v"]),
        (["--begin", "-2h", "log", "x"], ["log", "--begin=-2h", "x"]),
        (["processes", "--since", "-1h"], ["processes", "--since=-1h"]),
        (["-"], ["query", "-"]),
        (["-f", "query", "-o", "x"], ["query", "-f", "query", "-o", "x"]),
        (["--", "tables"], ["query", "--", "tables"]),
        (["query", "tables"], ["query", "tables"]),
        ([], ["query"]),
        (["--help"], ["--help"]),
    ],
)
def test_where_the_command_stands(arguments: list[str], expected: list[str]) -> None:
    assert command_first(arguments) == expected


def own_options() -> list[tuple[str, str, bool]]:
    """List the options that the parser declares: command, option, whether it takes a value."""
    commands = build_parser()._subparsers
    assert commands is not None
    (choices,) = (action.choices for action in commands._group_actions)
    assert choices is not None
    return [
        (command, option, action.nargs != 0)
        for command in COMMANDS
        for action in choices[command]._actions
        for option in action.option_strings
        if option not in ("-h", "--help")
    ]


@pytest.mark.parametrize(("command", "option", "takes_value"), own_options())
def test_every_option_may_stand_before_the_command(
    command: str, option: str, takes_value: bool
) -> None:
    given = [option, "log"] if takes_value else [option]
    first, *others = command_first([*given, command])
    assert (first, " ".join(others).replace("=", " ")) == (command, " ".join(given))


SQL = "SELECT 'grüße' AS word, 1 AS n"


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        (SQL.encode(), ["-"]),
        (SQL.encode(), []),
        (f"\ufeff-- a report\n{SQL};\n".encode(), []),
        (f"\ufeff{SQL};\r\n".encode(), ["--file", "report.sql"]),
        (SQL.encode(), ["-f", "report.sql", "--format", "csv"]),
    ],
)
def test_statements_from_files_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.sql").write_bytes(written)
    code, shown, errors = run(*arguments, "--url", "demo:", stdin=written)
    assert (code, errors) == (0, "")
    assert "grüße" in shown


@pytest.mark.parametrize(
    ("written", "arguments", "code", "words"),
    [
        (b"", [], 2, "no SQL statement: standard input is empty"),
        (b" \n", ["-"], 2, "standard input is empty"),
        (b"\xff", ["-"], 2, "standard input is not UTF-8"),
        (b"", ["--file", "no-such-file.sql"], 1, "No such file or directory"),
        (b"", ["SELECT 1", "--file", "report.sql"], 2, "SQL and --file exclude each other"),
    ],
)
def test_no_statement(written: bytes, arguments: list[str], code: int, words: str) -> None:
    found, shown, errors = run(*arguments, "--url", "demo:", stdin=written)
    assert (found, shown) == (code, "")
    assert words in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_no_statement_on_a_terminal() -> None:
    code, shown = on_terminal("--url", "demo:")
    assert (code, shown) == (
        2,
        "micromegas-sql: no SQL statement; see micromegas-sql --help\n",
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_colours_on_a_terminal_only(lake: str) -> None:
    log = ["log", "5e289910-c90d-44d6-8cb2-570a36fc332c", "--level", "fatal", "--url", lake]
    code, shown = on_terminal(*log, width=200)
    assert (code, "\x1b[" in shown) == (0, True)
    code, plain = on_terminal(*log, NO_COLOR="1")
    assert (code, re.findall("\x1b\\[[0-9;]*3[0-7]m", plain)) == (0, [])
    code, piped, _ = run(*log)
    assert (code, "\x1b" in piped) == (0, False)
    assert "fatal at start, on purpose" in piped
    assert "fatal at start, on purpose" in bare(shown)


def test_service(wire: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Query over HTTP in a new process, with the URL from the environment."""
    with replay(case(wire("http-0.2.3"), "property_get")) as server:
        done = subprocess.run(
            [*COMMAND, "SELECT 1"],
            env={**os.environ, "MICROMEGAS_URL": server.url},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "eu-west" in done.stdout


def test_error_of_a_service(wire: Callable[[str], Path]) -> None:
    recorded = case(wire("http-0.2.3"), "backtrace_error_view_id")
    for answer, words in ((recorded, "Uuid::parse_str"), (Answer(status=401), "status 401")):
        with replay(answer) as server:
            code, shown, errors = run("SELECT 1", "--url", server.url)
        assert (code, shown) == (1, "")
        assert words in errors
        assert len(errors.splitlines()) == 1
        assert "<unknown>" not in errors


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "sql", ["SELECT time, target, msg FROM log_entries LIMIT 3", "SELECT * FROM blocks LIMIT 2"]
)
def test_fits_the_terminal(lake: str, width: int, sql: str) -> None:
    code, shown = on_terminal(sql, "--url", lake, width=width, NO_COLOR="1")
    lines = bare(shown).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= width
    assert re.search(r"\((2|3) rows\)", lines[-1])


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, pa.int64(), "NULL"),
        (1, pa.int64(), "1"),
        (True, pa.bool_(), "true"),
        (0.1, pa.float64(), "0.1"),
        (Decimal("1.50"), pa.decimal128(3, 2), "1.50"),
        ("a\tb", pa.string(), "a\tb"),
        ("\x1b[31mred\x07", pa.string(), "\\x1b[31mred\\x07"),
        ("abc\u202edef", pa.string(), "abc\\u202edef"),
        ("[bold]markup[/bold]", pa.string(), "[bold]markup[/bold]"),
        (b"\x00\xff", pa.binary(), "0x00ff"),
        (bytes(20), pa.binary(), "0x" + "00" * 16 + "... (20 bytes)"),
        (1, pa.timestamp("ns", "UTC"), "1970-01-01T00:00:00.000000001Z"),
        (1, pa.timestamp("ns"), "1970-01-01T00:00:00.000000001"),
        (2**70, pa.timestamp("s", "UTC"), f"{2**70} ns"),
        (1, pa.duration("ns"), "0:00:00.000000001"),
        (-1, pa.duration("ns"), "-1 day, 23:59:59.999999999"),
        (90_000 * 10**9, pa.duration("s"), "1 day, 1:00:00"),
        (2**90, pa.duration("s"), f"{2**90} ns"),
        ([{"key": "é", "value": None}], pa.null(), '[{"key": "é", "value": null}]'),
    ],
)
def test_cell(value: object, kind: pa.DataType, text: str) -> None:
    assert cell_text(value, kind) == text


@pytest.mark.parametrize(
    ("url", "arguments", "profiles", "opened"),
    [
        (None, [], False, ("http://localhost:8082", None)),
        (None, [], True, (None, None)),
        ("demo:", [], True, ("demo:", None)),
        ("demo:", ["--url", "lake:x"], True, ("lake:x", None)),
        ("demo:", ["--profile", "prod"], True, (None, "prod")),
        (None, ["--profile", "prod"], False, (None, "prod")),
        (None, ["--profile", "prod", "--url", "demo:"], False, ("demo:", "prod")),
    ],
)
def test_which_url_is_opened(
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    arguments: list[str],
    profiles: bool,
    opened: tuple[str | None, str | None],
) -> None:
    """--url, MICROMEGAS_URL, the official client's configuration, this machine: in this order."""
    monkeypatch.delenv("MICROMEGAS_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("MICROMEGAS_URL", url)
    monkeypatch.setattr("micromegas_dbapi.profiles.exist", lambda: profiles)
    seen: list[tuple[str | None, str | None]] = []

    def connect(address: str | None, *, profile: str | None, **_: object) -> None:
        seen.append((address, profile))
        raise mm.OperationalError("enough")

    monkeypatch.setattr("micromegas_dbapi.open_connection.connect", connect)
    assert main(["SELECT 1", *arguments]) == 1
    assert seen == [opened]
