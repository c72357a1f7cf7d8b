"""Drive harlequin as a user does; run by test_app.py in the environment of harlequin.

    python app_session.py URL BEGIN [PICTURE]

BEGIN is the begin of the time range, and PICTURE the SVG file for a picture of the screen. Prints
what was seen as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from harlequin import Harlequin
from harlequin.exception import HarlequinQueryError

LOG = """\
SELECT time, level, target, msg
FROM log_entries
WHERE level <= 3
ORDER BY time DESC"""
ENDLESS = "SELECT value FROM generate_series(1, 300000000000) WHERE value % 7 = 9"
EXACT = "SELECT TIMESTAMP '2026-11-01T00:00:00.000000001' AS t, 9223372036854775807 AS n"


class Session:
    """The app, and what was seen of it."""

    def __init__(self, app: Any, pilot: Any) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for a condition, and return what it returns."""
        end = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < end, "it does not come true"
            await self.pilot.pause(0.05)
        return found

    async def expand(self, node: Any) -> list[Any]:
        """Return the nodes below a node, without the one that is shown while they are loaded."""
        node.expand()
        await self.until(lambda: node.children and "loading" not in str(node.children[0].label))
        return list(node.children)

    async def run(self, sql: str) -> None:
        self.app.editor.text = sql
        self.app.editor.focus()
        await self.pilot.pause(0.3)
        await self.pilot.press("ctrl+j")

    async def rows(self, sql: str) -> Any:
        """Run a statement and return the table of its rows."""
        before = self.table()
        await self.run(sql)
        await self.until(lambda: self.table() is not before and self.table().row_count)
        return self.table()

    def table(self) -> Any:
        return self.app.results_viewer.get_visible_table()

    async def error(self) -> list[str]:
        """Return the header and the text of the window with an error, and close it."""
        await self.until(lambda: len(self.app.screen_stack) > 1)
        window = self.app.screen_stack[-1]
        await self.pilot.pause(0.3)
        await self.pilot.press("escape")
        await self.until(lambda: len(self.app.screen_stack) == 1)
        return [window.header, str(window.error)]


def titled(nodes: list[Any], start: str) -> Any:
    (found,) = (node for node in nodes if str(node.label).startswith(start))
    return found


def seconds_to_cancel(connection: Any) -> float:
    """Return how long a statement runs on after it is cancelled."""
    ended: list[float] = []

    def run() -> None:
        try:
            connection.execute(ENDLESS).fetchall()
        except HarlequinQueryError:
            ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    assert thread.is_alive()
    cancelled = time.monotonic()
    connection.cancel()
    thread.join()
    return ended[0] - cancelled


async def used(url: str, begin: str, picture: str | None = None) -> dict[str, Any]:
    (entry_point,) = entry_points(group="harlequin.adapter", name="micromegas")
    adapter = entry_point.load()((url,), begin=begin)
    app = Harlequin(adapter)
    seen: dict[str, Any] = {}
    async with app.run_test(size=(140, 40)) as pilot:
        session = Session(app, pilot)
        await session.until(lambda: app.connection is not None and app.editor is not None)
        tree = app.data_catalog.database_tree
        (service,) = await session.until(lambda: tree.root.children)
        seen["service"] = str(service.label)
        views = await session.expand(service)
        seen["views"] = [str(node.label) for node in views]
        below = await session.expand(titled(views, "log_entries"))
        seen["columns"] = [str(node.label) for node in below]
        seen["instances"] = len(await session.expand(titled(below, "(processes)")))

        table = await session.rows(LOG)
        seen["newest"] = list(table.get_row_at(0))
        if picture:
            await pilot.pause(6)  # notifications have gone
            app.save_screenshot(picture)
        seen["exact"] = list((await session.rows(EXACT)).get_row_at(0))

        await session.run("DELETE FROM log_entries")
        seen["refused"] = await session.error()
        await session.run("SELECT nope FROM log_entries")
        seen["wrong"] = await session.error()

        await session.run(ENDLESS)
        await pilot.pause(1)
        app.action_cancel_query()
        seen["cancelled"] = await session.error()
        seen["seconds"] = await asyncio.to_thread(seconds_to_cancel, app.connection)

        items = {str(label): call for label, call in service.data.INTERACTIONS}
        items["Time Range: Last hour"](service.data, app.harlequin_driver)
        # The tree is empty for a moment while it is built again.
        titles = lambda: [str(node.label) for node in tree.root.children]  # noqa: E731
        await session.until(lambda: any("last hour" in title for title in titles()))
        (seen["range"],) = titles()
        count = "SELECT count(*) AS n FROM log_entries WHERE time < now() - INTERVAL '2 hours'"
        seen["count"] = list((await session.rows(count)).get_row_at(0))
        cursor = app.connection.execute("SELECT value FROM generate_series(1, 100000)")
        seen["limit"] = cursor.set_limit(3).fetchall().to_pydict()
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(used(*sys.argv[1:]))))
