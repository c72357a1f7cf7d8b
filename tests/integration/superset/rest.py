"""A session with Superset's REST API, and the checks of a run."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any


class Session:
    """A logged-in user."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._token = ""
        self.status = 0
        user = {"username": "admin", "password": "admin", "provider": "db", "refresh": True}
        self._token = self("POST", "/api/v1/security/login", user)["access_token"]

    def raw(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Referer": self.url}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                self.status = answer.status
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            self.status = error.code
            return error.read()

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        data = self.raw(method, path, body)
        try:
            return json.loads(data)
        except ValueError:
            return {"message": data[:300].decode("utf-8", "replace")}


def message(answer: dict[str, Any]) -> str:
    """The texts of an error answer, with their types."""
    if errors := answer.get("errors"):
        return " | ".join(f"{each.get('error_type')}: {each.get('message')}" for each in errors)
    return str(answer.get("message") or answer.get("error") or answer)[:500]


class Checks:
    """Compares, says what is wrong, and goes on."""

    def __init__(self) -> None:
        self.count = 0
        self.failed: list[str] = []
        self._begun = time.monotonic()

    def equal(self, what: str, got: Any, expected: Any) -> None:
        self.true(what, got == expected, f"\n    got      {got!r}\n    expected {expected!r}")

    def contains(self, what: str, got: Any, *expected: Any) -> None:
        missing = [each for each in expected if each not in got]
        self.true(what, not missing, f"\n    got      {got!r}\n    without  {missing!r}")

    def true(self, what: str, right: bool, detail: Any = "") -> bool:
        self.count += 1
        if not right:
            self.failed.append(what)
            print(f"  WRONG {what} {str(detail)[:3000]}", flush=True)
        return right

    def step(self, name: str) -> None:
        print(f"[{time.monotonic() - self._begun:5.0f} s] {name}", flush=True)
