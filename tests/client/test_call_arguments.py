"""Arguments of the official client's calls: what is accepted, and what is refused unsent."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.client import Client
from tests.client.test_client import BEGIN, BLOCKS, END, PROCESS
from tests.integration.serving import WIRES, served

pd = pytest.importorskip("pandas", reason="pandas is not installed")

NAN = float("nan")

# What a call accepts; each case of the tests replaces one of these.
CALLS: dict[str, dict[str, Any]] = {
    "query": {"sql": "SELECT 1", "begin": BEGIN, "end": END},
    "query_view": {
        "view_set_name": "measures",
        "view_instance_id": "global",
        "begin": BEGIN,
        "end": END,
        "sql": "SELECT 1",
    },
    "find_process": {"process_id": PROCESS},
    "find_stream": {"stream_id": BLOCKS},
    "query_streams": {
        "begin": BEGIN,
        "end": END,
        "limit": 5,
        "process_id": PROCESS,
        "tag_filter": "log",
    },
    "query_blocks": {"begin": BEGIN, "end": END, "limit": 5, "stream_id": BLOCKS},
    "materialize_partitions": {
        "view_set_name": "measures",
        "view_instance_id": "global",
        "begin": BEGIN,
        "end": END,
        "partition_delta_seconds": 60,
        "progress": print,
    },
    "retire_partitions": {
        "view_set_name": "measures",
        "view_instance_id": "global",
        "begin": BEGIN,
        "end": END,
        "progress": print,
    },
}

NO_INTEGER = ("5", 5.0, NAN, float("inf"), True, np.True_, np.float64(5), Decimal(5), None)
BEYOND = (-1, np.int64(-1), -(2**63), 2**63, np.uint64(2**63), 2**70, 10**6000, -(10**6000))
NO_TIME = (5, 5.0, NAN, True, np.int64(5), b"now", "", "5", "yesterday", object(), [BEGIN])
NO_TIME += (datetime(2026, 11, 1), pd.NaT, np.datetime64("NaT"), np.timedelta64(5, "s"))
NO_ID = (5, NAN, True, b"x" * 16, np.int64(5), "", "x", f"{PROCESS}0", "\ud800", object())
NO_STRING = (5, NAN, True, b"log", uuid.UUID(PROCESS), "log\ud800", object())

# What is refused for each argument, by its name.
WRONG: dict[str, tuple[Any, ...]] = {
    "limit": (*NO_INTEGER, *BEYOND),
    "partition_delta_seconds": (*NO_INTEGER, *BEYOND, 0),
    "begin": NO_TIME,
    "end": NO_TIME,
    "process_id": NO_ID,
    "stream_id": (*NO_ID, None),
    "view_set_name": (*NO_STRING, None),
    "view_instance_id": (*NO_STRING, None),
    "tag_filter": NO_STRING,
    "sql": (*NO_STRING, None),
    "progress": (None, "print", 5),
}
# None is the time that is not set, and find_process looks for one.
MORE_WRONG = [
    ("find_process", "process_id", None),
    *((call, end, value) for call in ("materialize_partitions", "retire_partitions")
      for end in ("begin", "end") for value in (None, mm.ALL_TIME)),
]  # fmt: skip
REFUSED = [
    (call, name, value)
    for call, arguments in CALLS.items()
    for name in arguments
    for value in WRONG[name]
] + MORE_WRONG

# Nothing listens there: whatever is sent is an OperationalError.
UNREACHABLE = [
    *("http://127.0.0.1:1", "grpc://127.0.0.1:1", "gateway+http://127.0.0.1:1"),
    *("web+http://127.0.0.1:1", "demo:"),
]


@pytest.fixture(scope="module", params=UNREACHABLE)
def nowhere(request: pytest.FixtureRequest) -> Iterator[Client]:
    with Client(request.param) as client:
        yield client


def test_all_arguments_are_tried() -> None:
    calls = {
        name: [argument for argument in inspect.signature(call).parameters if argument != "arrow"]
        for name, call in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith("_") and name not in ("close", "query_partitions")
    }
    assert {name: ["self", *arguments] for name, arguments in CALLS.items()} == calls


@pytest.mark.filterwarnings("error")
def test_wrong_arguments_are_refused_before_anything_is_sent(nowhere: Client) -> None:
    for call, name, value in REFUSED:
        with pytest.raises(mm.ProgrammingError) as refused:
            getattr(nowhere, call)(**{**CALLS[call], name: value})
        said = str(refused.value)
        assert name in said or (name == "sql" and "the statement" in said), (call, name, said)


class Five(IntEnum):
    LIMIT = 5


ACCEPTED: dict[str, tuple[Any, ...]] = {
    "limit": (np.int64(5), np.uint8(5), np.int32(5), np.array(5), Five.LIMIT),
    "begin": (
        datetime(2026, 11, 23, 20, 39, 30, tzinfo=timezone.utc),
        datetime(2026, 11, 23, 21, 39, 30, tzinfo=timezone(timedelta(hours=1))),
        np.datetime64("2026-11-23T20:39:30"),
        pd.Timestamp(BEGIN),
        np.str_(BEGIN),
    ),
    "stream_id": (uuid.UUID(BLOCKS), BLOCKS.upper(), BLOCKS.replace("-", ""), np.str_(BLOCKS)),
}


@pytest.fixture(scope="module")
def anywhere(wire: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    with served(wire("http-0.2.3") / "data") as urls:
        yield urls


@pytest.mark.parametrize("where", WIRES)
def test_other_forms_of_arguments_are_accepted(anywhere: dict[str, str], where: str) -> None:
    with Client(anywhere[where]) as client:
        for call in ("query_streams", "query_blocks"):
            usual: pa.Table = getattr(client, call)(**CALLS[call], arrow=True)
            assert usual.num_rows
            for name in CALLS[call].keys() & ACCEPTED.keys():
                for value in ACCEPTED[name]:
                    arguments = {**CALLS[call], name: value}
                    assert getattr(client, call)(**arguments, arrow=True).equals(usual), value
        assert not client.query_streams(None, None, 0, PROCESS, arrow=True).num_rows
