"""A progress bar for long downloads."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from micromegas_dbapi.options import Progress

__all__ = ["download"]

# A bar that is gone before it was read only flickers.
_PATIENCE = 0.5


@contextmanager
def download() -> Iterator[Progress | None]:
    """Give what to tell of the bytes that arrive: a bar on standard error, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("receiving"),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("download", total=None)
    began = 0.0

    def report(received: int, total: int | None) -> None:
        nonlocal began
        now = time.monotonic()
        if not began or received < bar.tasks[0].completed:  # the first bytes of an answer
            began = now
            bar.reset(task, total=total)
        bar.update(task, completed=received, total=total)
        if received == total:
            bar.stop()
        elif now - began > _PATIENCE:
            bar.start()

    try:
        yield report
    finally:
        bar.stop()
