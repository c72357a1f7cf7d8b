"""Request bodies in JSON, checked as the newer services check them, with their texts."""

from __future__ import annotations

import json
from typing import Any

from micromegas_dbapi.server.request_bodies import BadRequest, described, instant
from micromegas_dbapi.server.wsgi import Environ

__all__ = ["MAYBE", "TEXT", "TEXTS", "TIME", "RefusedError", "body"]

#: What a field may be: text; text, null or missing; a map of texts, or missing; an instant, null or
#: missing.
TEXT, MAYBE, TEXTS, TIME = "text", "text?", "texts", "time?"

_NOT_JSON = "Failed to parse the request body as JSON: "
_NOT_MEANT = "Failed to deserialize the JSON body into the target type: "
_BLANK = " \t\n\r"


class RefusedError(Exception):
    """A request that is refused: the HTTP status, and the text of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def body(environ: Environ, fields: dict[str, str]) -> dict[str, Any]:
    """Read a request's body.

    Returns
    -------
    dict
        All the fields: None where one is missing and may be, instants as nanoseconds since the
        epoch. Unknown keys are left out.

    Raises
    ------
    RefusedError
    """
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise RefusedError(415, "Expected request with `Content-Type: application/json`")
    try:
        text = environ["wsgi.input"].read().decode()
        found = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"at line {error.lineno} column {error.colno}"
        raise RefusedError(400, f"{_NOT_JSON}expected value {place}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"{_NOT_JSON}{error}") from error
    if not isinstance(found, dict):
        raise RefusedError(
            422, f"{_NOT_MEANT}invalid type: {described(found)}, expected struct{_at(text)}"
        )
    return {name: _value(found, name, kind, text) for name, kind in fields.items()}


def _value(found: dict[str, Any], name: str, kind: str, text: str) -> Any:
    if name not in found and kind == TEXT:
        raise RefusedError(422, f"{_NOT_MEANT}missing field `{name}`{_at(text)}")
    value = found.get(name, {} if kind == TEXTS else None)
    if value is None and kind in (MAYBE, TIME):
        return None
    wrong = ""
    if kind == TEXTS:
        if not isinstance(value, dict):
            wrong = f"invalid type: {described(value)}, expected a map"
        elif strange := [item for item in value.values() if not isinstance(item, str)]:
            wrong = f"invalid type: {described(strange[0])}, expected a string"
    elif not isinstance(value, str):
        wrong = f"invalid type: {described(value)}, expected a string"
    elif kind == TIME:
        try:
            return instant(value, name)
        except BadRequest as error:
            wrong = error.args[-1]
    if wrong:
        raise RefusedError(422, f"{_NOT_MEANT}{name}: {wrong}{_at(text, name)}")
    return value


def _at(text: str, name: str | None = None) -> str:
    """Tell where a field's value ends, or the whole object."""
    read = text[: _end(text, name)].encode()
    line = read.rpartition(b"\n")[2]
    return f" at line {read.count(10) + 1} column {len(line)}"


def _end(text: str, name: str | None) -> int:
    decoder = json.JSONDecoder()
    end = len(text.rstrip(_BLANK))
    if name is None:
        return end
    at, found = _past(text, text.index("{") + 1), end
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        _, at = decoder.raw_decode(text, _past(text, _past(text, at) + 1))
        if key == name:
            found = at  # the last one counts
        at = _past(text, at)
        if text[at] == ",":
            at = _past(text, at + 1)
    return found


def _past(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
