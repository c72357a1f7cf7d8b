"""Data: the metrics of each kind of process, and how their values change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["METRICS", "Metric"]


class Metric(NamedTuple):
    """A metric with a fixed sampling rate: a random walk and a slow wave around `base`.

    Attributes
    ----------
    target : str
        The module.
    name : str
        The name of the metric.
    unit : str
        The unit of its values.
    base : float
        The mean in normal operation.
    walk : float
        The amplitude of the random walk, as a fraction of `base`.
    wave : float
        The amplitude of the wave, as a fraction of `base`.
    trouble : float
        The change at the worst of the incident, as a fraction of `base`. The sum of all three is
        small enough for values above zero.
    whole : bool
        Whether values are rounded to integers.
    odds : float
        The probability of a spike in a sample.
    alarm : float
        A value above it logs a warning.
    warning : str
        The message of the warning, with one placeholder for the value.
    properties : mapping of str to str
        The properties of each row.
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


#: By kind of process.
METRICS: dict[str, tuple[Metric, ...]] = {
    "agent": (
        Metric("fleet::host", "cpu_usage", "percent", 37, 0.2, 0.2, 0.5),
        Metric("fleet::host", "memory", "bytes", 21.4e9, 0.02, 0.02, 0.05, whole=True),
        Metric("fleet::host", "disk_free", "bytes", 388e9, 0.001, 0.0, whole=True),
    ),
    "server": (
        Metric("game::loop", "frame_time", "ms", 11.5, 0.08, 0.12, 3.6, odds=0.004, alarm=33.3,
               warning="tick took %.1f ms (budget 33.3 ms)"),
        Metric("game::session", "session_get", "ms", 1.9, 0.1, 0.1, 18.0),
        Metric("game::loop", "players", "count", 48, 0.12, 0.2, -0.1, whole=True),
        Metric("game::net", "packets_sent", "count", 5_900, 0.1, 0.2, -0.3, whole=True),
        Metric("game::process", "cpu_usage", "percent", 44, 0.15, 0.15, 0.4),
        Metric("game::process", "memory", "bytes", 3.1e9, 0.03, 0.02, 0.35, whole=True),
    ),
    "matchmaker": (
        Metric("match::queue", "queue_depth", "count", 22, 0.25, 0.3, 6.0, whole=True,
               alarm=120, warning="queue is long: %d tickets (limit 120)"),
        Metric("match::queue", "time_to_match", "ms", 2_400, 0.15, 0.2, 3.2),
        Metric("match::process", "cpu_usage", "percent", 18, 0.2, 0.2, 1.1),
        Metric("match::process", "memory", "bytes", 412e6, 0.03, 0.02, 0.2, whole=True),
    ),
    "store": (
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
    "ingestion": (
        Metric("ingestion::blocks", "blocks_received", "count", 26, 0.2, 0.2, 0.6, whole=True),
        Metric("ingestion::blocks", "payload", "bytes", 610e3, 0.2, 0.2, 0.8, whole=True),
        Metric("ingestion::blocks", "insert_duration", "ms", 4.2, 0.1, 0.1, 0.5, odds=0.002),
        Metric("ingestion::blocks", "queue_depth", "count", 4, 0.3, 0.3, 1.0, whole=True),
        Metric("ingestion::process", "cpu_usage", "percent", 12, 0.2, 0.2, 0.3),
        Metric("ingestion::process", "memory", "bytes", 264e6, 0.04, 0.02, 0.1, whole=True),
    ),
    "launcher": (Metric("launcher::process", "memory", "bytes", 96e6, 0.02, 0.01, whole=True),),
    "client": (
        Metric("client::render", "frame_time", "ms", 8.4, 0.1, 0.1, 0.7, odds=0.01, alarm=33.3,
               warning="frame took %.1f ms (budget 16.7 ms)"),
        Metric("client::net", "ping", "ms", 34, 0.2, 0.2, 4.0),
        Metric("client::render", "draw_calls", "count", 2_310, 0.15, 0.2, whole=True),
        Metric("client::render", "video_memory", "bytes", 5.2e9, 0.05, 0.03, whole=True),
        Metric("client::render", "gpu_temperature", "°C", 67, 0.05, 0.08),
    ),
}  # fmt: skip
