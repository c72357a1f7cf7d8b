"""Connection URLs: what each part means, what is refused, and that no secret ever shows."""

from __future__ import annotations

import pickle
import traceback
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.auth import BasicAuth, BearerAuth
from micromegas_dbapi.url import Target, parse

TOKEN = "tok-5ecret"


@pytest.mark.parametrize(
    ("url", "scheme", "address", "options"),
    [
        ("http://host", "http", "http://host", {}),
        ("http://host/", "http", "http://host", {}),
        ("http://host:8082", "http", "http://host:8082", {}),
        ("http://host:/", "http", "http://host", {}),
        ("https://host/a/b", "https", "https://host/a/b", {}),
        ("https://host/a/b//", "https", "https://host/a/b", {}),
        ("https://host/a%20b%2Fc", "https", "https://host/a%20b%2Fc", {}),
        ("HTTP://Host.Example/Path", "http", "http://host.example/Path", {}),
        ("http://127.0.0.1:1", "http", "http://127.0.0.1:1", {}),
        ("http://[::1]", "http", "http://[::1]", {}),
        ("http://[::1]:8082/p", "http", "http://[::1]:8082/p", {}),
        ("http://[fe80::1%25eth0]:1", "http", "http://[fe80::1%25eth0]:1", {}),
        ("http://host?", "http", "http://host", {}),
        ("http://host?begin=-2h&end=now", "http", "http://host", {"begin": "-2h", "end": "now"}),
        # A plus is a plus, percent signs are decoded once.
        (
            "http://host?begin=2026-11-01T02:00:00+02:00",
            "http",
            "http://host",
            {"begin": "2026-11-01T02:00:00+02:00"},
        ),
        ("http://host?begin=%2B2h", "http", "http://host", {"begin": "+2h"}),
        ("http://host?verify=%252B", "http", "http://host", {"verify": "%2B"}),
        ("http://host?begin=ALL_TIME", "http", "http://host", {"begin": mm.ALL_TIME}),
        ("http://host?%62egin=-2h", "http", "http://host", {"begin": "-2h"}),
        (
            "http://host?begin=2026-11-01%2000:00:00Z",
            "http",
            "http://host",
            {"begin": "2026-11-01 00:00:00Z"},
        ),
        ("http://host?timestamps=ns", "http", "http://host", {"timestamps": "ns"}),
        ("http://host?connect_timeout=0.5", "http", "http://host", {"connect_timeout": 0.5}),
        ("http://host?read_timeout=60", "http", "http://host", {"read_timeout": 60.0}),
        ("http://host?verify=false", "http", "http://host", {"verify": False}),
        ("http://host?verify=True", "http", "http://host", {"verify": True}),
        ("http://host?verify=/etc/ca.pem", "http", "http://host", {"verify": "/etc/ca.pem"}),
        ("http://host?allow_insecure_auth=1", "http", "http://host", {"allow_insecure_auth": True}),
        ("http://host?spool_bytes=0", "http", "http://host", {"spool_bytes": 0}),
        ("http://host?begin=-2h&", "http", "http://host", {"begin": "-2h"}),
        # Lakes.
        ("lake:incident", "lake", "incident", {}),
        ("lake:./incident-4711", "lake", "./incident-4711", {}),
        ("lake:/data/lake/", "lake", "/data/lake/", {}),
        ("lake:///data/lake", "lake", "/data/lake", {}),
        ("lake:..", "lake", "..", {}),
        ("lake:C:\\data", "lake", "C:\\data", {}),
        ("lake:my lake", "lake", "my lake", {}),
        ("lake:my%20lake%3F", "lake", "my lake?", {}),
        ("lake:a+b@c#d", "lake", "a+b@c#d", {}),
        ("LAKE:Data", "lake", "Data", {}),
        ("lake:x?begin=-2h", "lake", "x", {"begin": "-2h"}),
        # The demo.
        ("demo:", "demo", "", {}),
        ("demo://", "demo", "", {}),
        ("demo:?seed=7&size=10", "demo", "", {"seed": 7, "size": 10}),
        ("demo:///?end=now", "demo", "", {"end": "now"}),
    ],
)
def test_what_a_url_names(url: str, scheme: str, address: str, options: dict[str, Any]) -> None:
    target = parse(url)
    assert (target.scheme, target.address, target.options) == (scheme, address, options)
    assert target.auth is None
    assert [type(value) for value in target.options.values()] == list(map(type, options.values()))


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("http://user:pass@host", BasicAuth("user", "pass")),
        ("http://user@host", BasicAuth("user", "")),
        ("http://user:@host", BasicAuth("user", "")),
        ("http://:token@host", BearerAuth("token")),
        ("https://:a.b-c~d+e%2Ff%3D%3D@host", BearerAuth("a.b-c~d+e/f==")),
        ("http://us%40er:p%3A%2F%3F%23%40%20w@host:1/x", BasicAuth("us@er", "p:/?#@ w")),
        ("http://u:a:b@host", BasicAuth("u", "a:b")),
        ("http://u:a@b@host", BasicAuth("u", "a@b")),
        # Decoded once; a plus is a plus.
        ("http://u:%2525@host", BasicAuth("u", "%25")),
        ("http://u+v:a+b@host", BasicAuth("u+v", "a+b")),
        ("http://u:p%C3%A4ss@host", BasicAuth("u", "päss")),
        ("http://u:päss@host", BasicAuth("u", "päss")),
        ("http://User:PASS@HOST", BasicAuth("User", "PASS")),
        ("http://u:p@[::1]:8082", BasicAuth("u", "p")),
    ],
)
def test_the_credentials_of_a_url(url: str, auth: BasicAuth | BearerAuth) -> None:
    target = parse(url)
    assert target.auth == auth
    assert "@" not in target.address


@given(user=st.text(min_size=1).filter(lambda text: ":" not in text), password=st.text())
def test_any_password_arrives_as_it_is(user: str, password: str) -> None:
    url = f"https://{quote(user, safe='')}:{quote(password, safe='')}@host/x?begin=-2h"
    assert parse(url).auth == BasicAuth(user, password)
    assert parse(url).address == "https://host/x"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the URL has no scheme; accepted: http://HOST, https://HOST, grpc://HOST"),
        ("host", "the URL has no scheme"),
        ("/data/lake", "the URL has no scheme"),
        ("ftp://host", "the URL has the scheme 'ftp'; accepted: http://HOST"),
        ("localhost:8082", "the URL has the scheme 'localhost'; accepted"),
        (" http://host", "the URL has the scheme ' http'"),
        ("htttp://host", "the URL has the scheme 'htttp'"),
        ("http:", "the URL has no host; accepted: http://HOST[:PORT][/PREFIX]"),
        ("http://", "the URL has no host"),
        ("http:host", "the URL has no host"),
        ("http:///path", "the URL has no host"),
        ("http://:8082", "the URL has no host"),
        ("http://user:pass@", "the URL has no host"),
        ("http://host:port", "host or the port of the URL is not valid"),
        ("http://host:65536", "host or the port of the URL is not valid"),
        ("http://host:-1", "host or the port of the URL is not valid"),
        ("http://::1:80", "host or the port of the URL is not valid"),
        ("http://[::1", "host or the port of the URL is not valid"),
        (
            "http://ho st",
            "write a space as %20",
        ),
        ("http://host\n", "the URL contains whitespace or a control character"),
        ("http://ho\ud800st", "or half of a surrogate pair"),
        ("http://ho\tst", "the URL contains whitespace or a control character"),
        ("http://host/a b", "the URL contains whitespace or a control character"),
        ("http://host?begin=-2h\n", "the URL contains whitespace or a control character"),
        ("http://host#part", "the URL has a fragment"),
        ("http://host/a@b", "the URL has an @ after its host"),
        ("http://host?verify=a@b", "elsewhere write @ as %40"),
        # Options: unknown, twice, without a value, of another kind.
        (
            "http://host?beginn=-2h",
            "unknown option 'beginn' in the URL; did you mean begin?\naccepted: begin, end",
        ),
        ("http://host?Begin=-2h", "unknown option 'Begin' in the URL; did you mean begin?"),
        ("http://host?timeout=5", "in a URL use connect_timeout, read_timeout, total_timeout"),
        ("http://host?tken=x", "unknown option 'tken' in the URL; did you mean token?"),
        ("grpc://host?token=x", "in a URL use https://:token@host\naccepted: begin, end"),
        ("demo:?token=x", "`demo:` does not accept the options: token (token is for grpc"),
        ("http://host?seed=1", "`http:` does not accept the options: seed (seed is for demo)"),
        ("http://host?headers=x", "cannot be set in the URL; pass it as an argument of connect()"),
        ("http://host?profile=x", "cannot be set in the URL; pass it as an argument of connect()"),
        ("http://host?begin=-2h;end=now&x=1", "begin='-2h;end=now' is not a valid time"),
        ("http://host?=1", "unknown option '' in the URL"),
        ("http://host?begin=-2h&begin=-3h", "the option 'begin' occurs twice in the URL"),
        ("http://host?begin", "the option 'begin' in the URL has no value"),
        ("https://host?verify=", "the option 'verify' in the URL has no value"),
        ("http://host?timestamps=us", "timestamps='us' in the URL; accepted: datetime, ns"),
        ("http://host?allow_insecure_auth=yes", "accepted: true, false, 1, 0"),
        ("http://host?connect_timeout=0", "accepted: a positive number of seconds"),
        ("http://host?connect_timeout=-1", "accepted: a positive number of seconds"),
        ("http://host?read_timeout=inf", "accepted: a positive number of seconds"),
        ("http://host?read_timeout=nan", "accepted: a positive number of seconds"),
        ("http://host?read_timeout=1m", "accepted: a positive number of seconds"),
        ("http://host?spool_bytes=-1", "accepted: an integer, 0 or more"),
        ("http://host?spool_bytes=1e6", "accepted: an integer, 0 or more"),
        ("http://host?spool_bytes=٣", "accepted: an integer, 0 or more"),
        ("lake:", "the URL has no folder; accepted: lake:FOLDER"),
        ("lake:?begin=-2h", "the URL has no folder"),
        ("lake:x?verify=false", "`lake:` does not accept the options: verify (verify is for grpc"),
        ("demo:folder", "demo: takes no path, but has 'folder'"),
        ("demo:?size=big", "size='big' in the URL; accepted: an integer, 1 to 64"),
        # Credentials that cannot be sent.
        ("http://:@host", "invalid bearer token: it is empty"),
        ("http://@host", "invalid bearer token: it is empty"),
        ("http://:a%0Ab@host", "contains whitespace"),
        ("http://:a%20b@host", "contains whitespace"),
        ("http://a%3Ab:c@host", "a user name with a colon cannot be sent"),
    ],
)
def test_what_is_refused(url: str, words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        parse(url)
    assert words in str(caught.value)


@pytest.mark.parametrize("folder", ["incident", "/data/a b?c#d", "lake:x", "http://host", "."])
def test_a_path_object_is_a_lake(folder: str) -> None:
    assert parse(PurePosixPath(folder)) == Target("lake", str(PurePosixPath(folder)))


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"folder"


@pytest.mark.parametrize("url", [None, 5, b"http://host", ["http://host"], BytesPath()])
def test_a_url_is_a_text(url: Any) -> None:
    with pytest.raises(mm.ProgrammingError, match=f"type {type(url).__name__}; accepted: str"):
        parse(url)


# ---- Secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [f"http://user:{TOKEN}@host/p", f"https://:{TOKEN}@host"])
def test_a_target_shows_no_secret(url: str) -> None:
    target = parse(url)
    for shown in (repr(target), str(target), f"{target}", repr(vars(target)), target.address):
        assert TOKEN not in shown
    assert TOKEN.encode() not in pickle.dumps(target)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://user:{TOKEN}@host",
        f"http//user:{TOKEN}@host",
        f"user:{TOKEN}@host",
        f":{TOKEN}@host",
        f"http://user:{TOKEN}@",
        f"http://user:{TOKEN}@host:port",
        f"http://user:{TOKEN}@host:99999",
        f"http://user:{TOKEN}@[::1",
        f"http://user:{TOKEN}@host#x",
        f"http://user:{TOKEN}@host?nope=1",
        f"http://user:{TOKEN}@host?begin=x&begin=y",
        f"http://user:{TOKEN} @host",
        f"http://user:{TOKEN}\n@host",
        f"http://:{TOKEN}%0A@host",
        f"http://:{TOKEN}%E2%80%A6@host",
        f"http://us%3Aer:{TOKEN}@host",
        # What has a meaning in a URL was not percent-encoded.
        f"http://user:{TOKEN}/x@host",
        f"http://user:{TOKEN}?x@host",
        f"http://user:{TOKEN}#x@host",
        f"http://user:x/{TOKEN}@host",
        f"http://user:x?{TOKEN}@host",
        f"http://user:x?{TOKEN}=1@host",
        f"http://user:x#{TOKEN}@host",
        f"http://user:1/{TOKEN}@host",
        f"http://user:1?{TOKEN}@host",
        f"http://user:1#{TOKEN}@host",
        f"http://user:[{TOKEN}@host",
        f"http://user:{TOKEN}]@host",
        f"http://user:\u2100{TOKEN}@host",
        f"http://:{TOKEN}",
    ],
)
def test_no_error_shows_a_secret(url: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        parse(url)
    shown = "".join(traceback.format_exception_only(caught.value)) + repr(caught.value)
    assert TOKEN not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(password=st.text("ab12:/?#@[]% +é\u2100\n=&", min_size=1))
def test_a_password_as_typed_is_understood_or_refused_but_never_shown(password: str) -> None:
    """The whole of it is the password, or it is an error: no part becomes a host or a path."""
    try:
        target = parse(f"http://user:{password}5ecret@host.example/prefix")
    except mm.ProgrammingError as error:
        assert "5ecret" not in str(error)  # noqa: PT017
    else:
        assert target.address == "http://host.example/prefix"
        assert "5ecret" not in repr(target)
