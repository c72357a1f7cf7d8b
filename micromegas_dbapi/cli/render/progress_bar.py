"""Show a progress bar for long downloads."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from micromegas_dbapi.options.settings import Progress

__all__ = ["download_progress"]

# A bar that disappears before it can be read only flickers.
_DELAY_SECONDS = 0.5


@contextmanager
def download_progress() -> Iterator[Progress | None]:
    """Show a progress bar on standard error if that is a terminal.

    Yields
    ------
    callable or None
        The ``progress`` option of `micromegas_dbapi.connect`; None if there is no terminal.
    """
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
    started = 0.0

    def _report(received: int, total: int | None) -> None:
        nonlocal started
        now = time.monotonic()
        if not started or received < bar.tasks[0].completed:  # a new response begins
            started = now
            bar.reset(task, total=total)
        bar.update(task, completed=received, total=total)
        if received == total:
            bar.stop()
        elif now - started > _DELAY_SECONDS:
            bar.start()

    try:
        yield _report
    finally:
        bar.stop()
