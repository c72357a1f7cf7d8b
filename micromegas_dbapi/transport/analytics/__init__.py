"""The analytics HTTP service: POST ``analytics/<name>``, CBOR request, Parquet response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cbor2
import pyarrow as pa

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.options.settings import HttpSettings, Progress
from micromegas_dbapi.service import HTTP, Service
from micromegas_dbapi.sql.column_queries import count_of_rows, without_rows
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.analytics.progress_lines import decode_strings
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.http.http_client import HttpClient
from micromegas_dbapi.transport.http.response_body import translate_errors
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import stream

__all__ = ["HttpTransport"]

_CHUNK = 2**16
_HEADERS = {
    "Accept-Encoding": "identity",  # Parquet is already compressed
    "Content-Type": "application/cbor",
}


class HttpTransport:
    """Transport to one analytics service.

    Parameters
    ----------
    address : str
        Base URL, with or without a path prefix, without a trailing slash.
    settings : HttpSettings
        Timeouts, credentials and headers.
    report : callable, optional
        Called while a response arrives, with the bytes so far and the total or None.

    Raises
    ------
    ProgrammingError
        If credentials would be sent unencrypted to another host; see `refuse_insecure`.
    """

    def __init__(
        self, address: str, settings: HttpSettings, report: Progress | None = None
    ) -> None:
        self._client = HttpClient(address, settings, _HEADERS, _parse_error)
        self._settings = settings
        self._report = report

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
            Also while the reader is read.
        """
        time_range = request.time_range
        payload = {
            "sql": request.sql,
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
        }
        result = self._call("query", payload, request)
        sql = None if result.schema.names else count_of_rows(request.statement)
        if sql is None:
            return result
        # `SELECT FROM view` has rows without columns, which Parquet does not count.
        counted = self._call("query", {**payload, "sql": sql}, request).read_all()
        if not counted.num_rows:
            return result
        rows = pa.RecordBatch.from_arrays([pa.nulls(counted[0][0].as_py())], ["none"]).select([])
        return stream(result.schema, [rows], request)

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
        DatabaseError
        """
        sql = without_rows(request.statement)
        return self._call("query", {"sql": sql, "begin": None, "end": None}, request).schema

    def stamp(self) -> None:
        """Return None: nothing local tells whether the service has changed."""

    def presumed(self) -> Service:
        """Return what `service` returns, which needs no query.

        Returns
        -------
        Service
            Its kind and version.
        """
        return self.service()

    def service(self, cancellation: Cancellation | None = None) -> Service:
        """Return the kind of the service. Only the first services used this protocol.

        Parameters
        ----------
        cancellation : Cancellation, optional
            Not used.

        Returns
        -------
        Service
            Its kind and version.
        """
        return Service("http", HTTP)

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make a call that returns a table; see `Endpoints`.

        Parameters
        ----------
        name : str
            The endpoint.
        payload : dict
            The call's arguments.
        sql : str, optional
            For errors.
        query_id : str
            For errors.

        Returns
        -------
        pyarrow.RecordBatchReader
            The rows.

        Raises
        ------
        DatabaseError
            Also while the reader is read.
        """
        return self._call(name, payload, Request(sql or "", None, query_id))

    def _call(self, name: str, payload: dict[str, Any], request: Request) -> pa.RecordBatchReader:
        with self._client.running(request):
            body = self._client.fetch_spooled(
                f"/analytics/{name}", cbor2.dumps(payload), request, self._report
            )
        return decode(body, request)

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Make a long-running call that reports its progress; see `Endpoints`.

        The service sends status 200 before it begins, and reports a failure as the last line.

        Parameters
        ----------
        name : str
            The endpoint.
        payload : dict
            The call's arguments.
        query_id : str
            For errors.

        Yields
        ------
        str
            A line of progress.

        Raises
        ------
        DatabaseError
        """
        request = Request("", None, query_id)
        with self._client.open(f"/analytics/{name}", cbor2.dumps(payload), request) as response:
            raw = response.raw
            # Chunks end where the service flushes. Without them, only a read of one byte does not
            # wait for more than has arrived.
            chunks = raw.stream(_CHUNK if raw.chunked else 1, decode_content=True)
            with translate_errors(raw, self._settings.timeout.read, None, request):
                for line in decode_strings(chunks, request):
                    if line.startswith(f"{name}\n\nCaused by:\n"):
                        raise from_service(line, status=200, **request.context)
                    yield line

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _parse_error(status: int, text: str, request: Request) -> DatabaseError | None:
    return from_service(text, status=status, **request.context) if status == 500 else None
