"""Keep what was learned of a service until it is doubtful.

A service may be upgraded or replaced at any time. What was true of it before may then lose rows
without any sign, because a time range filters by other columns than it was inferred for. So each
fact has a stamp and an age. It is used until one of these makes it doubtful:

* Its stamp differs: what it was learned from has changed, such as the files of a lake.
* It is older than its lifetime. Nothing else shows an upgrade behind a load balancer.
* A statement has failed since, which may be because the service has changed.

If the service cannot be asked, or cannot tell, then nothing is known. It is not asked again for a
short while, because otherwise every statement would send another request that fails.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

__all__ = ["LIFETIME", "PAUSE", "Clock", "Fact", "Facts", "Learned"]

#: How long a fact is used if nothing tells that it has changed, in seconds.
LIFETIME: Final = 300.0
#: The least number of seconds between two requests for one fact if the first has failed, or if
#: statements fail.
PAUSE: Final = 10.0

#: Returns seconds, as `time.monotonic` does.
Clock: TypeAlias = Callable[[], float]
_POLL = 0.005
_T = TypeVar("_T")
_K = TypeVar("_K")


@dataclass(frozen=True, eq=False)
class Learned(Generic[_T]):
    """What the service told, and when.

    Attributes
    ----------
    value : object
        The fact; may be None.
    stamp : object
        What it was learned from, before the service was asked.
    at : float
        When the service was asked.
    doubt : object
        The latest doubt of the fact at that time.
    """

    value: _T
    stamp: object
    at: float
    doubt: object


@dataclass(eq=False)
class _Asker:
    """A thread that asks the service, or has done so."""

    thread: int
    done: bool = False


class Fact(Generic[_T]):
    """Something that is learned of a service. Thread-safe.

    A signal handler may call any method while another one runs in the same thread, and an interrupt
    may end any method: no lock is held while the service is asked.

    Parameters
    ----------
    lifetime : float
        Seconds until the fact is doubtful.
    clock : callable
        Returns the time in seconds. It must not go back.
    """

    def __init__(self, lifetime: float = LIFETIME, clock: Clock = time.monotonic) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.RLock()  # held for a moment only
        self._asker = _Asker(0, done=True)
        self._learned: Learned[_T] | None = None
        self._doubt = object()
        self._paused_until = -math.inf

    @property
    def paused(self) -> bool:
        """Whether the service could not tell a short while ago."""
        return self._clock() < self._paused_until

    @property
    def latest(self) -> Learned[_T] | None:
        """What the service told last, doubtful or not."""
        return self._learned

    def current(self, stamp: object = None) -> Learned[_T] | None:
        """Return the fact unless it is doubtful.

        Parameters
        ----------
        stamp : object
            What it would be learned from now; compared for equality.

        Returns
        -------
        Learned or None
            None if it is not known, or doubtful.
        """
        learned = self._learned
        if learned is None or learned.stamp != stamp:
            return None
        # A statement that fails each time it is run must not lead to a request each time.
        lifetime = self._lifetime if learned.doubt is self._doubt else min(PAUSE, self._lifetime)
        return learned if self._clock() - learned.at < lifetime else None

    def learn(self, ask: Callable[[], _T], stamp: object = None) -> Learned[_T]:
        """Return the fact. Ask the service if it is not known.

        If several threads need it, one of them asks, and the others wait for it.

        Parameters
        ----------
        ask : callable
            Queries the service. If it raises an exception, that is raised, and nothing is learned.
        stamp : object
            What it is learned from.

        Returns
        -------
        Learned
            Known before, or new.
        """
        if (known := self.current(stamp)) is not None:
            return known
        asker = _Asker(threading.get_ident())
        try:
            self._wait_for_turn(asker, lambda: False)
            return self.current(stamp) or self._ask(ask, stamp)  # another thread may have asked
        finally:
            asker.done = True

    def learn_unless_paused(
        self, ask: Callable[[], _T], stamp: object, gives_up: Callable[[], bool]
    ) -> bool:
        """Learn the fact, unless the service could not tell a short while ago.

        Parameters
        ----------
        ask : callable
            As for `learn`. It calls `pause` if it fails.
        stamp : object
            As for `learn`.
        gives_up : callable
            Whether this thread does not need the fact any more.

        Returns
        -------
        bool
            Whether the fact is known.
        """
        asker = _Asker(threading.get_ident())
        try:
            self._wait_for_turn(asker, gives_up)
            if self.current(stamp) is None:
                if self.paused or gives_up():
                    return False
                self._ask(ask, stamp)
            return True
        finally:
            asker.done = True

    def _ask(self, ask: Callable[[], _T], stamp: object) -> Learned[_T]:
        at, doubt = self._clock(), self._doubt
        self._learned = found = Learned(ask(), stamp, at, doubt)
        return found

    def _wait_for_turn(self, me: _Asker, gives_up: Callable[[], bool]) -> None:
        """Wait until no other thread asks, but not for long: it may have been interrupted."""
        patient_until = time.monotonic() + PAUSE
        while not gives_up():
            with self._lock:
                other = self._asker
                is_free = other.done or other.thread == me.thread  # a signal handler must not wait
                if is_free or time.monotonic() > patient_until:
                    self._asker = me
                    return
            time.sleep(_POLL)

    def store(self, value: _T) -> None:
        """Replace the fact by what the service has just told.

        Parameters
        ----------
        value : object
            The fact.
        """
        self._learned = Learned(value, None, self._clock(), self._doubt)

    def pause(self) -> None:
        """Note that the service could not tell. This is not a fact: it only delays the next try."""
        self._paused_until = self._clock() + PAUSE

    def doubt(self) -> None:
        """Note that something indicates a change. The fact is not used once it is `PAUSE` old."""
        self._doubt = object()


class Facts(Generic[_K, _T]):
    """Facts of one kind by key, such as the name of a view. Thread-safe.

    Parameters
    ----------
    capacity : int
        If there are more facts, those that were not used for the longest time are dropped.
    clock : callable
        As for `Fact`.
    """

    def __init__(self, capacity: int, clock: Clock = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.RLock()  # held for a moment only
        self._facts: dict[_K, Fact[_T]] = {}

    def __getitem__(self, key: _K) -> Fact[_T]:
        with self._lock:
            # A signal handler may do the same between any two of these steps.
            fact = self._facts.pop(key, None) or Fact(clock=self._clock)
            self._facts[key] = fact  # the last one is the latest used
            for unused in list(self._facts)[: -self._capacity]:
                self._facts.pop(unused, None)
            return fact

    def known(self, stamp: object = None) -> dict[_K, _T]:
        """Return all facts that are not doubtful.

        Parameters
        ----------
        stamp : object
            As for `Fact.current`.

        Returns
        -------
        dict
            Their values by key.
        """
        found = ((key, fact.current(stamp)) for key, fact in self._facts.copy().items())
        return {key: learned.value for key, learned in found if learned is not None}

    def doubt(self) -> None:
        """Doubt all facts; see `Fact.doubt`."""
        for fact in self._facts.copy().values():
            fact.doubt()

    def forget(self, key: _K) -> None:
        """Drop a fact that has turned out to be wrong.

        Parameters
        ----------
        key : object
            It need not be known.
        """
        self._facts.pop(key, None)

    def clear(self) -> None:
        """Drop all facts, also those that other threads are learning."""
        self._facts = {}
