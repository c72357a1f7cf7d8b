"""The table of docs/tools.md: one row per tool, written by ``python -m tests.tools``."""

from __future__ import annotations

import ast
import re

from tests.pages import ROOT
from tests.tools.environments import FOLDER, pins

PAGE = ROOT / "docs" / "tools.md"
HEAD = "| tool | tested | result |\n|---|---|---|\n"
ROW = re.compile(r"^\| \[(.+)\]\(tools/(\w+)\.md\) \| .* \|\n", re.MULTILINE)


def title(name: str) -> str:
    """Return the heading of a tool's page, which is its name as people write it."""
    page = (ROOT / "docs" / "tools" / f"{name}.md").read_text("utf-8")
    return page.partition("\n")[0].removeprefix("# ")


def limit(name: str) -> str:
    """Return what does not work by design: ``LIMIT`` of the job, empty if there is nothing."""
    tree = ast.parse((FOLDER / name / "job.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LIMIT":
            return str(ast.literal_eval(node.value))
    return ""


def row(name: str, failed: list[str]) -> str:
    """Return the row of a tool after a run."""
    if failed:
        checks = dict.fromkeys(line.partition(":")[0].partition(" over ")[0] for line in failed)
        result = f"fails: {', '.join(checks)}"
    else:
        result = f"works; {limit(name)}" if limit(name) else "works"
    versions = ", ".join(f"{package} {version}" for package, version in pins(name).items())
    return f"| [{title(name)}](tools/{name}.md) | {versions} | {result} |"


def rows(page: str) -> dict[str, str]:
    """Return the row of each tool in the page."""
    return {match[2]: match[0].rstrip("\n") for match in ROW.finditer(page)}


def with_row(page: str, name: str, new: str) -> str:
    """Return the page with a row, in the order of the tools' titles."""
    all_rows = sorted({**rows(page), name: new}.values(), key=str.lower)
    before, _, after = page.partition(HEAD)
    return before + HEAD + "\n".join(all_rows) + "\n" + ROW.sub("", after)


def write(name: str, new: str) -> None:
    """Put the row of a tool into docs/tools.md."""
    PAGE.write_text(with_row(PAGE.read_text("utf-8"), name, new), "utf-8")
