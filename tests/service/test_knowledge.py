"""When a service is asked again for what was learned of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from micromegas_dbapi.errors import OperationalError
from micromegas_dbapi.service import knowledge
from micromegas_dbapi.service.knowledge import LIFETIME, PAUSE, Fact, Facts
from tests.clock import Clock
from tests.waiting import until


def never() -> bool:
    return False


class Asked:
    """A fact of a service that counts how often it is asked; a number of seconds passes time."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self.clock = Clock()
        self.fact: Fact[str] = Fact(lifetime, self.clock)
        self.asked = 0
        self.stamp = 0

    def answer(self) -> str:
        self.asked += 1
        return f"answer {self.asked}"

    def refuse(self) -> str:
        self.asked += 1
        self.fact.pause()
        raise OperationalError("the service cannot tell")

    def do(self, step: str | float) -> None:
        if isinstance(step, float):
            self.clock.now += step
        elif step == "learn":
            self.fact.learn_unless_paused(self.answer, self.stamp, never)
        elif step == "learn now":
            self.fact.learn(self.answer, self.stamp)
        elif step == "fail":
            before = self.asked
            try:
                self.fact.learn_unless_paused(self.refuse, self.stamp, never)
            except OperationalError:
                assert self.asked == before + 1
        elif step == "doubt":
            self.fact.doubt()
        else:
            assert step == "changed"
            self.stamp += 1


# What happens, how often the service is asked, and whether the fact is known in the end.
EVENTS: list[tuple[list[str | float], int, bool]] = [
    ([], 0, False),
    (["learn"], 1, True),
    (["learn", "learn", LIFETIME - 1, "learn"], 1, True),
    # Its age
    (["learn", LIFETIME], 1, False),
    (["learn", LIFETIME, "learn"], 2, True),
    (["learn", LIFETIME - 1, "learn", 1.0, "learn"], 2, True),
    # Its stamp
    (["learn", "changed"], 1, False),
    (["learn", "changed", "learn", "learn"], 2, True),
    # A doubt counts at once, but not more often than each PAUSE.
    (["learn", 60.0, "doubt"], 1, False),
    (["learn", 60.0, "doubt", "learn"], 2, True),
    (["learn", 60.0, "doubt", "learn", "learn", 60.0, "learn"], 2, True),
    (["learn", "doubt", "learn", PAUSE - 1, "learn"], 1, True),
    (["learn", "doubt", PAUSE, "learn"], 2, True),
    (["doubt", "learn", PAUSE, "learn"], 1, True),
    (["learn", 60.0, *["doubt", "learn", 1.0] * 19], 3, True),
    # A failure is not known, and not asked again at once.
    (["fail"], 1, False),
    (["fail", "fail", "learn", PAUSE - 1, "learn"], 1, False),
    (["fail", PAUSE, "learn"], 2, True),
    (["fail", PAUSE, "fail", "fail"], 2, False),
    (["fail", "changed", "learn"], 1, False),
    # Unless the user wants to know.
    (["fail", "learn now"], 2, True),
    # A failure is not a sign that what was known is wrong, nor that it is right.
    (["learn", 60.0, "doubt", "fail"], 2, False),
    (["learn", LIFETIME, "fail"], 2, False),
    (["fail", "learn now", "learn"], 2, True),
]


@pytest.mark.parametrize(("steps", "asked", "is_known"), EVENTS)
def test_events(steps: list[str | float], asked: int, is_known: bool) -> None:
    service = Asked()
    for step in steps:
        service.do(step)
    assert service.asked == asked
    known = service.fact.current(service.stamp)
    assert (known is not None) == is_known
    assert known is None or known.value == f"answer {asked}"


def test_a_fact_without_a_lifetime_is_kept_until_its_stamp_changes() -> None:
    service = Asked(float("inf"))
    for step in ("learn", 1e9, "learn"):
        service.do(step)
    assert service.asked == 1
    service.do("changed")
    assert service.fact.current(service.stamp) is None


def test_none_may_be_a_fact() -> None:
    fact: Fact[None] = Fact()
    assert fact.learn(lambda: None).value is None
    assert fact.current() is not None


class Blocking:
    """Answers once it is told to."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self._answer = answer
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        self.begun.set()
        assert self.go.wait(60)
        return self._answer()


def run(*targets: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_one_thread_asks_for_all() -> None:
    fact: Fact[int] = Fact()
    ask = Blocking(lambda: 1)
    found: list[int] = []
    threads = run(*[lambda: found.append(fact.learn(ask).value)] * 8)
    assert ask.begun.wait(60)
    ask.go.set()
    join(threads)
    assert (found, ask.asked) == ([1] * 8, 1)


def test_those_who_wait_do_not_ask_what_has_just_failed() -> None:
    fact: Fact[int] = Fact()

    def fail() -> int:
        fact.pause()
        raise OperationalError("away")

    ask = Blocking(fail)
    found: list[object] = []

    def learn() -> None:
        try:
            found.append(fact.learn_unless_paused(ask, None, never))
        except OperationalError as error:
            found.append(str(error))

    threads = run(*[learn] * 4)
    assert ask.begun.wait(60)
    ask.go.set()
    join(threads)
    assert sorted(map(str, found)) == ["False", "False", "False", "away"]
    assert ask.asked == 1


def test_what_is_doubted_while_it_is_learned_is_doubtful() -> None:
    """The service may have answered before it changed."""
    clock = Clock()
    fact: Fact[int] = Fact(clock=clock)
    ask = Blocking(lambda: 1)
    threads = run(lambda: fact.learn(ask))
    assert ask.begun.wait(60)
    fact.doubt()
    ask.go.set()
    join(threads)
    assert fact.current() is not None
    clock.now += PAUSE
    assert fact.current() is None


def test_a_fact_is_as_old_as_the_question() -> None:
    clock = Clock()
    fact: Fact[None] = Fact(clock=clock)

    def slow() -> None:
        clock.now += LIFETIME

    fact.learn(slow)
    assert fact.current() is None


def test_a_signal_handler_may_learn_the_same_fact() -> None:
    """It runs in the thread that asks, wherever that is."""
    fact: Fact[int] = Fact()
    done: list[int] = []

    def ask() -> int:
        if not done:
            done.append(0)  # the handler
            assert fact.learn(lambda: 2).value == 2
            assert fact.learn_unless_paused(lambda: 3, None, never)
            fact.doubt()
        return 1

    threads = run(lambda: done.append(fact.learn(ask).value))
    join(threads)
    assert done == [0, 1]


def test_a_thread_that_gives_up_does_not_wait() -> None:
    fact: Fact[int] = Fact()
    ask = Blocking(lambda: 1)
    threads = run(lambda: fact.learn(ask))
    assert ask.begun.wait(60)
    given_up = threading.Event()
    found: list[bool] = []
    waiting = run(lambda: found.append(fact.learn_unless_paused(lambda: 2, None, given_up.is_set)))
    waiting[0].join(0.2)
    assert found == []
    given_up.set()
    join(waiting)
    assert found == [False]
    ask.go.set()
    join(threads)
    assert fact.learn(lambda: 3).value == 1


def test_a_thread_that_was_interrupted_in_its_turn_is_not_waited_for_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between any two steps, so that it could not even say that it is done."""
    monkeypatch.setattr(knowledge, "PAUSE", 0.1)
    fact: Fact[int] = Fact()
    join(run(lambda: fact._wait_for_turn(knowledge._Asker(0), never)))
    threads = run(lambda: fact.learn(lambda: 1))
    join(threads)
    assert fact._asker.done
    assert fact.current() is not None


def test_an_interrupt_leaves_nothing_behind() -> None:
    fact: Fact[int] = Fact()

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fact.learn(interrupted)
    assert (fact.current(), fact.paused) == (None, False)
    assert fact._asker.done
    join(run(lambda: fact.learn(lambda: 1)))
    assert fact.current() is not None


# -- many facts ------------------------------------------------------------------------------------


def test_the_latest_used_are_kept() -> None:
    facts: Facts[str, int] = Facts(2)
    for key in ("a", "b", "a", "c"):
        facts[key].store(1)
    assert facts.known() == {"a": 1, "c": 1}


def test_known_facts() -> None:
    clock = Clock()
    facts: Facts[str, int | None] = Facts(9, clock)
    facts["a"].learn(lambda: 1, "stamp")
    clock.now += 60
    facts["b"].learn(lambda: None, "stamp")
    facts["c"].learn(lambda: 3, "another")
    facts["d"].pause()
    assert facts.known("stamp") == {"a": 1, "b": None}
    facts.doubt()
    assert facts.known("stamp") == {"b": None}
    facts.forget("b")
    facts.forget("never known")
    assert facts.known("stamp") == {}
    assert facts.known("another") == {"c": 3}


def test_what_is_being_learned_is_cleared_too() -> None:
    facts: Facts[str, int] = Facts(9)
    ask = Blocking(lambda: 1)
    threads = run(lambda: facts["a"].learn(ask))
    until(ask.begun.is_set)
    facts.clear()
    ask.go.set()
    join(threads)
    assert facts.known() == {}


def test_many_threads_use_many_facts() -> None:
    """None is lost while there is room, and there are never more than fit."""
    facts: Facts[int, int] = Facts(50)

    def use(step: int) -> None:
        for number in range(2_000):
            key = number * step % 60
            assert facts[key].learn(lambda key=key: key).value == key

    threads = run(*[lambda step=step: use(step) for step in (1, 7, 11, 13)])
    join(threads)
    known = facts.known()
    assert len(known) <= 50
    assert all(key == value for key, value in known.items())
