"""Pools of connections: the garbage collector and interrupts at any moment."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

import pytest
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from micromegas_dbapi.transport.http import connection_pools
from micromegas_dbapi.transport.http.connection_pools import create_adapter
from tests.interruptions.instructions import strike_at

WITHIN = (connection_pools.__file__, queue.__file__)


def pool_of(adapter: HTTPAdapter) -> HTTPConnectionPool:
    return adapter.poolmanager.connection_from_url("http://127.0.0.1:9")


def in_time(action: Callable[[], None]) -> None:
    """Act in another thread, which may hang."""
    ended = threading.Event()

    def act() -> None:
        action()
        ended.set()

    threading.Thread(target=act, daemon=True).start()
    assert ended.wait(20), "it hangs, or has failed"


@pytest.mark.parametrize("moves", ["take", "return"])
def test_a_response_is_finalized_at_each_moment(moves: str) -> None:
    """It returns its connection in the thread that takes or returns another one."""

    def act() -> None:
        for number in range(1, 1000):
            pool = pool_of(create_adapter())
            finalized, taken = pool._get_conn(), pool._get_conn()
            with strike_at(number, partial(pool._put_conn, finalized), WITHIN) as moments:
                if moves == "take":
                    taken = pool._get_conn()
                else:
                    pool._put_conn(taken)
            if moments[0] < number:
                break
        assert number > 1, "there are no moments"

    in_time(act)


def test_the_last_connections_are_kept() -> None:
    pool = pool_of(create_adapter())
    taken = [pool._get_conn() for _ in range(40)]
    assert pool.num_connections == 40
    for connection in taken:
        pool._put_conn(connection)
    again = [pool._get_conn() for _ in range(33)]
    assert again[:32] == taken[31::-1]
    assert again[32] not in taken
