"""Describe the views for a model, and run what it answers."""

from __future__ import annotations

import ast
import re

from langchain_community.utilities import SQLDatabase

from tests.tools.job import run_page
from tests.tools.source import Source

VIEWS = ["blocks", "log_entries", "measures", "processes", "streams"]
LEVELS = "SELECT level, count(*) FROM log_entries GROUP BY level ORDER BY level"


def check_page() -> None:
    run_page("langchain")


def check_names(source: Source) -> None:
    database = SQLDatabase.from_uri(source.engine_url)
    assert sorted(database.get_usable_table_names()) == VIEWS
    assert database.dialect == "micromegas"


def check_description(source: Source) -> None:
    database = SQLDatabase.from_uri(source.engine_url, sample_rows_in_table_info=2)
    text = database.get_table_info()
    assert re.findall(r"CREATE TABLE (\w+)", text) == VIEWS
    for column in ("msg VARCHAR", "value DOUBLE", "properties JSON"):
        assert column in text, text
    assert len(re.findall(r"^2 rows from", text, re.MULTILINE)) == 5
    assert database.get_context()["table_names"] == ", ".join(VIEWS)


def check_query(source: Source) -> None:
    database = SQLDatabase.from_uri(source.engine_url)
    assert ast.literal_eval(database.run(LEVELS)) == source.rows(LEVELS)


def check_answers_to_a_model(source: Source) -> None:
    """What an agent tries by mistake comes back as text that tells it what is accepted."""
    database = SQLDatabase.from_uri(source.engine_url)
    assert "Valid fields are" in database.run_no_throw("SELECT nope FROM log_entries")
    assert "read-only" in database.run_no_throw("DROP TABLE log_entries")
