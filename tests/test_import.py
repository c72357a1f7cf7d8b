"""Importing the package is cheap, and what it exports is what it documents."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import micromegas_dbapi as mm

LAZY = ["pandas", "polars", "pyarrow.parquet", "pyarrow.flight", "pyarrow.dataset"]
LAZY += ["datafusion", "sqloxide", "sqlalchemy", "rich"]


def test_import_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import micromegas_dbapi"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "micromegas_dbapi.connection" in loaded
    assert "pyarrow.lib" in loaded
    assert loaded.isdisjoint(LAZY), loaded & set(LAZY)


def test_all_is_the_public_api() -> None:
    public = {
        name
        for name, value in vars(mm).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert public == set(mm.__all__)
    assert len(mm.__all__) == len(public)


@pytest.mark.parametrize("name", mm.__all__)
def test_public_things_are_documented(name: str) -> None:
    thing = getattr(mm, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing)
        if thing.__module__.startswith("micromegas_dbapi") and inspect.isclass(thing):
            methods = [m for n, m in vars(thing).items() if inspect.isfunction(m) and n[0] != "_"]
            assert all(inspect.getdoc(method) for method in methods)


def test_the_dialect_loads_no_sqlglot() -> None:
    """sqlglot and Superset load the dialect's modules for them, never the other way round."""
    code = (
        "import sys, sqlalchemy as sa; sa.create_engine('micromegas+demo://'); "
        "print({'sqlglot', 'superset', 'celery', 'flask'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
