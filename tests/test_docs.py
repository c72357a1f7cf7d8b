"""Every code block of the README and the docs runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Blocks that install, or run the tests: .ci/run runs these from the pages themselves.
RUN_BY_CI = {("README.md", 1), ("README.md", 2), ("CONTRIBUTING.md", 2)}
# Blocks that are run by hand: all that CI does once more, CI itself, the official client's
# environment, the long runs, the benchmarks, and the three lines of SQLAlchemy.
BY_HAND = {("CONTRIBUTING.md", number) for number in (1, 3, *range(4, 11))}


def blocks(language: str) -> list[tuple[Path, int, str]]:
    """List (page, number of the block among those of its language, text)."""
    return [
        (page, number, text)
        for page in PAGES
        for number, text in enumerate(
            (text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language), 1
        )
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after the other, in one namespace, as a reader would."""
    namespace: dict[str, object] = {}
    for other, number, text in blocks("python"):
        if other == page:
            code = compile(text, f"{page.name}, block {number}", "exec")
            exec(code, namespace)


@pytest.mark.parametrize(
    ("page", "number", "text"),
    [
        (page, number, text)
        for page, number, text in blocks("sh")
        if (page.name, number) not in RUN_BY_CI | BY_HAND
    ],
)
def test_shell_blocks(
    page: Path, number: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block runs in bash, in a folder of its own, with our command and demo data."""
    command = tmp_path / "bin" / "micromegas-sql"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m micromegas_dbapi.cli "$@"\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MICROMEGAS_URL", "demo:")
    monkeypatch.chdir(tmp_path)
    if text.startswith("micromegas-sql serve"):  # runs until it is told to end
        served(text)
        return
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() or len(list(tmp_path.iterdir())) > 1


def served(text: str) -> None:
    """Start each server of a block, at a port that is free, and end it."""
    for line in text.splitlines():
        command = [*shlex.split(line, comments=True), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("serving ")
            process.terminate()
            assert process.wait(20) == 0


def test_blocks_have_a_language_that_is_run() -> None:
    kinds = {kind for page in PAGES for kind, _ in BLOCK.findall(page.read_text("utf-8"))}
    assert kinds <= {"python", "sh"}


def test_ci_runs_the_commands_of_the_pages() -> None:
    """The blocks that this file leaves to CI are those that CI takes out of the pages."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert {
        (page, int(number)) for number, page in re.findall(r"block (\d) (\w+\.md)\)", script)
    } == RUN_BY_CI
