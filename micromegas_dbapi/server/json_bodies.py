"""Read request bodies in JSON, with the errors of the newer services."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from micromegas_dbapi.server.serde import describe
from micromegas_dbapi.server.time_bounds import parse_datetime
from micromegas_dbapi.server.wsgi import Environ

__all__ = ["FieldType", "RejectedRequestError", "read_body"]

_NOT_JSON = "Failed to parse the request body as JSON: "
_WRONG_TYPE = "Failed to deserialize the JSON body into the target type: "
_WHITESPACE = " \t\n\r"


class FieldType(Enum):
    """The type of a field. Optional fields may be null or missing."""

    STRING = "a string"
    OPTIONAL_STRING = "a string, null or missing"
    OPTIONAL_TIME = "a date with time and offset, null or missing"
    STRING_MAP = "a map of strings, or missing"


class RejectedRequestError(Exception):
    """A request that a service rejects.

    Parameters
    ----------
    status : int
        The HTTP status of the response.
    text : str
        The body of the response.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def read_body(environ: Environ, fields: dict[str, FieldType]) -> dict[str, Any]:
    """Read the body of a request.

    Parameters
    ----------
    environ : dict
        Of the request, as WSGI has it.
    fields : dict of str to FieldType
        The expected fields.

    Returns
    -------
    dict
        All expected fields, and no others. Missing optional fields are None; times are in
        nanoseconds since the epoch.

    Raises
    ------
    RejectedRequestError
        If the body is not JSON, or a field is missing or of another type.
    """
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise RejectedRequestError(415, "Expected request with `Content-Type: application/json`")
    try:
        text = environ["wsgi.input"].read().decode()
        found = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"at line {error.lineno} column {error.colno}"
        raise RejectedRequestError(400, f"{_NOT_JSON}expected value {place}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise RejectedRequestError(400, f"{_NOT_JSON}{error}") from error
    if not isinstance(found, dict):
        message = f"invalid type: {describe(found)}, expected struct"
        raise RejectedRequestError(422, f"{_WRONG_TYPE}{message}{_place(text)}")
    return {name: _value(found, name, kind, text) for name, kind in fields.items()}


def _value(found: dict[str, Any], name: str, kind: FieldType, text: str) -> Any:
    if name not in found:
        if kind is FieldType.STRING:
            message = f"missing field `{name}`"
            raise RejectedRequestError(422, f"{_WRONG_TYPE}{message}{_place(text)}")
        return {} if kind is FieldType.STRING_MAP else None
    try:
        return _converted(found[name], kind)
    except ValueError as error:
        message = f"{name}: {error}"
        raise RejectedRequestError(422, f"{_WRONG_TYPE}{message}{_place(text, name)}") from error


def _converted(value: object, kind: FieldType) -> Any:
    """Return the value of a field, or raise ValueError with the service's message."""
    if kind is FieldType.STRING_MAP:
        if not isinstance(value, dict):
            raise ValueError(f"invalid type: {describe(value)}, expected a map")
        for member in value.values():
            _check_string(member)
        return value
    if value is None and kind is not FieldType.STRING:
        return None
    text = _check_string(value)
    return parse_datetime(text) if kind is FieldType.OPTIONAL_TIME else text


def _check_string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"invalid type: {describe(value)}, expected a string")
    return value


def _place(text: str, name: str | None = None) -> str:
    """Return line and column of the end of a field's value, or of the whole object."""
    read = text[: _end(text, name)].encode()
    line = read.rpartition(b"\n")[2]
    lines = read.count(b"\n") + 1
    return f" at line {lines} column {len(line)}"


def _end(text: str, name: str | None) -> int:
    decoder = json.JSONDecoder()
    end = len(text.rstrip(_WHITESPACE))
    if name is None:
        return end
    at, found = _skip_whitespace(text, text.index("{") + 1), end
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        colon = _skip_whitespace(text, at)
        _, at = decoder.raw_decode(text, _skip_whitespace(text, colon + 1))
        if key == name:
            found = at  # of several members with this name, the last one is used
        at = _skip_whitespace(text, at)
        if text[at] == ",":
            at = _skip_whitespace(text, at + 1)
    return found


def _skip_whitespace(text: str, at: int) -> int:
    while text[at] in _WHITESPACE:
        at += 1
    return at
