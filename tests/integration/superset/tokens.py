"""Tokens reach the service, and nobody else; users can be told apart."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.integration.superset.installation import Installation
from tests.integration.superset.rest import message
from tests.integration.superset.scene import Scene

COUNT = "SELECT count(*) AS n FROM log_entries"


def check(scene: Scene, home: Path, installation: Installation) -> None:
    scene.checks.step("secrets")
    url = scene.urls["http"]
    host = url.removeprefix("micromegas+http://")
    secure = {"masked_encrypted_extra": json.dumps({"connect_args": {"token": "in-secure-extra"}})}
    _used(scene, "in-the-url", {"sqlalchemy_uri": f"micromegas+http://:in-the-url@{host}"})
    _used(scene, "in-secure-extra", {"sqlalchemy_uri": url, **secure})
    shown = {"engine_params": {"connect_args": {"token": "in-extra"}}}
    body = {"database_name": "in extra", "sqlalchemy_uri": url, "extra": json.dumps(shown)}
    answer = scene.session("POST", "/api/v1/database/", body)
    scene.checks.true(
        "a token in Engine Parameters is refused", scene.session.status >= 400, answer
    )
    scene.checks.true("... and not shown", "in-extra" not in json.dumps(answer), answer)
    _impersonated(scene, f"micromegas+http://:of-superset@{host}")
    _token_of_user(scene, f"micromegas+http://:of-superset@{host}", home, installation)
    for log in home.glob("superset*.log"):
        for token in ("in-the-url", "in-secure-extra", "of-superset", "of-ann"):
            scene.checks.true(f"{token}: not in {log.name}", token not in log.read_text())


def _used(scene: Scene, token: str, body: dict[str, Any]) -> None:
    session, checks = scene.session, scene.checks
    name = f"secret {len(scene.databases)}"
    answer = session("POST", "/api/v1/database/", {"database_name": name, **body})
    if not checks.true(f"{token}: added", session.status == 201, message(answer)):
        return
    number = scene.databases[token] = answer["id"]
    answer, received = scene.execute(token, COUNT)
    checks.contains(f"{token}: works", answer, "data")
    sent = {each.headers.get("authorization") for each in received}
    checks.equal(f"{token}: is sent", sent, {f"Bearer {token}"})
    wrong, _ = scene.execute(token, "SELECT nope FROM log_entries")
    places = {
        "SQL Lab": answer,
        "an error": wrong,
        **{
            path: session("GET", path)
            for path in (
                f"/api/v1/database/{number}",
                f"/api/v1/database/{number}/connection",
                "/api/v1/database/",
            )
        },
        "export": _export(scene, number),
    }
    for place, text in places.items():
        checks.true(f"{token}: hidden in {place}", token not in json.dumps(text), text)


def _export(scene: Scene, number: int) -> list[str]:
    data = scene.session.raw("GET", f"/api/v1/database/export/?q=!({number})")
    archive = zipfile.ZipFile(io.BytesIO(data))
    return [archive.read(name).decode() for name in archive.namelist()]


def _impersonated(scene: Scene, url: str) -> None:
    body = {"database_name": "impersonated", "sqlalchemy_uri": url, "impersonate_user": True}
    answer = scene.session("POST", "/api/v1/database/", body)
    if not scene.checks.true("impersonation: added", scene.session.status == 201, message(answer)):
        return
    scene.databases["impersonated"] = answer["id"]
    answer, received = scene.execute("impersonated", COUNT)
    scene.checks.contains("impersonation: works", answer, "data")
    sent = {(e.headers.get("x-user-id"), e.headers.get("authorization")) for e in received}
    scene.checks.equal("impersonation: the user's name", sent, {("admin", "Bearer of-superset")})


def _token_of_user(scene: Scene, url: str, home: Path, installation: Installation) -> None:
    """A token that Superset has got for the user takes precedence over all others."""
    mark = scene.recorder.mark
    done = subprocess.run(
        [installation.python, Path(__file__).parent / "user_token.py", url],
        env=installation.variables(home),
        capture_output=True,
        text=True,
        check=False,
    )
    scene.checks.equal("token of the user: works", done.returncode, 0)
    if done.returncode:
        print(done.stderr[-1500:])
    sent = {
        (each.headers.get("x-user-id"), each.headers.get("authorization"))
        for each in scene.recorder.since(mark)
    }
    scene.checks.equal("token of the user: is sent", sent, {("ann%C3%A9", "Bearer of-ann")})
