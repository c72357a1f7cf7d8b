"""Request bodies: CBOR maps, checked as the service checks them, with its texts."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import cbor2

from micromegas_dbapi.lake.uuids import parse_uuid
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, to_ns

__all__ = ["BadRequest", "bounds", "described", "instant", "parse", "rfc3339", "within"]

_TEXT, _MAYBE, _INTEGER, _ID, _MAYBE_ID = "text", "text?", "integer", "id", "id?"

# Endpoint -> the service's name for its request, and the fields of that.
_REQUESTS: dict[str, tuple[str, dict[str, str]]] = {
    "query": ("QueryRequest", {"sql": _TEXT, "begin": _MAYBE, "end": _MAYBE}),
    "query_view": (
        "QueryViewRequest",
        {
            "view_set_name": _TEXT,
            "view_instance_id": _TEXT,
            "begin": _MAYBE,
            "end": _MAYBE,
            "sql": _TEXT,
        },
    ),
    "find_process": ("FindProcessRequest", {"process_id": _ID}),
    "find_stream": ("FindStreamRequest", {"stream_id": _ID}),
    "query_streams": (
        "QueryStreamsRequest",
        {
            "limit": _INTEGER,
            "begin": _MAYBE,
            "end": _MAYBE,
            "tag_filter": _MAYBE,
            "process_id": _MAYBE_ID,
        },
    ),
    "query_blocks": ("QueryBlocksRequest", {"stream_id": _ID}),
    "materialize_partitions": (
        "MetarializePartitionsRequest",  # as the service spells it
        {
            "view_set_name": _TEXT,
            "view_instance_id": _TEXT,
            "begin": _TEXT,
            "end": _TEXT,
            "partition_delta_seconds": _INTEGER,
        },
    ),
    "retire_partitions": (
        "RetirePartitionsRequest",
        {"view_set_name": _TEXT, "view_instance_id": _TEXT, "begin": _TEXT, "end": _TEXT},
    ),
}


class BadRequest(Exception):  # noqa: N818  (it is the links of the service's chain)
    """A request that the service refuses; its arguments are the causes, outermost first."""


def parse(endpoint: str, body: bytes) -> dict[str, Any]:
    """Read a request's body.

    Returns
    -------
    dict
        All fields of the endpoint's request, None where one is missing and may be; unknown keys
        are left out.

    Raises
    ------
    BadRequest
        If it is no CBOR map, or a field is missing or of another type.
    """
    if endpoint == "query_partitions":  # its body is not read
        return {}
    name, fields = _REQUESTS[endpoint]
    try:
        found = _map(body)
        return {field: _value(found, field, kind) for field, kind in fields.items()}
    except ValueError as error:
        raise BadRequest(f"parsing {name}", str(error)) from error


def _map(body: bytes) -> dict[Any, Any]:
    if not body:
        raise ValueError(_EOF)
    major = body[0] >> 5
    if major != 5:  # seen before the rest is read: JSON begins like a text that never ends
        raise ValueError(_semantic(f"invalid type: {_MAJOR[major]}, expected map"))
    try:
        found: dict[Any, Any] = cbor2.loads(body)
    except cbor2.CBORDecodeEOF:
        raise ValueError(_EOF) from None
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(_semantic(f"invalid value: {error}")) from None
    return found


_EOF = 'Io(Error { kind: UnexpectedEof, message: "failed to fill whole buffer" })'
_MAJOR = ("integer", "integer", "bytes", "string", "array", "map", "tag", "simple")


def _semantic(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'Semantic(None, "{quoted}")'


def _value(found: dict[Any, Any], field: str, kind: str) -> Any:
    if field not in found:
        # The service reads ids by a function of its own, for which nothing is not null.
        if kind == _MAYBE:
            return None
        raise ValueError(_semantic(f"missing field `{field}`"))
    value = found[field]
    if isinstance(value, datetime):  # CBOR's tag for times, which the service reads as its text
        value = value.isoformat()
    if value is None and kind in (_MAYBE, _MAYBE_ID):
        return None
    if kind == _INTEGER:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(_semantic(f"invalid type: {described(value)}, expected i64"))
        if not -(2**63) <= value < 2**63:
            raise ValueError(_semantic(f"invalid value: integer `{value}`, expected i64"))
        return value
    if not isinstance(value, str):
        raise ValueError(_semantic(f"invalid type: {described(value)}, expected string"))
    if kind in (_ID, _MAYBE_ID):
        try:
            parse_uuid(value)
        except ValueError as error:
            raise ValueError(_semantic(str(error))) from None
    return value


def described(value: object) -> str:
    """Say what a value of a request is, as the services do where they expect another."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    kinds: dict[type, str] = {bytes: "byte array", list: "sequence", dict: "map"}
    return kinds.get(type(value), type(value).__name__)


def instant(text: str, name: str) -> int:
    """Read RFC 3339 text as nanoseconds since the epoch, not limited to 64 bits.

    Raises
    ------
    BadRequest
        If it is something else, or has no offset.
    """
    if re.match(r"[+-]|now$", text):  # what the driver understands and a service does not
        raise BadRequest(f"parsing {name} time range", "input contains invalid characters")
    try:
        return to_ns(text, 0, name)
    except Exception as error:
        said = "input contains invalid characters"
        if re.fullmatch(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?|", text):
            said = "premature end of input"
        elif re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d", text) and "valid" in str(error):
            said = "input is out of range"
        raise BadRequest(f"parsing {name} time range", said) from error


def rfc3339(text: str) -> int:
    """Read an instant as `instant` does, in the one form that RFC 3339 has.

    The newer services read that of headers with another function, which is stricter.

    Raises
    ------
    ValueError
        With that function's text.
    """
    if len(text) < 19 or _NAIVE.fullmatch(text):
        raise ValueError("premature end of input")
    if not _RFC_3339.fullmatch(text):
        raise ValueError("input contains invalid characters")
    try:
        return to_ns(text, 0)
    except Exception as error:
        raise ValueError("input is out of range") from error


_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?")
_RFC_3339 = re.compile(_NAIVE.pattern + r"([Zz]|[+-]\d\d:\d\d)")


def within(low: int, high: int) -> tuple[int, int]:
    """Give the bounds of a range as the engine takes them.

    Returns
    -------
    (int, int)
        Begin after end, which no row lies between, where a bound is more than 64 bits can count:
        to the service it is null then.
    """
    least = -(2**63)
    return (low, high) if least <= low <= MAX_NS and least <= high <= MAX_NS else (MAX_NS, MIN_NS)


def bounds(begin: str | None, end: str | None) -> tuple[int, int] | None:
    """Read a query's time range, as `within` gives it.

    Raises
    ------
    BadRequest
        If a bound is no RFC 3339 text, or one alone is given.
    """
    if (begin is None) != (end is None):
        raise BadRequest("Either specify both begin & end or specify none")
    if begin is None or end is None:
        return None
    return within(instant(begin, "begin"), instant(end, "end"))
