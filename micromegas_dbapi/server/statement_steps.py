"""A statement as the newer services run it: in three steps, each with errors of its own.

The three wires of these services, FlightSQL, the JSON gateway and the web's stream, differ in how
an answer or an error is written, not in what is answered.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decoded_schema
from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.execution import Planned
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.error_chain import service_text
from micromegas_dbapi.server.type_mismatches import NotThisError, as_sent, cast_to
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request

__all__ = ["FailedError", "Statement", "described"]

Bounds = tuple[int, int] | None

_PLANNING = "error building dataframe"
_STARTING = "error creating physical plan"
_COMPUTING = "error building data stream"

# What an engine's error begins with -> the gRPC status of it, the first that fits; all others are
# INTERNAL. Services let plans of changes pass, and fail to compute them.
_CODES = {
    "Error during planning: DML not supported: ": "UNIMPLEMENTED",
    "SQL error: ": "INVALID_ARGUMENT",
    "Error during planning: ": "INVALID_ARGUMENT",
    "Schema error: ": "INVALID_ARGUMENT",
    "Execution error: ": "INVALID_ARGUMENT",
    "This feature is not implemented: ": "UNIMPLEMENTED",
    "Resources exhausted: ": "RESOURCE_EXHAUSTED",
}
# Where it was found out, which services leave out.
_RULE = re.compile(r"^(Optimizer rule '\w+' failed\s*caused by\s*)+")


class FailedError(Exception):
    """A statement failed.

    Attributes
    ----------
    code : str
        The name of the gRPC status.
    text : str
        The service's words.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Statement:
    """A statement that is about to be computed.

    Parameters
    ----------
    lake : LakeTransport
    sql : str
    bounds : (int, int) or None
        As for `LakeTransport.run_forgetting`.
    cancellation : Cancellation
        Ends the computing.
    limit : int, optional
        The most rows to answer with.
    dictionaries : bool
        Keep these; else their values take their place.

    Attributes
    ----------
    schema : pyarrow.Schema
        What the plan says, without anything having been computed.

    Raises
    ------
    FailedError
    """

    def __init__(
        self,
        lake: LakeTransport,
        sql: str,
        bounds: Bounds,
        cancellation: Cancellation,
        *,
        limit: int | None = None,
        dictionaries: bool = True,
    ) -> None:
        self._request = Request(sql, None, str(uuid.uuid4()), cancellation)
        planned = _planned(lake, self._request, bounds, limit)
        self._dictionaries = dictionaries
        self.schema = planned.schema if dictionaries else decoded_schema(planned.schema)
        try:
            self._batches = planned.start()
        except Error as error:
            raise _failed(_STARTING, error, self._request) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the batches, each computed when it is asked for.

        With dictionaries, they have the types of the rows, which `schema` may tell wrong.

        Raises
        ------
        FailedError
        """
        try:
            for batch in self._batches:
                if self._dictionaries:
                    yield as_sent(batch, self.schema)
                else:
                    yield cast_to(batch, self.schema)
        except (Error, NotThisError, pa.ArrowException) as error:
            raise _failed(_COMPUTING, error, self._request) from error


def described(lake: LakeTransport, sql: str) -> pa.Schema:
    """Tell the columns of a statement's result, without a range and without starting it.

    Raises
    ------
    FailedError
    """
    return _planned(lake, Request(sql, None, str(uuid.uuid4())), None, None).schema


def _planned(lake: LakeTransport, request: Request, bounds: Bounds, limit: int | None) -> Planned:
    try:
        return lake.plan_forgetting(request, bounds, limit)
    except Error as error:
        raise _failed(_PLANNING, error, request) from error


def _failed(stage: str, error: Exception, request: Request) -> FailedError:
    if request.cancellation.why is not None:
        return FailedError("CANCELLED", request.cancellation.why)
    text = _RULE.sub("", service_text(error).removeprefix("DataFusion error: "))
    code = next((c for begin, c in _CODES.items() if text.startswith(begin)), "INTERNAL")
    return FailedError(code, f"{stage}: {text} (query_id={request.query_id})")
