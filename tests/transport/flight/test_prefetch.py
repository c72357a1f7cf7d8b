"""Prefetching: threads that end with their owner, and finalizers at any moment."""

from __future__ import annotations

import gc
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from micromegas_dbapi.transport.flight import prefetch
from micromegas_dbapi.transport.flight.prefetch import DaemonThreads, Prefetcher
from tests.interruptions.instructions import interrupt, strike_at
from tests.waiting import until


def micromegas_threads() -> int:
    return sum(thread.name == "micromegas" for thread in threading.enumerate())


@pytest.fixture
def before() -> Iterator[int]:
    until(lambda: gc.collect() or True)
    count = micromegas_threads()
    yield count
    until(lambda: gc.collect() is not None and micromegas_threads() <= count)


def test_items_in_order(before: int) -> None:
    threads = DaemonThreads()
    items = Prefetcher(threads, iter_of(range(50)))
    assert [items.get(60) for _ in range(50)] == list(range(50))
    with pytest.raises(StopIteration):
        items.get(60)
    threads.close()


class Item:
    """Something that can be referenced weakly."""


def test_what_is_read_to_its_end_is_freed_without_the_garbage_collector(before: int) -> None:
    """The traceback of the end refers to nothing that refers to it."""
    item = Item()
    freed = weakref.ref(item)

    def read() -> None:
        kept = prefetcher.get(60)
        with pytest.raises(StopIteration):
            prefetcher.get(60)
        assert kept is freed()

    threads = DaemonThreads()
    prefetcher = Prefetcher(threads, iter_of([item]))
    gc.disable()
    try:
        del item
        read()
        until(lambda: freed() is None)
    finally:
        gc.enable()
    prefetcher.close()
    threads.close()


def iter_of(values: Any) -> Iterator[Any]:
    yield from values


def test_threads_end_with_a_forgotten_owner(before: int) -> None:
    """They do not keep it alive."""
    for _ in range(40):
        threads = DaemonThreads()
        assert Prefetcher(threads, iter_of([1])).get(60) == 1
        del threads
    gc.collect()
    until(lambda: micromegas_threads() <= before)


def test_a_thread_at_work_ends_with_a_forgotten_owner(before: int) -> None:
    threads, go = DaemonThreads(), threading.Event()

    def items() -> Iterator[int]:
        assert go.wait(60)
        yield 1

    forgotten = Prefetcher(threads, items())
    del threads, forgotten
    gc.collect()
    go.set()
    until(lambda: micromegas_threads() <= before)


def test_a_collection_within_the_waiting_thread(before: int) -> None:
    """The thread itself finalizes what it works for, at each line while it hands items over."""
    for line in range(1, 60):
        threads, full = DaemonThreads(), threading.Event()
        lines = 0

        def trace(
            frame: FrameType,
            event: str,
            argument: Any,
            line: int = line,
            full: threading.Event = full,
        ) -> Any:
            nonlocal lines
            if "prefetch" not in frame.f_code.co_filename:
                return None
            if event == "line" and full.is_set():
                lines += 1
                if lines == line:
                    gc.collect()
            return trace

        dropped = threading.Event()

        def items(
            full: threading.Event = full, dropped: threading.Event = dropped
        ) -> Iterator[int]:
            yield 1
            yield 2
            assert dropped.wait(60)
            full.set()
            yield 3  # there is no room for it until one is read, or it is closed

        threading.settrace(trace)
        gc.disable()
        try:
            prefetcher = Prefetcher(threads, items())
            cycle: list[Any] = [prefetcher]
            cycle.append(cycle)
            del cycle, prefetcher  # as the frames of a traceback do
            dropped.set()
            until(full.is_set)
        finally:
            threading.settrace(None)  # type: ignore[arg-type]
            gc.enable()
        gc.collect()
        threads.close()
        until(lambda: micromegas_threads() <= before)


def test_an_interrupt_leaves_no_thread(before: int) -> None:
    """At each moment while a task is given to a new thread, and to an idle one."""
    for tasks in (1, 2):
        for number in range(1, 100):
            threads, done = DaemonThreads(), queue.SimpleQueue[None]()
            if tasks == 2:
                threads.start(lambda done=done: done.put(None))  # type: ignore[misc]
                done.get(timeout=60)
                until(lambda threads=threads: threads._idle)
            try:
                with strike_at(number, interrupt, (prefetch.__file__, queue.__file__)) as moments:
                    threads.start(lambda done=done: done.put(None))  # type: ignore[misc]
            except KeyboardInterrupt:
                pass
            threads.start(lambda done=done: done.put(None))  # type: ignore[misc]
            done.get(timeout=60)
            threads.close()
            until(lambda: micromegas_threads() <= before, within=5)
            if moments[0] < number:
                break
        assert number > 3, "there are fewer moments than calls"


def test_closed_by_another_thread(before: int) -> None:
    """Who waits is woken."""
    threads, stopped = DaemonThreads(), threading.Event()

    def items() -> Iterator[int]:
        assert stopped.wait(60)
        yield 1

    prefetcher = Prefetcher(threads, items(), stopped.set)
    ends: list[object] = []

    def read() -> None:
        try:
            ends.append(prefetcher.get(60))
        except StopIteration:
            ends.append("end")

    thread = threading.Thread(target=read)
    thread.start()
    prefetcher.close()
    thread.join(60)
    assert ends in (["end"], [1])
    threads.close()


def test_the_interpreter_ends_with_a_thread_at_work() -> None:
    code = (
        "import threading\n"
        "from micromegas_dbapi.transport.flight.prefetch import DaemonThreads\n"
        "threads = DaemonThreads()\n"
        "threads.start(threading.Event().wait)\n"
        "print('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)
