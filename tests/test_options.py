"""The table of options: `connect()`, its docstring, the page and the settings follow it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.options.option import Option
from micromegas_dbapi.options.option_checks import check_wire
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.options.settings import FlightSettings, HttpSettings, Timeout
from micromegas_dbapi.ranges.range_options import RangeOptions
from micromegas_dbapi.url import SCHEMES, parse
from sqlalchemy_micromegas import URL
from tests.options_page import CONNECT, PAGE, docstring, page

ARGUMENTS = [option for option in OPTIONS.values() if option.argument]


def test_the_signature_is_the_table() -> None:
    """In the order of the table. `None` means for all that they are not set."""
    address, *parameters, others = inspect.signature(mm.connect).parameters.values()
    assert (address.name, others.name) == ("address", "others")
    assert [
        (each.name, each.annotation, each.default, each.kind is each.KEYWORD_ONLY)
        for each in parameters
    ] == [(each.name, f"{each.type.annotation} | None", None, True) for each in ARGUMENTS]


def test_the_docstring_is_the_table() -> None:
    """``python -m tests.options_page`` writes it."""
    source = CONNECT.read_text("utf-8")
    assert docstring(source) == source
    assert all(f"    {each.name} : {each.type.documented}" in source for each in ARGUMENTS)


def test_the_page_is_the_table() -> None:
    """``python -m tests.options_page`` writes it."""
    assert PAGE.read_text("utf-8") == page()
    assert all(f"\n| `{name}` | " in page() for name in OPTIONS)


@pytest.mark.parametrize("kind", [RangeOptions, HttpSettings, FlightSettings])
def test_the_defaults_of_the_settings_are_those_of_the_table(kind: Any) -> None:
    settings = vars(kind())
    assert settings.pop("timeout", Timeout()) == Timeout()
    assert settings == {name: OPTIONS[name].default for name in settings}


def test_the_defaults_of_timeouts() -> None:
    texts = {name: OPTIONS[f"{name}_timeout"].default_text for name in vars(Timeout())}
    assert texts == {"connect": "10", "read": "310", "total": "no limit"}
    assert vars(Timeout()) == {"connect": 10, "read": 310, "total": None}


# A value of each option, not its default, and its text in a URL.
SET: dict[str, tuple[Any, str]] = {
    "begin": ("-2h", "-2h"),
    "end": (mm.ALL_TIME, "ALL_TIME"),
    "infer_range": ("off", "off"),
    "views": ({"a": "t", "b": ("x", "y"), "c": None}, "a:t,b:x:y,c:"),
    "clock_skew": (0, "0"),
    "on_unbounded": ("error", "error"),
    "on_mixed_types": ("warn", "warn"),
    "timestamps": ("ns", "ns"),
    "max_rows": (5, "5"),
    "max_result_bytes": (0, "0"),
    "token_file": ("~/a token", "~/a token"),
    "allow_insecure_auth": (True, "true"),
    "connect_timeout": (0.5, "0.5"),
    "read_timeout": (60, "60"),
    "total_timeout": (600, "600"),
    "verify": ("/etc/ca.pem", "/etc/ca.pem"),
    "spool_bytes": (0, "0"),
    "server_name": ("name", "name"),
    "preserve_dictionary": (False, "false"),
    "keepalive_ms": (0, "0"),
    "validate": ("full", "full"),
    "data_source": ("main", "main"),
    "follow_links": (True, "true"),
    "seed": (7, "7"),
    "size": (2, "2"),
}


def test_all_options_with_a_text_are_below() -> None:
    assert list(SET) == [option.name for option in OPTIONS.values() if option.has_text]


@pytest.mark.parametrize("name", SET)
def test_text_in_urls(name: str) -> None:
    value, text = SET[name]
    assert OPTIONS[name].read(text) == OPTIONS[name].convert(value)
    assert OPTIONS[name].write(value) == text


OTHERS: dict[str, Any] = {
    "row_factory": "dict",
    "progress": print,
    "auth": mm.BasicAuth("user", "5ecret"),
    "token": "5ecret",
    "headers": {"X-Key": "5ecret"},
    "timeout": 5,
    "cert": "file",
    "proxies": {"http": "http://user:5ecret@proxy"},
}
VALUES = {name: value for name, (value, _) in SET.items()} | OTHERS
PLACES = [
    pytest.param(option, scheme, id=f"{option.name}-{scheme}")
    for option in OPTIONS.values()
    for scheme in SCHEMES
    if option.name != "profile"  # takes the place of the URL
]


@pytest.mark.parametrize(("option", "scheme"), PLACES)
def test_each_protocol_takes_its_options_only(option: Option, scheme: str) -> None:
    """As an argument and in the URL. The error names the protocols that take the option."""
    address = {"lake": "lake:folder", "demo": "demo:"}.get(scheme, f"{scheme}://host")
    argument = {option.name: VALUES[option.name]} if option.argument else {}
    in_url = f"{address}?{option.name}={SET[option.name][1]}" if option.has_text else address
    if SCHEMES[scheme] in option.wires:
        check_wire(argument, SCHEMES[scheme], scheme)
        expected = {option.name: option.convert(VALUES[option.name])} if option.has_text else {}
        assert parse(in_url).options == expected
        return
    message = f"`{scheme}:` does not accept the options: {option.name} ({option.name} is for "
    for url, arguments in ((in_url, {}), (address, argument)):
        if url != address or arguments:
            with pytest.raises(mm.ProgrammingError, match=re.escape(message)) as caught:
                mm.connect(url, **arguments)
            assert all(wire in str(caught.value) for wire in option.wires)
            assert "5ecret" not in str(caught.value)


# Two values of each option. The more specific one takes precedence also where it is false.
PRECEDENCE: dict[str, tuple[str, Any, Any]] = {
    "infer_range": ("require", False, "off"),
    "views": ("a:t", {}, {}),
    "clock_skew": ("60", 0, 0),
    "on_unbounded": ("error", "ignore", "ignore"),
    "on_mixed_types": ("error", "ignore", "ignore"),
    "timestamps": ("ns", "datetime", "datetime"),
    "max_rows": ("5", 0, 0),
    "max_result_bytes": ("5", 0, 0),
    "allow_insecure_auth": ("true", False, False),
    "verify": ("/no/ca.pem", False, False),
    "spool_bytes": ("5", 0, 0),
    "preserve_dictionary": ("true", False, False),
    "keepalive_ms": ("7", 0, 0),
    "server_name": ("one", "other", "other"),
    "validate": ("full", "layout", "layout"),
    "data_source": ("one", "other", "other"),
}


def value_of(connection: Any, name: str) -> Any:
    for owner in (
        connection._state,
        connection._state.limits,
        connection._state.ranges._options,
        getattr(connection.transport, "_settings", None),
    ):
        if hasattr(owner, name):
            return getattr(owner, name)
    raise LookupError(name)


@pytest.mark.parametrize("name", PRECEDENCE)
def test_an_argument_takes_precedence(name: str) -> None:
    """Unless it is `None`, which means that it is not set."""
    text, argument, expected = PRECEDENCE[name]
    scheme = {"http": "http", "grpc": "grpc", "web": "web+http"}[OPTIONS[name].wires[0]]
    address = f"{scheme}://127.0.0.1:1?{name}={text}"
    for given, found in ((argument, expected), (None, OPTIONS[name].read(text))):
        with mm.connect(address, **{name: given}) as connection:
            assert value_of(connection, name) == found


def test_bounds_take_precedence() -> None:
    with mm.connect("http://127.0.0.1:1?begin=-2h&end=now", begin=mm.ALL_TIME) as connection:
        assert connection.explicit_range() is None
    with mm.connect("http://127.0.0.1:1?begin=ALL_TIME") as connection:
        assert connection.time_range("SELECT 1 FROM log_entries").on_purpose


def test_a_path_object_opens_a_lake(wire: Any) -> None:
    folder = Path(wire("http-0.2.3")) / "data"
    with mm.connect(folder, begin="2020-01-01T00:00:00Z") as connection:
        assert connection.execute("SELECT count(*) > 0 FROM log_entries").fetchall() == [(True,)]
    engine = sa.create_engine(URL(driver="lake", path=folder))
    with engine.connect() as connected:
        assert connected.execute(sa.text("SELECT count(*) > 0 FROM log_entries")).scalar() is True
    engine.dispose()
