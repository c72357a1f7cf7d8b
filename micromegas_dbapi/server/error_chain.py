"""Error texts of services: chains of causes, formatted as Rust's ``anyhow`` crate does."""

from __future__ import annotations

import re

from micromegas_dbapi.errors import ServiceMessage

__all__ = ["engine_links", "format_chain", "is_view_error", "service_text", "view_links"]

_SQL_ERROR = re.compile(r'SQL error: (?:Parser|Tokenizer)Error\("(.*)"\)', re.DOTALL)
_INNER = re.compile(r"(?:Arrow|Schema) error: (.*)", re.DOTALL)
_RULE = re.compile(r"Optimizer rule '\w+' failed\s*caused by\s*(.*)", re.DOTALL)
_VIEW = "Error during planning: error making view "


def format_chain(outermost: str, *causes: str) -> str:
    """Format an error and its causes. Causes are numbered if there are several.

    Parameters
    ----------
    outermost : str
        The text of the error.
    *causes : str
        Outermost first.

    Returns
    -------
    str
        Several lines.

    Examples
    --------
    >>> print(format_chain("query", "Either specify both begin & end or specify none"))
    query
    <BLANKLINE>
    Caused by:
        Either specify both begin & end or specify none
    """
    if len(causes) == 1:
        lines = [causes[0].replace("\n", "\n    ")]
    else:
        lines = [f"{n}: " + cause.replace("\n", "\n       ") for n, cause in enumerate(causes)]
    return "\n    ".join([f"{outermost}\n\nCaused by:", *lines])


def service_text(error: Exception) -> str:
    """Return an error's text as a service sends it.

    Parameters
    ----------
    error : Exception
        Usually of the driver.

    Returns
    -------
    str
        The engine's text, or the error's own if it does not come from the engine.
    """
    cause = error.__cause__
    return str(cause) if isinstance(cause, ServiceMessage) else str(error)


def engine_links(text: str) -> list[str]:
    """Split an engine's text into the links of a chain.

    Parameters
    ----------
    text : str
        The text of an error.

    Returns
    -------
    list of str
        Outermost first.

    Examples
    --------
    >>> engine_links("DataFusion error: Arrow error: Divide by zero error")
    ['Arrow error: Divide by zero error', 'Divide by zero error']
    """
    text = text.removeprefix("DataFusion error: ")
    if match := _SQL_ERROR.fullmatch(text):
        message = match[1].replace('\\"', '"').replace("\\'", "'")
        return [text, f"sql parser error: {message}"]
    if text.startswith("SQL error: RecursionLimitExceeded"):
        return [text, "sql parser error: recursion limit exceeded"]
    if text.startswith("External error: "):
        causes = text.removeprefix("External error: ").split(": ")
        return [f"External error: {causes[0]}", *causes]
    if match := _INNER.fullmatch(text):
        return [text, match[1]]
    if match := _RULE.fullmatch(text):
        return [text, *engine_links(match[1])]
    return [text]


def is_view_error(text: str) -> bool:
    """Return whether an error is about a view that does not exist.

    Parameters
    ----------
    text : str
        The text of an error.

    Returns
    -------
    bool
        True for texts that `view_links` can split.
    """
    return text.startswith(_VIEW)


def view_links(text: str) -> list[str]:
    """Split an error about a view into links, as the calls other than ``query`` report it.

    Parameters
    ----------
    text : str
        See `is_view_error`.

    Returns
    -------
    list of str
        Outermost first.
    """
    return ["making view", *text.removeprefix(_VIEW).split("\n\nCaused by:\n    ")]
