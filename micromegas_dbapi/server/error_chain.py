"""Error texts as the service writes them: a Rust error chain, outermost first."""

from __future__ import annotations

import re

from micromegas_dbapi.errors import ServiceMessage

__all__ = ["chain", "engine_links", "service_text", "view_links"]

_SQL_ERROR = re.compile(r'SQL error: (?:Parser|Tokenizer)Error\("(.*)"\)', re.DOTALL)
_INNER = re.compile(r"(?:Arrow|Schema) error: (.*)", re.DOTALL)
_RULE = re.compile(r"Optimizer rule '\w+' failed\s*caused by\s*(.*)", re.DOTALL)
_VIEW = "Error during planning: error making view "


def chain(outermost: str, *causes: str) -> str:
    """Write an error and its causes; a single cause has no number.

    >>> print(chain("query", "Either specify both begin & end or specify none"))
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
    """Give an error's text in the engine's own words, where it has these."""
    cause = error.__cause__
    return str(cause) if isinstance(cause, ServiceMessage) else str(error)


def engine_links(text: str) -> list[str]:
    """Split the engine's text into the links of the service's chain.

    >>> engine_links("DataFusion error: Arrow error: Divide by zero error")
    ['Arrow error: Divide by zero error', 'Divide by zero error']
    """
    text = text.removeprefix("DataFusion error: ")
    if match := _SQL_ERROR.fullmatch(text):
        said = match[1].replace('\\"', '"').replace("\\'", "'")
        return [text, f"sql parser error: {said}"]
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


def view_links(text: str) -> list[str]:
    """Split the text of a view that cannot be made, as the calls beside ``query`` tell it."""
    return ["making view", *text.removeprefix(_VIEW).split("\n\nCaused by:\n    ")]
