"""The web app of newer services: POST ``api/query-stream``, stream of framed Arrow batches.

The batches are those of the service's own FlightSQL stream, including types and dictionaries. The
app accepts tokens of persons and of service accounts, but not API keys.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pyarrow as pa

from micromegas_dbapi.errors import DatabaseError, OperationalError, ProgrammingError
from micromegas_dbapi.options.settings import HttpSettings
from micromegas_dbapi.service import FLIGHT, VIEWS_SQL, Service, may_lack_table
from micromegas_dbapi.service.knowledge import Fact
from micromegas_dbapi.sql.column_queries import NEVER, types_of_rows, without_rows
from micromegas_dbapi.sql.planned_types import EFFECTS, calls, doubt
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.client_headers import attribution
from micromegas_dbapi.transport.http.http_client import HttpClient
from micromegas_dbapi.transport.layout import mismatch_error
from micromegas_dbapi.transport.protocol import NO_LIMITS, Request
from micromegas_dbapi.transport.status import retry_with_fresh_token
from micromegas_dbapi.transport.streams import check_cancelled, stream
from micromegas_dbapi.transport.web.app_errors import is_unknown_source, parse_error
from micromegas_dbapi.transport.web.framing import Frames
from micromegas_dbapi.transport.web.row_types import difference

__all__ = ["WebTransport"]

_HEADERS = {
    "Accept-Encoding": "identity",  # batches are already compressed
    "Content-Type": "application/json",
}


class WebTransport:
    """Transport to one web app.

    Parameters
    ----------
    address : str
        URL with the base path of the app, without a trailing slash.
    settings : HttpSettings
        Timeouts, credentials, headers and the data source.

    Raises
    ------
    ProgrammingError
        If credentials would be sent unencrypted to another host; see `refuse_insecure`.
    """

    def __init__(self, address: str, settings: HttpSettings) -> None:
        headers = {**_HEADERS, **attribution()}
        self._client = HttpClient(address, settings, headers, parse_error)
        self._settings = settings
        self._source: Fact[str] = Fact(math.inf)  # until the app does not know it any more
        self._lost_sources = 0

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. Each batch is read on demand.

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
        frames = self._frames(request)
        if (reason := doubt(request.statement)) is not None and frames.schema.names:
            try:
                self._check_types(frames.schema, reason, request)
            except BaseException:
                frames.close()
                raise
        return stream(frames.schema, frames, request)

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
        frames = self._frames(replace(request, sql=without_rows(request.statement)))
        with suppress(DatabaseError):  # an error of the computation does not affect the schema
            for _ in frames:
                pass
        return frames.schema

    def stamp(self) -> int:
        """Return the number of data sources that were lost: the next one may be another service.

        Returns
        -------
        int
            0 if the user has selected one.
        """
        return self._lost_sources

    def presumed(self) -> Service:
        """Return the kind of the service, without its version.

        Returns
        -------
        Service
            Its kind.
        """
        return Service("web", FLIGHT)

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
        try:
            table = self.run(request).read_all()
        except ProgrammingError as error:
            if not may_lack_table(error):
                raise
            return Service.of("web", ())  # old services have no information_schema
        return Service.of("web", table.column(0).to_pylist())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- requests ----------------------------------------------------------------------------

    def _check_types(self, schema: pa.Schema, reason: str, request: Request) -> None:
        """Query the types of the rows of a statement whose plan may have wrong types.

        Raises
        ------
        DataError
            If the types differ from the schema, or if they cannot be queried.
        """
        statement = request.statement
        sql = types_of_rows(statement, schema.names)
        if sql is None or not EFFECTS.isdisjoint(calls(statement)):
            raise mismatch_error(f"{reason}, and the types of the rows cannot be queried", request)
        query = Request(sql, NEVER, str(uuid4()))
        request.cancellation.on_cancel(partial(query.cancellation.cancel, "it was cancelled"))
        try:
            frames = self._frames(query)
            types = stream(frames.schema, frames, query).read_all()
        except DatabaseError as error:
            check_cancelled(request, error)
            what = f"{reason}, and the query for the types of the rows failed ({error})"
            raise mismatch_error(what, request) from error
        if (found := difference(schema, types)) is not None:
            raise mismatch_error(found, request)

    def _frames(self, request: Request) -> Frames:
        """Send a query and wait for its schema."""
        with self._client.running(request, streamed=True):
            time_range = request.time_range
            source = self._settings.data_source or self._only_source(request)
            payload = {
                "sql": request.sql,
                "begin": time_range and time_range.begin_text,
                "end": time_range and time_range.end_text,
                "data_source": source,
            }
            body = json.dumps(payload, ensure_ascii=False).encode()

            def send() -> Frames:
                response = self._client.send("/api/query-stream", body, request)
                settings = self._settings
                return Frames(response, settings.timeout.read, request, settings.validate)

            # The app may reject the token in a response of status 200, in its first frame.
            try:
                return retry_with_fresh_token(self._settings.auth, send)
            except ProgrammingError as error:
                if self._settings.data_source is None and is_unknown_source(error):
                    self._lose(source, error)
                raise

    def _lose(self, source: str, error: DatabaseError) -> None:
        """Forget a data source that is gone.

        The statement is not sent to another one at once: its range was inferred for this one.
        """
        known = self._source.current()
        if known is not None and known.value == source:
            self._source = Fact(math.inf)
            self._lost_sources += 1
        error.args = (
            f"{error}: it was the only one before; if there is another one now, run the "
            "statement again to query that",
        )
        error.retryable = True

    def _only_source(self, request: Request) -> str:
        """Return the only data source, which is queried once."""
        if (known := self._source.current()) is not None:
            return known.value
        names = _source_names(
            self._client.fetch("/api/data-sources", None, replace(request, limits=NO_LIMITS))
        )
        if names is None:
            raise OperationalError(
                f"{self._client.host} did not return a list of data sources: is this the "
                "Micromegas web app, and is the base path correct?",
                status=200,
                **request.context,
            )
        if len(names) != 1:
            found = f"the web app has {', '.join(map(repr, names))}" if names else "there is none"
            raise ProgrammingError(
                f"select a data source (data_source=...): {found}",
                retryable=False,
                **request.context,
            )
        self._source.store(names[0])
        return names[0]


def _source_names(body: bytes) -> list[str] | None:
    """Return the names in a list of data sources; None if it is not such a list."""
    try:
        sources = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(sources, list) or not all(isinstance(each, dict) for each in sources):
        return None
    names = [each.get("name") for each in sources]
    return names if all(isinstance(name, str) for name in names) else None
