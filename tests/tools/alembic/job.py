"""Compare models with the views, and refuse to change anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.tools.job import run_page
from tests.tools.source import Source

LIMIT = "it compares, and `upgrade` and `stamp` are refused: services are read-only"
ENVIRONMENT = """\
import sqlalchemy as sa
target_metadata = sa.MetaData()
target_metadata.reflect(sa.create_engine(config.get_main_option("sqlalchemy.url")))
"""


def check_page() -> None:
    run_page("alembic")


def check_comparison(source: Source) -> None:
    metadata = sa.MetaData()
    metadata.reflect(source.engine)
    with source.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        sa.Table("mine", metadata, sa.Column("a", sa.Integer))
        metadata.tables["measures"].append_column(sa.Column("more", sa.Integer))
        kinds = [difference[0] for difference in compare_metadata(context, metadata)]
        assert sorted(kinds) == ["add_column", "add_table"]


def check_commands(source: Source) -> None:
    name = source.url.partition(":")[0]

    def alembic(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).with_name("alembic"), "-c", f"{name}.ini", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    assert alembic("init", name).returncode == 0
    settings, environment = Path(f"{name}.ini"), Path(name, "env.py")
    url = "sqlalchemy.url = driver://user:pass@localhost/dbname"
    settings.write_text(settings.read_text().replace(url, f"sqlalchemy.url = {source.engine_url}"))
    environment.write_text(environment.read_text().replace("target_metadata = None\n", ENVIRONMENT))
    checked = alembic("check")
    assert checked.returncode == 0, checked.stderr
    assert "No new upgrade operations detected" in checked.stdout
    assert alembic("revision", "--autogenerate", "-m", "nothing").returncode == 0
    [revision] = Path(name, "versions").glob("*.py")
    assert revision.read_text().count("pass\n") == 2
    for command in (["upgrade", "head"], ["stamp", "head"]):
        refused = alembic(*command)
        assert refused.returncode != 0
        assert "read-only" in refused.stderr, refused.stderr
