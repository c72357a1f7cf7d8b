"""Test completion in the shells that are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from micromegas_dbapi.cli.arguments import COMMANDS
from tests.cli.terminal import run

ASKED = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(({count} - 1))
COMPREPLY=()
_shtab_micromegas_sql micromegas-sql "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("micromegas-sql de", {"describe"}),
        ("micromegas-sql pro", {"processes"}),
        ("micromegas-sql log --le", {"--level"}),
        ("micromegas-sql log --level w", {"warn"}),
        ("micromegas-sql query --format nd", {"ndjson"}),
        ("micromegas-sql completion z", {"zsh"}),
        ("micromegas-sql serve --la", {"--lake"}),
        ("micromegas-sql query --output rep", {"report.csv"}),
    ],
)
def test_bash(tmp_path: Path, words: str, found: set[str]) -> None:
    code, script, errors = run("completion", "bash")
    assert (code, errors) == (0, "")
    (tmp_path / "script").write_text(script)
    (tmp_path / "report.csv").write_text("")
    asked = ASKED.format(script=tmp_path / "script", words=words, count=len(words.split()))
    done = subprocess.run(
        ["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    assert set(done.stdout.split()) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_is_in_every_script(shell: str) -> None:
    code, script, errors = run("completion", shell)
    assert (code, errors) == (0, "")
    assert all(command in script for command in COMMANDS)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_its_script(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(run("completion", "zsh")[1])
    done = subprocess.run(["zsh", "-n", tmp_path / "script"], capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
