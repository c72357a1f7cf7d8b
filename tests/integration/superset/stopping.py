"""A statement that is stopped, or runs too long, ends within a second."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from tests.integration.superset.rest import Session, message
from tests.integration.superset.scene import Scene

ENDLESS = "SELECT count(*) AS n FROM generate_series(1, 100000000000) AS t WHERE value % 7 = 9"
LATEST = 1.0


def check(scene: Scene, timeout: float) -> None:
    scene.checks.step("stopping")
    other = Session(scene.other)  # another process than the one that runs the statement
    _stop(scene, "http", other)  # the second Superset loads much for its first request
    for database in ("http", "grpc", "gateway", "web", "demo"):
        took, latest = _stop(scene, database, other), LATEST + _of_machine(scene)
        scene.checks.true(f"stop {database}: in time", took < latest, (took, latest))
        print(f"  {database}: ended {took:.2f} s after the stop")
    scene.checks.step("timeout")
    begun = time.monotonic()
    answer, _ = scene.execute("grpc", ENDLESS, session=other)
    took = time.monotonic() - begun
    scene.checks.contains("timeout: error", message(answer), f"exceeded the {timeout:.0f} seconds")
    latest = timeout + LATEST + _of_machine(scene)
    scene.checks.true("timeout: in time", timeout <= took < latest, (took, latest))


def _of_machine(scene: Scene) -> float:
    """How long Superset takes for two statements that do nothing."""
    begun = time.monotonic()
    for _ in range(2):
        scene.execute("demo", "SELECT 1 AS one")
    return time.monotonic() - begun


def _stop(scene: Scene, database: str, other: Session) -> float:
    client, done = uuid.uuid4().hex[:11], {}

    def run() -> None:
        done["answer"], _ = scene.execute(database, ENDLESS, client_id=client)
        done["at"] = time.monotonic()

    thread = threading.Thread(target=run)
    thread.start()
    _wait_until_it_runs(other, client)
    time.sleep(0.5)
    scene.checks.true(f"stop {database}: it runs", not done, done)
    begun = time.monotonic()
    other("POST", "/api/v1/query/stop", {"client_id": client})
    scene.checks.equal(f"stop {database}: accepted", other.status, 200)
    thread.join(30)
    took = done.get("at", float("inf")) - begun
    status: Any = done.get("answer", {}).get("status")
    scene.checks.equal(f"stop {database}: status", status, "stopped")
    return took


def _wait_until_it_runs(session: Session, client: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        known = session("GET", "/api/v1/query/updated_since?q=(last_updated_ms:0)")["result"]
        if {each["id"]: each["state"] for each in known}.get(client) == "running":
            return
        time.sleep(0.1)
