"""The web app of newer services: POST api/query-stream, a stream of framed Arrow batches out.

As typed as FlightSQL, and for the same reason: it is the service's own stream, dictionaries and
all. It needs a token of a person or a service account: the app knows no API keys.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

import pyarrow as pa
import requests

from micromegas_dbapi.errors import (
    DatabaseError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    ServiceMessage,
    from_service,
)
from micromegas_dbapi.options import HttpSettings
from micromegas_dbapi.service import FLIGHT, VIEWS_SQL, Service
from micromegas_dbapi.sql.column_queries import NEVER, types_of_rows, without_rows
from micromegas_dbapi.sql.planned_types import EFFECTS, calls, doubt
from micromegas_dbapi.transport.client_headers import attribution
from micromegas_dbapi.transport.http.post import Poster
from micromegas_dbapi.transport.http.response_body import read
from micromegas_dbapi.transport.layout import does_not_fit
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.status import asked_once_more, from_tonic
from micromegas_dbapi.transport.streams import check_cancelled, stream
from micromegas_dbapi.transport.web.framing import Frames
from micromegas_dbapi.transport.web.row_types import difference

__all__ = ["WebTransport"]

_HEADERS = {
    "Accept-Encoding": "identity",  # batches are compressed already
    "Content-Type": "application/json",
}


class WebTransport:
    """One web app, over sockets that are kept alive.

    Parameters
    ----------
    address : str
        URL with the base path of the app, ending in no slash.
    settings : HttpSettings

    Raises
    ------
    ProgrammingError
        As `Poster`.
    """

    def __init__(self, address: str, settings: HttpSettings) -> None:
        self._poster = Poster(address, settings, {**_HEADERS, **attribution()})
        self._settings = settings
        self._source = settings.data_source

    def run(self, request: Request) -> pa.RecordBatchReader:
        """Run a query; see `Transport`. Each batch is read when it is asked for."""
        frames = self._frames(request)
        if (reason := doubt(request.sql)) is not None and frames.schema.names:
            try:
                self._check_types(frames.schema, reason, request)
            except BaseException:
                frames.close()
                raise
        return stream(frames.schema, frames, request)

    def schema(self, request: Request) -> pa.Schema:
        """Tell the columns of a query's result; see `Transport`."""
        text = without_rows(request.sql)
        asked = Request(text, request.time_range, request.query_id, request.cancellation)
        frames = self._frames(asked)
        with suppress(DatabaseError):  # what computing finds is not asked for
            for _ in frames:
                pass
        return frames.schema

    def presumed(self) -> Service:
        """Tell what is known of it unasked: nothing of its age."""
        return Service("web", FLIGHT)

    def service(self) -> Service:
        """Ask for the views, which tell its age."""
        try:
            table = self.run(Request(VIEWS_SQL, None, str(uuid4()))).read_all()
        except ProgrammingError:  # an older one has no information_schema
            return Service.of("web", ())
        return Service.of("web", table.column(0).to_pylist())

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()

    # -- the wire ----------------------------------------------------------------------------

    def _check_types(self, told: pa.Schema, reason: str, request: Request) -> None:
        """Ask for the types of the rows of a statement whose plan may tell them wrong.

        Raises
        ------
        DataError
            If they are not those told, or cannot be asked for.
        """
        asked = types_of_rows(request.sql, told.names)
        if asked is None or not EFFECTS.isdisjoint(calls(request.sql)):
            raise does_not_fit(f"{reason}, and the types of the rows cannot be asked for", request)
        question = Request(asked, NEVER, str(uuid4()))
        request.cancellation.on_cancel(partial(question.cancellation.cancel, "it was cancelled"))
        try:
            frames = self._frames(question)
            answer = stream(frames.schema, frames, question).read_all()
        except DatabaseError as error:
            check_cancelled(request, error)
            what = f"{reason}, and asking for the types of the rows failed ({error})"
            raise does_not_fit(what, request) from error
        if (found := difference(told, answer)) is not None:
            raise does_not_fit(found, request)

    def _frames(self, request: Request) -> Frames:
        """Send a query, and wait for its columns."""
        cancellation = request.cancellation
        cancellation.cancel_after(self._settings.timeout.total)
        try:
            return asked_once_more(self._settings.auth, lambda: self._ask(request))
        except BaseException as error:
            cancellation.settled()
            if isinstance(error, DatabaseError):
                check_cancelled(request, error)
            raise

    def _ask(self, request: Request) -> Frames:
        time_range = request.time_range
        payload = {
            "sql": request.sql,
            "begin": time_range and time_range.begin_text,
            "end": time_range and time_range.end_text,
            "data_source": self._source or self._only_source(request),
        }
        body = json.dumps(payload, ensure_ascii=False).encode()
        response = self._send("/api/query-stream", body, request)

        def meaning(code: str, message: str) -> DatabaseError:
            return _meaning(code, message, 200, _about(request))

        return Frames(response, self._settings.timeout.read, request, meaning)

    def _only_source(self, request: Request) -> str:
        """Ask for the data sources, once, where there is only one."""
        about = _about(request)
        with self._send("/api/data-sources", None, request) as response:
            body = read(response, self._settings, None, about)
        try:
            assert isinstance(body, bytes)
            names: list[str] = [source["name"] for source in json.loads(body)]
            "".join(names)  # which are texts
        except (ValueError, LookupError, TypeError, RecursionError, AssertionError) as error:
            raise OperationalError(
                f"{self._poster.host} answered with no list of data sources: is this the "
                "Micromegas web app, and the base path right?",
                status=200,
                **about,
            ) from error
        if len(names) != 1:
            known = f"the web app has {', '.join(map(repr, names))}" if names else "there is none"
            raise ProgrammingError(
                f"say which data source is meant (data_source=...): {known}",
                retryable=False,
                **about,
            )
        self._source = names[0]
        return names[0]

    def _send(self, path: str, body: bytes | None, request: Request) -> requests.Response:
        """Give an answer of status 200, its body not read yet."""
        about = _about(request)
        response = self._poster.send(path, body, about, request.cancellation)
        if response.status_code == 200:
            return response

        def meaning(status: int, text: str) -> DatabaseError | None:
            try:
                error = json.loads(text)
                return _meaning(str(error["code"]), str(error["message"]), status, about)
            except (ValueError, LookupError, TypeError, RecursionError):
                return None

        with response:
            raise self._poster.failure(response, about, meaning)


def _about(request: Request) -> dict[str, Any]:
    return {"sql": request.sql, "query_id": request.query_id}


# What the app means by a code, where it is not the service's own status that it passes on.
_BY_CODE: dict[str, tuple[type[DatabaseError], str, bool | None]] = {
    "FORBIDDEN": (NotSupportedError, "the web app does not allow this", False),
    "DATA_SOURCE_NOT_FOUND": (ProgrammingError, "the data source is not known", False),
    "CONNECTION_FAILED": (OperationalError, "the web app cannot reach the service", True),
    "INVALID_SQL": (ProgrammingError, "the query failed", False),
}


def _meaning(code: str, message: str, status: int, about: dict[str, Any]) -> DatabaseError:
    """Tell what the app means by a code and a message."""
    if (wrapped := from_tonic(message, **about)) is not None:
        return wrapped
    said = from_service(message, status=status, **about)
    if type(said) is not DatabaseError and code in ("INVALID_SQL", "INTERNAL"):
        return said
    if status == 401:
        code = "UNAUTHENTICATED"
    kind, sentence, retryable = _BY_CODE.get(
        code, (OperationalError, f"the web app reports {code}", None)
    )
    error = kind(f"{sentence}: {message}", status=status, retryable=retryable, **about)
    error.__cause__ = ServiceMessage(message)
    return error
