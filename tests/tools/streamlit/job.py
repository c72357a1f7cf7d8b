"""Run an app with a SQL connection, and move its slider."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages import ROOT, read
from tests.tools.source import Source


def app(url: str) -> AppTest:
    """Return the page's app, over another URL."""
    [block] = (b for b in read(ROOT / "docs" / "tools" / "streamlit.md") if b.language == "python")
    code = block.code.replace("micromegas+demo://", url)
    assert code != block.code
    test = AppTest.from_string(code, default_timeout=60).run()
    assert not test.exception, test.exception
    return test


def check_page(source: Source) -> None:
    test = app(source.engine_url)
    for level in (3, 5):
        test.slider[0].set_value(level).run()
        assert not test.exception, test.exception
        sql = f"SELECT count(*) FROM log_entries WHERE level <= {level}"
        assert test.metric[0].value == str(source.value(sql))
    shown = test.dataframe[0].value
    expected = source.rows("SELECT level, count(*) FROM log_entries GROUP BY level ORDER BY level")
    assert list(shown.itertuples(index=False, name=None)) == expected


def check_errors(source: Source) -> None:
    code = f"""
import streamlit as st
telemetry = st.connection("telemetry", type="sql", url={source.engine_url!r})
telemetry.query("SELECT nope FROM log_entries")
"""
    [error] = AppTest.from_string(code, default_timeout=60).run().exception
    assert "No field named nope" in error.message
