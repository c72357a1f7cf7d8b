"""Superset with this project, as its users use it: ``python -m tests.integration.superset FOLDER``.

Installs a pinned Superset into the folder, starts local services with a recorder before them, and
does by REST what users do. The data of charts are compared with the driver's own, and the time
range that the service received is checked for each. With ``--browser`` the same in a real one.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import micromegas_dbapi as mm
from tests.integration.superset import (
    charts,
    dashboards,
    databases,
    sql_lab,
    stopping,
    tokens,
)
from tests.integration.superset.installation import Installation, InstallationError
from tests.integration.superset.processes import Processes
from tests.integration.superset.recorders import Recorder
from tests.integration.superset.rest import Checks, Session
from tests.integration.superset.scene import Scene
from tests.wire.recordings import unpack

#: SQL Lab's limit in the second Superset, in seconds.
TIMEOUT = 4


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.integration.superset", description=__doc__
    )
    parser.add_argument("folder", type=Path, nargs="?", help="a temporary one by default")
    parser.add_argument("--version", choices=("6.1", "5.0"), default="6.1", help="of Superset")
    parser.add_argument("--browser", action="store_true", help="also use chromium")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.folder or stack.enter_context(tempfile.TemporaryDirectory())
        installation = Installation(Path(folder), options.version)
        try:
            installation.prepare()
        except InstallationError as error:
            print(f"Superset {options.version} cannot be installed here: {error}")
            return 1
        return run(stack, installation, options.browser)


def run(stack: contextlib.ExitStack, installation: Installation, browser: bool) -> int:
    begun = time.monotonic()
    home = installation.folder / "run"
    processes = stack.enter_context(Processes(installation, home))
    http, grpc = processes.service("service", "--demo", "--seed", "7")
    recorded = unpack("flight-0.30", home) / "data"
    lake_http, lake_grpc = processes.service("lake", "--lake", str(recorded))
    url = processes.superset("superset")
    other = processes.superset("superset-2", SQLLAB_TIMEOUT=str(TIMEOUT))
    processes.wait_for(http, grpc, lake_http, lake_grpc)
    recorder = Recorder()
    http_proxy = stack.enter_context(recorder.over_http(http))
    grpc_proxy = stack.enter_context(recorder.over_grpc(grpc))
    direct = stack.enter_context(mm.connect(f"grpc://127.0.0.1:{grpc}"))
    lake = stack.enter_context(mm.connect(f"grpc://127.0.0.1:{lake_grpc}"))
    processes.wait_for(url, other)
    urls = {
        "http": f"micromegas+http://127.0.0.1:{http_proxy}",
        "grpc": f"micromegas+grpc://127.0.0.1:{grpc_proxy}",
        "gateway": f"micromegas+gateway://127.0.0.1:{http}",
        "web": f"micromegas+web://127.0.0.1:{http}/mm",
        "lake": f"micromegas+grpc://127.0.0.1:{lake_grpc}",
        "demo": "micromegas+demo://",
    }
    checks = Checks()
    scene = Scene(Session(url), checks, recorder, direct, lake, urls, other)
    checks.step(f"services and Superset run (started in {time.monotonic() - begun:.0f} s)")
    databases.check(scene)
    sql_lab.check(scene)
    charts.check(scene)
    board, numbers = dashboards.check(scene)
    tokens.check(scene, home, installation)
    stopping.check(scene, TIMEOUT)
    if browser:
        from tests.integration.superset import browser as in_browser

        in_browser.check(scene, board, numbers, home, installation.python)
    print_charts(scene)
    checks.step(f"{checks.count} checks, {len(checks.failed)} wrong")
    return 1 if checks.failed else 0


def print_charts(scene: Scene) -> None:
    print("\n| chart | SQL sent | range received |\n|---|---|---|")
    for name, sql, received in scene.charts:
        print(f"| {name} | `{sql}` | {received} |")
    print()


if __name__ == "__main__":
    sys.exit(main())
