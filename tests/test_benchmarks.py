"""The benchmarks run as CONTRIBUTING.md says. None is timed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
COMMANDS = re.findall(
    r"^\.venv/bin/python (benchmarks/.*)$",
    (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
    re.MULTILINE,
)
# A line that each prints after its measurements.
LAST = {
    "analytics_http": "huge: peak memory above start: ",
    "arrow_dictionaries": "different in each batch ",
    "dataframes": "mm.read_sql(sql, engine) ",
    "flight": "small result that stalls: ours / pyarrow.flight: ",
    "imports": "import: sqlalchemy_micromegas / pyarrow, sqlalchemy: ",
    "local_service": "SELECT * FROM log_entries LIMIT 10: rows ",
    "range_inference": "a join of two ",
    "rows": "measures: fetchone_loop / for_loop: ",
    "soak": "  idle ",
}


def run(script: str | Path, *arguments: str, cwd: Path) -> str:
    """Run a benchmark with few rows in a process of its own; gives its output."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=cwd,
        env={**os.environ, "BENCHMARK_SCALE": "0.001"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command(command: str) -> None:
    script, *arguments = shlex.split(command)
    if "(Linux)" in (ROOT / script).read_text("utf-8") and sys.platform != "linux":
        pytest.skip("it reads /proc, which Linux has")
    assert LAST[Path(script).stem] in run(script, *arguments, cwd=ROOT)


def test_all_are_documented() -> None:
    assert {Path(shlex.split(command)[0]).stem for command in COMMANDS} == LAST.keys()


def test_from_another_directory(tmp_path: Path) -> None:
    assert LAST["rows"] in run(FOLDER / "rows.py", cwd=tmp_path)


def test_targets_are_judged_at_full_size_only() -> None:
    code = "from measurement import Targets; t = Targets(); t.check('a', 2, '<=', 1); {}"
    for scale, missed in (("1", 1), ("0.001", 0)):
        done = subprocess.run(
            [sys.executable, "-c", code.format("raise SystemExit(t.exit_code())")],
            cwd=FOLDER,
            env={**os.environ, "BENCHMARK_SCALE": scale},
            capture_output=True,
            timeout=100,
        )
        assert done.returncode == missed, done.stderr


def test_no_file_hides_a_module() -> None:
    """Python puts the folder of a script in front of its path."""
    modules = sys.stdlib_module_names | packages_distributions().keys()
    assert {path.stem for path in FOLDER.glob("*.py")} & modules == set()
