"""Every code block of the README and the docs runs."""

from __future__ import annotations

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
# Blocks that are run by hand: all that CI does once more, CI itself, and the benchmarks.
BY_HAND = {("CONTRIBUTING.md", 1), ("CONTRIBUTING.md", 3), ("CONTRIBUTING.md", 4)}


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
def test_shell_blocks(page: Path, number: int, text: str) -> None:
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "micromegas-sql", "only our own command is run here"
        command = [sys.executable, "-c", "from micromegas_dbapi.cli import main; exit(main())"]
        done = subprocess.run([*command, *words[1:]], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_blocks_have_a_language_that_is_run() -> None:
    kinds = {kind for page in PAGES for kind, _ in BLOCK.findall(page.read_text("utf-8"))}
    assert kinds <= {"python", "sh"}


def test_ci_runs_the_commands_of_the_pages() -> None:
    """The blocks that this file leaves to CI are those that CI takes out of the pages."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert {
        (page, int(number)) for number, page in re.findall(r"block (\d) (\w+\.md)\)", script)
    } == RUN_BY_CI
