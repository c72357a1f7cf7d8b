"""Docstrings of everything public are complete in numpydoc's form."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from numpydoc.validate import validate

PYPROJECT = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
CHECKS = set(re.findall(r'"([A-Z]{2}\d\d)"', re.search(r"checks = \[(.*?)\]", PYPROJECT, re.S)[1]))
PACKAGES = ("micromegas_dbapi", "sqlalchemy_micromegas")


def modules() -> list[str]:
    found = list(PACKAGES)
    for package in PACKAGES:
        paths = importlib.import_module(package).__path__
        found += [each.name for each in pkgutil.walk_packages(paths, f"{package}.")]
    return [name for name in found if not name.endswith("__main__")]


def public(module: ModuleType) -> Iterator[str]:
    """Find the names of what a module defines for others: functions, classes and their methods.

    Methods that a base class or SQLAlchemy's visitors define are documented there.
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
                if plain and not inherited and not member.startswith(("_", "visit_")):
                    yield f"{name}.{member}"


def faults(name: str) -> list[str]:
    found = validate(name)["errors"]
    return [f"{name}: {code} {text}" for code, text in found if code in CHECKS]


def test_the_checks_are_read() -> None:
    assert {"PR01", "RT01", "GL08"} <= CHECKS


@pytest.mark.parametrize("module", modules())
def test_public_docstrings(module: str) -> None:
    names = [f"{module}.{name}" for name in public(importlib.import_module(module))]
    assert [fault for name in names for fault in faults(name)] == []


def undocumented(module: str) -> str:
    """Return a name."""
    return module


def test_a_fault_is_seen() -> None:
    assert faults("tests.test_docstrings.undocumented") == [
        "tests.test_docstrings.undocumented: PR01 Parameters {'module'} not documented",
        "tests.test_docstrings.undocumented: RT01 No Returns section found",
    ]
