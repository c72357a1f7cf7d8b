"""Data: the log messages that occur once, at the start of a process or during the incident.

Times are in seconds relative to the newest event (negative), unless a comment says otherwise.
"""

from __future__ import annotations

from micromegas_dbapi.demo.scenario.fleet import STORE_ADDRESS

__all__ = ["INCIDENT_MESSAGES", "STARTUP_MESSAGES"]

#: By kind of process: seconds after the start, level, target, text.
STARTUP_MESSAGES: dict[str, tuple[tuple[float, int, str, str], ...]] = {
    "agent": (
        (0.2, 4, "fleet::main", "fleet-agent 3.2.0 starting on node-eu-01 (2 services wanted)"),
        (0.3, 4, "fleet::config", "config: restart.max = 5, restart.delay = 2000 ms (default)"),
        (6.4, 4, "fleet::spawn", 'started "game-server" (pid 4127)'),
        (7.1, 4, "fleet::spawn", 'started "matchmaker" (pid 4131)'),
    ),
    "server": (
        (0.1, 4, "game::main", 'game-server 1.4.2 (release, 2f9c1ab) map "Küstenstadt"'),
        (0.2, 4, "game::config", "config: server.tick_rate = 30"),
        (0.2, 4, "game::config", 'config: session.url = "tcp://node-eu-02:6380?timeout=5s&pool=16"'),
        (0.3, 5, "game::config", 'config: motd = "Welcome, have fun!\\n-- the Aurora team"'),
        (0.9, 4, "game::world", "4 maps loaded:\n  Küstenstadt\n  Old Mill\n  Harbor\n  峡谷"),
        (1.4, 4, "game::net", "listening on [::]:7777 (udp), [::]:7780 (http)"),
    ),
    "matchmaker": (
        (0.1, 4, "match::main", "matchmaker 1.4.2 (release, 2f9c1ab)"),
        (0.2, 4, "match::config", "config: queue.regions = [eu-west, us-east, ap-northeast]"),
        (0.2, 4, "match::config", "config: solver.max_wait = 45s (default)"),
        (0.5, 4, "match::session", "connected to " + STORE_ADDRESS),
    ),
    "store": (
        (0.1, 4, "store::main", "session-store 2.9.1, 4 shards, data in /var/lib/session-store"),
        (0.2, 4, "store::config", "config: session.ttl = 300s"),
        (1.1, 4, "store::wal", "wal: replayed 5510 segments, 0 torn"),
        (1.8, 4, "store::main", "listening on [::]:6380"),
    ),
    "ingestion": (
        (0.1, 4, "ingestion::main", "telemetry-ingestion-srv listening on 0.0.0.0:9000"),
        (0.4, 4, "ingestion::sql", "connected to postgres://telemetry:***@db-eu/telemetry"),
        (0.5, 5, "ingestion::sql", "schema is up to date: version 3"),
    ),
    "launcher": (
        (0.2, 4, "launcher::main", "launcher 1.0.7, install path C:\\Games\\Aurora"),
        (14.0, 4, "launcher::main", 'starting "C:\\Games\\Aurora\\client.exe" -fullscreen'),
    ),
    "client": (
        (0.3, 4, "client::main", "Aurora client, \"retail\" build, 日本語/English voice packs"),
        (0.4, 4, "client::config", "config: video.vsync = false, video.scale = 100%"),
        (1.6, 4, "client::net", "connected to 10.0.4.17:7777 as player slot 12"),
    ),
}  # fmt: skip

_STACK = (
    "\nstack:\n"
    "   0: std::sys::abort_internal\n"
    "   1: game::watchdog::expired\n             at game/src/watchdog.rs:61\n"
    "   2: game::session::load_sessions\n             at game/src/session.rs:214\n"
    "   3: game::server::tick\n             at game/src/server.rs:88"
)

#: Key of the process, seconds, level, target, text. The last message is the newest event.
INCIDENT_MESSAGES = (
    ("store", -1530.4, 4, "store::config",
     'config reload: session.ttl 300s -> 3s (override.toml, by "deploy-bot")'),
    ("store", -1491.0, 3, "store::shard", "hit ratio fell below 0.80: sessions are read from disk"),
    ("matchmaker", -1442.7, 3, "match::session",
     "session-store answers slowly (p95 812 ms > 250 ms): retries on, 3 attempts"),
    ("agent", -1320.3, 3, "fleet::health", "game-server: 2 of 5 probes late"),
    ("server", -1201.9, 2, "game::session",
     STORE_ADDRESS + ": read timed out after 5000 ms (attempt 3 of 3)"),
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
