"""Ingest all views with their columns, keys and profiles."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from datahub.ingestion.run.pipeline import Pipeline

from tests.tools.job import run_page
from tests.tools.source import Source

VIEWS = {"blocks", "log_entries", "measures", "processes", "streams"}


def check_page() -> None:
    run_page("datahub")


def ingest(source: Source) -> dict[str, dict[str, Any]]:
    """Return each aspect of each view."""
    name = f"{source.url.partition(':')[0]}.json"
    config = {"connect_uri": source.engine_url, "platform": "micromegas"}
    pipeline = Pipeline.create(
        {
            "source": {
                "type": "sqlalchemy",
                "config": {**config, "profiling": {"enabled": True}},
            },
            "sink": {"type": "file", "config": {"filename": name}},
        }
    )
    pipeline.run()
    pipeline.raise_from_status(raise_warnings=True)
    aspects: dict[str, dict[str, Any]] = defaultdict(dict)
    for change in json.loads(Path(name).read_text("utf-8")):
        if "proposedSnapshot" in change:
            [snapshot] = change["proposedSnapshot"].values()
            view = snapshot["urn"]
            found = {key.rpartition(".")[2]: a for d in snapshot["aspects"] for key, a in d.items()}
        else:
            view, found = change["entityUrn"], {change["aspectName"]: change["aspect"]["json"]}
        if "dataset" in view:
            short = view.split(",")[1].rpartition(".")[2]
            aspects[short].update({key[0].lower() + key[1:]: a for key, a in found.items()})
    return aspects


def check_ingestion(source: Source) -> None:
    aspects = ingest(source)
    assert aspects.keys() == VIEWS
    for view, found in aspects.items():
        columns = {field["fieldPath"] for field in found["schemaMetadata"]["fields"]}
        [description] = source.rows(f"SELECT count(*) FROM {view}")
        assert found["datasetProfile"]["rowCount"] == description[0], view
        profiled = {field["fieldPath"] for field in found["datasetProfile"]["fieldProfiles"]}
        assert profiled <= columns
        assert "process_id" in profiled
    [key] = aspects["log_entries"]["schemaMetadata"]["foreignKeys"]
    assert "processes" in key["foreignDataset"]
    [level] = (
        field
        for field in aspects["log_entries"]["datasetProfile"]["fieldProfiles"]
        if field["fieldPath"] == "level"
    )
    [(lowest, highest)] = source.rows("SELECT min(level), max(level) FROM log_entries")
    assert (level["min"], level["max"]) == (str(lowest), str(highest)), level
