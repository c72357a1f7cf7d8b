"""The statements that the code of both packages has: found in the code, not listed by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

__all__ = ["Own", "found"]

ROOT = Path(__file__).parents[2]
_SQL = re.compile(r"\s*(SELECT|WITH|VALUES|EXPLAIN|DESCRIBE|SHOW|CREATE|INSERT|DELETE)\s")
# A value as it is written in the place of a question mark: a text, an instant or a number.
_VALUE = r"(?:(?:TIMESTAMP )?'(?:[^']|'')*'|\d+|\(-\d+\))"
# What is written in the place of a format's field, by its name; of any other, one name or more.
_FIELDS = {
    "columns": r"(?:[^()]|\([^()]*\))+?",  # some are calls
    "conditions": r"(?: WHERE .+?)?",
    "query": r".+",  # of users
}
_NAMES = r"[^()]+?"

# They import a tool that has an environment of its own, and have no statements.
_OF_TOOLS = [
    *(
        ROOT / "micromegas_dbapi" / "harlequin" / name
        for name in ("adapter.py", "catalog_items.py", "query_errors.py")
    ),
    ROOT / "sqlalchemy_micromegas" / "alembic.py",
    ROOT / "sqlalchemy_micromegas" / "superset" / "engine_spec.py",
]


@dataclass(frozen=True)
class Own:
    """A statement of ours.

    Attributes
    ----------
    place : str
        The module, and the name of the constant or function that it is in.
    constant : bool
        Whether it is a constant of its module.
    pattern : re.Pattern
        Matches it as it is sent.
    """

    place: str
    constant: bool
    pattern: re.Pattern[str]


def found() -> list[Own]:
    """Find all literals that begin as a statement does, and the constants that are made of some."""
    paths = (ROOT / package for package in ("micromegas_dbapi", "sqlalchemy_micromegas"))
    files = [file for path in paths for file in sorted(path.rglob("*.py"))]
    files = [file for file in files if file.stem != "__main__"]
    return [own for file in files if file not in _OF_TOOLS for own in _of_module(file)]


def _of_module(file: Path) -> Iterator[Own]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    module = ".".join(part for part in parts if part != "__init__")
    for node in ast.parse(file.read_text("utf-8")).body:
        names = _assigned(node)
        values = [getattr(import_module(module), name) for name in names]
        if any(isinstance(value, str) for value in values):
            for name, value in zip(names, values, strict=True):
                if isinstance(value, str) and _SQL.match(value):
                    yield Own(f"{module}.{name}", True, re.compile(_formatted(value), re.DOTALL))
            continue
        where = names[0] if names else getattr(node, "name", "")
        for pattern in dict.fromkeys(_literals(node)):
            yield Own(f"{module}.{where}", False, re.compile(pattern, re.DOTALL))


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _literals(node: ast.AST) -> Iterator[str]:
    """Give the patterns of literals within a node that begin as a statement does."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
        return
    if isinstance(node, ast.JoinedStr):
        first = node.values[0] if node.values else None
        if isinstance(first, ast.Constant) and _SQL.match(first.value):
            yield "".join(
                _filled(part.value) if isinstance(part, ast.Constant) else ".+?"
                for part in node.values
            )
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value):
        yield _formatted(node.value)
    for child in ast.iter_child_nodes(node):
        yield from _literals(child)


def _formatted(text: str) -> str:
    """Make the pattern of a text with ``{}`` where fields come, and ``?`` where values come."""
    between, fields = re.split(r"\{\w*\}", text), re.findall(r"\{(\w*)\}", text)
    patterns = [*(_FIELDS.get(field, _NAMES) for field in fields), ""]
    return "".join(_filled(a) + b for a, b in zip(between, patterns, strict=True))


def _filled(text: str) -> str:
    return _VALUE.join(map(re.escape, text.split("?")))
