"""Instants that move with the clock, so that a range with ``now()`` is derived only once.

The rules calculate with a `ClockReading` as with a number. Each comparison of one with a number
holds for some readings of the clock only, and `Readings` keeps the interval in which all of them
come out the same. Within it, a result differs only in the instants that move.
"""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["ClockReading", "Nanoseconds", "Readings"]

_INFINITE = (float("inf"), float("-inf"))


class Readings:
    """The readings of the clock for which an analysis has the same course.

    Parameters
    ----------
    now : int
        The reading for which it is made.

    Attributes
    ----------
    now : int
        As given.
    since, until : int or infinite float
        The interval; `until` is exclusive.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self.since, self.until = reversed(_INFINITE)

    def restrict(self, since: float, until: float) -> None:
        """Exclude readings.

        Parameters
        ----------
        since, until : int or infinite float
            The interval of those that remain; `until` is exclusive.
        """
        self.since, self.until = max(self.since, since), min(self.until, until)

    def include(self, now: int) -> bool:
        """Return whether a reading leads to the same course.

        Parameters
        ----------
        now : int
            A reading of the clock.

        Returns
        -------
        bool
            True for the reading for which the analysis was made.
        """
        return self.since <= now < self.until


class ClockReading:
    """A reading of the clock, plus a number. It has those operators only that the rules need.

    Parameters
    ----------
    readings : Readings
        Restricted by each comparison.
    offset : int, default 0
        The number that is added, in nanoseconds.
    """

    __slots__ = ("_offset", "_readings")

    def __init__(self, readings: Readings, offset: int = 0) -> None:
        self._readings = readings
        self._offset = offset

    def at(self, now: int) -> int:
        """Return the instant for a reading of the clock.

        Parameters
        ----------
        now : int
            Nanoseconds since the epoch.

        Returns
        -------
        int
            Nanoseconds since the epoch.
        """
        return now + self._offset

    def __add__(self, other: int) -> ClockReading:
        return ClockReading(self._readings, self._offset + other)

    def __sub__(self, other: int) -> ClockReading:
        return self + -other

    def __floordiv__(self, unit: int) -> int:
        """Return a number, which is the same until the unit is over."""
        quotient = self.at(self._readings.now) // unit
        first = quotient * unit - self._offset
        self._readings.restrict(first, first + unit)
        return quotient

    def _is_before(self, end: Nanoseconds) -> bool:
        """Return whether the instant is before another; remember for which readings this holds."""
        if isinstance(end, ClockReading):
            return self._offset < end._offset  # noqa: SLF001  (of the same class)
        edge, now = end - self._offset, self._readings.now
        before = now < edge
        self._readings.restrict(*((-_INFINITE[0], edge) if before else (edge, _INFINITE[0])))
        return before

    def __lt__(self, other: Nanoseconds) -> bool:
        return self._is_before(other)

    def __ge__(self, other: Nanoseconds) -> bool:
        return not self._is_before(other)

    def __le__(self, other: Nanoseconds) -> bool:
        return self._is_before(other + 1)

    def __gt__(self, other: Nanoseconds) -> bool:
        return not self._is_before(other + 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, float, ClockReading)):
            return NotImplemented
        return other not in _INFINITE and self <= other and self >= other


#: An instant: an integer, infinite, or one that moves with the clock.
Nanoseconds: TypeAlias = "float | ClockReading"
