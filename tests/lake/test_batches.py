"""The iterator of the engine's batches."""

from __future__ import annotations

import gc
import weakref

from datafusion import SessionContext

from micromegas_dbapi.lake.batches import BatchIterator
from micromegas_dbapi.transport.cancellation import Cancellation
from tests.waiting import until


def test_what_is_read_to_its_end_is_freed_without_the_garbage_collector() -> None:
    """The traceback of the end refers to nothing that refers to it."""
    batches = BatchIterator(SessionContext().sql("SELECT 1"), Cancellation())
    freed = weakref.ref(batches)
    gc.disable()
    try:
        assert sum(len(batch) for batch in batches) == 1
        del batches
        until(lambda: freed() is None)
    finally:
        gc.enable()
