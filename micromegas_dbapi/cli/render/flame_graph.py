"""Print a call tree as a flame graph: one line per call, with a bar for its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from micromegas_dbapi.cli.render.call_tree import Call
from micromegas_dbapi.cli.render.line_folding import fold
from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["Line", "flame_lines", "format_duration", "print_flame_graph"]

# Calls that are shorter than this share of the root are summarised in one line.
_MIN_SHARE = 0.01
# The width of the bars: a share of the terminal's, within limits.
_BAR_SHARE, _MIN_BAR, _MAX_BAR = 0.3, 10, 60


@dataclass(frozen=True)
class Line:
    """A line of a flame graph.

    Attributes
    ----------
    duration : str
        With its unit.
    share : float
        The duration divided by that of the root.
    bar : str
        When during the root call it ran.
    depth : int
        0 for the root.
    name : str
        Of the call, or a summary of several.
    location : str
        Source location; empty for a summary.
    """

    duration: str
    share: float
    bar: str
    depth: int
    name: str
    location: str


def print_flame_graph(root: Call, console: Console) -> int:
    """Print the flame graph of a call.

    Parameters
    ----------
    root : Call
        The call, with the calls below it.
    console : rich.console.Console
        Where to print.

    Returns
    -------
    int
        Number of source locations left out because the terminal is too narrow.
    """
    width = _MAX_BAR
    if console.is_terminal:
        width = max(_MIN_BAR, min(_MAX_BAR, int(console.width * _BAR_SHARE)))
    hidden = 0
    for line in flame_lines(root, width):
        numbers = f"{line.duration:>8} {line.share:4.0%} "
        text = Text.assemble(numbers, (line.bar, "yellow"), " ", "  " * line.depth)
        text.append(line.name, "" if line.location else "dim")
        if line.location:
            location = Text(f"  {line.location}", "dim")
            if console.is_terminal and text.cell_len + location.cell_len > console.width:
                hidden += 1
            else:
                text.append_text(location)
        console.print(fold(text, console))
    return hidden


def flame_lines(root: Call, width: int) -> Iterator[Line]:
    """Draw the lines of a flame graph.

    Consecutive calls of one function share a line, as do all calls of one function below such a
    line. Below each call, the calls that are shorter than 1 % of the root share the last line.

    Parameters
    ----------
    root : Call
        The call, with the calls below it.
    width : int
        Of the bars.

    Yields
    ------
    Line
        From the root down, depth first.
    """
    # Without recursion: programs may nest calls deeper than Python does.
    waiting: list[tuple[int, Call | list[Call]]] = [(0, root)]
    while waiting:
        depth, call = waiting.pop()
        if isinstance(call, list):
            yield _summary(depth, call, root, width)
            continue
        count = f" x {len(call.spans)}" if len(call.spans) > 1 else ""
        bar = _bar(call.spans, root.spans[0], width)
        share = _share(call.duration, root)
        duration = format_duration(call.duration)
        yield Line(duration, share, bar, depth, call.name + count, call.location)
        long: list[Call] = []
        short: list[Call] = []
        for child in _merged_children(call):
            (short if child.duration < _MIN_SHARE * root.duration else long).append(child)
        if short:
            waiting.append((depth + 1, short))
        waiting.extend((depth + 1, child) for child in reversed(long))


def _merged_children(parent: Call) -> list[Call]:
    merged: list[Call] = []
    latest: dict[tuple[str, str], Call] = {}
    for child in parent.children:
        key = (child.name, child.location)
        same = latest.get(key)
        # Below several calls, neighbours have different parents, so that order means nothing.
        if same is not None and (len(parent.spans) > 1 or merged[-1] is same):
            same.spans += child.spans
            same.duration += child.duration
            same.children += child.children
            continue
        latest[key] = Call(*key, list(child.spans), child.duration, list(child.children))
        merged.append(latest[key])
    return merged


def _summary(depth: int, calls: list[Call], root: Call, width: int) -> Line:
    """Return the line for short calls: how many they are, and how many are below them."""
    count = sum(len(call.spans) for call in calls)
    inside = 0
    below = [child for call in calls for child in call.children]
    while below:
        call = below.pop()
        inside += len(call.spans)
        below += call.children
    total = sum(call.duration for call in calls)
    name = f"… {count} shorter span{'' if count == 1 else 's'}"
    if inside:
        name += f", {inside} inside"
    return Line(format_duration(total), _share(total, root), " " * width, depth, name, "")


def _share(duration: int, root: Call) -> float:
    return duration / root.duration if root.duration else 1.0


def _bar(spans: list[tuple[int, int]], root: tuple[int, int], width: int) -> str:
    """Fill the cells during which a call was running, at least one."""
    begin, whole = root[0], max(1, root[1] - root[0])
    cells = [" "] * width
    for first, last in spans:
        start = min(width - 1, max(0, (first - begin) * width // whole))
        # A call that ends where a cell begins does not touch it.
        stop = min(width, max(start + 1, -((begin - last) * width // whole)))
        cells[start:stop] = "█" * (stop - start)
    return "".join(cells)


def format_duration(ns: int) -> str:
    """Format a duration for people, with about three digits.

    Parameters
    ----------
    ns : int
        Nanoseconds.

    Returns
    -------
    str
        In ns, us, ms or s.

    Examples
    --------
    >>> [format_duration(ns) for ns in (7, 725_422, 4_040_253, 3_449_712_853_418)]
    ['7 ns', '725 us', '4.04 ms', '3450 s']
    """
    for unit, size in ((unit, NANOSECONDS[unit]) for unit in ("s", "ms", "us")):
        if ns >= size:
            count = ns / size
            digits = 2 if count < 9.995 else 1 if count < 99.95 else 0
            return f"{count:.{digits}f} {unit}"
    return f"{ns} ns"
