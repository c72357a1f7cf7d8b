"""Take the pictures of docs/pictures/ of tools with web pages: ``python -m tests.tools.pictures``.

It runs the code of their pages. It needs the packages chromium and chromium-driver of Debian, and
selenium.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent

from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.pages import ROOT, read
from tests.tools.environments import QUIET, environment

NOTEBOOK = """\
import marimo

app = marimo.App()


@app.cell
def _():
{}
    return engine, mo


@app.cell
def _(engine, mo):
{}
    return (levels,)
"""


def blocks(name: str) -> list[str]:
    page = ROOT / "docs" / "tools" / f"{name}.md"
    return [block.code for block in read(page) if block.language == "python"]


@contextmanager
def running(name: str, *arguments: str) -> Iterator[str]:
    """Run a command of a tool; gives the URL of its page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = environment(name).with_name(name)
    with TemporaryDirectory() as home:
        settings = Path(home, ".config", "marimo", "marimo.toml")
        settings.parent.mkdir(parents=True)
        settings.write_text("[runtime]\nauto_instantiate = true\n", "utf-8")
        process = subprocess.Popen(
            [command, *(argument.replace("PORT", str(port)) for argument in arguments)],
            env={**os.environ, **QUIET, "HOME": home},
            stdout=subprocess.DEVNULL,
        )
        try:
            while True:
                assert process.poll() is None
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(30)


def take(url: str, picture: str, size: tuple[int, int], text: str, canvases: int = 0) -> None:
    """Take a picture when the page shows a text and a number of charts and tables."""
    options = webdriver.ChromeOptions()
    for option in ("headless", "no-sandbox", "hide-scrollbars", f"window-size={size[0]},{size[1]}"):
        options.add_argument(f"--{option}")
    browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        browser.get(url)
        WebDriverWait(browser, 120).until(
            lambda _: (
                text in browser.find_element("tag name", "body").text
                and len(browser.find_elements("tag name", "canvas")) >= canvases
            )
        )
        time.sleep(8)  # animations, and data of what is shown
        browser.save_screenshot(str(ROOT / "docs" / "pictures" / picture))
    finally:
        browser.quit()


def main() -> None:
    with TemporaryDirectory() as folder:
        app, notebook = Path(folder, "app.py"), Path(folder, "notebook.py")
        [code] = blocks("streamlit")
        app.write_text(code, "utf-8")
        server = ["--server.headless", "true", "--server.address", "127.0.0.1"]
        server += ["--server.port", "PORT", "--client.toolbarMode", "minimal"]
        with running("streamlit", "run", str(app), *server) as url:
            take(url, "streamlit.png", (700, 1050), "entries", canvases=2)
        cells = (indent(code, "    ") for code in blocks("marimo"))
        notebook.write_text(NOTEBOOK.format(next(cells), next(cells)), "utf-8")
        options = ["--headless", "--no-token", "--skip-update-check", "--host", "127.0.0.1"]
        with running("marimo", "edit", str(notebook), *options, "--port", "PORT") as url:
            take(url, "marimo.png", (1000, 750), "Export")


if __name__ == "__main__":
    main()
