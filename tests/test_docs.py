"""Every code block of the README and the docs runs, and prints what the page shows.

`tests/pages.py` says how outputs are compared.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from micromegas_dbapi.cli import main
from tests.pages import ROOT, Block, difference, read

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
# Their packages are not here. tests/tools/ runs these pages, in environments of their own.
TOOLS = sorted((ROOT / "docs" / "tools").glob("*.md"))

# Blocks that install, or run the tests: .ci/run runs these from the pages themselves. What the
# first one prints is compared here, without the installation.
RUN_BY_CI = {("README.md", 1), ("README.md", 2), ("CONTRIBUTING.md", 2)}
# Blocks that are run manually: all that CI does once more, CI itself, the official client's
# environment, the long runs, the benchmarks, and what needs environments of its own.
MANUAL = {("CONTRIBUTING.md", number) for number in (1, 3, *range(4, 16))}
# pandas itself reads Arrow from connections since 2.2; tests/sqlalchemy has what older ones do.
NEEDS_PANDAS_2_2 = {("pandas.md", 1)}
OLD_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (2, 2)


BLOCKS = [block for page in PAGES for block in read(page)]
SHELL = [
    pytest.param(
        block._replace(code=block.code.rpartition("&& .venv/bin/")[2]),
        id=block.name,
        marks=pytest.mark.skipif(
            OLD_PANDAS and (block.page.name, block.number) in NEEDS_PANDAS_2_2,
            reason="pandas before 2.2 does not read Arrow from connections",
        ),
    )
    for block in BLOCKS
    if block.language == "sh"
    and block.page not in TOOLS
    and (block.page.name, block.number) not in MANUAL
    and (block.output is not None or (block.page.name, block.number) not in RUN_BY_CI)
]


def compare(block: Block, printed: str) -> None:
    """Fail unless a block printed what the page shows."""
    if different := difference(block, printed):
        pytest.fail(different, pytrace=False)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in TOOLS], ids=lambda page: page.name
)
def test_python_blocks(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after the other, in one namespace, as a reader would."""
    namespace: dict[str, object] = {}
    for block in BLOCKS:
        if block.page == page and block.language == "python":
            exec(compile(block.code, block.name, "exec"), namespace)
            compare(block, capsys.readouterr().out)


@pytest.mark.parametrize("block", SHELL)
def test_shell_blocks(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A block runs with demo data, in a folder of its own."""
    monkeypatch.setenv("MICROMEGAS_URL", "demo:")
    monkeypatch.chdir(tmp_path)
    if block.code.startswith("micromegas-sql serve"):  # runs until it is terminated
        serve(block.code)
        return
    if (commands := plain_commands(block.code)) is None:
        run_in_bash(block.code, tmp_path / "bin")
    else:
        for arguments in commands:
            assert main(arguments) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    if block.output is not None:
        compare(block, printed)
    else:
        assert printed.strip() or [path for path in tmp_path.iterdir() if path.name != "bin"]


def plain_commands(code: str) -> list[list[str]] | None:
    """Return the arguments of each command, or None if the block needs a shell.

    Commands without a pipe, a redirection or a variable run in the process of the tests, which
    saves the start of an interpreter for each.
    """
    commands = []
    for line in code.replace("\\\n", " ").splitlines():
        unquoted = re.sub(r"""'[^']*'|"[^"$`\\]*\"""", "", line)
        name, *arguments = shlex.split(line)
        if name != "micromegas-sql" or re.search(r"""[^\w\s.:/@=-]""", unquoted):
            return None
        commands.append(arguments)
    return commands


def run_in_bash(code: str, folder: Path) -> None:
    """Run a block in bash, with this Python and this checkout's command in `folder`."""
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in (
        ("python", python),
        ("micromegas-sql", f"{python} -m micromegas_dbapi.cli"),
    ):
        (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    script = ["bash", "-euo", "pipefail", "-c", code]
    assert subprocess.run(script, env={**os.environ, "PATH": path}, timeout=100).returncode == 0


def serve(code: str) -> None:
    """Start each server of a block, on a free port, and terminate it."""
    for line in code.splitlines():
        command = [*shlex.split(line, comments=True)[1:], "--port", "0"]
        if "--flight-port" in command:
            command += ["--flight-port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "micromegas_dbapi.cli", *command],
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("serving ")
            process.terminate()
            assert process.wait(20) == 0


def test_every_block_runs_or_is_an_output() -> None:
    # tests/test_query.py compares the diagram with the code.
    assert {block.language for block in BLOCKS} <= {"python", "sh", "text", "mermaid"}
    outputs = [block for block in BLOCKS if block.output is not None]
    assert len(outputs) == sum(block.language == "text" for block in BLOCKS)


def test_ci_runs_the_commands_of_the_pages() -> None:
    """The blocks that this file leaves to CI are those that CI takes out of the pages."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert {
        (page, int(number)) for number, page in re.findall(r"block (\d) (\w+\.md)\)", script)
    } == RUN_BY_CI


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name files, and anchors in them name headings."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        other = page.parent / name if name else page
        assert other.exists(), target
        page_text = other.read_text("utf-8") if anchor else ""  # others are pictures, too
        headings = re.findall(r"^#+ (.*)$", page_text, re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
        assert not anchor or anchor in slugs, target


def test_contributing_names_the_rooms() -> None:
    """Each path in its tables exists, in the tree or in the row's room; each module has a room."""
    rooms: set[str] = set()
    for row in re.findall(r"^\| .*", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE):
        room, *others = [*re.findall(r"`([\w./]+(?:/|\.py))`", row), ""]
        assert (ROOT / room).exists(), row
        assert all((ROOT / name).exists() or (ROOT / room / name).exists() for name in others), row
        rooms.add(room)
    for package in ("micromegas_dbapi", "sqlalchemy_micromegas"):
        for module in (ROOT / package).rglob("*.py"):
            place = module.relative_to(ROOT)
            assert rooms & {place.as_posix(), *(f"{up.as_posix()}/" for up in place.parents)}, place
