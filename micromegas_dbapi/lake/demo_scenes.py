"""The cast and the lines of the demo lake: what its processes are, say, measure and do.

Data only; ``demo.py`` plays it. The scene is an online game, "Aurora", and one hour of it. At
25 minutes before the end somebody shortens the life of cached sessions; the session store falls
behind, game ticks and queues grow, a game server aborts and is restarted, the change is taken
back, and all is well again ten minutes later. Times are seconds before the newest event
(negative), unless a comment says otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = [
    "FLUSH_SECONDS",
    "HOSTS",
    "KINDS",
    "LENGTH_SECONDS",
    "PROCESSES",
    "STORY",
    "THREADS",
    "TROUBLE",
    "USERS",
    "Latency",
    "Line",
    "Metric",
    "Process",
    "Serial",
    "Span",
]

#: How long the lake is, and how often a process sends a block of each of its streams.
LENGTH_SECONDS = 3600
FLUSH_SECONDS = 150

#: When the trouble starts, is at its worst, is being repaired, and is over.
TROUBLE = (-1500, -1440, -1110, -1000)


@dataclasses.dataclass(frozen=True)
class Latency:
    """A slot of a line: whole milliseconds with a long tail, `slow` times more in trouble."""

    milliseconds: int
    slow: float = 0.0


@dataclasses.dataclass(frozen=True)
class Serial:
    """A slot of a line: a number that only grows."""

    first: int


class Line(NamedTuple):
    """A log line that comes again and again.

    `calm` and `trouble` are its weights in quiet and in bad times; a slot that is a sequence
    gives one of its elements, and there is at least one slot; of `properties` each row gets one.
    """

    calm: int
    trouble: int
    level: int
    target: str
    text: str
    slots: tuple[Sequence[object] | Latency | Serial, ...]
    properties: tuple[Mapping[str, str], ...] = ({},)


class Metric(NamedTuple):
    """A measure sampled at a steady pace: a random walk and a slow wave around `base`.

    `walk`, `wave` and `trouble` are parts of `base`, small enough to stay above zero; `odds` is the
    chance of a spike per sample. A value above `alarm` logs `warning`, a line with one slot for it.
    """

    target: str
    name: str
    unit: str
    base: float
    walk: float = 0.1
    wave: float = 0.1
    trouble: float = 0.0
    whole: bool = False
    odds: float = 0.0
    alarm: float = float("inf")
    warning: str = ""
    properties: Mapping[str, str] = {}


class Span(NamedTuple):
    """A span of a frame, in preorder by `depth`; `own` is the time outside its children, in µs.

    Each frame is `slow` times slower in trouble; of `odds` below 1 are only spans without children.
    """

    depth: int
    name: str
    target: str
    filename: str
    line: int
    own: int
    slow: float = 0.0
    odds: float = 1.0


class Host(NamedTuple):
    """A computer; its `uptime` is the seconds it has been up when the lake begins."""

    distro: str
    cpu_brand: str
    tsc_frequency: int
    uptime: int


class Process(NamedTuple):
    """A process, alive from `start` to `end`; `parent` is the key of another, or empty."""

    key: str
    kind: str
    exe: str
    computer: str
    username: str
    parent: str
    start: float
    end: float
    properties: Mapping[str, str]
    threads: tuple[str, ...] = ()


class Kind(NamedTuple):
    """What processes of one kind do; `lines_per_hour` counts the repeated lines only.

    `opening` are the lines of a start: seconds after it, level, target and text.
    """

    lines_per_hour: int
    lines: tuple[Line, ...]
    metrics: tuple[Metric, ...]
    opening: tuple[tuple[float, int, str, str], ...]


HOSTS = {
    "node-eu-01": Host("Debian GNU/Linux 12", "AMD EPYC 7763 64-Core Processor",
                       2_445_406_000, 912_384),
    "node-eu-02": Host("Debian GNU/Linux 12", "AMD EPYC 7543 32-Core Processor",
                       2_794_751_000, 388_112),
    "DESK-7": Host("Windows 11 Pro 23H2", "12th Gen Intel(R) Core(TM) i7-12700K",
                   3_609_600_000, 15_277),
    "LAPTOP-田中": Host("Windows 11 Home 24H2", "AMD Ryzen 7 7840HS w/ Radeon 780M",
                      3_792_878_000, 4_031),
}  # fmt: skip

USERS = {
    "svc-game": "Game Service Account",
    "svc-telemetry": "",
    "zoë": "Zoë O'Neil",
    "kenji": "田中 健二",
}

_CLIENT = "C:\\Games\\Aurora\\client.exe"

#: In order of their start.
PROCESSES = (
    Process("agent", "agent", "fleet-agent", "node-eu-01", "svc-game", "", -3600, 0,
            {"Build-Version": "3.2.0", "region": "eu-west", "role": "supervisor"}),
    Process("store", "store", "session-store", "node-eu-02", "svc-game", "", -3598, 0,
            {"Build-Version": "2.9.1", "region": "eu-west", "shards": "4"}, ("shard 0",)),
    Process("ingestion", "ingestion", "telemetry-ingestion-srv", "node-eu-02", "svc-telemetry", "",
            -3596, 0, {}),
    Process("server", "server", "game-server", "node-eu-01", "svc-game", "agent", -3594, -1165,
            {"Build-Version": "1.4.2", "region": "eu-west", "map": "Küstenstadt"},
            ("main", "physics")),
    Process("matchmaker", "matchmaker", "matchmaker", "node-eu-01", "svc-game", "agent", -3593, 0,
            {"Build-Version": "1.4.2", "region": "eu-west"}, ("main",)),
    Process("launcher", "launcher", "C:\\Games\\Aurora\\launcher.exe", "DESK-7", "zoë", "",
            -3170, 0, {"BUILD-VERSION": "1.0.7", "channel": "retail"}),
    Process("zoë", "client", _CLIENT, "DESK-7", "zoë", "launcher", -3155, 0,
            {"BUILD-VERSION": "1.4.2", "region": "eu-west", "quality": "it's \"ultra\""},
            ("render",)),
    Process("kenji", "client", _CLIENT, "LAPTOP-田中", "kenji", "", -2410, 0,
            {"region": "ap-northeast", "BUILD-VERSION": "1.4.1", "quality": ""}, ("render",)),
    Process("server again", "server", "game-server", "node-eu-01", "svc-game", "agent", -1162, 0,
            {"Build-Version": "1.4.2", "region": "eu-west", "map": "Küstenstadt"},
            ("main", "physics")),
)  # fmt: skip

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
_STORE_ADDRESS = "session-store@node-eu-02:6380"

_AGENT = Kind(
    400,
    (
        Line(20, 12, 4, "fleet::health", "%s healthy: probe answered in %d ms",
             (("matchmaker", "game-server"), Latency(3))),
        Line(0, 14, 3, "fleet::health", "game-server late: probe answered in %d ms (limit 500 ms)",
             (Latency(600, 1.5),)),
        Line(9, 6, 5, "fleet::cgroup", "memory.current=%d memory.max=8589934592",
             (range(2_900_000_000, 4_400_000_000, 4096),)),
        Line(5, 5, 6, "fleet::rpc", "poll desired state: revision %d, no change",
             (Serial(88_120),)),
    ),
    (
        Metric("fleet::host", "cpu_usage", "percent", 37, 0.2, 0.2, 0.5),
        Metric("fleet::host", "memory", "bytes", 21.4e9, 0.02, 0.02, 0.05, whole=True),
        Metric("fleet::host", "disk_free", "bytes", 388e9, 0.001, 0.0, whole=True),
    ),
    (
        (0.2, 4, "fleet::main", "fleet-agent 3.2.0 starting on node-eu-01 (2 services wanted)"),
        (0.3, 4, "fleet::config", "config: restart.max = 5, restart.delay = 2000 ms (default)"),
        (6.4, 4, "fleet::spawn", 'started "game-server" (pid 4127)'),
        (7.1, 4, "fleet::spawn", 'started "matchmaker" (pid 4131)'),
    ),
)  # fmt: skip

_SERVER = Kind(
    7000,
    (
        Line(34, 22, 4, "game::http", "request %d GET %s served in %d ms, status %d",
             (Serial(48_000), _PATHS, Latency(24, 9.0), _OK)),
        Line(0, 16, 3, "game::http", "slow request %d GET %s: %d ms (limit 400 ms)",
             (Serial(48_000), _PATHS, Latency(480, 3.0))),
        Line(0, 3, 2, "game::session", "session of %s not loaded: " + _STORE_ADDRESS
             + " timed out after %d ms", (_PLAYERS, (1000, 1000, 2000, 5000))),
        Line(18, 12, 5, "game::cache", "cache hit ratio 0.%d",
             (range(9012, 9990),)),
        Line(10, 3, 4, "game::login", 'login of "%s", session %08x',
             (_PLAYERS, range(0x10000000, 0xFFFFFFFF)), _REGIONS),
        Line(8, 2, 4, "game::login", 'logout of "%s" after %d s',
             (_PLAYERS, range(60, 5400)), _REGIONS),
        Line(8, 12, 4, "game::chat", '[all] %s: "%s"', (_PLAYERS, _CHAT)),
        Line(9, 9, 6, "game::net", "ack %d rtt %d ms window %d",
             (Serial(1_200_000), Latency(38, 1.0), range(8, 64))),
        Line(7, 5, 5, "game::world", 'streamed chunk (%d, %d) of "%s"',
             (range(-64, 64), range(-64, 64), _MAPS)),
        Line(1, 3, 3, "game::net", "%s: packet loss %d%% over 10 s", (_PLAYERS, range(3, 31))),
        Line(0, 1, 2, "game::session",
             "could not save inventory\nCaused by:\n    0: session::store::put\n"
             "    1: " + _STORE_ADDRESS + ": broken pipe (os error 32)\n"
             "    2: attempt %d of 3, request %d", (range(1, 4), Serial(48_000))),
    ),
    (
        Metric("game::loop", "frame_time", "ms", 11.5, 0.08, 0.12, 3.6, odds=0.004, alarm=33.3,
               warning="tick took %.1f ms (budget 33.3 ms)"),
        Metric("game::session", "session_get", "ms", 1.9, 0.1, 0.1, 18.0),
        Metric("game::loop", "players", "count", 48, 0.12, 0.2, -0.1, whole=True),
        Metric("game::net", "packets_sent", "count", 5_900, 0.1, 0.2, -0.3, whole=True),
        Metric("game::process", "cpu_usage", "percent", 44, 0.15, 0.15, 0.4),
        Metric("game::process", "memory", "bytes", 3.1e9, 0.03, 0.02, 0.35, whole=True),
    ),
    (
        (0.1, 4, "game::main", 'game-server 1.4.2 (release, 2f9c1ab) map "Küstenstadt"'),
        (0.2, 4, "game::config", "config: server.tick_rate = 30"),
        (0.2, 4, "game::config", 'config: session.url = "tcp://node-eu-02:6380?timeout=5s&pool=16"'),
        (0.3, 5, "game::config", 'config: motd = "Welcome, have fun!\\n-- the Aurora team"'),
        (0.9, 4, "game::world", "4 maps loaded:\n  Küstenstadt\n  Old Mill\n  Harbor\n  峡谷"),
        (1.4, 4, "game::net", "listening on [::]:7777 (udp), [::]:7780 (http)"),
    ),
)  # fmt: skip

_MATCHMAKER = Kind(
    3500,
    (
        Line(26, 12, 4, "match::queue", 'match %d formed: 8 players on "%s" after %d ms',
             (Serial(9_300), _MAPS, Latency(2_400, 3.0))),
        Line(14, 10, 5, "match::rating", "%s: rating %d", (_PLAYERS, range(780, 2410))),
        Line(10, 10, 5, "match::queue", "ticket %d of %s waits", (Serial(71_000), _PLAYERS)),
        Line(4, 4, 6, "match::solver", "solver: %d candidates, cost 0.%03d",
             (range(8, 96), range(4, 900))),
        Line(1, 14, 3, "match::session", "session-store slow: get took %d ms (retry %d of 3)",
             (Latency(520, 2.0), range(1, 4))),
        Line(0, 2, 2, "match::session", "ticket %d dropped: session of %s unknown to "
             + _STORE_ADDRESS, (Serial(71_000), _PLAYERS)),
    ),
    (
        Metric("match::queue", "queue_depth", "count", 22, 0.25, 0.3, 6.0, whole=True,
               alarm=120, warning="queue is long: %d tickets (limit 120)"),
        Metric("match::queue", "time_to_match", "ms", 2_400, 0.15, 0.2, 3.2),
        Metric("match::process", "cpu_usage", "percent", 18, 0.2, 0.2, 1.1),
        Metric("match::process", "memory", "bytes", 412e6, 0.03, 0.02, 0.2, whole=True),
    ),
    (
        (0.1, 4, "match::main", "matchmaker 1.4.2 (release, 2f9c1ab)"),
        (0.2, 4, "match::config", "config: queue.regions = [eu-west, us-east, ap-northeast]"),
        (0.2, 4, "match::config", "config: solver.max_wait = 45s (default)"),
        (0.5, 4, "match::session", "connected to " + _STORE_ADDRESS),
    ),
)  # fmt: skip

_STORE = Kind(
    2500,
    (
        Line(30, 10, 5, "store::shard", "get session:%s hit in %d ms", (_PLAYERS, Latency(1))),
        Line(3, 26, 4, "store::shard", "get session:%s miss, read from disk in %d ms",
             (_PLAYERS, Latency(8, 3.0))),
        Line(8, 14, 4, "store::evict", "evicted %d sessions from shard %d",
             (range(4, 90), range(4))),
        Line(4, 4, 6, "store::wal", "wal: segment %d synced in %d ms", (Serial(5_510), Latency(6))),
        Line(3, 3, 4, "store::backup", "snapshot shard-%d.bin: %d keys in %d ms",
             (range(4), range(31_000, 52_000), Latency(140, 2.0))),
        Line(0, 9, 3, "store::shard", "shard %d: %d reads waiting for the disk",
             (range(4), range(64, 900))),
    ),
    (
        Metric("store::shard", "get_latency", "ms", 1.4, 0.1, 0.1, 22.0, odds=0.002, alarm=20,
               warning="get latency %.1f ms (objective 20 ms)"),
        Metric("store::shard", "hit_ratio", "", 0.968, 0.004, 0.004, -0.62,
               properties={"cache": "sessions"}),
        Metric("store::shard", "evictions", "count", 41, 0.2, 0.2, 24.0, whole=True,
               properties={"cache": "sessions"}),
        Metric("store::disk", "read_bytes", "bytes", 3.3e6, 0.2, 0.2, 31.0, whole=True),
        Metric("store::process", "cpu_usage", "percent", 22, 0.15, 0.2, 1.9),
        Metric("store::process", "memory", "bytes", 5.8e9, 0.02, 0.01, -0.4, whole=True),
    ),
    (
        (0.1, 4, "store::main", "session-store 2.9.1, 4 shards, data in /var/lib/session-store"),
        (0.2, 4, "store::config", "config: session.ttl = 300s"),
        (1.1, 4, "store::wal", "wal: replayed 5510 segments, 0 torn"),
        (1.8, 4, "store::main", "listening on [::]:6380"),
    ),
)  # fmt: skip

_INGESTION = Kind(
    3000,
    (
        Line(30, 30, 4, "ingestion::blocks", "block %08x stored: %d events, %d bytes in %d ms",
             (range(0x10000000, 0xFFFFFFFF), range(60, 3000), range(700, 33_000), Latency(4, 1.0))),
        Line(12, 12, 5, "ingestion::http", "POST /ingestion/insert_block 200 in %d ms",
             (Latency(6, 1.0),)),
        Line(6, 6, 5, "ingestion::sql", "INSERT INTO blocks VALUES($1,$2,..,$11) -- %d µs",
             (range(180, 2200),)),
        Line(2, 2, 6, "ingestion::object_store", "put blobs/%08x.lz4 etag=\"%08x\"",
             (range(0x10000000, 0xFFFFFFFF), range(0x10000000, 0xFFFFFFFF))),
        Line(1, 2, 3, "ingestion::blocks", "block arrived %d ms late, order kept", (Latency(900),)),
    ),
    (
        Metric("ingestion::blocks", "blocks_received", "count", 26, 0.2, 0.2, 0.6, whole=True),
        Metric("ingestion::blocks", "payload", "bytes", 610e3, 0.2, 0.2, 0.8, whole=True),
        Metric("ingestion::blocks", "insert_duration", "ms", 4.2, 0.1, 0.1, 0.5, odds=0.002),
        Metric("ingestion::blocks", "queue_depth", "count", 4, 0.3, 0.3, 1.0, whole=True),
        Metric("ingestion::process", "cpu_usage", "percent", 12, 0.2, 0.2, 0.3),
        Metric("ingestion::process", "memory", "bytes", 264e6, 0.04, 0.02, 0.1, whole=True),
    ),
    (
        (0.1, 4, "ingestion::main", "telemetry-ingestion-srv listening on 0.0.0.0:9000"),
        (0.4, 4, "ingestion::sql", "connected to postgres://telemetry:***@db-eu/telemetry"),
        (0.5, 5, "ingestion::sql", "schema is up to date: version 3"),
    ),
)  # fmt: skip

_LAUNCHER = Kind(
    60,
    (
        Line(3, 3, 4, "launcher::update", "no update: installed %s, channel 'retail'",
             (("1.4.2",),)),
        Line(2, 2, 5, "launcher::news", "GET https://news.example/aurora.json -> %d", (_OK,)),
    ),
    (Metric("launcher::process", "memory", "bytes", 96e6, 0.02, 0.01, whole=True),),
    (
        (0.2, 4, "launcher::main", "launcher 1.0.7, install path C:\\Games\\Aurora"),
        (14.0, 4, "launcher::main", 'starting "C:\\Games\\Aurora\\client.exe" -fullscreen'),
    ),
)  # fmt: skip

_CLIENTS = Kind(
    1800,
    (
        Line(14, 8, 5, "client::net", "snapshot %d applied, %d entities",
             (Serial(300), range(40, 260))),
        Line(9, 5, 4, "client::assets", 'loaded "%s/terrain_%02d.pak" in %d ms',
             (_MAPS, range(24), Latency(31))),
        Line(7, 6, 6, "client::input", "mouse dx=%d dy=%d", (range(-80, 80), range(-45, 45))),
        Line(5, 7, 4, "client::chat", '%s says "%s"', (_PLAYERS, _CHAT)),
        Line(1, 12, 3, "client::net", "server state is %d ms old, predicting",
             (Latency(140, 3.0),)),
        Line(1, 1, 3, "client::render", "shader C:\\Games\\Aurora\\cache\\%08x.bin was not cached",
             (range(0x10000000, 0xFFFFFFFF),)),
    ),
    (
        Metric("client::render", "frame_time", "ms", 8.4, 0.1, 0.1, 0.7, odds=0.01, alarm=33.3,
               warning="frame took %.1f ms (budget 16.7 ms)"),
        Metric("client::net", "ping", "ms", 34, 0.2, 0.2, 4.0),
        Metric("client::render", "draw_calls", "count", 2_310, 0.15, 0.2, whole=True),
        Metric("client::render", "video_memory", "bytes", 5.2e9, 0.05, 0.03, whole=True),
        Metric("client::render", "gpu_temperature", "°C", 67, 0.05, 0.08),
    ),
    (
        (0.3, 4, "client::main", "Aurora client, \"retail\" build, 日本語/English voice packs"),
        (0.4, 4, "client::config", "config: video.vsync = false, video.scale = 100%"),
        (1.6, 4, "client::net", "connected to 10.0.4.17:7777 as player slot 12"),
    ),
)  # fmt: skip

KINDS = {
    "agent": _AGENT,
    "server": _SERVER,
    "matchmaker": _MATCHMAKER,
    "store": _STORE,
    "ingestion": _INGESTION,
    "launcher": _LAUNCHER,
    "client": _CLIENTS,
}

_STACK = (
    "\nstack:\n"
    "   0: std::sys::abort_internal\n"
    "   1: game::watchdog::expired\n             at game/src/watchdog.rs:61\n"
    "   2: game::session::load_sessions\n             at game/src/session.rs:214\n"
    "   3: game::server::tick\n             at game/src/server.rs:88"
)

#: What is said once: process, seconds, level, target, text. The last line is the newest event.
STORY = (
    ("store", -1530.4, 4, "store::config",
     'config reload: session.ttl 300s -> 3s (override.toml, by "deploy-bot")'),
    ("store", -1491.0, 3, "store::shard", "hit ratio fell below 0.80: sessions are read from disk"),
    ("matchmaker", -1442.7, 3, "match::session",
     "session-store answers slowly (p95 812 ms > 250 ms): retries on, 3 attempts"),
    ("agent", -1320.3, 3, "fleet::health", "game-server: 2 of 5 probes late"),
    ("server", -1201.9, 2, "game::session",
     _STORE_ADDRESS + ": read timed out after 5000 ms (attempt 3 of 3)"),
    ("server", -1165, 1, "game::watchdog",
     "tick 72877 missed its deadline 300 times in a row, aborting" + _STACK),
    ("zoë", -1164.9, 2, "client::net",
     "connection to 10.0.4.17:7777 lost: peer reset; reconnecting…"),
    ("kenji", -1164.9, 2, "client::net",
     "connection to 10.0.4.17:7777 lost: peer reset; reconnecting…"),
    ("agent", -1164.4, 2, "fleet::spawn",
     '"game-server" (pid 4127) died of signal 6 (SIGABRT); restart 1 of 5 in 2000 ms'),
    ("agent", -1162.2, 4, "fleet::spawn", 'started "game-server" (pid 9313)'),
    ("zoë", -1158.8, 4, "client::net", "reconnected after 6.1 s"),
    ("kenji", -1157.2, 4, "client::net", "reconnected after 7.7 s"),
    ("store", -1112.6, 4, "store::config",
     "config reload: session.ttl 3s -> 300s (override.toml removed, by \"Zoë O'Neil\")"),
    ("store", -1004.5, 4, "store::shard", "hit ratio back above 0.95"),
    ("matchmaker", -940.2, 4, "match::session", "session-store well again (p95 4 ms): retries off"),
    ("server again", 0.0, 4, "game::loop", "heartbeat: 48 players, tick 11.6 ms, uptime 00:19:22"),
)  # fmt: skip

_LOOP, _SESSION, _NET = "game/src/server.rs", "game/src/session.rs", "game/src/net.rs"
_FRAME = "client\\src\\frame.rs"

#: (kind of process, name of the thread): time from frame to frame in µs, and what a frame does
THREADS = {
    ("server", "main"): (33_333, (
        Span(0, "tick", "game::server", _LOOP, 71, 180),
        Span(1, "receive", "game::net", _NET, 112, 420),
        Span(2, "decode packets", "game::net", _NET, 140, 640),
        Span(1, "load_sessions", "game::session", _SESSION, 201, 110),
        Span(2, "session_store::get", "game::session", _SESSION, 214, 620, 55.0),
        Span(1, "simulate", "game::world", "game/src/world.rs", 318, 340),
        Span(2, "update npcs", "game::world", "game/src/world.rs", 340, 2_300),
        Span(2, "resolve hits", "game::combat", "game/src/combat.rs", 57, 900),
        Span(2, 'stream chunk "Küstenstadt"', "game::world", "game/src/world.rs", 402, 3_800,
             odds=0.08),
        Span(1, "replicate", "game::net", _NET, 260, 380),
        Span(2, "encode snapshot", "game::net", _NET, 281, 1_900),
        Span(2, "send", "game::net", _NET, 305, 700),
        Span(1, "autosave", "game::session", _SESSION, 266, 2_200, 12.0, 0.04),
    )),
    ("server", "physics"): (16_667, (
        Span(0, "step", "game::physics", "game/src/physics.rs", 44, 70),
        Span(1, "broad phase", "game::physics", "game/src/physics.rs", 58, 900),
        Span(1, "narrow phase", "game::physics", "game/src/physics.rs", 83, 1_500),
        Span(2, "contact solver", "game::physics", "game/src/solver.rs", 19, 1_800),
        Span(1, "sleep islands", "game::physics", "game/src/physics.rs", 121, 210),
    )),
    ("matchmaker", "main"): (50_000, (
        Span(0, "round", "match::queue", "matchmaker/src/queue.rs", 39, 900),
        Span(1, "collect tickets", "match::queue", "matchmaker/src/queue.rs", 52, 2_600, 2.0),
        Span(2, "fetch session", "match::session", "matchmaker/src/session.rs", 77, 2_100, 40.0),
        Span(1, "solve", "match::solver", "matchmaker/src/solver.rs", 18, 6_200, 3.0),
        Span(2, "cost matrix", "match::solver", "matchmaker/src/solver.rs", 96, 8_800, 3.0),
        Span(1, "announce", "match::queue", "matchmaker/src/queue.rs", 131, 1_200),
    )),
    ("store", "shard 0"): (20_000, (
        Span(0, "serve batch", "store::shard", "store/src/shard.rs", 88, 120),
        Span(1, "lookup", "store::shard", "store/src/shard.rs", 102, 310),
        Span(2, "read from disk", "store::disk", "store/src/disk.rs", 41, 700, 45.0, 0.6),
        Span(1, "evict expired", "store::evict", "store/src/evict.rs", 23, 260, 14.0),
        Span(1, "append wal", "store::wal", "store/src/wal.rs", 65, 540),
        Span(2, "fsync", "store::wal", "store/src/wal.rs", 92, 1_900, 1.5, 0.3),
    )),
    ("client", "render"): (8_333, (
        Span(0, "frame", "client::render", _FRAME, 33, 150),
        Span(1, "apply snapshot", "client::net", "client\\src\\net.rs", 210, 300, 6.0),
        Span(1, "animate", "client::world", "client\\src\\world.rs", 77, 900),
        Span(1, "record commands", "client::render", _FRAME, 61, 400),
        Span(2, "shadow pass", "client::render", "client\\src\\passes.rs", 20, 1_100),
        Span(2, "opaque pass", "client::render", "client\\src\\passes.rs", 58, 1_700),
        Span(2, "compile shader", "client::render", "client\\src\\shader.rs", 134, 14_000,
             odds=0.015),
        Span(1, "present", "client::render", _FRAME, 97, 1_200),
    )),
}  # fmt: skip
