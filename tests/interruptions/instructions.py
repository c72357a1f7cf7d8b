"""Strike at the n-th moment at which the interpreter may run a signal handler."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import micromegas_dbapi

PACKAGE = str(Path(micromegas_dbapi.__file__).parent)
# After calls, at the start of functions and at the end of loops. Before Python 3.11 (which has
# RESUME), after any instruction.
_CHECKING = ("CALL", "RESUME", "JUMP_BACKWARD")
_ANYWHERE = "RESUME" not in dis.opmap


@contextmanager
def strike_at(
    number: int, action: Callable[[], object], within: str | tuple[str, ...] = PACKAGE
) -> Iterator[list[int]]:
    """Act in this thread at one moment of the block.

    Parameters
    ----------
    number : int
        Which moment, from 1.
    action : callable
        What it raises is raised there.
    within : str or tuple of str
        Only moments in files whose path begins so are counted.

    Yields
    ------
    list of int
        The number of moments so far.
    """
    count = [0]
    before: dict[FrameType, str] = {}  # the instruction that was executed last

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(within):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event in ("return", "exception"):
            before.pop(frame, None)
        if event == "opcode":
            checks = _ANYWHERE or before.get(frame, "").startswith(_CHECKING)
            before[frame] = _instructions(frame.f_code)[frame.f_lasti]
            if checks:
                count[0] += 1
                if count[0] == number:
                    sys.settrace(None)
                    action()
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(previous)
        before.clear()


@cache
def _instructions(code: CodeType) -> dict[int, str]:
    return {each.offset: each.opname for each in dis.get_instructions(code)}


def interrupt() -> None:
    """Raise KeyboardInterrupt, as Ctrl-C does."""
    raise KeyboardInterrupt
