"""Print processes on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from micromegas_dbapi.cli.render.line_folding import INDENT, fold, pack
from micromegas_dbapi.cli.render.table import cell_text, cell_values

__all__ = ["print_processes"]

_LABELS = {
    "start_time": "started ",
    "last_update_time": "last update ",
    "distro": "",
    "parent_process_id": "child of ",
}


def print_processes(result: pa.RecordBatchReader, console: Console) -> None:
    """Print each process in a few lines, with an unbroken id that can be copied.

    Parameters
    ----------
    result : pyarrow.RecordBatchReader
        With columns of the view ``processes``, at least ``process_id``.
    console : rich.console.Console
        Where to print.

    Raises
    ------
    DatabaseError
        If reading the result fails.
    """
    types = dict(zip(result.schema.names, result.schema.types, strict=True))
    count = 0
    for batch in result:
        for row in cell_values(batch):
            cells = zip(types, row, strict=True)
            process = {name: cell_text(v, types[name]) for name, v in cells if v != ""}
            head = (process["process_id"], "bold"), "  ", (process.get("exe", ""), "cyan")
            console.print(fold(Text.assemble(*head), console))
            for line in pack(_details(process), console.width - len(INDENT)):
                console.print(fold(Text(INDENT).append_text(line), console))
            count += 1
    console.print(f"({count} {'process' if count == 1 else 'processes'})", style="dim")


def _details(process: dict[str, str]) -> Iterator[Text]:
    yield Text(f"{process.get('username', '')}@{process.get('computer', '')}")
    for name, label in _LABELS.items():
        if name in process:
            yield Text.assemble((label, "dim"), process[name])
