"""Break lines that are wider than the terminal, and indent their continuation."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

__all__ = ["INDENT", "fold", "pack"]

INDENT = "    "


def fold(line: Text, console: Console) -> Text:
    """Break a line at the width of the console, without dropping any of its words.

    Parameters
    ----------
    line : rich.text.Text
        Tabs in it are expanded in place.
    console : rich.console.Console
        Where the line will be printed.

    Returns
    -------
    rich.text.Text
        The line, with line breaks where it is too wide; all parts but the first are indented.
    """
    if line.cell_len <= console.width and "\t" not in line.plain:
        return line
    line.expand_tabs(8)
    first = line.wrap(console, console.width)[0]
    rest = line[len(first.plain) :]
    rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
    if not rest:
        return first
    width = console.width - len(INDENT)
    indented = (Text(INDENT).append_text(part) for part in rest.wrap(console, width))
    return Text("\n").join([first, *indented])


def pack(items: Iterable[Text], width: int) -> list[Text]:
    """Arrange items in as few lines as possible, two spaces apart, breaking none of them.

    Parameters
    ----------
    items : iterable of rich.text.Text
        In the order in which they are to be shown.
    width : int
        Of the lines; an item that is wider has a line of its own.

    Returns
    -------
    list of rich.text.Text
        The lines.
    """
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + 2 + item.cell_len <= width:
            lines[-1].append("  ").append_text(item)
        else:
            lines.append(item)
    return lines
