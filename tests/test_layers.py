"""The order of the rooms: the contracts in pyproject.toml hold, and see what breaks them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_the_contracts_are_kept() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "message"),
    [
        (
            "arrow/rows.py",
            "from micromegas_dbapi.cursor import Cursor",
            "micromegas_dbapi.arrow.rows -> micromegas_dbapi.cursor",
        ),
        (
            "cursor.py",
            "if TYPE_CHECKING:\n    from micromegas_dbapi.connection import Connection",
            "micromegas_dbapi.cursor -> micromegas_dbapi.connection",
        ),
        (
            "pandas.py",
            "def _dialect():\n    import sqlalchemy_micromegas",
            "micromegas_dbapi.pandas -> sqlalchemy_micromegas",
        ),
    ],
    ids=["upward", "for type checkers only", "inside a function"],
)
def test_a_broken_contract_is_seen(tmp_path: Path, module: str, line: str, message: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("micromegas_dbapi", "sqlalchemy_micromegas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    file = tmp_path / "micromegas_dbapi" / module
    file.write_text(f"{file.read_text('utf-8')}\n{line}\n", "utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert message in done.stdout


def test_a_new_module_needs_a_place(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("micromegas_dbapi", "sqlalchemy_micromegas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (tmp_path / "micromegas_dbapi" / "attic.py").write_text("", "utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert "attic" in done.stdout
