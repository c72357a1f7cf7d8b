"""read_sql() with the connections of other packages, which register themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.pandas import read_arrow


def test_a_registered_type_of_connection() -> None:
    class Recorded:
        """A connection of another package."""

    class Derived(Recorded):
        pass

    seen: list[Any] = []

    @read_arrow.register(Recorded)
    def read(connection: Recorded, *arguments: Any) -> pa.Table:
        seen.append(arguments)
        return pa.table({"n": [1, 2]})

    frame = mm.read_sql("SELECT n", Derived(), params=[5], begin="-1h", end="now")
    assert list(frame["n"]) == [1, 2]
    assert seen == [("SELECT n", [5], "-1h", "now")]


def test_other_types_are_refused() -> None:
    class Stranger:
        pass

    words = "of type Stranger; accepted: a connection of micromegas_dbapi, or an engine"
    with pytest.raises(mm.ProgrammingError, match=words):
        mm.read_sql("SELECT 1", Stranger())


def test_an_engine_is_known_without_an_import_of_the_dialect() -> None:
    """SQLAlchemy loads the dialect by its entry point, and the dialect registers itself."""
    script = """
import sys
import sqlalchemy as sa
import micromegas_dbapi as mm
assert "sqlalchemy_micromegas" not in sys.modules
engine = sa.create_engine("micromegas+demo://")
print(mm.read_sql("SELECT 7 AS n", engine)["n"][0])
with engine.connect() as connection:
    print(mm.read_sql("SELECT 8 AS n", connection)["n"][0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["7", "8"], done.stderr
