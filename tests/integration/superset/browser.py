"""The same in a real browser: Debian's chromium, by selenium, which Superset brings.

Selenium is in Superset's environment, so the browser runs in a process of its own: this file as a
program.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.integration.superset.scene import Scene

SQL_LAB = """SELECT date_bin(INTERVAL '5 minutes', time) AS slot, exe, count(*) AS entries,
  approx_percentile_cont(level, 0.5) AS median_level
FROM log_entries
WHERE {within} AND msg ~ '[0-9]+'
GROUP BY 1, 2 ORDER BY 1, 2"""
SPANS = """SELECT name, count(*) AS calls, max(duration) / 1e6 AS slowest_ms
FROM view_instance('thread_spans', '{stream}')
WHERE begin >= '{since}'
GROUP BY name ORDER BY slowest_ms DESC NULLS LAST"""
_TABLE = "[role=grid], .ag-root, [data-test='table-container'], .ReactVirtualized__Grid"
_BUSY = "[data-test='loading-indicator'], .loading, .ant-spin-spinning"
_SECONDS = 120


def check(scene: Scene, board: int, charts: list[int], home: Path, python: Path) -> None:
    """Open SQL Lab, a chart, the dashboard; pictures land in the folder."""
    scene.checks.step("browser")
    if missing := [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]:
        scene.checks.true(
            "browser", False, f"no {missing[0]}: apt-get install chromium chromium-driver"
        )
        return
    database = scene.databases["grpc"]
    since = scene.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = {
        "sqllab": _editor(database, SQL_LAB.format(within=scene.within)),
        "spans": _editor(database, SPANS.format(stream=scene.stream, since=since)),
        "chart": (f"/explore/?slice_id={charts[0]}", "canvas"),
        "dashboard": (f"/superset/dashboard/{board}/", "canvas"),
        "databases": ("/databaseview/list/", "table, [role=table]"),
    }
    command = [python, __file__, scene.session.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        for name, (path, css) in pages.items():
            mark = scene.recorder.mark
            asked = {"path": path, "css": css, "picture": f"{home}/{name}.png"}
            seen = _ask(process, asked)
            received = scene.recorder.since(mark)
            scene.checks.equal(f"browser: {name}", seen, "seen")
            print(f"  {name}: {len(received)} statements, {home}/{name}.png")
            if name in ("sqllab", "spans", "dashboard"):
                begins = {(each.begin or "")[:19] for each in received}
                scene.checks.equal(f"browser: {name}: range", begins, {scene.expected_range()[0]})
        process.stdin.close()


def _ask(process: Any, asked: dict[str, str]) -> str:
    """Have a page opened; gives what became of it."""
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def _editor(database: int, sql: str) -> tuple[str, str]:
    asked = {"dbid": database, "sql": sql, "title": "telemetry", "autorun": "true"}
    return "/sqllab/?" + urlencode({**asked, "schema": "public"}), _TABLE


def visit(url: str) -> None:
    """Log in. Then, for each line of stdin, open a page, wait for an element, take a picture."""
    from PIL import Image
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    flags = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage")
    for flag in (*flags, "window-size=1500,950", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    wait = WebDriverWait(driver, _SECONDS)
    driver.set_page_load_timeout(_SECONDS)

    def find(css: str) -> Any:
        return wait.until(lambda _: next(iter(driver.find_elements(By.CSS_SELECTOR, css)), None))

    def show(asked: dict[str, str]) -> str:
        try:
            driver.get(url + asked["path"])
            find(asked["css"])
            wait.until(lambda _: not driver.find_elements(By.CSS_SELECTOR, _BUSY))
            time.sleep(3)  # drawings are animated
        except WebDriverException as error:
            return f"{type(error).__name__}: {error.msg}".replace("\n", " ")
        finally:
            driver.save_screenshot(asked["picture"])
        with Image.open(asked["picture"]) as picture:  # a third of the size
            picture.convert("RGB").quantize(128).save(asked["picture"], optimize=True)
        return "seen"

    try:
        driver.get(url + "/login/")
        find("input#username, input[name=username], [data-test='username-input']").send_keys(
            "admin"
        )
        find("input[type=password]").send_keys("admin")
        find("button[type=submit], input[type=submit]").click()
        wait.until(lambda _: "/login" not in driver.current_url)
        for line in sys.stdin:
            print(show(json.loads(line)), flush=True)
    finally:
        driver.quit()


if __name__ == "__main__":
    visit(sys.argv[1])
