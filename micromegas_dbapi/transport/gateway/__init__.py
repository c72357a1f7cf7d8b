"""The JSON gateway of newer services: POST gateway/query, one array of row objects out.

JSON has no types, so the service is asked for the columns, by ``DESCRIBE <query>``, behind each
query whose text was not asked before, unless its rows show them beyond doubt (all true or false).
What a column of each type is made of, and what the way through JSON loses:

==============================  ===================================================================
type, as the service has it     what arrives
==============================  ===================================================================
bool, integers, text            itself
float                           itself, but NULL for NaN and infinities: nothing tells these apart,
                                so every column of floats may be null
decimal                         itself, to the last digit
binary, JSONB                   itself, from hexadecimal text
date, time, timestamp,          itself, to the nanosecond; a zone as it is in the type
duration
interval                        itself, as months, days and nanoseconds, whatever its kind
list, struct                    itself; items that are NULL stay, as do fields
map                             without its entries whose value is NULL, which are not sent
dictionary, run-end encoded     the type of the values
NULL                            itself, though its key is not sent; but an error where two columns
                                have one name and a row has only one of them
no rows                         the columns all the same
==============================  ===================================================================

A service, or a statement, that tells no columns leaves what the values show
(`micromegas_dbapi.transport.gateway.json_rows`): times, binary values and intervals are texts
then, maps are structs, a column that is NULL in all rows is missing, and a result of no rows has
no columns. Nothing is guessed from names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pyarrow as pa
import requests

from micromegas_dbapi.errors import (
    DatabaseError,
    DataError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.options import HttpSettings
from micromegas_dbapi.service import FLIGHT, VIEWS_SQL, Service
from micromegas_dbapi.sql.column_queries import query_alone
from micromegas_dbapi.transport.client_headers import attribution
from micromegas_dbapi.transport.gateway.column_types import Described, Kept, described
from micromegas_dbapi.transport.gateway.json_objects import AmbiguousError, Pairs, UnfitError, parse
from micromegas_dbapi.transport.gateway.json_rows import by_themselves, shows_types
from micromegas_dbapi.transport.http.post import Poster
from micromegas_dbapi.transport.http.response_body import read
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import asked_once_more, from_tonic, refused
from micromegas_dbapi.transport.streams import check_cancelled, stream

__all__ = ["GatewayTransport"]

_HEADERS = {"Accept-Encoding": "gzip, deflate", "Content-Type": "application/json"}
_OVERLOADED = ("CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "DATA_LOSS", 408)
_FAILED = "Query failed: "
_NOT_IN_JSON = "Failed to serialize results: "


class GatewayTransport:
    """One gateway, over sockets that are kept alive.

    Parameters
    ----------
    address : str
        Base URL, with a path prefix or without, ending in no slash.
    settings : HttpSettings

    Raises
    ------
    ProgrammingError
        As `Poster`.
    """

    def __init__(self, address: str, settings: HttpSettings) -> None:
        self._poster = Poster(address, settings, {**_HEADERS, **attribution()})
        self._settings = replace(settings, spool_bytes=sys.maxsize)  # it is parsed in memory
        self._kept = Kept()

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The service answers when all of it is computed."""
        with _running(request, self._settings):
            rows = self._rows(request, request.sql)
            found = self._typed(request, rows)
        return stream(found[0].schema, found, request)

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result; see `Transport`.

        Raises
        ------
        NotSupportedError
            If the service does not tell.
        """
        query = query_alone(request.sql)
        if query is None:  # DESCRIBE, SHOW, EXPLAIN: these compute next to nothing
            return self.run(request).schema
        with _running(request, self._settings):
            said = self._ask(request, query)
        if said is None or any(kind is None for _, kind, _ in said.fields):
            raise NotSupportedError(
                "this service does not tell the columns of a query over its JSON gateway: run it, "
                "or connect by grpc:// or web+https://",
                sql=request.sql,
                query_id=request.query_id,
                retryable=False,
            )
        return pa.schema([pa.field(*field) for field in said.fields])

    def presumed(self) -> Service:
        """Tell what is known of it unasked: nothing of its age."""
        return Service("gateway", FLIGHT)

    def service(self) -> Service:
        """Ask for the views, which tell its age."""
        request = Request(VIEWS_SQL, None, str(uuid4()))
        with _running(request, self._settings):
            try:
                rows = self._rows(request, request.sql)
            except ProgrammingError:  # an older one has no information_schema
                rows = []
        return Service.of("gateway", [value for row in rows for _, value in row])

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()

    # -- types -------------------------------------------------------------------------------

    def _typed(self, request: Request, rows: Sequence[Pairs]) -> list[pa.RecordBatch]:
        """Make Arrow of rows, by what the service tells of their columns, else by themselves."""
        query = None if shows_types(rows) else query_alone(request.sql)
        try:
            if query is not None:
                known, said = self._kept.find(query)
                found = None if said is None else said.batches(rows)
                if found is None and (said is not None or not known):  # or it said no
                    said = self._described(request, query)
                    found = None if said is None else said.batches(rows)
                if found is not None:
                    return found
            return by_themselves(rows)
        except UnfitError as error:
            if query is not None:  # what is kept may be out of date
                self._kept.forget(query)
            about: dict[str, Any] = {
                "sql": request.sql,
                "query_id": request.query_id,
                "status": 200,
            }
            if isinstance(error, AmbiguousError):
                message = (
                    "two columns have one name, and a row lacks one of them, which is null then, "
                    "but JSON does not tell which: name the columns in the statement"
                )
                raise DataError(message, retryable=False, **about) from error
            message = f"the answer is not what the service says it is: {error}"
            raise OperationalError(message, retryable=None, **about) from error

    def _described(self, request: Request, query: str) -> Described | None:
        """Ask for the columns of a query that has been answered; None if the service says no."""
        try:
            return self._ask(request, query)
        except DatabaseError as error:
            if _is_luck(error):
                raise
            if not isinstance(error, OperationalError):  # the engine's no, which stays
                self._kept.keep(query, None)
            return None

    def _ask(self, request: Request, query: str) -> Described | None:
        said = described(self._rows(request, f"DESCRIBE {query}"))
        self._kept.keep(query, said)
        return said

    # -- the wire ----------------------------------------------------------------------------

    def _rows(self, request: Request, sql: str) -> Sequence[Pairs]:
        """Give the rows that a statement is answered with."""
        time_range = request.time_range
        payload = {
            "sql": sql,
            "time_range_begin": time_range and time_range.begin_text,
            "time_range_end": time_range and time_range.end_text,
        }
        body = json.dumps(payload, ensure_ascii=False).encode()
        about = {"sql": request.sql, "query_id": request.query_id}

        def meaning(status: int, text: str) -> DatabaseError | None:
            return _meaning(status, text, about)

        def ask() -> requests.Response:
            response = self._poster.send("/gateway/query", body, about, request.cancellation)
            if response.status_code == 200:
                return response
            with response:
                raise self._poster.failure(response, about, meaning)

        with asked_once_more(self._settings.auth, ask) as response:
            answer = read(response, self._settings, None, about)
        assert isinstance(answer, bytes)
        return _parsed(answer, about)


@contextmanager
def _running(request: Request, settings: HttpSettings) -> Iterator[None]:
    request.cancellation.cancel_after(settings.timeout.total)
    try:
        yield
    except DatabaseError as error:
        check_cancelled(request, error)
        raise
    finally:
        request.cancellation.settled()


def _parsed(body: bytes, about: dict[str, Any]) -> Sequence[Pairs]:
    try:
        rows = parse(body.decode())
        if type(rows) is not list or not all(type(row) is tuple for row in rows):
            raise ValueError("it is no array of objects")
    except (ValueError, RecursionError) as error:
        shown = body[:60]
        raise OperationalError(
            f"the answer is no JSON array of rows but begins with {shown!r}: is this a Micromegas "
            "gateway, and the path prefix right?"
            if not body.lstrip().startswith(b"[")
            else f"the answer, of {len(body)} bytes, is damaged: {error}",
            status=200,
            retryable=None,
            **about,
        ) from error
    return rows


def _meaning(status: int, text: str, about: dict[str, Any]) -> DatabaseError | None:
    """Tell what the gateway means by a status and a text."""
    error: DatabaseError
    if (wrapped := from_tonic(text, **about)) is not None:
        return wrapped
    if text.startswith(_NOT_IN_JSON):
        words = text.removeprefix(_NOT_IN_JSON)
        error = NotSupportedError(
            f"this wire answers in JSON, which cannot carry the result: {words}",
            status=status,
            retryable=False,
            **about,
        )
        error.__cause__ = ServiceMessage(text)
        return error
    if status == 400:  # its own words, or the engine's
        error = from_service(text, status=status, **about)
        if type(error) is not DatabaseError:
            return error
        refusal = ProgrammingError(
            f"the gateway refuses the request: {text}", status=status, retryable=False, **about
        )
        refusal.__cause__ = error.__cause__
        return refusal
    if status == 500 and text.startswith(_FAILED):
        error = from_service(text.removeprefix(_FAILED), status=status, **about)
        error.__cause__ = ServiceMessage(text)
        return error
    return None


def _is_luck(error: DatabaseError) -> bool:
    """Tell whether it may be otherwise the next time: then no result may have other types for it.

    The way to the service, that is, or its load; not what the service or the gateway refuses.
    """
    if error.status in (None, 200) or error.retryable or refused(error):
        return True
    return error.status in _OVERLOADED
