"""Describe the views for a model, and run what it answers."""

from __future__ import annotations

import sqlalchemy as sa
from llama_index.core import MockEmbedding, SQLDatabase
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.query_engine import NLSQLTableQueryEngine

from tests.tools.job import run_page
from tests.tools.source import Source

ERRORS = "SELECT exe, count(*) AS n FROM log_entries WHERE level <= 2 GROUP BY exe ORDER BY exe"
prompts: list[str] = []


class FixedModel(CustomLLM):
    """A model that answers each question with the same statement."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **options: object):
        prompts.append(prompt)
        return CompletionResponse(text=ERRORS)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **options: object):
        raise NotImplementedError


def check_page() -> None:
    run_page("llamaindex")


def check_description(source: Source) -> None:
    database = SQLDatabase(source.engine)
    views = sorted(sa.inspect(source.engine).get_table_names())
    assert sorted(database.get_usable_table_names()) == views
    text = database.get_single_table_info("measures")
    for column in ("value (DOUBLE)", "properties (JSON)", "-> processes."):
        assert column in text, text


def check_question(source: Source) -> None:
    engine = NLSQLTableQueryEngine(
        SQLDatabase(source.engine, include_tables=["log_entries"]),
        tables=["log_entries"],
        llm=FixedModel(),
        embed_model=MockEmbedding(8),
        synthesize_response=False,
    )
    answer = engine.query("Which programs have errors?")
    assert answer.metadata["sql_query"] == ERRORS
    assert answer.metadata["result"] == source.rows(ERRORS)
    assert "micromegas query" in prompts[-1]
    assert "msg (VARCHAR)" in prompts[-1]
