"""Code blocks of Markdown pages, and the comparison of what they print with what a page shows.

A ``text`` block that follows a block directly is its output. ``...`` in it stands for anything, and
differences in whitespace do not matter (``ELLIPSIS`` and ``NORMALIZE_WHITESPACE`` of doctest). The
demo data differs from run to run in its times only, so a time with a fraction of a second stands
for any such time; whole seconds are compared.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d\.(\d{9}|\d{6})")


class Block(NamedTuple):
    """A code block; `number` counts those of its language, `output` is None if none is shown."""

    page: Path
    language: str
    number: int
    code: str
    output: str | None

    @property
    def name(self) -> str:
        return f"{self.page.name}, {self.language} block {self.number}"


def read(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = list(BLOCK.finditer(text))
    blocks: list[Block] = []
    for i, match in enumerate(found):
        language, code = match.groups()
        number = 1 + sum(block.language == language for block in blocks)
        after = found[i + 1] if i + 1 < len(found) else None
        follows = after is not None and not text[match.end() : after.start()].strip()
        output = after[2] if after is not None and follows and after[1] == "text" else None
        blocks.append(Block(page, language, number, code, output))
    return blocks


def difference(block: Block, printed: str) -> str:
    """Return how what a block printed differs from what the page shows, empty if it does not."""
    printed = TIME.sub(r"a time\1", printed)
    example = doctest.Example(block.code, TIME.sub(r"a time\1", block.output or ""))
    checker = doctest.OutputChecker()
    if checker.check_output(example.want, printed, OPTIONS):
        return ""
    different = checker.output_difference(example, printed, OPTIONS | doctest.REPORT_NDIFF)
    return f"{block.name}\n{different}"
