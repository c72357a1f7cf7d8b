"""Build the tree of a call and the calls below it from the rows of thread_spans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Call", "build_tree"]


@dataclass
class Call:
    """A call, or several calls of one function below one parent.

    Attributes
    ----------
    name : str
        Name of the span.
    location : str
        Target, file and line in the source.
    spans : list of (int, int)
        Begin and end of each call, in nanoseconds.
    duration : int
        Total duration of the calls, in nanoseconds.
    children : list of Call
        Ordered by begin.
    """

    name: str
    location: str
    spans: list[tuple[int, int]]
    duration: int
    children: list[Call] = field(default_factory=list)


def build_tree(
    root_id: int, calls: Iterable[tuple[int, int, int, int, int, str, str]]
) -> tuple[Call | None, int]:
    """Build the tree of a call.

    Parameters
    ----------
    root_id : int
        Id of the call.
    calls : iterable of (id, parent, begin, end, duration, name, location)
        The call and, among others, the calls below it, ordered by begin and depth.

    Returns
    -------
    root : Call or None
        None if it is not among the calls.
    orphans : int
        Number of calls that began and ended during the root call but whose caller is missing.
    """
    known: dict[int, Call] = {}
    others: list[tuple[int, int]] = []
    root: Call | None = None
    for id_, parent, begin, end, duration, name, location in calls:
        call = Call(name, location, [(begin, end)], duration)
        if id_ == root_id and root is None:
            root = known[id_] = call
        elif parent in known:
            known[parent].children.append(call)
            known[id_] = call
        else:
            others.append((begin, end))
    if root is None:
        return None, 0
    first, last = root.spans[0]
    return root, sum(first < begin and end < last for begin, end in others)
