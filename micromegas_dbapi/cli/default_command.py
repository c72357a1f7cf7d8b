"""Find the command among the arguments, and supply ``query`` where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from micromegas_dbapi.cli.arguments import COMMANDS

__all__ = ["command_first"]

# The options that take a value. The search for the command skips these values.
_WITH_VALUE = {
    *("--url", "--profile", "--begin", "--end", "--format", "-o", "--output"),
    *("-f", "--file", "--since", "--level", "--top"),
    *("--lake", "--seed", "--size", "--host", "--port", "--flight-port", "--max-body"),
}
# argparse reads -2h as an option, so these are joined with their value: --begin=-2h.
_RELATIVE = ("--begin", "--end", "--since")


def command_first(arguments: Sequence[str]) -> list[str]:
    """Move the command to the front, as argparse requires; the default command is ``query``.

    Options may stand before the command. The first word that is neither an option nor the value
    of one is the command if it names one; otherwise it is an SQL statement.

    Parameters
    ----------
    arguments : sequence of str
        The arguments as the user wrote them.

    Returns
    -------
    list of str
        The arguments for `build_parser`.

    Examples
    --------
    >>> command_first(["--url", "demo:", "tables"])
    ['tables', '--url', 'demo:']
    >>> command_first(["SELECT 1", "--begin", "-2h"])
    ['query', 'SELECT 1', '--begin=-2h']
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _RELATIVE:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    at = 0
    while at < len(joined) and joined[at].startswith("-") and joined[at] not in ("-", "--"):
        if joined[at] in ("-h", "--help", "--version"):
            return joined
        at += 2 if joined[at] in _WITH_VALUE else 1
    if at < len(joined) and joined[at] in COMMANDS:
        return [joined[at], *joined[:at], *joined[at + 1 :]]
    return ["query", *joined]
