r"""Decoder of the web app's framed responses, one Arrow batch at a time.

A frame is a line of JSON, followed by the number of bytes in it::

    {"type":"schema","size":N}\n            an Arrow IPC message: the schema
    {"type":"batch","size":N,"rows":R}\n    messages: dictionaries, then a batch of R rows
    {"type":"done"}\n                       the end; a response without it is incomplete
    {"type":"error","code":"..","message":".."}\n    the end of a failed query

The bytes of all frames form an Arrow IPC stream without its end marker.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

import pyarrow as pa
import requests

from micromegas_dbapi.errors import DatabaseError, OperationalError
from micromegas_dbapi.options.settings import Validation
from micromegas_dbapi.transport.http.http_client import settle
from micromegas_dbapi.transport.http.response_body import translate_errors
from micromegas_dbapi.transport.layout import LayoutChecker, decoding_error
from micromegas_dbapi.transport.limits import check_inflation, check_message
from micromegas_dbapi.transport.protocol import Request
from micromegas_dbapi.transport.web.app_errors import error_of_code
from micromegas_dbapi.transport.web.inflation import inflated_size

__all__ = ["Frames"]

_CHUNK = 2**16
_MAX_LINE = 2**20  # the message of an error may be long
_MAX_FRAME = 2**32


class Frames(Iterator[pa.RecordBatch]):
    """The schema and the batches of a response, each read on demand.

    Parameters
    ----------
    response : requests.Response
        Of status 200. Its body must not have been read. Closed at the end and after an error.
    timeout : float
        The read timeout in seconds, for errors.
    request : Request
        Settled at the end and after an error.
    validation : {"layout", "full"}
        How to check the batches.

    Attributes
    ----------
    schema : pyarrow.Schema

    Raises
    ------
    DatabaseError
        If the service sends an error, or if the response stalls, is truncated or is not a sequence
        of frames. Iteration raises it, too.
    """

    def __init__(
        self,
        response: requests.Response,
        timeout: float,
        request: Request,
        validation: Validation = "layout",
    ) -> None:
        self._response = response
        self._request = request
        self._body = _Body(response, timeout, request)
        self._file = _PayloadFile()
        self._layout = LayoutChecker(request, validation)
        try:
            header, payload = self._frame(first=True)
            if header["type"] != "schema":
                self._fail(f"it begins with a frame of type {header['type']!r}")
            self._file.replace(payload)
            try:
                self._reader = pa.ipc.open_stream(self._file)
            except (pa.ArrowException, OSError) as error:
                self._fail("its schema cannot be decoded", error)
            if self._file.remaining:
                self._fail("its first frame contains more than a schema")
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
                self._fail(f"there is a frame of type {header['type']!r} after the schema")
            self._end()
        except BaseException as error:
            self._response.close()
            settle(self._request, error)
            raise
        self._response.close()
        settle(self._request)
        raise StopIteration

    def close(self) -> None:
        """Close the response, and its connection unless the response was read to its end."""
        self._response.close()

    # -- frames ------------------------------------------------------------------------------

    def _frame(self, first: bool = False) -> tuple[dict[str, Any], bytes]:
        line = self._body.line()
        try:
            header = json.loads(line)
            if not isinstance(header, dict) or not isinstance(header.get("type"), str):
                raise ValueError("not a frame")
        except (ValueError, RecursionError) as error:
            where = "the response" if first else "a frame of the response"
            hint = (
                ": is this the Micromegas web app, and is the base path correct?" if first else ""
            )
            raise self._error(f"{where} begins with {line[:60]!r}{hint}") from error
        if header["type"] == "error":
            self._end()
            code, message = str(header.get("code")), str(header.get("message"))
            raise error_of_code(code, message, 200, self._request)
        if header["type"] == "done":
            return header, b""
        size = header.get("size")
        if type(size) is not int or not 0 < size <= _MAX_FRAME:
            self._fail(f"a frame declares the size {size!r}")
        check_message(size, self._request)
        return header, self._body.exactly(size)

    def _batch(self, header: dict[str, Any], payload: bytes) -> pa.RecordBatch:
        try:
            check_inflation(inflated_size(payload), len(payload), self._request)
        except ValueError as error:
            self._fail("a batch cannot be decoded", error)
        self._file.replace(payload)
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            self._fail("a frame contains no batch")
        except (pa.ArrowException, OSError) as error:
            if (mismatch := decoding_error(error, self.schema, self._request)) is not None:
                raise mismatch from error
            self._fail("a batch cannot be decoded", error)
        self._layout.check(batch)
        if self._file.remaining:
            self._fail("a frame contains more than one batch")
        rows = header.get("rows", batch.num_rows)
        if rows != batch.num_rows:
            self._fail(f"a frame declares {rows!r} rows but has {batch.num_rows}")
        return batch

    def _end(self) -> None:
        """Read the end of the body, so that its connection can be reused.

        A failure here does not matter, because the response is complete.
        """
        rest = b""
        with suppress(DatabaseError):
            rest = self._body.rest()
        if rest:
            self._fail(f"after its end there is {rest[:60]!r}")

    def _fail(self, what: str, cause: BaseException | None = None) -> NoReturn:
        raise self._error(f"the response is damaged: {what}") from cause

    def _error(self, message: str) -> OperationalError:
        return OperationalError(message, status=200, retryable=None, **self._request.context)


class _Body:
    """The bytes of a body, in lines and blocks."""

    def __init__(self, response: requests.Response, timeout: float, request: Request) -> None:
        self._raw = response.raw
        self._timeout = timeout
        self._request = request
        self._buffer = b""
        chunked = self._raw.chunked  # chunks end where the service flushes
        self._chunks = self._raw.stream(_CHUNK, decode_content=True) if chunked else None

    def _more(self, count: int) -> bytes:
        """Wait for at least one byte; return none at the end."""
        with translate_errors(self._raw, self._timeout, None, self._request):
            if self._chunks is not None:
                found: bytes = next(self._chunks, b"")
            else:
                # A body of known length is read in large blocks. Without a length, a read must
                # not wait for more bytes than the caller needs.
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
            buffer = self._more(1) if size <= _MAX_LINE else b""
            if not buffer:
                self._buffer = b"".join(pieces)
                return self._incomplete()

    def _incomplete(self) -> bytes:
        """Handle a body that ends within a line, or before one."""
        if self._buffer and (self._buffer[:1] != b"{" or len(self._buffer) > _MAX_LINE):
            return self._buffer  # not a frame: the caller reports it
        raise self._truncated("before its end")

    def exactly(self, count: int) -> bytes:
        pieces, missing = [self._buffer[:count]], count - len(self._buffer)
        self._buffer = self._buffer[count:]
        while missing > 0:
            piece = self._more(missing)
            if not piece:
                raise self._truncated(
                    f"within a frame of {count} bytes, of which {missing} are missing"
                )
            pieces.append(piece[:missing])
            self._buffer = piece[missing:]
            missing -= len(piece)
        return b"".join(pieces)

    def rest(self) -> bytes:
        return self._buffer or self._more(_CHUNK)

    def _truncated(self, where: str) -> OperationalError:
        message = f"the response was truncated after {self._raw.tell()} bytes, {where}"
        return OperationalError(message, status=200, retryable=None, **self._request.context)


class _PayloadFile(io.RawIOBase):
    """A file that ends with the payload of a frame, so that Arrow does not read further."""

    def __init__(self) -> None:
        self._payload = memoryview(b"")

    def replace(self, payload: bytes) -> None:
        self._payload = memoryview(payload)

    @property
    def remaining(self) -> int:
        return len(self._payload)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self._payload) if size < 0 else size
        found, self._payload = self._payload[:size], self._payload[size:]
        return bytes(found)
