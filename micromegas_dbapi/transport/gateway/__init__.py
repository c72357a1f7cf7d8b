"""The JSON gateway of newer services: POST ``gateway/query``, JSON array of row objects.

JSON has no types. For the types, the transport sends ``DESCRIBE <query>`` after the query. It does
not if the types are known from the same query before (see `micromegas_dbapi.service.knowledge`), or
if the rows determine them: if all values are booleans.
How values arrive, and what JSON cannot represent:

==============================  ===================================================================
type of the service             result
==============================  ===================================================================
bool, integers, string          unchanged
float                           unchanged, but NULL for NaN and infinities, which JSON does not
                                distinguish: every column of floats is nullable
decimal                         exact
binary, JSONB                   unchanged, decoded from hexadecimal strings
date, time, timestamp,          exact to the nanosecond; the time zone is that of the type
duration
interval                        months, days and nanoseconds, for all kinds of intervals
list, struct                    unchanged, including NULL items and fields
map                             without entries whose value is NULL, which the gateway omits
dictionary, run-end encoded     the type of the values
NULL                            unchanged, although the gateway omits the key; but an error if two
                                columns have one name and a row has only one of them
no rows                         the schema is complete
==============================  ===================================================================

If the service cannot describe the statement, types are inferred from the values
(`micromegas_dbapi.transport.gateway.json_rows`): times, binary values and intervals stay strings,
maps are structs, a column that is NULL in all rows is missing, and an empty result has no columns.
Column names do not influence the types.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pyarrow as pa

from micromegas_dbapi.errors import (
    DatabaseError,
    DataError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from micromegas_dbapi.options.settings import HttpSettings
from micromegas_dbapi.service import FLIGHT, VIEWS_SQL, Service, may_lack_table
from micromegas_dbapi.service.knowledge import Fact, Facts
from micromegas_dbapi.sql.column_queries import query_alone
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.client_headers import attribution
from micromegas_dbapi.transport.gateway.column_types import (
    ColumnTypes,
    parse_description,
)
from micromegas_dbapi.transport.gateway.gateway_errors import is_transient, parse_error, parse_rows
from micromegas_dbapi.transport.gateway.json_objects import (
    AmbiguousFieldError,
    MismatchError,
    Pairs,
)
from micromegas_dbapi.transport.gateway.json_rows import has_evident_types, infer_batches
from micromegas_dbapi.transport.http.http_client import HttpClient
from micromegas_dbapi.transport.protocol import NO_LIMITS, Request
from micromegas_dbapi.transport.streams import stream

__all__ = ["GatewayTransport"]

_MAX_QUERIES = 128
_MAX_LENGTH = 100_000  # characters of a query; longer ones are not worth their memory
_HEADERS = {"Accept-Encoding": "gzip, deflate", "Content-Type": "application/json"}


class GatewayTransport:
    """Transport to one gateway.

    Parameters
    ----------
    address : str
        Base URL, with or without a path prefix, without a trailing slash.
    settings : HttpSettings
        Timeouts, credentials and headers.

    Raises
    ------
    ProgrammingError
        If credentials would be sent unencrypted to another host; see `refuse_insecure`.
    """

    def __init__(self, address: str, settings: HttpSettings) -> None:
        headers = {**_HEADERS, **attribution()}
        self._client = HttpClient(address, settings, headers, parse_error)
        self._types: Facts[str, ColumnTypes] = Facts(_MAX_QUERIES)

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The service responds once the result is complete.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.RecordBatchReader
            The rows.

        Raises
        ------
        DatabaseError
        """
        with self._client.running(request):
            batches = self._batches(request, self._rows(request, request.sql))
        return stream(batches[0].schema, batches, request)

    def schema(self, request: Request) -> pa.Schema:
        """Return the schema of a query's result; see `Transport`.

        Parameters
        ----------
        request : Request
            The query.

        Returns
        -------
        pyarrow.Schema
            The columns of the result.

        Raises
        ------
        NotSupportedError
            If the service cannot describe the query.
        DatabaseError
        """
        query = query_alone(request.statement)
        if query is None:  # DESCRIBE, SHOW and EXPLAIN compute almost nothing
            return self.run(request).schema
        with self._client.running(request):
            types = self._describe(request, query)
        if types is None or any(kind is None for _, kind, _ in types.fields):
            raise NotSupportedError(
                "this service does not return the schema of a query over its JSON gateway: run "
                "the query, or connect with grpc:// or web+https://",
                retryable=False,
                **request.context,
            )
        return pa.schema([pa.field(*field) for field in types.fields])

    def stamp(self) -> None:
        """Return None: nothing local tells whether the service has changed."""

    def presumed(self) -> Service:
        """Return the kind of the service, without its version.

        Returns
        -------
        Service
            Its kind.
        """
        return Service("gateway", FLIGHT)

    def service(self, cancellation: Cancellation | None = None) -> Service:
        """Query the list of views, which depends on the version of the service.

        Parameters
        ----------
        cancellation : Cancellation, optional
            Cancels the query.

        Returns
        -------
        Service
            Its kind and version.

        Raises
        ------
        DatabaseError
        """
        request = Request(VIEWS_SQL, None, str(uuid4()), cancellation or Cancellation())
        with self._client.running(request):
            try:
                rows = self._rows(request, request.sql)
            except ProgrammingError as error:
                if not may_lack_table(error):
                    raise
                rows = []  # old services have no information_schema
        return Service.of("gateway", [value for row in rows for _, value in row])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- types -------------------------------------------------------------------------------

    def _batches(self, request: Request, rows: Sequence[Pairs]) -> list[pa.RecordBatch]:
        """Convert rows to Arrow, with the described types if possible, else with inferred ones."""
        query = None if has_evident_types(rows) else query_alone(request.statement)
        try:
            described = None if query is None else self._described_batches(request, query, rows)
            return infer_batches(rows) if described is None else described
        except MismatchError as error:
            if query is not None:  # the types may be outdated
                self._types.forget(query)
            if isinstance(error, AmbiguousFieldError):
                raise DataError(
                    "two columns have the same name, and one of them is null in a row, but JSON "
                    "does not show which: give the columns different names in the statement",
                    status=200,
                    retryable=False,
                    **request.context,
                ) from error
            raise OperationalError(
                f"the response does not match its description by the service: {error}",
                status=200,
                retryable=None,
                **request.context,
            ) from error

    def _described_batches(
        self, request: Request, query: str, rows: Sequence[Pairs]
    ) -> list[pa.RecordBatch] | None:
        """Convert rows with the described types; None if the service cannot describe the query."""
        known = self._types_of(query).current()
        if known is not None and not known.value.may_be_outdated(rows):
            batches = known.value.matching_batches(rows)
            if batches is not None:
                return batches
        if (types := self._try_describe(request, query)) is not None:
            return types.batches(rows)
        latest = self._types_of(query).latest
        return None if latest is None else latest.value.matching_batches(rows)

    def _try_describe(self, request: Request, query: str) -> ColumnTypes | None:
        """Describe a query that has succeeded; None if the service rejects the DESCRIBE.

        It is not asked again at once. But what it told before counts for nothing only if the query
        engine rejects the statement. A proxy that fails does not show that types have changed.
        """
        if self._types_of(query).paused:
            return None
        try:
            types = self._describe(request, query)
        except DatabaseError as error:
            if is_transient(error):
                raise
            if not isinstance(error, OperationalError):
                self._types.forget(query)
            types = None
        if types is None:
            self._types_of(query).pause()
        return types

    def _describe(self, request: Request, query: str) -> ColumnTypes | None:
        unlimited = replace(request, limits=NO_LIMITS)  # it is not the result
        types = parse_description(self._rows(unlimited, f"DESCRIBE {query}"))
        if types is None:
            self._types.forget(query)
        else:
            self._types_of(query).store(types)
        return types

    def _types_of(self, query: str) -> Fact[ColumnTypes]:
        return self._types[query] if len(query) <= _MAX_LENGTH else Fact()

    # -- requests ----------------------------------------------------------------------------

    def _rows(self, request: Request, sql: str) -> Sequence[Pairs]:
        """Run a statement and return its rows."""
        time_range = request.time_range
        payload = {
            "sql": sql,
            "time_range_begin": time_range and time_range.begin_text,
            "time_range_end": time_range and time_range.end_text,
        }
        body = json.dumps(payload, ensure_ascii=False).encode()
        return parse_rows(self._client.fetch("/gateway/query", body, request), request)
