"""Read request bodies in CBOR, with the errors of the HTTP service."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import cbor2

from micromegas_dbapi.lake.uuids import parse_uuid
from micromegas_dbapi.server.serde import describe
from micromegas_dbapi.server.time_bounds import engine_bounds, parse_datetime

__all__ = ["BadRequestError", "check_time", "parse", "time_bounds"]


class _Type(Enum):
    STRING = "a string"
    OPTIONAL_STRING = "a string, null or missing"
    INTEGER = "an integer of 64 bits"
    ID = "a UUID as a string"
    OPTIONAL_ID = "a UUID as a string, or null"  # parsed by the service's own function: required


# Endpoint: the service's name for its request, and the fields of the request.
_REQUESTS: dict[str, tuple[str, dict[str, _Type]]] = {
    "query": (
        "QueryRequest",
        {"sql": _Type.STRING, "begin": _Type.OPTIONAL_STRING, "end": _Type.OPTIONAL_STRING},
    ),
    "query_view": (
        "QueryViewRequest",
        {
            "view_set_name": _Type.STRING,
            "view_instance_id": _Type.STRING,
            "begin": _Type.OPTIONAL_STRING,
            "end": _Type.OPTIONAL_STRING,
            "sql": _Type.STRING,
        },
    ),
    "find_process": ("FindProcessRequest", {"process_id": _Type.ID}),
    "find_stream": ("FindStreamRequest", {"stream_id": _Type.ID}),
    "query_streams": (
        "QueryStreamsRequest",
        {
            "limit": _Type.INTEGER,
            "begin": _Type.OPTIONAL_STRING,
            "end": _Type.OPTIONAL_STRING,
            "tag_filter": _Type.OPTIONAL_STRING,
            "process_id": _Type.OPTIONAL_ID,
        },
    ),
    "query_blocks": ("QueryBlocksRequest", {"stream_id": _Type.ID}),
    "materialize_partitions": (
        "MetarializePartitionsRequest",  # spelled like this by the service
        {
            "view_set_name": _Type.STRING,
            "view_instance_id": _Type.STRING,
            "begin": _Type.STRING,
            "end": _Type.STRING,
            "partition_delta_seconds": _Type.INTEGER,
        },
    ),
    "retire_partitions": (
        "RetirePartitionsRequest",
        {
            "view_set_name": _Type.STRING,
            "view_instance_id": _Type.STRING,
            "begin": _Type.STRING,
            "end": _Type.STRING,
        },
    ),
}


class BadRequestError(Exception):
    """A request that the service rejects.

    Parameters
    ----------
    *causes : str
        The links of the service's error chain, outermost first.

    Attributes
    ----------
    causes : tuple of str
        As given.
    """

    def __init__(self, *causes: str) -> None:
        super().__init__(*causes)
        self.causes = causes


def parse(endpoint: str, body: bytes) -> dict[str, Any]:
    """Read the body of a request.

    Parameters
    ----------
    endpoint : str
        The last part of the path.
    body : bytes
        A map in CBOR.

    Returns
    -------
    dict
        All fields of the endpoint's request, and no others. Missing optional fields are None.

    Raises
    ------
    BadRequestError
        If the body is not a map in CBOR, or a field is missing or of another type.
    """
    if endpoint == "query_partitions":  # ignores its body
        return {}
    name, fields = _REQUESTS[endpoint]
    try:
        found = _map(body)
        return {field: _value(found, field, kind) for field, kind in fields.items()}
    except ValueError as error:
        raise BadRequestError(f"parsing {name}", str(error)) from error


def check_time(text: str, name: str) -> int:
    """Parse a bound of a time range.

    Parameters
    ----------
    text : str
        In RFC 3339.
    name : str
        ``"begin"`` or ``"end"``.

    Returns
    -------
    int
        Nanoseconds since the epoch, not limited to 64 bits.

    Raises
    ------
    BadRequestError
        If the text is not in RFC 3339.
    """
    try:
        return parse_datetime(text)
    except ValueError as error:
        raise BadRequestError(f"parsing {name} time range", str(error)) from error


def time_bounds(begin: str | None, end: str | None) -> tuple[int, int] | None:
    """Parse the time range of a query.

    Parameters
    ----------
    begin, end : str or None
        In RFC 3339; both or none.

    Returns
    -------
    (int, int) or None
        See `engine_bounds`.

    Raises
    ------
    BadRequestError
        If a bound is not in RFC 3339, or if there is only one.
    """
    if (begin is None) != (end is None):
        raise BadRequestError("Either specify both begin & end or specify none")
    if begin is None or end is None:
        return None
    return engine_bounds(check_time(begin, "begin"), check_time(end, "end"))


_EOF = 'Io(Error { kind: UnexpectedEof, message: "failed to fill whole buffer" })'
# By CBOR's major types.
_MAJOR_TYPES = ("integer", "integer", "bytes", "string", "array", "map", "tag", "simple")
_MAP = 5


def _map(body: bytes) -> dict[Any, Any]:
    if not body:
        raise ValueError(_EOF)
    major = body[0] >> 5
    # Before the body is decoded, because JSON looks like a string that is not complete.
    if major != _MAP:
        raise ValueError(_semantic(f"invalid type: {_MAJOR_TYPES[major]}, expected map"))
    try:
        found: dict[Any, Any] = cbor2.loads(body)
    except cbor2.CBORDecodeEOF:
        raise ValueError(_EOF) from None
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(_semantic(f"invalid value: {error}")) from None
    return found


def _semantic(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'Semantic(None, "{quoted}")'


def _value(found: dict[Any, Any], field: str, kind: _Type) -> Any:
    if field not in found:
        if kind is _Type.OPTIONAL_STRING:
            return None
        raise ValueError(_semantic(f"missing field `{field}`"))
    try:
        return _converted(found[field], kind)
    except ValueError as error:
        raise ValueError(_semantic(str(error))) from None


def _converted(value: object, kind: _Type) -> Any:
    """Return the value of a field, or raise ValueError with serde's message."""
    if isinstance(value, datetime):  # CBOR's tag for times, which the service reads as a string
        value = value.isoformat()
    if value is None and kind in (_Type.OPTIONAL_STRING, _Type.OPTIONAL_ID):
        return None
    if kind is _Type.INTEGER:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"invalid type: {describe(value)}, expected i64")
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"invalid value: integer `{value}`, expected i64")
        return value
    if not isinstance(value, str):
        raise ValueError(f"invalid type: {describe(value)}, expected string")
    if kind in (_Type.ID, _Type.OPTIONAL_ID):
        parse_uuid(value)
    return value
