"""Readers over batches that arrive one by one."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.readers import latching_reader

BATCH = pa.record_batch({"a": [1, 2]})


class Source(Iterator[pa.RecordBatch]):
    """A batch, and then an error or the end."""

    def __init__(self, error: BaseException | None) -> None:
        self._items: list[pa.RecordBatch | BaseException | None] = [BATCH, error]

    def __next__(self) -> pa.RecordBatch:
        item = self._items.pop(0) if self._items else None
        if item is None:
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item


def failing() -> mm.OperationalError:
    error = mm.OperationalError("the response stalled", query_id="7", retryable=False)
    error.__cause__ = OSError("reset")
    return error


def test_the_first_error_is_raised_again() -> None:
    first = failing()
    reader = latching_reader(BATCH.schema, Source(first))
    assert reader.read_next_batch() == BATCH
    raised: list[mm.Error] = []
    for read in (reader.read_next_batch, reader.read_all, reader.read_next_batch):
        with pytest.raises(mm.OperationalError, match=r"^the response stalled$") as caught:
            read()
        raised.append(caught.value)
    assert raised[0] is first
    for error in raised:
        assert (error.query_id, error.retryable) == ("7", False)
        assert (type(error.__cause__), str(error.__cause__)) == (OSError, "reset")


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("again", [False, True], ids=["read once", "read again"])
@pytest.mark.parametrize(
    ("error", "check"), [(failing, None), (lambda: None, interrupted)], ids=["source", "check"]
)
def test_an_error_keeps_nothing(
    error: Callable[[], BaseException | None], check: Callable[[], None] | None, again: bool
) -> None:
    """The frames of its traceback have the reader. Arrow's part of the reader hides the cycle."""

    def read() -> weakref.ref[Source]:
        source = Source(error())
        reader = latching_reader(BATCH.schema, source, check)
        for _ in range(1 + again):
            with pytest.raises((mm.OperationalError, KeyboardInterrupt)):
                reader.read_all()
        return weakref.ref(source)

    gone = read()
    gc.collect()
    assert gone() is None


def test_an_error_releases_the_batches() -> None:
    """At once, although the reader is still there."""
    source = Source(None)
    reader = latching_reader(BATCH.schema, source, interrupted)
    gone = weakref.ref(source)
    del source
    with pytest.raises(KeyboardInterrupt):
        reader.read_all()
    assert gone() is None


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "the result does not fit in memory: read it in parts with fetchmany() or"),
        (pa.ArrowMemoryError("malloc of 9"), "the result does not fit in memory (malloc of 9): "),
        (pa.ArrowCapacityError("over 2 GiB"), "the result cannot be read: over 2 GiB"),
        (pa.ArrowInvalid("no magic"), "the result cannot be read: no magic"),
        (pa.ArrowNotImplementedError("a type"), "the result cannot be read: a type"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_errors_of_python_and_pyarrow(error: Exception, message: str) -> None:
    """They become errors of this driver, with the first one as their cause."""
    reader = latching_reader(BATCH.schema, Source(error))
    assert reader.read_next_batch() == BATCH
    for _ in range(2):
        with pytest.raises(mm.OperationalError) as caught:
            reader.read_next_batch()
        assert str(caught.value).startswith(message)
        assert type(caught.value.__cause__) is type(error)
