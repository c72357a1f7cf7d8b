"""The demo lake: an hour of believable telemetry, made of a seed.

The scene is an online game, "Aurora", and one hour of it. At 25 minutes before the end somebody
shortens the life of cached sessions; the session store falls behind, game ticks and queues grow, a
game server aborts and is restarted, the change is taken back, and all is well again ten minutes
later. The scene is data: ``timeline``, ``cast``, ``log_lines``, ``story``, ``metrics`` and
``frames``. ``logs``, ``measures`` and ``spans`` play it, ``processes``, ``streams`` and ``blocks``
tell who sent what when, and ``write`` makes all of it the files of a 0.2.3 service.
"""

from __future__ import annotations

from micromegas_dbapi.demo.generate.writer import LARGEST_SIZE, write_demo

__all__ = ["LARGEST_SIZE", "write_demo"]
