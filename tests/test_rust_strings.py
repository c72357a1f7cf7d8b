"""Rust's Debug form of strings, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromegas_dbapi.rust_strings import escaped, unescaped

WRITTEN = [
    ("plain text", "plain text"),
    ('said "no"', r"said \"no\""),
    ("a\\b", r"a\\b"),
    ("a\nb\r\tc\0", r"a\nb\r\tc\0"),
    ("café 日本 🙂", "café 日本 🙂"),
    ("\x1b[0m", r"\u{1b}[0m"),
    ("a\u00a0b\u200b", r"a\u{a0}b\u{200b}"),
]


@pytest.mark.parametrize(("text", "debug"), WRITTEN)
def test_escapes(text: str, debug: str) -> None:
    assert escaped(text) == debug
    assert unescaped(debug) == text


@given(st.text())
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
