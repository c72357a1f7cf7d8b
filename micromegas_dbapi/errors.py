"""Define the PEP 249 exceptions and convert the error messages of services to them.

The driver raises these::

    Warning
    Error
     +-- InterfaceError        misuse of the driver: a closed cursor, no result to fetch
     +-- DatabaseError
          +-- DataError            a value: division by zero, a cast, a number out of range
          +-- OperationalError     connection, authentication, timeout, partial response, memory
          +-- IntegrityError       never raised: the service is read-only
          +-- InternalError        a bug of the query engine
          +-- ProgrammingError     the statement or an argument: syntax, unknown names, bad bounds
          +-- NotSupportedError    not supported by the service or the protocol
"""

from __future__ import annotations

import builtins
import re
from typing import Any

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "MixedTypesWarning",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "ServiceMessage",
    "UnboundedScanWarning",
    "Warning",
    "from_service",
]


class Warning(builtins.Exception):
    """Base of the warnings of this driver. It is never raised."""


class UnboundedScanWarning(Warning, UserWarning):
    """A statement reads all of a large view. Issued with ``on_unbounded="warn"``."""


class MixedTypesWarning(Warning, UserWarning):
    """A statement mixes types, so a value may change. Issued with ``on_mixed_types="warn"``."""


class Error(builtins.Exception):
    """Base of all errors of this driver.

    Parameters
    ----------
    message : str
        What went wrong and what to do, in one or more sentences.
    sql : str, optional
        The statement as it was, or would have been, sent.
    query_id : str, optional
        The identifier that the service gave the query and uses in its log, if its message
        contains one; otherwise the one of the attempt (``cursor.query_id``).
    status : int or str, optional
        The HTTP status of the response, or the name of the gRPC status (``"INVALID_ARGUMENT"``).
    retryable : bool, optional
        Whether the same request may succeed when it is sent again; None if that is unknown.
    line, column : int, optional
        Position of the error in the statement, counted from 1, if the service reports it.

    Notes
    -----
    Errors can be pickled with all of these attributes. A pickle keeps the cause if it is the
    message of the service (`ServiceMessage`), but no other cause, such as a socket error.
    """

    def __init__(
        self,
        message: str = "",
        *,
        sql: str | None = None,
        query_id: str | None = None,
        status: int | str | None = None,
        retryable: bool | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.sql = sql
        self.query_id = query_id
        self.status = status
        self.retryable = retryable
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        if isinstance(self.__cause__, ServiceMessage):
            state["__cause__"] = self.__cause__
        return type(self), self.args, state


class InterfaceError(Error):
    """Misuse of the driver: a closed connection or cursor, or a result fetched twice."""


class DatabaseError(Error):
    """An error that is related to the service, the statement or the connection."""


class DataError(DatabaseError):
    """A value cannot be processed: division by zero, a failing cast, a number out of range."""


class OperationalError(DatabaseError):
    """The service is unreachable, rejects the request, times out, or its response is damaged."""


class IntegrityError(DatabaseError):
    """Part of PEP 249; never raised, because the service is read-only."""


class InternalError(DatabaseError):
    """The query engine reports a bug of its own."""


class ProgrammingError(DatabaseError):
    """The statement, its parameters or an option is wrong."""


class NotSupportedError(DatabaseError):
    """The service or the protocol does not support the request."""


class ServiceMessage(builtins.Exception):
    """The complete error message of a service, with its backtrace; the cause of our error."""


# How messages of the query engine begin, without the wrappers below, and the class of the error.
# The first match wins. The messages are those of DataFusion 43 to 55 as services send them. The
# patterns are compiled when they are first used, not at import.
_MEANINGS: list[tuple[str, type[DatabaseError]]] = [
    (r"Resources exhausted|Memory Exhausted", OperationalError),
    (r"Object Store error|Parquet error|IO error", OperationalError),
    (r"This feature is not implemented|NotImplemented\(", NotSupportedError),
    (r"(Execution error: )?error casting table provider as Materialized", NotSupportedError),
    (r"(DDL|DML|Statement) not supported", NotSupportedError),
    (r"the lake is served read-only", NotSupportedError),  # our own local service
    (r"Arrow: Converting \w+ to parquet not supported|NYI: ", NotSupportedError),
    (r"Arrow: Incompatible type\. Field ", DataError),
    (r"Arrow error: Ipc error: no dict id for field ", DataError),
    (r"Decode error: Error decoding ipc RecordBatch", DataError),
    (r"(Arrow error: |ArrowError\()?(Divide ?by ?zero|DivideByZero)", DataError),
    (r"(Arrow error: )?(Cast|Parser|Compute|Arithmetic overflow) error: ", DataError),
    (r"(Arrow error: )?(Arithmetic )?[Oo]verflow", DataError),
    (r"Arrow error: Invalid argument error: ", DataError),
    (r"(Arrow error: )?regex parse error", DataError),
    (r"SQL error|SQL\(|ParserError\(|TokenizerError\(", ProgrammingError),
    (r"Error during planning|Plan\(|Schema error|SchemaError\(", ProgrammingError),
    (r"(Execution error: )?Placeholder ", ProgrammingError),
    (r"query range mandatory|Either specify both begin & end", ProgrammingError),
    (
        r"parsing (begin|end) time range|Unable to parse query_range|Time range or process_id"
        r"|error parsing limit",
        ProgrammingError,
    ),
    (
        r"parsing \w+Request|view set \S+ not found|can't find view |Uuid::parse_str",
        ProgrammingError,
    ),
    (r"find_(process|stream)$|find_(process|stream): ", ProgrammingError),
    (r"Internal error|Internal\(|panic", InternalError),
    (r"Execution error|Execution\(|.{0,80}out of range", DataError),
]
_INSIDE = [(p, m) for p, m in _MEANINGS if not p.startswith(("find_", "parsing"))]

# Prefixes that say where an error passed, not what it is.
_WRAPPER = re.compile(
    r"""(?:DataFusion\ error|External\ error|External|Shared)[:(]\ *
      | error\ building\ (?:dataframe|data\ stream):\ *
      | error\ creating\ physical\ plan:\ *
      | Optimizer\ rule\ '\w+'\ failed\s*caused\ by\s*
      | \w+\s*\ncaused\ by\s*
    """,
    re.VERBOSE,
)
_LINK = re.compile(r"^ {4}(?:\d+: )?", re.MULTILINE)
# From the first whitespace: from each one, long runs of empty lines would take minutes.
_CAUSED_BY = re.compile(r"(?<!\s)(\s+)Caused by:\s*")
_BACKTRACE = re.compile(
    r"^[ ]*Stack backtrace:[ ]*\n(?:[ ]+\d+: .*\n?|[ ]+at .*\n?|[ ]*\n)*", re.MULTILINE
)

_PLANS = (
    "it takes the type of a CASE from the first branch and that of a UNION from the first query; "
    "CAST these, or the whole expression, to the type you want"
)
# Advice for messages that begin like this and do not say what to do. It may refer to the groups of
# the pattern.
_ADVICE = [
    (
        r"query range mandatory for thread spans view",
        "thread_spans needs a time range: use --begin/--end (command line), begin=/end= (Python) "
        'or a condition on begin and "end"',
    ),
    (
        r"(?:Execution error: )?error casting table provider as MaterializedView",
        "this service (older than 0.12) accepts a time range for views only, not for "
        "list_partitions() or a recursive CTE: pass begin=ALL_TIME",
    ),
    (
        r"Error executing plan$",
        "the service could not plan the statement and reports no reason (newer versions do); usual "
        "causes: view_instance('thread_spans', ...) without a time range, the id of a process or "
        "stream that does not exist, or a negative LIMIT",
    ),
    (
        r"Arrow: Converting Duration to parquet not supported",
        "this protocol returns Parquet, which has no durations: cast the column to BIGINT "
        "(nanoseconds) in the statement",
    ),
    (
        r"Arrow: Incompatible type\. Field '((?s:.*))' has type (.+), array has type (.+)",
        r"the column '\1' contains \3, but the service planned \2 and cannot write it: " + _PLANS,
    ),
    (
        r"Arrow error: Invalid argument error: Column '((?s:.*))' is declared as non-nullable but ",
        r"not all values of the column '\1' can have the type that the service planned: " + _PLANS,
    ),
    (
        r'Arrow error: Ipc error: no dict id for field "((?s:.*?))": ',
        r"the column '\1' has another type than the service planned: " + _PLANS,
    ),
    (
        r"Decode error: Error decoding ipc RecordBatch",
        "the rows have another type than the service planned, so the web app cannot read them: "
        + _PLANS,
    ),
    (
        r"NYI: Attempting to write an Arrow interval type",
        "this protocol returns Parquet, which has no intervals of this kind: select the parts "
        "as numbers, or cast to VARCHAR",
    ),
    (
        r"find_\w+: .*no rows returned by a query that expected to return at least one row",
        "no process or stream has this id",
    ),
]


def from_service(
    text: str,
    *,
    sql: str | None = None,
    query_id: str | None = None,
    status: int | str | None = None,
) -> DatabaseError:
    r"""Convert the error message of a service to an exception.

    Parameters
    ----------
    text : str
        The message as the service sent it: a Rust error chain, or one line.
    sql : str, optional
        An attribute of the error.
    query_id : str, optional
        An attribute of the error, unless the message contains another one.
    status : int or str, optional
        An attribute of the error.

    Returns
    -------
    DatabaseError
        To be raised. Its message is our sentence, followed by the words of the service without
        the backtrace. The complete message is its cause.

    Examples
    --------
    >>> error = from_service("query\n\nCaused by:\n    Arrow error: Divide by zero error")
    >>> type(error).__name__, str(error)
    ('DataError', 'the query failed: Arrow error: Divide by zero error')
    """
    bare, noted = _notes(_BACKTRACE.sub("", text))
    kind, words = _meaning(_chain(bare))
    inner = _unwrap(words)
    found = ((re.match(sign, inner), advice) for sign, advice in _ADVICE)
    advice = next((match.expand(advice) for match, advice in found if match), None)
    message = (
        f"{advice} (the query engine reported: {words})" if advice else f"the query failed: {words}"
    )
    error = kind(message, sql=sql, query_id=query_id, status=status, retryable=False)
    for name, value in noted.items():
        setattr(error, name, value)
    error.__cause__ = ServiceMessage(text)
    return error


# What services append to the message of the query engine: older FlightSQL services the location in
# their own source, newer ones the identifier of the query and the position in the statement.
_SOURCE = re.compile(r" at [\w./-]+\.rs:\d+\s*$|^[\w./-]+\.rs:\d+ (?=not implemented: )")
_QUERY_ID = re.compile(r"\(query_id=([0-9a-fA-F-]{36})\)\s*$")
# Anchored, because the words before may quote a value that looks the same.
_PLACE = re.compile(
    r"\(at line (\d+), column (\d+)\)(?=\s*$|\n(?:note|help): )"
    r"|\bat Line: (\d+), Column:? (\d+)\"\)"
)


def _notes(text: str) -> tuple[str, dict[str, Any]]:
    """Split a message into the words of the query engine and attributes for the error."""
    noted: dict[str, Any] = {}
    text = _SOURCE.sub("", text)
    if match := _QUERY_ID.search(text):
        noted["query_id"] = match[1]
        text = text[: match.start()].rstrip()
    if places := list(_PLACE.finditer(text)):
        line, column = (int(found) for found in places[-1].groups() if found is not None)
        noted |= {"line": line, "column": column}
    return text, noted


def _chain(text: str) -> list[str]:
    """Split an anyhow chain into its links, outermost first; other messages are one link."""
    head, found, rest = text.partition("\n\nCaused by:\n")
    if not found:
        return [text.strip()]
    starts = [match.start() for match in re.finditer(r"^ {4}\d+: ", rest, re.MULTILINE)]
    starts = starts or [0]  # a single cause has no number
    pieces = [rest[a:b] for a, b in zip(starts, [*starts[1:], len(rest)], strict=True)]
    return [head.strip(), *(_LINK.sub("", piece, count=1).strip() for piece in pieces)]


def _meaning(links: list[str]) -> tuple[type[DatabaseError], str]:
    """Return the class of the error and the words of the first link whose beginning is known.

    A message quotes values of the user, so a match inside of it proves little. The inside is
    searched only if no link has a known beginning.
    """
    for at, link in enumerate(links):
        bare = _unwrap(link)
        for pattern, meaning in _MEANINGS:
            if re.match(pattern, bare):
                return meaning, _words(links, at)
    words = _words(links, 0)
    for pattern, meaning in _INSIDE:
        if re.search(pattern, words):
            return meaning, words
    return DatabaseError, words


def _words(links: list[str], at: int) -> str:
    """Return the words of a link, with what its causes add to them."""
    words = links[at]
    for cause in links[at + 1 :]:
        # Most causes repeat the words of the link before, perhaps with another prefix.
        if cause not in words and (cause.partition(": ")[2] or cause) not in words:
            words += f": {cause}"
    words = _CAUSED_BY.sub(lambda found: ": " if "\n" in found[1] else found[0], words)
    return re.sub(r"\n[ \t]+", "\n", words).strip()


def _unwrap(link: str) -> str:
    while match := _WRAPPER.match(link):
        link = link[match.end() :]
    return link
