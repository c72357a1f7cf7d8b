"""Importing the package is cheap, and what it exports is what it documents."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import micromegas_dbapi as mm

# What an import must not load, unless pyarrow or the start of the interpreter has.
LAZY = ["pandas", "polars", "pyarrow.parquet", "pyarrow.flight", "pyarrow.dataset"]
LAZY += ["pyarrow.compute", "datafusion", "sqloxide", "sqlalchemy", "rich", "google.protobuf"]
LAZY += ["requests", "urllib3", "certifi", "cbor2", "ssl", "http.client", "urllib.parse"]
LAZY += ["importlib.metadata", "email.message", "json", "pathlib", "difflib", "tempfile"]


def loaded_by(module: str) -> set[str]:
    """Import a module in a new interpreter; return the names of all modules there."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    loaded = loaded_by("micromegas_dbapi")
    assert {"micromegas_dbapi.connection", "pyarrow.lib"} <= loaded
    assert (loaded - loaded_by("pyarrow")).isdisjoint(LAZY), loaded & set(LAZY)


def test_import_of_the_dialect_loads_little_more_than_sqlalchemy() -> None:
    loaded = loaded_by("sqlalchemy_micromegas") - loaded_by("pyarrow") - loaded_by("sqlalchemy")
    assert "sqlalchemy_micromegas.dialect" in loaded
    of_urls = {"difflib", "urllib.parse"}  # the dialect uses the driver's URLs
    assert loaded.isdisjoint(set(LAZY) - of_urls), loaded & set(LAZY)


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
