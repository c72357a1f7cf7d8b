"""The demo lake: an hour of realistic telemetry, generated from a seed.

It shows an incident of an online game, "Aurora". 25 minutes before the end, somebody shortens the
lifetime of cached sessions. The session store falls behind, game ticks and queues get longer, and a
game server aborts and is restarted. The change is reverted, and ten minutes later everything is
back to normal.

``scenario`` defines what happens, as data. ``generate`` creates the tables and writes them as the
files of a 0.2.3 service.
"""

from __future__ import annotations

from micromegas_dbapi.demo.generate.writer import LARGEST_SIZE, write_demo

__all__ = ["LARGEST_SIZE", "write_demo"]
