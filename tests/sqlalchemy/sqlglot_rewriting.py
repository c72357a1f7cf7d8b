"""Write statements again with sqlglot's dialect for Micromegas, as Superset does.

Run as a program, by an interpreter that has another version of sqlglot and nothing else: it loads
the dialect's file, takes a list of statements from stdin, and prints the list of the results.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys

import sqlglot
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError


def rewritten(sql: str, dialect: type[Dialect]) -> str:
    """Return a script as Superset prints it, or the error that says why it cannot be read."""
    try:
        statements = sqlglot.parse(sql, dialect=dialect)
    except SqlglotError as error:
        return f"{type(error).__name__}: {error}"
    printer = Dialect.get_or_raise(dialect)
    return ";\n".join(printer.generate(statement, pretty=True) for statement in statements)


def main() -> None:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of EXPLAIN
    spec = importlib.util.spec_from_file_location("sqlglot_dialect", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    statements = json.load(sys.stdin)
    result = [rewritten(sql, module.Micromegas) for sql in statements]
    json.dump({"version": sqlglot.__version__, "statements": result}, sys.stdout)


if __name__ == "__main__":
    main()
