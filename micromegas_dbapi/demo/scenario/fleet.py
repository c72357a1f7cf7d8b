"""Data: the processes of the demo lake, their computers and their users.

Times are in seconds relative to the newest event (negative).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from micromegas_dbapi.time_units import SECOND

__all__ = ["HOSTS", "PROCESSES", "STORE_ADDRESS", "USERS", "Host", "Process"]


class Host(NamedTuple):
    """A computer.

    Attributes
    ----------
    distro : str
        The operating system.
    cpu_brand : str
        The processor.
    tsc_frequency : int
        The frequency of its tick counter, in Hz.
    uptime : int
        The time since its boot when the lake begins, in seconds.
    """

    distro: str
    cpu_brand: str
    tsc_frequency: int
    uptime: int


class Process(NamedTuple):
    """A process.

    Attributes
    ----------
    key : str
        Its unique name in the scenario.
    kind : str
        The key of its log messages and metrics.
    exe : str
        The executable.
    computer : str
        A key of `HOSTS`.
    username : str
        A key of `USERS`.
    parent : str
        The key of its parent process, or empty.
    start : float
        When it starts.
    end : float
        When it ends.
    properties : mapping of str to str
        Its properties.
    threads : tuple of str
        The names of its threads with spans.
    """

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

    @property
    def lifetime(self) -> tuple[int, int]:
        """`start` and `end` in ns."""
        return round(self.start * SECOND), round(self.end * SECOND)


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

#: The address of the session store in the messages of its clients.
STORE_ADDRESS = "session-store@node-eu-02:6380"

_CLIENT = "C:\\Games\\Aurora\\client.exe"

#: In the order of their start.
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
