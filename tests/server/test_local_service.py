"""What the local service needs to be installed."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_GRPCIO = """
import sys
sys.modules["grpc"] = None  # an import of it fails
import micromegas_dbapi as mm
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
lake = LakeTransport.demo()
try:
    print(LocalService(lake, port=0).url.startswith("http://127.0.0.1:"))
    LocalService(lake, port=0, flight_port=0)
except mm.NotSupportedError as error:
    print(error)
finally:
    lake.close()
"""


def test_only_flightsql_needs_grpcio() -> None:
    """In a process of its own, because other tests have imported grpc."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GRPCIO], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    served, error = done.stdout.splitlines()
    assert served == "True"
    assert error.startswith("FlightSQL needs more packages: pip install 'micromegas-dbapi[lake]'")
