"""Run the tests of the dialect, SQLAlchemy's suite among them, on the three lines of SQLAlchemy.

``python tests/conformance/lines.py``: each line gets an environment of its own in a temporary
folder. Arguments are passed on to pytest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = {
    "1.4": ["sqlalchemy==1.4.54", "pandas==2.1.4", "pyarrow==18.1.0", "numpy<2"],
    "2.0": ["sqlalchemy>=2.0,<2.1", "pandas>=2.3,<3"],
    "2.1": ["sqlalchemy>=2.1,<2.2", "pandas>=3.1"],
}
TESTS = ["tests/conformance/test_sqlalchemy.py", "tests/sqlalchemy"]


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for line, pins in LINES.items():
            python = Path(folder, line, "bin", "python")
            venv.create(python.parents[1], with_pip=True)
            pip = [str(python), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "-e", f"{ROOT}[test]", *pins], check=True)
            print(f"== SQLAlchemy {line}", flush=True)
            run = [str(python), "-m", "pytest", "-q", "-s", *TESTS, *sys.argv[1:]]
            if subprocess.run(run, cwd=ROOT).returncode:
                failed.append(line)
    print("failed:", ", ".join(failed) or "none")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
