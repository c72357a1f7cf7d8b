"""Data: the call trees that the threads of the demo lake repeat."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CALL_TREES", "Span"]


class Span(NamedTuple):
    """A span of a call tree. A tree lists its spans in preorder.

    Attributes
    ----------
    depth : int
        The number of callers.
    name : str
        The name of the span.
    target : str
        The module.
    filename : str
        The source file.
    line : int
        The line in the source file.
    own : int
        The time outside of its children, in µs.
    slow : float
        How many times slower it is at the worst of the incident, minus one.
    odds : float
        The probability of the span in a call tree. Below 1 only for spans without children.
    """

    depth: int
    name: str
    target: str
    filename: str
    line: int
    own: int
    slow: float = 0.0
    odds: float = 1.0


_LOOP, _SESSION, _NET = "game/src/server.rs", "game/src/session.rs", "game/src/net.rs"
_FRAME = "client\\src\\frame.rs"

#: By kind of process and name of the thread: the period of a call tree in µs, and its spans.
CALL_TREES = {
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
