"""Settings: what is sent, and that nothing secret shows in any text or pickle of them."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.auth import BasicAuth, BearerAuth
from micromegas_dbapi.options.settings import HttpSettings, Timeout

SECRET = "5ecret-värdë"
TOKEN = "5ecret-token"

HOLDERS = [
    BearerAuth(TOKEN),
    BasicAuth("user", SECRET),
    HttpSettings(auth=BearerAuth(TOKEN)),
    HttpSettings(auth=BasicAuth("user", SECRET)),
    HttpSettings(headers={"X-Api-Key": SECRET}),
    HttpSettings(proxies={"https": f"http://user:{SECRET}@proxy:3128"}),
]
TEXTS: list[Callable[[object], str]] = [
    repr,
    str,
    ascii,
    lambda value: f"{value}",
    lambda value: f"{value!r:>400}",
    lambda value: "%s %r" % (value, value),  # noqa: UP031
    lambda value: repr([value]) + repr({"auth": value}),
    lambda value: pickle.dumps(value).decode("latin-1"),
    lambda value: pickle.dumps(value, protocol=0).decode("latin-1"),
    lambda value: repr(pickle.loads(pickle.dumps(value))),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=[str(i) for i in range(len(HOLDERS))])
@pytest.mark.parametrize("text", TEXTS, ids=[str(i) for i in range(len(TEXTS))])
def test_no_text_shows_a_secret(holder: object, text: Callable[[object], str]) -> None:
    for part in ("5ecret", "v\xe4rd", base64.b64encode(SECRET.encode()).decode()[:8]):
        assert part not in text(holder)


def test_what_the_texts_show_instead() -> None:
    assert repr(BearerAuth(TOKEN)) == "BearerAuth('***')"
    assert repr(BasicAuth("user", SECRET)) == "BasicAuth('user', '***')"
    assert "auth=BearerAuth('***')" in repr(HttpSettings(auth=BearerAuth(TOKEN)))


def test_the_secrets_of_a_pickle_are_masks() -> None:
    sent = HttpSettings(
        auth=BasicAuth("user", SECRET),
        headers={"X-Api-Key": SECRET},
        proxies={"https": SECRET},
        timeout=Timeout(1, 2),
        verify="/etc/ca.pem",
        cert=("a", "b"),
        allow_insecure_auth=True,
        spool_bytes=3,
    )
    arrived = pickle.loads(pickle.dumps(sent))
    assert arrived == replace(
        sent,
        auth=BasicAuth("user", "***"),
        headers={"X-Api-Key": "***"},
        proxies={"https": "***"},
    )
    assert pickle.loads(pickle.dumps(BearerAuth(TOKEN))) == BearerAuth("***")
    assert pickle.loads(pickle.dumps(HttpSettings())) == HttpSettings()


@pytest.mark.parametrize("holder", HOLDERS, ids=[str(i) for i in range(len(HOLDERS))])
def test_a_copy_still_works(holder: object) -> None:
    """Copies stay in the process: a masked one would send `***`."""
    assert copy.copy(holder) == holder
    assert copy.deepcopy({"auth": holder}) == {"auth": holder}


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (BearerAuth("abc.def-123~+/=="), "Bearer abc.def-123~+/=="),
        (BasicAuth("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (BasicAuth("user", ""), "Basic dXNlcjo="),
        (BasicAuth("", "x"), "Basic Ong="),
        (BasicAuth("test", "123\u00a3"), "Basic dGVzdDoxMjPCow=="),  # the example of RFC 7617
        (BasicAuth("a", "b:c"), "Basic YTpiOmM="),
    ],
)
def test_the_header_that_is_sent(auth: Any, header: str) -> None:
    assert auth.header() == header


@given(user=st.text().filter(lambda text: ":" not in text), password=st.text())
def test_a_service_reads_back_user_and_password(user: str, password: str) -> None:
    kind, _, value = BasicAuth(user, password).header().partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(value, validate=True).decode().split(":", 1) == [user, password]


@given(token=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_any_visible_token_is_sent_as_it_is(token: str) -> None:
    assert BearerAuth(token).header() == f"Bearer {token}"


@pytest.mark.parametrize(
    "token",
    ["", "5ecret\n", "\n5ecret", "5ecret\r\nX-Evil: 1", "5e cret", "5ecret\x00", "5ecret\u2026"],
)
def test_a_token_that_no_header_can_carry(token: str) -> None:
    """Refused here, since requests and http.client would quote it in their errors."""
    with pytest.raises(mm.ProgrammingError, match="invalid bearer token: it is empty or") as caught:
        BearerAuth(token)
    assert "5e" not in str(caught.value)


def test_a_user_name_with_a_colon() -> None:
    with pytest.raises(mm.ProgrammingError, match="a user name with a colon") as caught:
        BasicAuth("a:b", SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "gateway+http", "web+http", "grpc"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": "3"}, "timeout='3'; accepted: a Timeout, or a positive number of seconds"),
        ({"cert": 5}, "cert=5; accepted: the path of a certificate, or a tuple"),
        ({"cert": ("a", "b", "c")}, "of a certificate and its key"),
        ({"headers": [("x-token", SECRET)]}, "headers: a value of type list; accepted: a mapping"),
    ],
)
def test_options_of_a_wrong_type(scheme: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(mm.ProgrammingError) as caught:
        mm.connect(f"{scheme}://127.0.0.1:1", **options)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [*HOLDERS[:3], Timeout()], ids=["bearer", "basic", "http", "t"])
def test_settings_cannot_be_changed(value: Any) -> None:
    for name in vars(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


def test_the_defaults() -> None:
    """The read timeout lies above the five minutes after which the service itself gives up."""
    assert (Timeout().connect, Timeout().read) == (10, 310)
    assert HttpSettings().verify is True
    assert HttpSettings().allow_insecure_auth is False
    assert HttpSettings().auth is None


def test_equality_is_by_value() -> None:
    assert BearerAuth("a") == BearerAuth("a") != BearerAuth("b")
    assert BasicAuth("a", "b") == BasicAuth("a", "b") != BasicAuth("a", "c")
    assert len({BearerAuth("a"), BearerAuth("a"), BasicAuth("a", "b")}) == 2


@pytest.mark.parametrize(
    ("query", "argument", "expected"),
    [
        ("", None, Timeout()),
        ("?read_timeout=60", None, Timeout(read=60)),
        ("?read_timeout=60", 5, Timeout(read=5)),
        ("?read_timeout=60&connect_timeout=2", 5, Timeout(connect=2, read=5)),
        ("?read_timeout=60&total_timeout=9", Timeout(connect=1), Timeout(connect=1)),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_the_argument_takes_precedence_over_the_url(
    scheme: str, query: str, argument: Any, expected: Timeout
) -> None:
    with mm.connect(f"{scheme}://127.0.0.1:1{query}", timeout=argument) as connection:
        assert connection.transport._settings.timeout == expected  # type: ignore[attr-defined]
