"""Statements that a service may take, and that would read or change this machine."""

from __future__ import annotations

from micromegas_dbapi.statement import tokens

__all__ = ["UNSAFE", "begins_with", "unsafe"]

#: What is said of such a statement.
UNSAFE = "CREATE EXTERNAL TABLE would read the disk of this machine"


def unsafe(sql: str) -> bool:
    """Tell whether a statement is to be refused here, whatever a service does with it."""
    words = begins_with(sql)
    return words[:1] == ["CREATE"] and "EXTERNAL" in words


def begins_with(sql: str) -> list[str]:
    """Give the first few words of a statement, in upper case."""
    parts = (sql[part.start : part.end] for part in tokens(sql) if part.kind == "word")
    return [word.upper() for word, _ in zip(parts, range(5), strict=False)]
