"""Data: the log messages that each kind of process repeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from micromegas_dbapi.demo.scenario.fleet import STORE_ADDRESS

__all__ = ["MESSAGES", "MESSAGES_PER_HOUR", "Latency", "Message", "Serial"]


@dataclasses.dataclass(frozen=True)
class Latency:
    """A field of a message: whole milliseconds with a long-tailed distribution.

    Attributes
    ----------
    milliseconds : int
        The typical value.
    slow : float
        How many times longer it is at the worst of the incident, minus one.
    """

    milliseconds: int
    slow: float = 0.0


@dataclasses.dataclass(frozen=True)
class Serial:
    """A field of a message: an increasing number.

    Attributes
    ----------
    first : int
        The lower bound.
    """

    first: int


class Message(NamedTuple):
    """A repeated log message.

    Attributes
    ----------
    calm : int
        Its relative frequency in normal operation.
    trouble : int
        Its relative frequency at the worst of the incident.
    level : int
        The log level.
    target : str
        The module.
    text : str
        The message, with a printf-style placeholder for each field.
    fields : tuple of (sequence or Latency or Serial)
        At least one. Of a sequence, a random element is used.
    properties : tuple of mapping
        Each row has one of them.
    """

    calm: int
    trouble: int
    level: int
    target: str
    text: str
    fields: tuple[Sequence[object] | Latency | Serial, ...]
    properties: tuple[Mapping[str, str], ...] = ({},)


_PLAYERS = ("zoë", "kenji", "O'Malley", "Łukasz", "mia_92", "данило", 'x"Rook"x', "søren", "陈静")
_REGIONS = (
    {"region": "eu-west", "auth": "steam"},
    {"region": "eu-west", "auth": "password"},
    {"region": "us-east", "auth": "steam"},
    {"region": "ap-northeast", "auth": "console", "Build Kind": "retail 'gold'"},
)
_CHAT = ("gg wp", "lag??", "そのまま…", "push B, now", "qui est en ligne ? 🚀", "100% sure", "brb")
_MAPS = ("Küstenstadt", "Old Mill", "Harbor", "峡谷")
_OK = (200,) * 30 + (304,) * 4 + (404,)
_PATHS = ("/v1/inventory", "/v1/profile", "/v1/loadout", "/v1/match/history?limit=20")

#: By kind of process, at size 1.
MESSAGES_PER_HOUR = {
    "agent": 400,
    "server": 7000,
    "matchmaker": 3500,
    "store": 2500,
    "ingestion": 3000,
    "launcher": 60,
    "client": 1800,
}

#: By kind of process.
MESSAGES: dict[str, tuple[Message, ...]] = {
    "agent": (
        Message(20, 12, 4, "fleet::health", "%s healthy: probe answered in %d ms",
                (("matchmaker", "game-server"), Latency(3))),
        Message(0, 14, 3, "fleet::health",
                "game-server late: probe answered in %d ms (limit 500 ms)", (Latency(600, 1.5),)),
        Message(9, 6, 5, "fleet::cgroup", "memory.current=%d memory.max=8589934592",
                (range(2_900_000_000, 4_400_000_000, 4096),)),
        Message(5, 5, 6, "fleet::rpc", "poll desired state: revision %d, no change",
                (Serial(88_120),)),
    ),
    "server": (
        Message(34, 22, 4, "game::http", "request %d GET %s served in %d ms, status %d",
                (Serial(48_000), _PATHS, Latency(24, 9.0), _OK)),
        Message(0, 16, 3, "game::http", "slow request %d GET %s: %d ms (limit 400 ms)",
                (Serial(48_000), _PATHS, Latency(480, 3.0))),
        Message(0, 3, 2, "game::session", "session of %s not loaded: " + STORE_ADDRESS
                + " timed out after %d ms", (_PLAYERS, (1000, 1000, 2000, 5000))),
        Message(18, 12, 5, "game::cache", "cache hit ratio 0.%d",
                (range(9012, 9990),)),
        Message(10, 3, 4, "game::login", 'login of "%s", session %08x',
                (_PLAYERS, range(0x10000000, 0xFFFFFFFF)), _REGIONS),
        Message(8, 2, 4, "game::login", 'logout of "%s" after %d s',
                (_PLAYERS, range(60, 5400)), _REGIONS),
        Message(8, 12, 4, "game::chat", '[all] %s: "%s"', (_PLAYERS, _CHAT)),
        Message(9, 9, 6, "game::net", "ack %d rtt %d ms window %d",
                (Serial(1_200_000), Latency(38, 1.0), range(8, 64))),
        Message(7, 5, 5, "game::world", 'streamed chunk (%d, %d) of "%s"',
                (range(-64, 64), range(-64, 64), _MAPS)),
        Message(1, 3, 3, "game::net", "%s: packet loss %d%% over 10 s", (_PLAYERS, range(3, 31))),
        Message(0, 1, 2, "game::session",
                "could not save inventory\nCaused by:\n    0: session::store::put\n"
                "    1: " + STORE_ADDRESS + ": broken pipe (os error 32)\n"
                "    2: attempt %d of 3, request %d", (range(1, 4), Serial(48_000))),
    ),
    "matchmaker": (
        Message(26, 12, 4, "match::queue", 'match %d formed: 8 players on "%s" after %d ms',
                (Serial(9_300), _MAPS, Latency(2_400, 3.0))),
        Message(14, 10, 5, "match::rating", "%s: rating %d", (_PLAYERS, range(780, 2410))),
        Message(10, 10, 5, "match::queue", "ticket %d of %s waits", (Serial(71_000), _PLAYERS)),
        Message(4, 4, 6, "match::solver", "solver: %d candidates, cost 0.%03d",
                (range(8, 96), range(4, 900))),
        Message(1, 14, 3, "match::session", "session-store slow: get took %d ms (retry %d of 3)",
                (Latency(520, 2.0), range(1, 4))),
        Message(0, 2, 2, "match::session", "ticket %d dropped: session of %s unknown to "
                + STORE_ADDRESS, (Serial(71_000), _PLAYERS)),
    ),
    "store": (
        Message(30, 10, 5, "store::shard", "get session:%s hit in %d ms", (_PLAYERS, Latency(1))),
        Message(3, 26, 4, "store::shard", "get session:%s miss, read from disk in %d ms",
                (_PLAYERS, Latency(8, 3.0))),
        Message(8, 14, 4, "store::evict", "evicted %d sessions from shard %d",
                (range(4, 90), range(4))),
        Message(4, 4, 6, "store::wal", "wal: segment %d synced in %d ms",
                (Serial(5_510), Latency(6))),
        Message(3, 3, 4, "store::backup", "snapshot shard-%d.bin: %d keys in %d ms",
                (range(4), range(31_000, 52_000), Latency(140, 2.0))),
        Message(0, 9, 3, "store::shard", "shard %d: %d reads waiting for the disk",
                (range(4), range(64, 900))),
    ),
    "ingestion": (
        Message(30, 30, 4, "ingestion::blocks", "block %08x stored: %d events, %d bytes in %d ms",
                (range(0x10000000, 0xFFFFFFFF), range(60, 3000), range(700, 33_000),
                 Latency(4, 1.0))),
        Message(12, 12, 5, "ingestion::http", "POST /ingestion/insert_block 200 in %d ms",
                (Latency(6, 1.0),)),
        Message(6, 6, 5, "ingestion::sql", "INSERT INTO blocks VALUES($1,$2,..,$11) -- %d µs",
                (range(180, 2200),)),
        Message(2, 2, 6, "ingestion::object_store", "put blobs/%08x.lz4 etag=\"%08x\"",
                (range(0x10000000, 0xFFFFFFFF), range(0x10000000, 0xFFFFFFFF))),
        Message(1, 2, 3, "ingestion::blocks", "block arrived %d ms late, order kept",
                (Latency(900),)),
    ),
    "launcher": (
        Message(3, 3, 4, "launcher::update", "no update: installed %s, channel 'retail'",
                (("1.4.2",),)),
        Message(2, 2, 5, "launcher::news", "GET https://news.example/aurora.json -> %d", (_OK,)),
    ),
    "client": (
        Message(14, 8, 5, "client::net", "snapshot %d applied, %d entities",
                (Serial(300), range(40, 260))),
        Message(9, 5, 4, "client::assets", 'loaded "%s/terrain_%02d.pak" in %d ms',
                (_MAPS, range(24), Latency(31))),
        Message(7, 6, 6, "client::input", "mouse dx=%d dy=%d", (range(-80, 80), range(-45, 45))),
        Message(5, 7, 4, "client::chat", '%s says "%s"', (_PLAYERS, _CHAT)),
        Message(1, 12, 3, "client::net", "server state is %d ms old, predicting",
                (Latency(140, 3.0),)),
        Message(1, 1, 3, "client::render",
                "shader C:\\Games\\Aurora\\cache\\%08x.bin was not cached",
                (range(0x10000000, 0xFFFFFFFF),)),
    ),
}  # fmt: skip
