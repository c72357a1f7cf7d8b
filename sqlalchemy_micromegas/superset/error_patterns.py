"""Texts of errors that Superset shows with an explanation of its own."""

from __future__ import annotations

import re

__all__ = ["ERROR_PATTERNS"]

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'


def _text(pattern: str) -> re.Pattern[str]:
    """Return a pattern whose group `text` is the whole message without Superset's prefix."""
    return re.compile(rf"\A(?:micromegas error: )?(?P<text>.*(?:{pattern}).*)\Z", re.DOTALL)


#: A pattern, the message for the user with the groups of the pattern, and the name of Superset's
#: type of the error.
ERROR_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"\btable '(?:[^'.]+\.)*(?P<table>[^'.]+)' not found"),
        'The view "%(table)s" does not exist.',
        "TABLE_DOES_NOT_EXIST_ERROR",
    ),
    (
        re.compile(rf"No field named (?P<column>{_NAME}(?:\.{_NAME})*)"),
        "The column %(column)s does not exist.",
        "COLUMN_DOES_NOT_EXIST_ERROR",
    ),
    (
        re.compile(r"ParserError\(\"(?P<text>.*)\"\)"),
        "Syntax error: %(text)s",
        "SYNTAX_ERROR",
    ),
    (_text(r"exceeded the \d+ seconds timeout"), "%(text)s", "SQLLAB_TIMEOUT_ERROR"),
    (
        _text("credentials are missing or refused"),
        "%(text)s",
        "CONNECTION_ACCESS_DENIED_ERROR",
    ),
    (_text("Connection refused"), "%(text)s", "CONNECTION_PORT_CLOSED_ERROR"),
    (
        _text("Failed to resolve|cannot be resolved|Name or service not known|getaddrinfo failed"),
        "%(text)s",
        "CONNECTION_INVALID_HOSTNAME_ERROR",
    ),
)
