"""The official client's configuration: which service and credentials it means, or what is wrong."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.profiles import read_profile
from tests.wire.grpcreplay import Reply, replaying

Home = Callable[..., Path]
VARIABLES = ("ANALYTICS_URI", "PROFILE", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Make a home directory with this configuration, and nothing in the environment but this."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(f"MICROMEGAS_{name}", raising=False)

    def make(config: Any = None, **environment: str) -> Path:
        folder = tmp_path / ".micromegas"
        folder.mkdir(exist_ok=True)
        if config is not None:
            text = config if isinstance(config, str) else json.dumps(config)
            (folder / "config.json").write_text(text)
        for name, value in environment.items():
            monkeypatch.setenv(f"MICROMEGAS_{name}", value)
        return folder

    return make


PROFILES = {
    "default_profile": "dev",
    "profiles": {
        "dev": {"uri": "grpc://dev:1"},
        "prod": {"uri": "https://prod:443", "api_key_file": "~/.micromegas/prod.key"},
    },
}


@pytest.mark.parametrize(
    ("config", "environment", "profile", "address"),
    [
        (None, {}, None, "grpc://localhost:50051"),
        ({}, {}, None, "grpc://localhost:50051"),
        ({"uri": "grpc://flat:5"}, {}, None, "grpc://flat:5"),
        ({"uri": "http://flat:5"}, {}, None, "grpc://flat:5"),
        ({"uri": "https://flat"}, {}, None, "grpc+tls://flat"),
        ({"uri": "grpc://flat:5"}, {"ANALYTICS_URI": "grpc://env:6"}, None, "grpc://env:6"),
        ({"uri": "grpc://flat:5"}, {"ANALYTICS_URI": ""}, None, "grpc://flat:5"),
        (PROFILES, {}, None, "grpc://dev:1"),
        (PROFILES, {}, "prod", "grpc+tls://prod:443"),
        (PROFILES, {"PROFILE": "prod"}, None, "grpc+tls://prod:443"),
        (PROFILES, {"PROFILE": "prod"}, "dev", "grpc://dev:1"),
        (PROFILES, {"ANALYTICS_URI": "grpc://env:6"}, "prod", "grpc://env:6"),
    ],
)
def test_address(
    home: Home, config: Any, environment: dict[str, str], profile: str | None, address: str
) -> None:
    home(config, **environment)
    assert read_profile(profile).address == address


@pytest.mark.parametrize(
    ("config", "environment", "profile", "kind", "words"),
    [
        ("{", {}, None, mm.ProgrammingError, "is not valid JSON"),
        ([], {}, None, mm.ProgrammingError, "is not a JSON object"),
        (None, {}, "prod", mm.ProgrammingError, "has no profiles"),
        ({}, {"PROFILE": "prod"}, None, mm.ProgrammingError, "has no profiles"),
        (PROFILES, {}, "nope", mm.ProgrammingError, "it has: dev, prod"),
        ({"profiles": {"a": {}}}, {}, None, mm.ProgrammingError, "to one of: a"),
        ({"profiles": {}}, {}, None, mm.ProgrammingError, "to one of: none"),
        ({"profiles": 5}, {}, None, mm.ProgrammingError, "profiles in"),
        ({"profiles": {"a": 5}}, {}, "a", mm.ProgrammingError, "is not a JSON object"),
        ({"default_profile": 5, "profiles": {"a": {}}}, {}, None, mm.ProgrammingError, "profile 5"),
        ({"uri": 5}, {}, None, mm.ProgrammingError, "uri in"),
        ({"api_key_file": " "}, {}, None, mm.ProgrammingError, "api_key_file in"),
        ({"issuers": [5]}, {}, None, mm.ProgrammingError, "issuers in"),
        (
            {"api_key_file": "k", "client_id": "c", "issuers": [{"issuer": "i"}]},
            {},
            None,
            mm.ProgrammingError,
            "accepted: one of them",
        ),
        (
            {"api_key_file": "k"},
            {"OIDC_ISSUER": "i", "OIDC_CLIENT_ID": "c"},
            None,
            mm.ProgrammingError,
            "accepted: one of them",
        ),
        (
            {"client_id": "c", "issuers": [{"issuer": "i"}]},
            {},
            None,
            mm.NotSupportedError,
            "pip install micromegas",
        ),
    ],
)
def test_what_is_wrong(
    home: Home,
    config: Any,
    environment: dict[str, str],
    profile: str | None,
    kind: type[mm.Error],
    words: str,
) -> None:
    home(config, **environment)
    with pytest.raises(kind) as caught:
        mm.connect(profile=profile)
    assert words in str(caught.value)


def test_a_configuration_that_cannot_be_read(home: Home) -> None:
    (home() / "config.json").mkdir()
    with pytest.raises(mm.OperationalError, match="cannot be read"):
        read_profile()


def test_connect(home: Home) -> None:
    """The key is sent, and given up where connect() names credentials itself."""
    with replaying(None, [], Reply([])) as service:
        folder = home({"uri": service.url, "api_key_file": "~/.micromegas/key"})
        (folder / "key").write_text("the-key\n")
        with mm.connect() as connection:
            assert connection.execute("SELECT 1").fetchall() == []
        with mm.connect(token="mine") as connection:
            assert connection.execute("SELECT 1").fetchall() == []
        assert [call.headers["authorization"] for call in service.calls] == [
            "Bearer the-key",
            "Bearer mine",
        ]
        assert sorted(path.name for path in folder.iterdir()) == ["config.json", "key"]


def test_an_address_and_a_profile() -> None:
    with pytest.raises(mm.ProgrammingError, match="accepted: one of them"):
        mm.connect("demo:", profile="prod")


def test_openid(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official client's own provider gives the tokens that it got by logging in."""
    read: list[tuple[str, str | None]] = []

    class OidcAuthProvider:
        @classmethod
        def from_file(cls, path: str, client_secret: str | None = None) -> OidcAuthProvider:
            read.append((path, client_secret))
            if "broken" in Path(path).read_text():
                raise RuntimeError("refresh failed")
            return cls()

        def get_token(self) -> str:
            return "id-token"

    official = types.ModuleType("micromegas")
    official.auth = types.ModuleType("micromegas.auth")  # type: ignore[attr-defined]
    official.auth.OidcAuthProvider = OidcAuthProvider  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "micromegas", official)
    monkeypatch.setitem(sys.modules, "micromegas.auth", official.auth)  # type: ignore[attr-defined]
    one = {"uri": "grpc+tls://x", "client_id": "c", "issuers": [{"issuer": "i"}]}
    folder = home({"profiles": {"prod": one, "../x": one}}, OIDC_CLIENT_SECRET="s")
    with pytest.raises(mm.NotSupportedError, match="log in once"):
        read_profile("prod")
    tokens = folder / "tokens-prod.json"
    tokens.write_text("{}")
    auth = read_profile("prod").auth
    assert auth is not None
    assert auth.header() == "Bearer id-token"
    assert read == [(str(tokens), "s")]
    tokens.write_text("broken")
    with pytest.raises(mm.OperationalError, match="refresh failed"):
        read_profile("prod")
    with pytest.raises(mm.ProgrammingError, match="is not valid in the name of a token file"):
        read_profile("../x")
