"""Learn the columns from information_schema, and run what a model answers."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable
from vanna.legacy.base import VannaBase
from vanna.legacy.mock.embedding import MockEmbedding
from vanna.legacy.mock.llm import MockLLM
from vanna.legacy.mock.vectordb import MockVectorDB

from tests.tools.job import error_of, run_page
from tests.tools.source import Source

LIMIT = "services before 0.3 have no `information_schema` for its training plan"
LEVELS = "SELECT level, count(*) AS n FROM log_entries GROUP BY level ORDER BY level"
COLUMNS = "SELECT * FROM INFORMATION_SCHEMA.COLUMNS"


class Fixed(MockVectorDB, MockEmbedding, MockLLM):
    """A model that answers each question with the same statement."""

    def __init__(self) -> None:
        VannaBase.__init__(self, config={})

    def submit_prompt(self, prompt: object, **options: object) -> str:
        return LEVELS


def model(source: Source) -> Fixed:
    fixed = Fixed()
    fixed.run_sql = lambda sql: pd.read_sql(sql, source.engine)
    fixed.run_sql_is_set = True
    return fixed


def check_page() -> None:
    run_page("vanna")


def check_training_plan(source: Source) -> None:
    vanna = model(source)
    if source.url.startswith("http:"):  # a service 0.2.3
        train_with_text(vanna, source)
        return
    plan = vanna.get_training_plan_generic(vanna.run_sql(COLUMNS))
    text = "\n".join(item.item_value for item in plan._plan)
    for word in ("log_entries", "measures", "msg", "value"):
        assert word in text, text
    vanna.train(plan=plan)


def train_with_text(vanna: Fixed, source: Source) -> None:
    missing = error_of(lambda: vanna.run_sql(COLUMNS))
    assert "information_schema.columns' not found" in missing
    table = sa.Table("measures", sa.MetaData(), autoload_with=source.engine)
    text = str(CreateTable(table).compile(source.engine))
    assert "value DOUBLE NOT NULL" in text
    assert vanna.train(ddl=text)


def check_question(source: Source) -> None:
    sql, frame, _ = model(source).ask("How many?", print_results=False, visualize=False)
    assert sql == LEVELS
    assert list(frame.itertuples(index=False, name=None)) == source.rows(LEVELS)
