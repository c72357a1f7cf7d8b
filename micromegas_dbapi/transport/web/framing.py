r"""The frames of the web app's answers -> Arrow batches, one at a time.

A frame is a line of JSON, and behind it as many bytes as it says::

    {"type":"schema","size":N}\n            an Arrow IPC message: the schema
    {"type":"batch","size":N,"rows":R}\n    messages: dictionaries, then a batch of R rows
    {"type":"done"}\n                       the end, without which an answer is cut
    {"type":"error","code":"..","message":".."}\n    an end, too

The bytes of all frames together are an Arrow IPC stream without its end.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn, TypeAlias

import pyarrow as pa
import requests

from micromegas_dbapi.errors import DatabaseError, OperationalError
from micromegas_dbapi.transport.http.response_body import reading
from micromegas_dbapi.transport.layout import Layout, undecodable
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.streams import check_cancelled

__all__ = ["Frames", "Meaning"]

_CHUNK = 2**16
_LONGEST_LINE = 2**20  # an error's message may be long
_LARGEST = 2**32


#: Makes of an error's code and message the error to raise.
Meaning: TypeAlias = Callable[[str, str], DatabaseError]


class Frames(Iterator[pa.RecordBatch]):
    """The batches of an answer, each read when it is asked for.

    Parameters
    ----------
    response : requests.Response
        Of status 200, its body not read yet. Closed at the end, be it an error or not.
    patience : float
        The timeout of a read, in seconds, for the error that tells of it.
    request : Request
        Whose cancellation is settled at the end.
    meaning : callable

    Attributes
    ----------
    schema : pyarrow.Schema

    Raises
    ------
    DatabaseError
        If the service sent an error in place of the columns; later, in place of a batch. If the
        answer is cut, stalls, or is no sequence of frames; later, too.
    """

    def __init__(
        self, response: requests.Response, patience: float, request: Request, meaning: Meaning
    ) -> None:
        self._response = response
        self._request = request
        self._meaning = meaning
        self._about: dict[str, Any] = {"sql": request.sql, "query_id": request.query_id}
        self._body = _Body(response, patience, self._about)
        self._feed = _Feed()
        self._layout = Layout(request)
        try:
            header, payload = self._frame(first=True)
            if header["type"] != "schema":
                self._broken(f"it begins with a frame of type {header['type']!r}")
            self._feed.fill(payload)
            try:
                self._reader = pa.ipc.open_stream(self._feed)
            except (pa.ArrowException, OSError) as error:
                self._broken("its schema cannot be decoded", error)
            if self._feed.left:
                self._broken("its first frame has more than a schema")
            self.schema: pa.Schema = self._reader.schema
        except BaseException:
            self.close()
            raise

    def __next__(self) -> pa.RecordBatch:
        try:
            header, payload = self._frame()
            if header["type"] == "batch":
                return self._batch(header, payload)
            if header["type"] != "done":
                self._broken(f"there is a frame of type {header['type']!r} behind the schema")
            self._end()
        except BaseException as error:
            self._settle()
            if isinstance(error, DatabaseError):
                check_cancelled(self._request, error)
            raise
        self._settle()
        raise StopIteration

    def _settle(self) -> None:
        self._request.cancellation.settled()
        self._response.close()

    def close(self) -> None:
        """Close the answer; its socket too, unless the answer was read to its end."""
        self._response.close()

    # -- frames ------------------------------------------------------------------------------

    def _frame(self, first: bool = False) -> tuple[dict[str, Any], bytes]:
        line = self._body.line()
        try:
            header = json.loads(line)
            if not isinstance(header, dict) or not isinstance(header.get("type"), str):
                raise ValueError("no frame")
        except (ValueError, RecursionError) as error:
            where = "the answer" if first else "a frame of the answer"
            hint = ": is this the Micromegas web app, and the base path right?" if first else ""
            raise self._error(f"{where} begins with {line[:60]!r}{hint}") from error
        if header["type"] == "error":
            self._end()
            raise self._meaning(str(header.get("code")), str(header.get("message")))
        if header["type"] == "done":
            return header, b""
        size = header.get("size")
        if type(size) is not int or not 0 < size <= _LARGEST:
            self._broken(f"a frame says that its size is {size!r}")
        return header, self._body.exactly(size)

    def _batch(self, header: dict[str, Any], payload: bytes) -> pa.RecordBatch:
        self._feed.fill(payload)
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            self._broken("a frame has no batch")
        except (pa.ArrowException, OSError) as error:
            if (unfit := undecodable(error, self.schema, self._request)) is not None:
                raise unfit from error
            self._broken("a batch cannot be decoded", error)
        self._layout.check(batch)
        if self._feed.left:
            self._broken("a frame has more than one batch")
        rows = header.get("rows", batch.num_rows)
        if rows != batch.num_rows:
            self._broken(f"a frame says that it has {rows!r} rows, and has {batch.num_rows}")
        return batch

    def _end(self) -> None:
        """Read what ends the body, so that its socket can be used again.

        A failure in that is none of the answer, which is whole.
        """
        rest = b""
        with suppress(DatabaseError):
            rest = self._body.rest()
        if rest:
            self._broken(f"behind its end stands {rest[:60]!r}")

    def _broken(self, what: str, cause: BaseException | None = None) -> NoReturn:
        raise self._error(f"the answer is damaged: {what}") from cause

    def _error(self, message: str) -> OperationalError:
        return OperationalError(message, status=200, retryable=None, **self._about)


class _Body:
    """The bytes of a body, as they come."""

    def __init__(self, response: requests.Response, patience: float, about: dict[str, Any]) -> None:
        self._raw = response.raw
        self._patience = patience
        self._about = about
        self._buffer = b""
        chunked = self._raw.chunked  # chunks come as the service sends them
        self._chunks = self._raw.stream(_CHUNK, decode_content=True) if chunked else None

    def _more(self, count: int) -> bytes:
        """Wait for bytes: some, at least one; none at the end."""
        with reading(self._raw, self._patience, None, self._about):
            if self._chunks is not None:
                found: bytes = next(self._chunks, b"")
            else:
                # Of a body of known length all is there; of one that ends whenever it does, no
                # more may be waited for than is asked for.
                known = self._raw.length_remaining is not None
                count = _CHUNK if known else min(count, _CHUNK)
                found = self._raw.read(count, decode_content=True)
        return found

    def line(self) -> bytes:
        pieces, size = [], 0
        buffer = self._buffer
        while True:
            head, end, tail = buffer.partition(b"\n")
            pieces.append(head)
            size += len(head)
            if end:
                self._buffer = tail
                return b"".join(pieces)
            buffer = self._more(1) if size <= _LONGEST_LINE else b""
            if not buffer:
                self._buffer = b"".join(pieces)
                return self._unfinished()

    def _unfinished(self) -> bytes:
        """Say what a body is that ends within a line, or before one."""
        if self._buffer and (self._buffer[:1] != b"{" or len(self._buffer) > _LONGEST_LINE):
            return self._buffer  # no frame at all: who reads it says so
        raise self._cut("before its end")

    def exactly(self, count: int) -> bytes:
        pieces, missing = [self._buffer[:count]], count - len(self._buffer)
        self._buffer = self._buffer[count:]
        while missing > 0:
            piece = self._more(missing)
            if not piece:
                raise self._cut(f"within a frame of {count} bytes, {missing} of which are missing")
            pieces.append(piece[:missing])
            self._buffer = piece[missing:]
            missing -= len(piece)
        return b"".join(pieces)

    def rest(self) -> bytes:
        return self._buffer or self._more(_CHUNK)

    def _cut(self, where: str) -> OperationalError:
        message = f"the answer was cut after {self._raw.tell()} bytes, {where}"
        return OperationalError(message, status=200, retryable=None, **self._about)


class _Feed(io.RawIOBase):
    """A file that has the payload of one frame after the other: Arrow reads no further."""

    def __init__(self) -> None:
        self._payload = memoryview(b"")

    def fill(self, payload: bytes) -> None:
        self._payload = memoryview(payload)

    @property
    def left(self) -> int:
        return len(self._payload)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self._payload) if size < 0 else size
        found, self._payload = self._payload[:size], self._payload[size:]
        return bytes(found)
