"""The errors of services are shown with the table or column that they are about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import micromegas_dbapi as mm
from sqlalchemy_micromegas.superset.error_patterns import ERROR_PATTERNS
from tests.integration.serving import served

TABLE, COLUMN = "TABLE_DOES_NOT_EXIST_ERROR", "COLUMN_DOES_NOT_EXIST_ERROR"
# A statement -> the type of its error, and the message or its beginning.
STATEMENTS = {
    "SELECT * FROM nosuch": (TABLE, 'The view "nosuch" does not exist.'),
    "SELECT * FROM public.nosuch": (TABLE, 'The view "nosuch" does not exist.'),
    'SELECT * FROM "No.Such"': (TABLE, None),
    "SELECT nocol FROM log_entries": (COLUMN, "The column nocol does not exist."),
    'SELECT "No Col" FROM log_entries': (COLUMN, 'The column "No Col" does not exist.'),
    "SELECT l.nocol FROM log_entries l": (COLUMN, "The column l.nocol does not exist."),
    'SELECT l."a.b" FROM log_entries l': (COLUMN, 'The column l."a.b" does not exist.'),
    "SELEC 1": ("SYNTAX_ERROR", "Syntax error: Expected: an SQL statement, found: "),
    "SELECT 1 FROM": ("SYNTAX_ERROR", "Syntax error: Expected: identifier, found: EOF"),
    "SELECT nofunc(1)": (None, None),
    "SELECT 1 / 0": (None, None),
}
UNREACHABLE = {
    "http://127.0.0.1:9": "CONNECTION_PORT_CLOSED_ERROR",
    "grpc://127.0.0.1:9": "CONNECTION_PORT_CLOSED_ERROR",
    "gateway+http://127.0.0.1:9": "CONNECTION_PORT_CLOSED_ERROR",
    "http://no.such.host.invalid": "CONNECTION_INVALID_HOSTNAME_ERROR",
    "grpc://no.such.host.invalid": "CONNECTION_INVALID_HOSTNAME_ERROR",
}


def shown(error: mm.Error) -> tuple[str | None, str | None]:
    """Give what Superset shows, as its `extract_errors` finds it."""
    for pattern, message, name in ERROR_PATTERNS:
        if match := pattern.search(f"micromegas error: {error}"):
            return name, message % match.groupdict()
    return None, None


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with mm.connect("demo:") as connection, served(connection.transport.path) as wires:
        yield wires


@pytest.mark.parametrize("wire", ["lake", "http", "grpc", "gateway", "web"])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements(urls: dict[str, str], wire: str, sql: str) -> None:
    with mm.connect(urls[wire]) as connection, pytest.raises(mm.Error) as caught:
        connection.execute(sql).fetchall()
    kind, message = STATEMENTS[sql]
    got = shown(caught.value)
    assert got[0] == kind, caught.value
    assert message is None or (got[1] or "").startswith(message)


@pytest.mark.parametrize("url", UNREACHABLE)
def test_unreachable_services(url: str) -> None:
    with mm.connect(url, timeout=20) as connection, pytest.raises(mm.OperationalError) as caught:
        connection.execute("SELECT 1")
    assert shown(caught.value) == (UNREACHABLE[url], str(caught.value))
