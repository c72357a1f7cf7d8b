"""Docstrings of everything public are complete in numpydoc's form."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate

SETTINGS = re.search(
    r"\[tool.numpydoc_validation\]\n(.*?)\n\n",
    (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"),
    re.DOTALL,
)
CHECKS = set(re.findall(r'"([A-Z]{2}\d\d)"', SETTINGS[1]))
EXCLUDED = [re.compile(pattern) for pattern in re.findall(r"'(.+?)'", SETTINGS[1])]
PACKAGES = ("micromegas_dbapi", "sqlalchemy_micromegas")

# They import Alembic, harlequin or Superset, whose environments are others.
OF_TOOLS = {
    "sqlalchemy_micromegas.alembic",
    "sqlalchemy_micromegas.superset.engine_spec",
    *(
        f"micromegas_dbapi.harlequin.{name}"
        for name in ("adapter", "catalog_items", "query_errors")
    ),
}


def modules() -> list[str]:
    found = list(PACKAGES)
    for package in PACKAGES:
        paths = importlib.import_module(package).__path__
        found += [each.name for each in pkgutil.walk_packages(paths, f"{package}.")]
    return [name for name in found if not name.endswith("__main__") and name not in OF_TOOLS]


def public(module: ModuleType) -> Iterator[str]:
    """Find the names of what a module defines for others: functions, classes and their methods.

    Methods that a base class defines are documented there.
    """
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield name
        elif inspect.isclass(value):
            yield name
            for member, of_class in vars(value).items():
                plain = inspect.isfunction(of_class) or isinstance(
                    of_class, (property, classmethod, staticmethod)
                )
                inherited = any(hasattr(base, member) for base in value.__mro__[1:])
                if plain and not inherited and not member.startswith("_"):
                    yield f"{name}.{member}"


def faults(name: str, value: Any) -> list[str]:
    """Validate a docstring. What a class takes is its own only where it has an ``__init__``."""
    checks = CHECKS
    if inspect.isclass(value) and not has_own_init(value):
        checks = {check for check in CHECKS if not check.startswith("PR")}
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code in checks]


def has_own_init(kind: type) -> bool:
    """Dataclasses, protocols and the like have a generated one: attributes are documented."""
    written = vars(kind).get("__init__")
    return inspect.isfunction(written) and written.__code__.co_filename == inspect.getsourcefile(
        kind
    )


def test_the_checks_are_read() -> None:
    assert {"PR01", "RT01", "GL08"} <= CHECKS
    assert any(pattern.search("module._private") for pattern in EXCLUDED)


@pytest.mark.parametrize("module", modules())
def test_public_docstrings(module: str) -> None:
    loaded, short = importlib.import_module(module), module.rpartition(".")[2]
    found = []
    for name in public(loaded):
        if not any(pattern.search(f"{short}.{name}") for pattern in EXCLUDED):
            found += faults(f"{module}.{name}", getattr(loaded, name, None))
    assert found == []


def undocumented(module: str) -> str:
    """Return a name."""
    return module


def test_a_fault_is_seen() -> None:
    assert faults("tests.test_docstrings.undocumented", undocumented) == [
        "tests.test_docstrings.undocumented: PR01 Parameters {'module'} not documented",
        "tests.test_docstrings.undocumented: RT01 No Returns section found",
    ]
