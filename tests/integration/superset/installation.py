"""Install a pinned Superset with this project, and create its metadata, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
#: The versions of Python that have wheels of all pinned packages, best first.
PYTHONS = ((3, 11), (3, 12), (3, 10))


class InstallationError(Exception):
    """Superset's packages cannot be installed here; the message says why."""


class Installation:
    """A folder with Superset's environment and metadata.

    What is there already is used again.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder.resolve()
        self.version = version
        self.environment = self.folder / f"superset-{version}"
        self.metadata = self.folder / f"metadata-{version}.db"
        self.constraints = HERE / f"constraints-{version}.txt"
        self._begun = time.monotonic()

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def variables(self, home: Path) -> dict[str, str]:
        """Environment variables of Superset's processes."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {
            **kept,
            "FLASK_APP": "superset.app:create_app()",
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
            "SUPERSET_HOME": str(home),
        }

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.metadata.exists():
            shutil.rmtree(self.environment, ignore_errors=True)
            self._install()
        self._install_project()
        if not self.metadata.exists():
            self._create_metadata()

    def _install(self) -> None:
        self._run(_python(), "-m", "venv", str(self.environment))
        quiet = ["-q", "--disable-pip-version-check"]
        self._run(str(self.python), "-m", "pip", "install", *quiet, "uv")  # several times faster
        alone = ["--no-deps"] if self.version == "5.0" else []  # its pin of pyarrow is too old
        self._pip("install", "-q", *alone, "-r", str(self.constraints))
        self.say("Superset's packages are installed")

    def _install_project(self) -> None:
        """Install the project as a user does, and show that it moves nothing of Superset's."""
        before = self._frozen()
        self._pip("install", "-q", f"{PROJECT}[sqlalchemy,infer,lake]")
        moved = before - self._frozen()
        if moved := {line for line in moved if not line.startswith("micromegas")}:
            raise InstallationError(f"the project moves pins of Superset: {sorted(moved)}")
        done = self._pip("check", check=False)
        output = done.stdout + done.stderr
        if self.version == "5.0":
            output = "\n".join(line for line in output.splitlines() if "pyarrow" not in line)
            done.returncode = int("requires" in output.replace("requirement", "requires"))
        if done.returncode:
            raise InstallationError(f"pip check: {output}")
        self.say("the project is installed; it moves no pin, and pip check is clean")

    def _create_metadata(self) -> None:
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        superset = str(self.environment / "bin" / "superset")
        user = "--username admin --firstname a --lastname b --email a@b.c --password admin"
        steps = (("db", "upgrade"), ("fab", "create-admin", *user.split()), ("init",))
        for step in steps:
            self._run(superset, *step, env=self.variables(home), cwd=home)
            self.say(f"superset {' '.join(step[:2])}")
        (home / "metadata.db").rename(self.metadata)

    def _frozen(self) -> set[str]:
        return set(self._pip("freeze").stdout.splitlines())

    def _pip(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        uv = str(self.environment / "bin" / "uv")
        command = [uv, "pip", *arguments, "--python", str(self.python)]
        return self._run(*command, check=check)

    def _run(
        self, *command: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
        if check and done.returncode:
            tail = (done.stdout + done.stderr)[-2000:]
            raise InstallationError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
        return done

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._begun:5.0f} s] {text}", flush=True)


def _python() -> str:
    """Find an interpreter for which Superset's pinned packages are built."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    names = [f"python{major}.{minor}" for major, minor in PYTHONS]
    for name in names:
        found = shutil.which(name)
        if found and not subprocess.run([found, "-c", ""], check=False).returncode:
            return found
    raise InstallationError(f"its packages need one of {', '.join(names)}, and none is in the path")
