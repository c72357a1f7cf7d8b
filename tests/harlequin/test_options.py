"""The options of the adapter come from the driver's table; completions; titles of errors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.harlequin.completions import completions
from micromegas_dbapi.harlequin.error_titles import title_of
from micromegas_dbapi.harlequin.offered_options import (
    OFFERED,
    arguments_of,
    choices_of,
    description_of,
    service_name,
)
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.sql.engine_functions import FUNCTIONS
from micromegas_dbapi.url import parse


def test_all_arguments_but_objects_are_offered() -> None:
    offered = {option.name for option in OFFERED.values()}
    arguments = {name for name, option in OPTIONS.items() if option.argument}
    assert arguments - offered == {
        *("auth", "headers", "progress", "proxies", "row_factory", "timeout"),
    }
    # Names that harlequin and hsql have for themselves.
    assert OFFERED.keys().isdisjoint({"profile", "limit", "theme", "output", "timeout", "format"})


def test_descriptions_are_those_of_the_table() -> None:
    assert description_of(OPTIONS["timestamps"]) == (
        "What timestamps become in rows: datetime, or int nanoseconds since the epoch. "
        "The default is datetime."
    )
    assert choices_of(OPTIONS["timestamps"]) == ["datetime", "ns"]
    assert choices_of(OPTIONS["preserve_dictionary"]) == ["true", "false", "1", "0"]
    assert [choices_of(OPTIONS[name]) for name in ("begin", "token", "verify", "size")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({}, {}),
        ({"begin": "-2h", "end": "now"}, {"begin": "-2h", "end": "now"}),
        ({"begin": "ALL_TIME"}, {"begin": mm.ALL_TIME}),
        ({"begin": None, "token": "", "init_path": "~/.duckdbrc", "extension": ()}, {}),
        ({"micromegas_profile": "eu"}, {"profile": "eu"}),
        ({"token": "s3cret"}, {"token": "s3cret"}),
        ({"token_file": "/run/token"}, {"token_file": "/run/token"}),
        ({"token-file": "/run/token"}, {"token_file": "/run/token"}),
        ({"verify": "false"}, {"verify": False}),
        ({"verify": "/etc/ca.pem"}, {"verify": "/etc/ca.pem"}),
        ({"keepalive_ms": "0"}, {"keepalive_ms": 0}),
        (
            {"keepalive_ms": 0, "preserve_dictionary": False},
            {"keepalive_ms": 0, "preserve_dictionary": False},
        ),
        ({"views": "bins:time_bin"}, {"views": {"bins": "time_bin"}}),
        ({"infer_range": "off", "clock_skew": "5"}, {"infer_range": "off", "clock_skew": 5.0}),
    ],
    ids=str,
)
def test_arguments(given: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert arguments_of(given) == arguments


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"begin": "yesterday"},
            "begin='yesterday' is not a valid time; accepted: an aware datetime",
        ),
        ({"keepalive-ms": "soon"}, "keepalive_ms='soon'; accepted: an integer from 0"),
        ({"timestamps": "us"}, "timestamps='us'; accepted: 'datetime', 'ns'"),
        ({"preserve_dictionary": "maybe"}, "preserve_dictionary='maybe'; accepted: true, false"),
    ],
    ids=str,
)
def test_wrong_values(given: dict[str, Any], message: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        arguments_of(given)
    assert str(caught.value).startswith(message)


def test_a_wrong_token_is_not_shown() -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        arguments_of({"token": "two words"})
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("demo:?seed=7", "demo:"),
        ("lake:./incident", "lake:./incident"),
        ("grpc://host:50051", "grpc://host:50051"),
        ("grpc+tls://:s3cret@host", "grpc+tls://host:443"),
        ("https://user:s3cret@host/prefix?begin=-2h", "https://host/prefix"),
        ("gateway+https://host", "gateway+https://host"),
    ],
)
def test_names_of_services_have_no_credentials(url: str, name: str) -> None:
    assert service_name(parse(url), None) == name


def test_names_of_configured_services() -> None:
    assert service_name(None, None) == "the configured service"
    assert service_name(None, "eu") == "profile eu"


def test_completions() -> None:
    found = {each.label: each for each in completions()}
    assert FUNCTIONS | {"view_instance", "qualify"} <= found.keys()
    assert found["property_get"] == ("property_get", "fn", "property_get", 1000)
    assert (found["sum"].kind, found["row_number"].kind) == ("agg", "win")
    call = "view_instance('thread_spans', 'STREAM_ID')"
    assert found["view_instance thread_spans"].value == call


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (mm.ProgrammingError, "The statement has an error:"),
        (mm.NotSupportedError, "Not supported:"),
        (mm.DataError, "A value cannot be computed or shown:"),
        (mm.OperationalError, "The service did not complete the query:"),
        (mm.InterfaceError, "Micromegas reported an error:"),
    ],
)
def test_titles(error: type[mm.Error], title: str) -> None:
    assert title_of(error("it")) == title


def test_only_the_adapter_needs_harlequin() -> None:
    """What is tested here loads no part of it, and the driver loads no part of the adapter."""
    code = """\
import sys
import micromegas_dbapi, micromegas_dbapi.cli
assert "micromegas_dbapi.harlequin" not in sys.modules
from micromegas_dbapi.harlequin import completions, offered_options, session, tree_nodes
assert not {name for name in sys.modules if name.partition(".")[0] in ("harlequin", "rich")}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
