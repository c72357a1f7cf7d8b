"""Values of options that are wrong, and those that are accepted, by all ways in."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

import micromegas_dbapi as mm
from micromegas_dbapi.options.option import Option
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.url import SCHEMES
from sqlalchemy_micromegas import URL

SECRET = "5ecret"


class Provider:
    def get_token(self) -> str:
        return SECRET


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"5ecret"


class Broken(Mapping[str, str]):
    """A mapping that fails."""

    def __getitem__(self, key: str) -> str:
        raise KeyError(key)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        raise TypeError(SECRET)


UTC = datetime(2026, 11, 1, tzinfo=timezone.utc)
NAN, INF = float("nan"), float("inf")

#: Values of all kinds, by a name for each.
KINDS: dict[str, Any] = {
    "True": True,
    "0": 0,
    "1": 1,
    "-1": -1,
    "huge int": 10**400,
    "0.5": 0.5,
    "-0.5": -0.5,
    "nan": NAN,
    "inf": INF,
    "-inf": -INF,
    "1e300": 1e300,
    "complex": 1j,
    "Decimal": Decimal(1),
    "Fraction": Fraction(1, 2),
    "np.int64": np.int64(5),
    "np.float64": np.float64(5),
    "np.bool": np.bool_(True),
    "np.nan": np.float64(NAN),
    "np.longdouble": np.longdouble(5),
    "array": np.array([1, 2]),
    "array of one": np.array(5),
    "empty str": "",
    "str": "5ecret",
    "str with NUL": "5ecret\0",
    "surrogate": "\ud800",
    "np.str": np.str_("5ecret"),
    "bytes": b"5ecret",
    "bytearray": bytearray(b"5ecret"),
    "Path": Path("5ecret"),
    "BytesPath": BytesPath(),
    "empty list": [],
    "list": ["5ecret"],
    "two": ["a", "b"],
    "tuple": ("a", "b"),
    "three": ("a", "b", "c"),
    "two ints": (1, 2),
    "two empty": ("", ""),
    "pairs": [("X-Key", "5ecret")],
    "set": {"5ecret"},
    "empty dict": {},
    "dict": {"x": "5ecret"},
    "dict of bytes": {"x": b"5ecret"},
    "dict of None": {"x": None},
    "dict of ints": {"x": 5},
    "dict with int keys": {5: "5ecret"},
    "dict with bytes keys": {b"5ecret": "x"},
    "dict with None": {None: "5ecret"},
    "dict of lines": {"x": "5ecret\r\nX-Evil: 1"},
    "dict of spaces": {"x": " 5ecret"},
    "dict of umlauts": {"x": "5ecret-ä"},
    "dict with spaces": {"5ecret x": "y"},
    "dict with empty key": {"": "5ecret"},
    "dict of pairs": {"x": ("a", "b")},
    "dict of lists": {"x": ["a", "b"]},
    "dict of three": {"x": ("a", "b", "c")},
    "dict of sets": {"x": {"a", "b"}},
    "dict of dicts": {"x": {"a": "b"}},
    "broken mapping": Broken(),
    "datetime": UTC,
    "naive": datetime(2026, 11, 1),
    "date": date(2026, 11, 1),
    "timedelta": timedelta(hours=-2),
    "NaT": pd.NaT,
    "Timestamp": pd.Timestamp(UTC),
    "datetime64": np.datetime64("2026-11-01"),
    "datetime64 NaT": np.datetime64("NaT"),
    "timedelta64": np.timedelta64(5, "s"),
    "NA": pd.NA,
    "object": object(),
    "class": Provider,
    "provider": Provider(),
    "function": print,
    "ALL_TIME": mm.ALL_TIME,
    "BearerAuth": mm.BearerAuth(SECRET),
    "BasicAuth": mm.BasicAuth("user", SECRET),
    "TokenFile": mm.TokenFile("5ecret"),
    "Timeout": mm.Timeout(),
}
TEXTS = {"str", "np.str"}
SECONDS = {"1", "0.5", "np.int64", "np.float64"}
MAPPINGS = {"empty dict", "dict"}

#: The kinds that each option accepts. All others are errors.
ACCEPTED: dict[str, set[str]] = {
    "profile": TEXTS,
    "begin": {"datetime", "date", "timedelta", "Timestamp", "datetime64", "ALL_TIME"},
    "end": {"datetime", "date", "timedelta", "Timestamp", "datetime64", "ALL_TIME"},
    "infer_range": {"True", "np.bool"},
    "views": {*MAPPINGS, "dict of None", "dict of pairs", "dict of lists"}
    | {"dict of spaces", "dict of umlauts", "dict with spaces"},
    "clock_skew": {"0", *SECONDS},
    "on_unbounded": set(),
    "on_mixed_types": set(),
    "timestamps": set(),
    "max_rows": {"0", "1", "np.int64"},
    "max_result_bytes": {"0", "1", "np.int64"},
    "row_factory": set(),
    "progress": {"class", "function"},
    "auth": {"provider", "BearerAuth", "BasicAuth", "TokenFile"},
    "token": TEXTS,
    "token_file": {*TEXTS, "Path"},
    "allow_insecure_auth": {"True", "np.bool"},
    "headers": MAPPINGS,
    "timeout": {*SECONDS, "Timeout"},
    "connect_timeout": SECONDS,
    "read_timeout": SECONDS,
    "total_timeout": SECONDS,
    "verify": {"True", "np.bool", *TEXTS, "Path"},
    "cert": {*TEXTS, "Path", "two", "tuple"},
    "proxies": {*MAPPINGS, "dict of umlauts", "dict with spaces"} | {"dict with empty key"},
    "spool_bytes": {"0", "1", "np.int64"},
    "server_name": TEXTS,
    "preserve_dictionary": {"True", "np.bool"},
    "keepalive_ms": {"0", "1", "np.int64"},
    "validate": set(),
    "data_source": TEXTS,
    "follow_links": {"True", "np.bool"},
    "seed": {"0", "1", "np.int64"},
    "size": {"1", "np.int64"},
}
SHOWS_VALUES = {name for name, option in OPTIONS.items() if not option.type.secret}


def test_each_option_has_a_row() -> None:
    assert list(ACCEPTED) == list(OPTIONS)
    assert all(kinds <= set(KINDS) for kinds in ACCEPTED.values())
    assert {"auth", "token", "token_file", "headers", "proxies"} == set(OPTIONS) - SHOWS_VALUES


def address_for(option: Option) -> str | None:
    """A URL that takes the option, where nothing listens."""
    if option.name == "profile":
        return None
    scheme = next(scheme for scheme, wire in SCHEMES.items() if wire in option.wires)
    return f"{scheme}://127.0.0.1:1"


WRONG = [
    pytest.param(option, kind, id=f"{option.name}-{kind}")
    for option in OPTIONS.values()
    for kind in KINDS
    if option.argument and kind not in ACCEPTED[option.name]
]


@pytest.mark.parametrize(("option", "kind"), WRONG)
def test_wrong_arguments(option: Option, kind: str, home: Path) -> None:
    """The error says which option it is and what is accepted, and shows no secret."""
    with pytest.raises(mm.ProgrammingError) as caught:
        mm.connect(address_for(option), **{option.name: KINDS[kind]})
    message = str(caught.value)
    assert option.name in message or "bearer token" in message
    assert option.type.accepted in message or option.name in ("begin", "end", "token")
    if option.type.secret:
        assert "5ecret" not in message
    else:
        assert repr(KINDS[kind])[:100] in message
    assert caught.value.__cause__ is None
    assert len(message) < 1000
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without a configuration."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("URL", "PROFILE", "ANALYTICS_URI"):
        monkeypatch.delenv(f"MICROMEGAS_{name}", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_values(name: str) -> None:
    """All that `connect()` accepts has the type that the driver uses."""
    for kind in ACCEPTED[name]:
        converted = OPTIONS[name].convert(KINDS[kind])
        assert not isinstance(converted, (Path, list)), kind
        assert type(converted).__module__ != "numpy" or name in ("begin", "end"), kind


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("infer_range", True, "on"),
        ("infer_range", np.bool_(False), "off"),
        ("clock_skew", np.float32(0.5), 0.5),
        ("views", {"x": ["a", "b"]}, {"x": ("a", "b")}),
        ("verify", Path("/etc/ca.pem"), "/etc/ca.pem"),
        ("verify", np.bool_(False), False),
        ("cert", Path("c"), "c"),
        ("cert", [Path("c"), "k"], ("c", "k")),
        ("token_file", Path("t"), "t"),
        ("spool_bytes", np.uint8(7), 7),
        ("timeout", np.int16(5), 5),
    ],
)
def test_converted_values(name: str, given: Any, expected: Any) -> None:
    found = OPTIONS[name].convert(given)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SECONDS])
def test_wrong_timeouts(kind: str) -> None:
    for name in ("connect", "read", "total"):
        with pytest.raises(mm.ProgrammingError, match=rf"Timeout\({name}=") as caught:
            mm.Timeout(**{name: KINDS[kind]})
        assert "accepted: a positive number of seconds" in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("str", "np.str")])
def test_wrong_credentials(kind: str) -> None:
    value = KINDS[kind]
    makers = [mm.BearerAuth]
    if not isinstance(value, str):
        makers += [lambda each: mm.BasicAuth(each, "x"), lambda each: mm.BasicAuth("x", each)]
        if not isinstance(value, (Path, BytesPath)):
            makers.append(mm.TokenFile)
    if kind not in ("provider", "TokenFile"):
        makers.append(mm.ProviderAuth)
    for maker in makers:
        with pytest.raises(mm.ProgrammingError, match=r"accepted|invalid bearer token") as caught:
            maker(value)
        assert "5ecret" not in str(caught.value)


WRONG_TEXTS = {
    "begin": ["", "soon", "2026-11-01", "2h", "-2", "2026-11-01T00:00:00", "all_time"],
    "infer_range": ["", "yes", "ON", "2"],
    "views": ["", "a", "a:b:c:d", ":b", "a::", "a:b,", "a:b,a:c", "a:b:"],
    "clock_skew": ["", "x", "-1", "86401", "nan", "inf", "1e400"],
    "on_unbounded": ["", "Warn", "true"],
    "on_mixed_types": ["", "Warn", "true"],
    "timestamps": ["", "us", "NS"],
    "token_file": ["", "a%00b"],
    "allow_insecure_auth": ["", "yes", "2", "tru"],
    "connect_timeout": ["", "0", "-1", "nan", "inf", "1m", "1e300", "1" * 400, "2147484"],
    "verify": ["", "a%00b"],
    "spool_bytes": ["", "-1", "1e6", "0x10", "1_000", "+1", "٣", "²", "9" * 5000],
    "max_rows": ["", "-1", "1e6"],
    "max_result_bytes": ["", "-1", "1GB"],
    "validate": ["", "none", "Full", "true"],
    "server_name": [""],
    "preserve_dictionary": ["", "yes"],
    "keepalive_ms": ["", "-1", "0.5", str(2**31)],
    "data_source": [""],
    "follow_links": ["", "yes", "2"],
    "seed": ["", "-1", "x"],
    "size": ["", "0", "65", "x", "9" * 5000],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in WRONG_TEXTS.items() for text in texts]
)
def test_wrong_texts(name: str, text: str) -> None:
    """In the driver's URLs and in those of SQLAlchemy."""
    option = OPTIONS[name]
    driver = address_for(option) if option.wires != ("demo",) else "demo:"
    assert driver is not None
    encoded = text if "%" in text else quote(text)
    with pytest.raises(mm.ProgrammingError, match=f"{name}.* in the URL|{name}=") as caught:
        mm.connect(f"{driver}?{name}={encoded}")
    assert "accepted" in str(caught.value) or "has no value" in str(caught.value) or name == "begin"
    if not text:  # SQLAlchemy drops such options
        return
    dialect = f"micromegas+{driver.removesuffix('+http://127.0.0.1:1')}"
    dialect = dialect.replace("lake:", "lake:///")
    dialect += "//" if driver == "demo:" else ""
    dialect += "://127.0.0.1:1" if "+http" in driver else ""
    with pytest.raises(ArgumentError) as refused:
        sa.create_engine(f"{dialect}?{name}={encoded}")
    assert str(refused.value) == str(caught.value)


UNWRITTEN = {
    "begin": ["soon", datetime(2026, 1, 1), timedelta(microseconds=-5), pd.NaT, 5],
    "views": [{"a:b": "c"}, {"a": "b,c"}, ["a"], {}, {"a\n": "b"}, {"a": "\ud800"}],
    "read_timeout": ["x", True, NAN, -1],
    "keepalive_ms": [True, 0.5, "5"],
    "timeout": [5],
    "token_file": [b"x", "\udc80"],
    "begn": ["-2h"],
    "headers": [{"x": "5ecret"}],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in UNWRITTEN.items() for value in values]
)
def test_wrong_options_of_a_sqlalchemy_url(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=re.escape(name)) as caught:
        sa.create_engine(URL("host", driver="grpc", **{name: value}))
    assert "5ecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("begin", UTC, "2026-11-01T00:00:00Z"),
        ("begin", timedelta(hours=-2), "-7200000ms"),
        ("begin", pd.Timedelta(milliseconds=5), "+5ms"),
        ("begin", date(2026, 11, 1), "2026-11-01T00:00:00Z"),
        ("begin", pd.Timestamp("2026-11-01T00:00:00.123456789Z"), "2026-11-01T00:00:00.123456789Z"),
        ("begin", mm.ALL_TIME, "ALL_TIME"),
        ("verify", Path("/etc/ca.pem"), "/etc/ca.pem"),
        ("verify", np.bool_(False), "false"),
        ("keepalive_ms", np.int64(0), "0"),
        ("views", {"a": None, "b": ["c", "d"]}, "a:,b:c:d"),
    ],
)
def test_values_in_a_sqlalchemy_url(name: str, value: Any, text: str) -> None:
    url = URL("host", driver="grpc", **{name: value})
    assert url.query == {name: text}
    sa.create_engine(url).dispose()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tiemout": 5}, "unknown option 'tiemout' in connect(); did you mean timeout"),
        ({"keepalive_ms": True}, "keepalive_ms=True; accepted: an integer"),
        ({"headers": [("X-Key", SECRET)]}, "headers: a value of type list; accepted: a mapping"),
        ({"proxies": {"http": "http://x"}}, "`grpc:` does not accept the options: proxies"),
        ({"seed": 5}, "the option 'seed' cannot be set in connect(); in a URL use ?seed="),
        ({"read_timeout": 5}, "cannot be set in connect(); in a URL use ?read_timeout="),
        ({"profile": "x"}, "an address and a profile are given"),
        ({"token": "a", "auth": Provider()}, "auth and token are given; accepted: one of them"),
    ],
)
def test_wrong_connect_args(options: dict[str, Any], words: str) -> None:
    """SQLAlchemy wraps our error in its own of the same name."""
    engine = sa.create_engine("micromegas+grpc://127.0.0.1:1", connect_args=options)
    with pytest.raises(sa.exc.ProgrammingError, match=re.escape(words)) as caught:
        engine.connect()
    assert type(caught.value.orig) is mm.ProgrammingError
    assert SECRET not in str(caught.value)
    engine.dispose()


def test_an_address_in_connect_args() -> None:
    engine = sa.create_engine("micromegas+grpc://127.0.0.1:1", connect_args={"address": "demo:"})
    with pytest.raises(ArgumentError, match="connect_args has an address"):
        engine.connect()


@pytest.mark.parametrize(
    ("proxy", "good"),
    [
        ("", True),
        ("proxy", True),
        ("proxy:3128", True),
        ("http://proxy:3128/", True),
        ("HTTP://user:5ecret%2F@10.0.0.1:3128", True),
        ("socks5h://user:5ecret@[::1]:1080", True),
        ("user:5ecret@proxy", True),
        ("http://user:5ecret/x@proxy", False),
        ("http://user:5ecret#x@proxy", False),
        ("http://user:5ecret?x@proxy", False),
        ("http://user:5ecret@x@proxy", False),
        ("http://user:5ecret x@proxy", False),
        ("http://user:5ecret@proxy:x", False),
        ("http://user:5ecret@[bad", False),
        ("user:5ecret", False),
        ("http://user:5ecret", False),
        ("http://", False),
        ("5ecret\nx", False),
        ("5ecret\ud800", False),
    ],
)
def test_proxies(proxy: str, good: bool) -> None:
    """Each is accepted and understood by requests, or an error that does not show the password."""
    with pytest.raises(mm.Error) as caught:
        with mm.connect("http://127.0.0.1:1", proxies={"http": proxy}) as connection:
            connection.execute("SELECT 1")
    refused = "the value of 'http' is not a URL; accepted: a mapping" in str(caught.value)
    assert refused != good
    assert not any(SECRET in str(error) for error in (caught.value, caught.value.__cause__))
