"""The PEP 249 exception tree, and the mapping of what a service says to it.

Every exception that leaves this package is one of these::

    Warning
    Error
     +-- InterfaceError        misuse of the driver itself: a closed cursor, no result to fetch
     +-- DatabaseError
          +-- DataError            a value: division by zero, a cast, a number out of range
          +-- OperationalError     the service or the way to it: refused, timed out, cut, memory
          +-- IntegrityError       never raised: the service is read-only
          +-- InternalError        the engine's own fault
          +-- ProgrammingError     the statement or an argument: syntax, unknown names, bad bounds
          +-- NotSupportedError    what the service, or the wire, cannot do
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
    """Base of this driver's warnings; none is raised."""


class UnboundedScanWarning(Warning, UserWarning):
    """A statement reads all of a large view; given where ``on_unbounded="warn"`` asks for it."""


class MixedTypesWarning(Warning, UserWarning):
    """A statement mixes types so that a value may change; ``on_mixed_types="warn"`` asks for it."""


class Error(builtins.Exception):
    """Base of every error of this driver.

    Parameters
    ----------
    message : str
        What went wrong and what to do, in one or more sentences.
    sql : str, optional
        The statement as it was, or would have been, sent.
    query_id : str, optional
        The service's own identifier of the query, where its text has one, by which its log names
        it too; else that of the attempt (``cursor.query_id``).
    status : int or str, optional
        The HTTP status of the answer, or the name of the gRPC status (``"INVALID_ARGUMENT"``).
    retryable : bool, optional
        Whether the same request may succeed when it is sent again; None where that is unknown.
    line, column : int, optional
        Where in the statement the fault lies, counted from 1, where the service tells.

    Notes
    -----
    Errors pickle with all of these, and with the service's own text as their cause; other causes
    (a socket's error, say) do not travel.
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
    """The driver was misused: a closed connection or cursor, or a result fetched twice."""


class DatabaseError(Error):
    """Anything that the service, or the way to it, reports."""


class DataError(DatabaseError):
    """A value cannot be processed: division by zero, a failing cast, a number out of range."""


class OperationalError(DatabaseError):
    """The service cannot be reached, refuses, times out, or its answer arrives damaged."""


class IntegrityError(DatabaseError):
    """Part of PEP 249; never raised, since the service is read-only."""


class InternalError(DatabaseError):
    """The engine reports a fault of its own."""


class ProgrammingError(DatabaseError):
    """The statement, its parameters or an option is wrong."""


class NotSupportedError(DatabaseError):
    """The service, or the wire to it, cannot do what was asked."""


class ServiceMessage(builtins.Exception):
    """The whole text of a service's error, backtrace included: the cause of the error raised."""


# What a message of the engine begins with, after the wrappers below, and the class it means.
# The first that matches wins. The texts are those of DataFusion 43 to 55 as services send them.
_MEANINGS: list[tuple[str, type[DatabaseError]]] = [
    (r"Resources exhausted|Memory Exhausted", OperationalError),
    (r"Object Store error|Parquet error|IO error", OperationalError),
    (r"This feature is not implemented|NotImplemented\(", NotSupportedError),
    (r"(Execution error: )?error casting table provider as Materialized", NotSupportedError),
    (r"(DDL|DML|Statement) not supported", NotSupportedError),
    (r"the lake is served read-only", NotSupportedError),  # by our own local service
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
_MEANING = [(re.compile(pattern), meaning) for pattern, meaning in _MEANINGS]
_INSIDE = [(re.compile(p), m) for p, m in _MEANINGS if not p.startswith(("find_", "parsing"))]

# Words that say where an error passed, not what it is.
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
_BACKTRACE = re.compile(
    r"^[ ]*Stack backtrace:[ ]*\n(?:[ ]+\d+: .*\n?|[ ]+at .*\n?|[ ]*\n)*", re.MULTILINE
)

_PLANS = (
    "it plans a CASE by its first branch and a UNION by its first query; CAST that, or the whole, "
    "to the type that is meant"
)
# What to do about it, where the service's own words, which begin like this, don't say; what the
# pattern has in groups the advice may name.
_ADVICE = [
    (
        r"query range mandatory for thread spans view",
        "thread_spans needs a time range: filter on begin/end with literals, or pass begin=/end= "
        "to execute(), cursor() or connect()",
    ),
    (
        r"(?:Execution error: )?error casting table provider as MaterializedView",
        "this service (before 0.12) cannot combine a time range with anything but views, as "
        "list_partitions() or a recursive CTE: pass begin=ALL_TIME",
    ),
    (
        r"Error executing plan$",
        "the service could not plan this, and tells no reason (newer ones do); as a rule "
        "view_instance('thread_spans', ...) without a time range, the id of a process or stream "
        "that is not there, or LIMIT below 0",
    ),
    (
        r"Arrow: Converting Duration to parquet not supported",
        "this wire answers in Parquet, which has no durations: cast the column to BIGINT "
        "(nanoseconds) in the statement",
    ),
    (
        r"Arrow: Incompatible type\. Field '((?s:.*))' has type (.+), array has type (.+)",
        r"the rows of the column '\1' are \3 where the service planned \2, which it cannot write: "
        + _PLANS,
    ),
    (
        r"Arrow error: Invalid argument error: Column '((?s:.*))' is declared as non-nullable but ",
        r"not all rows of the column '\1' can be of the type that the service planned: " + _PLANS,
    ),
    (
        r'Arrow error: Ipc error: no dict id for field "((?s:.*?))": ',
        r"the rows of the column '\1' are of another type than the service planned: " + _PLANS,
    ),
    (
        r"Decode error: Error decoding ipc RecordBatch",
        "the rows are of another type than the service planned, so that the web app cannot read "
        "them: " + _PLANS,
    ),
    (
        r"NYI: Attempting to write an Arrow interval type",
        "this wire answers in Parquet, which has no intervals of this kind: select the parts "
        "as numbers, or cast to VARCHAR",
    ),
    (
        r"find_\w+: .*no rows returned by a query that expected to return at least one row",
        "no process or stream has the id given",
    ),
]


def from_service(
    text: str,
    *,
    sql: str | None = None,
    query_id: str | None = None,
    status: int | str | None = None,
) -> DatabaseError:
    r"""Turn a service's error text into the error to raise.

    Parameters
    ----------
    text : str
        The text as the service sent it: a Rust error chain, or one line.
    sql, query_id, status
        Passed on to the error.

    Returns
    -------
    DatabaseError
        Of the class that the text means, with our sentence first, the service's words behind it,
        no backtrace, and the whole text as its cause. Not yet raised.

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
    message = f"{advice} (the engine said: {words})" if advice else f"the query failed: {words}"
    error = kind(message, sql=sql, query_id=query_id, status=status, retryable=False)
    for name, value in noted.items():
        setattr(error, name, value)
    error.__cause__ = ServiceMessage(text)
    return error


# What services append to the engine's words: older FlightSQL ones the place in their own source,
# newer ones the query's identifier, and where in the statement the fault lies.
_SOURCE = re.compile(r" at [\w./-]+\.rs:\d+\s*$|^[\w./-]+\.rs:\d+ (?=not implemented: )")
_QUERY_ID = re.compile(r"\s*\(query_id=([0-9a-fA-F-]{36})\)\s*$")
# Anchored, since the words before may quote a value that looks the same.
_PLACE = re.compile(
    r"\(at line (\d+), column (\d+)\)(?=\s*$|\n(?:note|help): )"
    r"|\bat Line: (\d+), Column:? (\d+)\"\)"
)


def _notes(text: str) -> tuple[str, dict[str, Any]]:
    """Split off what is noted behind the words: the words, and attributes for the error."""
    noted: dict[str, Any] = {}
    text = _SOURCE.sub("", text)
    if match := _QUERY_ID.search(text):
        noted["query_id"] = match[1]
        text = text[: match.start()]
    if places := list(_PLACE.finditer(text)):
        line, column = (int(found) for found in places[-1].groups() if found is not None)
        noted |= {"line": line, "column": column}
    return text, noted


def _chain(text: str) -> list[str]:
    """Split an anyhow chain into its links, outermost first; a plain text is one link."""
    head, found, rest = text.partition("\n\nCaused by:\n")
    if not found:
        return [text.strip()]
    starts = [match.start() for match in re.finditer(r"^ {4}\d+: ", rest, re.MULTILINE)]
    starts = starts or [0]  # a single cause has no number
    pieces = [rest[a:b] for a, b in zip(starts, [*starts[1:], len(rest)], strict=True)]
    return [head.strip(), *(_LINK.sub("", piece, count=1).strip() for piece in pieces)]


def _meaning(links: list[str]) -> tuple[type[DatabaseError], str]:
    """Find the first link that says what happened: only its beginning counts.

    A message quotes the user's values, so a pattern found inside it proves little; the inside is
    searched only when no link begins with words that are known.
    """
    for at, link in enumerate(links):
        bare = _unwrap(link)
        for pattern, meaning in _MEANING:
            if pattern.match(bare):
                return meaning, _words(links, at)
    words = _words(links, 0)
    for pattern, meaning in _INSIDE:
        if pattern.search(words):
            return meaning, words
    return DatabaseError, words


def _words(links: list[str], at: int) -> str:
    """Give the link that counts, and what its own causes add to it."""
    words = links[at]
    for cause in links[at + 1 :]:
        # Most causes say again what the link before them said, perhaps behind another prefix.
        if cause not in words and (cause.partition(": ")[2] or cause) not in words:
            words += f": {cause}"
    words = re.sub(r"\s*\n\s*Caused by:\s*", ": ", words)
    return re.sub(r"\n[ \t]+", "\n", words).strip()


def _unwrap(link: str) -> str:
    while match := _WRAPPER.match(link):
        link = link[match.end() :]
    return link
