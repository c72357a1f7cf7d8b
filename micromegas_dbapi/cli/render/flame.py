"""A call and all calls inside of it, as lines of text: a flame graph that lies on its side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["Call", "Line", "duration", "lines", "tree"]

# What is shorter than this share of the root is counted, not drawn.
_SHORT = 0.01


@dataclass
class Call:
    """A call, or several of one name below one parent.

    Attributes
    ----------
    name, place : str
        ``place`` is where it is in the source.
    spans : list of (int, int)
        Begin and end of each, in nanoseconds.
    duration : int
        Of all together, in nanoseconds.
    children : list of Call
        By begin.
    """

    name: str
    place: str
    spans: list[tuple[int, int]]
    duration: int
    children: list[Call] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """A line of the drawing.

    Attributes
    ----------
    duration : str
    share : float
        Of the duration of the root.
    bar : str
        As wide as was asked for: where in the root it happened.
    depth : int
        0 for the root.
    name, place : str
    """

    duration: str
    share: float
    bar: str
    depth: int
    name: str
    place: str


def tree(
    root: int, calls: Iterable[tuple[int, int, int, int, int, str, str]]
) -> tuple[Call | None, int]:
    """Build the tree of a call.

    Parameters
    ----------
    root : int
        Its id.
    calls : iterable of (id, parent, begin, end, duration, name, place)
        The call and, among others, those inside of it, by begin and depth.

    Returns
    -------
    call : Call or None
        None if it is not among them.
    astray : int
        How many calls began and ended inside of it, and are not below it, since what they were
        called by is missing.
    """
    known: dict[int, Call] = {}
    others: list[tuple[int, int]] = []
    top: Call | None = None
    for id_, parent, begin, end, took, name, place in calls:
        call = Call(name, place, [(begin, end)], took)
        if id_ == root and top is None:
            top = known[id_] = call
        elif parent in known:
            known[parent].children.append(call)
            known[id_] = call
        else:
            others.append((begin, end))
    if top is None:
        return None, 0
    first, last = top.spans[0]
    return top, sum(first < begin and end < last for begin, end in others)


def lines(root: Call, width: int) -> Iterator[Line]:
    """Draw a tree.

    Calls of one name in a row are one line, as are those of one name below such a line. Below
    each call, all that take less than a hundredth of the root are one line, the last.

    Parameters
    ----------
    root : Call
    width : int
        Of the bars.
    """
    # Without recursion: programs may nest deeper than Python does.
    waiting: list[tuple[int, Call | list[Call]]] = [(0, root)]
    while waiting:
        depth, call = waiting.pop()
        if isinstance(call, list):
            yield _folded(depth, call, root, width)
            continue
        times = f" x {len(call.spans)}" if len(call.spans) > 1 else ""
        bar = _bar(call.spans, root.spans[0], width)
        share = _share(call.duration, root)
        yield Line(duration(call.duration), share, bar, depth, call.name + times, call.place)
        long: list[Call] = []
        short: list[Call] = []
        for child in _joined(call):
            (short if child.duration < _SHORT * root.duration else long).append(child)
        if short:
            waiting.append((depth + 1, short))
        waiting.extend((depth + 1, child) for child in reversed(long))


def _joined(parent: Call) -> list[Call]:
    joined: list[Call] = []
    latest: dict[tuple[str, str], Call] = {}
    for child in parent.children:
        key = (child.name, child.place)
        same = latest.get(key)
        # Below several calls, neighbours are of different parents: there, order means nothing.
        if same is not None and (len(parent.spans) > 1 or joined[-1] is same):
            same.spans += child.spans
            same.duration += child.duration
            same.children += child.children
            continue
        latest[key] = Call(*key, list(child.spans), child.duration, list(child.children))
        joined.append(latest[key])
    return joined


def _folded(depth: int, calls: list[Call], root: Call, width: int) -> Line:
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
    return Line(duration(total), _share(total, root), " " * width, depth, name, "")


def _share(took: int, root: Call) -> float:
    return took / root.duration if root.duration else 1.0


def _bar(spans: list[tuple[int, int]], root: tuple[int, int], width: int) -> str:
    """Fill the cells in which a call was running, at least one."""
    begin, whole = root[0], max(1, root[1] - root[0])
    cells = [" "] * width
    for first, last in spans:
        start = min(width - 1, max(0, (first - begin) * width // whole))
        # A call that ends where a cell begins does not touch it.
        stop = min(width, max(start + 1, -((begin - last) * width // whole)))
        cells[start:stop] = "█" * (stop - start)
    return "".join(cells)


def duration(ns: int) -> str:
    """Write a duration for people, with about three digits.

    >>> duration(7), duration(725_422), duration(4_040_253), duration(3_449_712_853_418)
    ('7 ns', '725 us', '4.04 ms', '3450 s')
    """
    for unit, size in ((unit, NANOSECONDS[unit]) for unit in ("s", "ms", "us")):
        if ns >= size:
            count = ns / size
            digits = 2 if count < 9.995 else 1 if count < 99.95 else 0
            return f"{count:.{digits}f} {unit}"
    return f"{ns} ns"
