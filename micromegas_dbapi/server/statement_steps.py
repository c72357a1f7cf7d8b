"""Run a statement like the newer services: in three steps, each with its own errors.

The three protocols of these services, FlightSQL, the JSON gateway and the web app's stream, encode
results and errors in different ways. The content is the same.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decoded_schema
from micromegas_dbapi.errors import Error
from micromegas_dbapi.lake.execution import PlannedQuery
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server.error_chain import service_text
from micromegas_dbapi.server.type_mismatches import (
    TypeMismatchError,
    cast_lossy,
    with_actual_types,
)
from micromegas_dbapi.transport.cancellation import Cancellation
from micromegas_dbapi.transport.protocol import Request

__all__ = ["Statement", "StatementError", "result_schema"]

_Bounds = tuple[int, int] | None

_PLANNING = "error building dataframe"
_STARTING = "error creating physical plan"
_EXECUTING = "error building data stream"

# The gRPC status of an engine's error, by the prefix of its text; the first match is used. All
# others are INTERNAL. Services accept plans that change data, and then fail to execute them.
_CODES = {
    "Error during planning: DML not supported: ": "UNIMPLEMENTED",
    "SQL error: ": "INVALID_ARGUMENT",
    "Error during planning: ": "INVALID_ARGUMENT",
    "Schema error: ": "INVALID_ARGUMENT",
    "Execution error: ": "INVALID_ARGUMENT",
    "This feature is not implemented: ": "UNIMPLEMENTED",
    "Resources exhausted: ": "RESOURCE_EXHAUSTED",
}
# Where the engine found the error, which services leave out.
_RULE = re.compile(r"^(Optimizer rule '\w+' failed\s*caused by\s*)+")


class StatementError(Exception):
    """A statement that failed.

    Parameters
    ----------
    code : str
        The name of the gRPC status.
    text : str
        The service's message.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Statement:
    """A statement with a physical plan that has not been executed.

    Parameters
    ----------
    lake : LakeTransport
        The lake to query.
    sql : str
        The text of the statement.
    bounds : (int, int) or None
        As for `LakeTransport.run_as_service`.
    cancellation : Cancellation
        Ends the execution.
    limit : int, optional
        The maximum number of rows.
    dictionaries : bool
        Keep dictionaries. Otherwise they are decoded.

    Attributes
    ----------
    schema : pyarrow.Schema
        The columns of the result, according to the plan.

    Raises
    ------
    StatementError
        If the statement cannot be planned.
    """

    def __init__(
        self,
        lake: LakeTransport,
        sql: str,
        bounds: _Bounds,
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
            raise _statement_error(_STARTING, error, self._request) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Execute the statement.

        Yields
        ------
        pyarrow.RecordBatch
            Computed on demand. With dictionaries, its types may differ from `schema`.

        Raises
        ------
        StatementError
            If the execution fails.
        """
        try:
            for batch in self._batches:
                if self._dictionaries:
                    yield with_actual_types(batch, self.schema)
                else:
                    yield cast_lossy(batch, self.schema)
        except (Error, TypeMismatchError, pa.ArrowException) as error:
            raise _statement_error(_EXECUTING, error, self._request) from error


def result_schema(lake: LakeTransport, sql: str) -> pa.Schema:
    """Return the columns of a statement's result without executing it.

    Parameters
    ----------
    lake : LakeTransport
        The lake to query.
    sql : str
        The text of the statement.

    Returns
    -------
    pyarrow.Schema
        According to the plan.

    Raises
    ------
    StatementError
        If the statement cannot be planned.
    """
    return _planned(lake, Request(sql, None, str(uuid.uuid4())), None, None).schema


def _planned(
    lake: LakeTransport, request: Request, bounds: _Bounds, limit: int | None
) -> PlannedQuery:
    try:
        return lake.plan_as_service(request, bounds, limit)
    except Error as error:
        raise _statement_error(_PLANNING, error, request) from error


def _statement_error(stage: str, error: Exception, request: Request) -> StatementError:
    if request.cancellation.why is not None:
        return StatementError("CANCELLED", request.cancellation.why)
    text = _RULE.sub("", service_text(error).removeprefix("DataFusion error: "))
    code = next((c for prefix, c in _CODES.items() if text.startswith(prefix)), "INTERNAL")
    return StatementError(code, f"{stage}: {text} (query_id={request.query_id})")
