"""The HTTP service: POST analytics/<name>, CBOR in, one Parquet file out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cbor2
import pyarrow as pa
import requests

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.options import HttpSettings, Progress
from micromegas_dbapi.service import HTTP, Service
from micromegas_dbapi.sql.column_queries import without_rows
from micromegas_dbapi.transport.analytics.parquet import decode
from micromegas_dbapi.transport.analytics.progress_lines import texts
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.http.post import Poster
from micromegas_dbapi.transport.http.response_body import read, reading
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import asked_once_more
from micromegas_dbapi.transport.streams import check_cancelled

__all__ = ["HttpTransport"]

_CHUNK = 2**16
_HEADERS = {
    "Accept-Encoding": "identity",  # Parquet is compressed already
    "Content-Type": "application/cbor",
}


class HttpTransport:
    """One service, over sockets that are kept alive.

    Parameters
    ----------
    address : str
        Base URL, with a path prefix or without, ending in no slash.
    settings : HttpSettings
    report : callable, optional
        Told of the bytes of an answer as they arrive: how many so far, and of how many.

    Raises
    ------
    ProgrammingError
        If credentials would go over plain HTTP to a host that is not loopback, and
        ``allow_insecure_auth`` does not allow that.
    """

    def __init__(
        self, address: str, settings: HttpSettings, report: Progress | None = None
    ) -> None:
        self._poster = Poster(address, settings, _HEADERS)
        self._settings = settings
        self._report = report

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. The service answers when all of it is computed."""
        time_range = request.time_range
        payload = {
            "sql": request.sql,
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
        }
        return self._call("query", payload, request)

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result; see `Transport`."""
        text = without_rows(request.sql)
        return self._call("query", {"sql": text, "begin": None, "end": None}, request).schema

    def presumed(self) -> Service:
        """Tell what service it is; nobody needs to be asked."""
        return self.service()

    def service(self) -> Service:
        """Tell what service it is: only the first services spoke HTTP."""
        return Service("http", HTTP)

    def call(
        self, name: str, payload: dict[str, Any], *, sql: str | None = None, query_id: str
    ) -> pa.RecordBatchReader:
        """Make one of the service's calls; see `Transport`."""
        return self._call(name, payload, Request(sql or "", None, query_id))

    def _call(self, name: str, payload: dict[str, Any], request: Request) -> pa.RecordBatchReader:
        about = {"sql": request.sql or None, "query_id": request.query_id}
        cancellation = request.cancellation
        cancellation.cancel_after(self._settings.timeout.total)
        try:
            response = self._post(name, payload, about, cancellation)
            with response:
                body = read(response, self._settings, self._report, about)
        except DatabaseError as error:
            check_cancelled(request, error)
            raise
        finally:
            cancellation.settled()
        return decode(body, about)

    def progress(self, name: str, payload: dict[str, Any], *, query_id: str) -> Iterator[str]:
        """Work for a while, a line of progress at a time; see `Transport`.

        The service answers with status 200 before it has begun, and tells of a failure as the
        last line.
        """
        about = {"sql": None, "query_id": query_id}
        response = self._post(name, payload, about, Cancellation())
        with response:
            raw = response.raw
            # Chunks come as the service sends them; without these, what is there is unknown.
            pieces = raw.stream(_CHUNK if raw.chunked else 1, decode_content=True)
            with reading(raw, self._settings.timeout.read, None, about):
                for line in texts(pieces, about):
                    if line.startswith(f"{name}\n\nCaused by:\n"):
                        raise from_service(line, status=200, **about)
                    yield line

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()

    def _post(
        self,
        name: str,
        payload: dict[str, Any],
        about: dict[str, Any],
        cancellation: Cancellation,
    ) -> requests.Response:
        """Give an answer of status 200, its body not read yet."""

        def ask() -> requests.Response:
            body = cbor2.dumps(payload)
            response = self._poster.send(f"/analytics/{name}", body, about, cancellation)
            if response.status_code == 200:
                return response
            with response:
                raise self._poster.failure(response, about, meaning)

        def meaning(status: int, text: str) -> DatabaseError | None:
            return from_service(text, status=status, **about) if status == 500 else None

        return asked_once_more(self._settings.auth, ask)
