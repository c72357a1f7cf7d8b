"""Lines that are too long for the terminal: broken, never cut, and what follows is indented."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

__all__ = ["INDENT", "fold", "pack"]

INDENT = "    "


def fold(line: Text, out: Console) -> Text:
    """Break a line where it leaves the terminal, and indent what follows the first break."""
    if line.cell_len <= out.width and "\t" not in line.plain:
        return line
    line.expand_tabs(8)
    begin = line.wrap(out, out.width)[0]
    rest = line[len(begin.plain) :]
    rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
    if not rest:
        return begin
    indented = (Text(INDENT).append_text(piece) for piece in rest.wrap(out, out.width - 4))
    return Text("\n").join([begin, *indented])


def pack(pieces: Iterable[Text], width: int) -> list[Text]:
    """Put pieces into as few lines as they need, two blanks between them, none broken."""
    lines: list[Text] = []
    for piece in pieces:
        if lines and lines[-1].cell_len + 2 + piece.cell_len <= width:
            lines[-1].append("  ").append_text(piece)
        else:
            lines.append(piece)
    return lines
