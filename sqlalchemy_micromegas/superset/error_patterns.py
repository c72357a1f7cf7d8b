"""Texts of errors that Superset shows with an explanation of its own."""

from __future__ import annotations

import re

__all__ = ["ERROR_PATTERNS"]

#: A pattern, the message for the user, and the name of Superset's type of the error. An empty
#: message stands for the text of the error itself.
ERROR_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"\btable '(?:[^'.]+\.)*(?P<table>[^'.]+)' not found"),
        'The view "%(table)s" does not exist.',
        "TABLE_DOES_NOT_EXIST_ERROR",
    ),
    (
        re.compile(
            r"No field named (?P<column>(?:\"(?:[^\"]|\"\")+\"|\w+)(?:\.(?:\"[^\"]+\"|\w+))*)"
        ),
        "The column %(column)s does not exist.",
        "COLUMN_DOES_NOT_EXIST_ERROR",
    ),
    (
        re.compile(r"ParserError\(\"(?P<text>.*)\"\)|sql parser error: (?P<other>.*)"),
        "",
        "SYNTAX_ERROR",
    ),
    (
        re.compile(r"seconds timeout|exceeded .*\btotal_timeout\b|no end within [\d.]+ s"),
        "",
        "SQLLAB_TIMEOUT_ERROR",
    ),
    (re.compile(r"credentials are missing or refused"), "", "CONNECTION_ACCESS_DENIED_ERROR"),
    (re.compile(r"Connection refused"), "", "CONNECTION_PORT_CLOSED_ERROR"),
    (
        re.compile(r"Failed to resolve|cannot be resolved"),
        "",
        "CONNECTION_INVALID_HOSTNAME_ERROR",
    ),
)
