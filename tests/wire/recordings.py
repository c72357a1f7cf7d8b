"""The recordings of the real services: their archives, and the HTTP cases in them.

They are evidence. Nothing here changes a byte of them, and no test may.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """One call as an HTTP service answered it."""

    name: str
    method: str
    path: str
    request: Any
    """What was asked, decoded: a map, the text that was sent in its place, or None for raw bytes"""
    request_bytes: bytes | None
    """What was sent; None where it was not recorded (gateway and web)"""
    request_headers: dict[str, str]
    status: int
    headers: dict[str, str]
    body: bytes
    rows: int | None
    """Only for Parquet, as is the schema"""
    schema: list[list[Any]] | None
    """[name, type, nullable] of each column, in the spelling of pyarrow 16"""


def archive(name: str) -> Path:
    return Path(__file__).parent / f"{name}.tar.xz"


def unpack(name: str, into: Path) -> Path:
    """Unpack the archive `name` and return its folder, with every file the archive has."""
    with tarfile.open(archive(name)) as packed:
        # Without a filter 3.12 and 3.13 warn; the first patch releases of 3.10 know none.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(into)
        expected = {member.name: member.size for member in packed if member.isfile()}
    found = {
        path.relative_to(into).as_posix(): path.stat().st_size
        for path in (into / name).rglob("*")
        if path.is_file()
    }
    # Names that differ only in case would overwrite each other on some disks.
    assert found == expected, f"{name}: {set(found.items()) ^ set(expected.items())}"
    return into / name


@cache
def index(name: str) -> list[dict[str, Any]]:
    """The index of an archive, read without unpacking it: for `parametrize`, at collection time."""
    with tarfile.open(archive(name)) as packed:
        file = packed.extractfile(f"{name}/index.json")
        assert file is not None
        entries: list[dict[str, Any]] = json.load(file)
        return entries


def names(name: str) -> list[str]:
    """Return the names of an archive's cases."""
    return [entry["name"] for entry in index(name)]


def cases(folder: Path) -> list[Case]:
    """Return the cases of an unpacked HTTP recording, in the order in which they were recorded."""
    return list(_cases(folder).values())


def case(folder: Path, name: str) -> Case:
    return _cases(folder)[name]


@cache
def _cases(folder: Path) -> dict[str, Case]:
    entries = json.loads((folder / "index.json").read_text("utf-8"))
    return {entry["name"]: _case(folder, entry) for entry in entries}


def _case(folder: Path, entry: dict[str, Any]) -> Case:
    sent = folder / "bodies" / f"{entry['name']}.request"
    return Case(
        name=entry["name"],
        method=entry["method"],
        path=entry["path"],
        request=entry["request"],
        request_bytes=sent.read_bytes() if sent.exists() else None,
        request_headers=entry.get("request_headers", {}),
        status=entry["status"],
        headers=entry["headers"],
        body=(folder / entry["body"]).read_bytes(),
        rows=entry.get("rows"),
        schema=entry.get("schema"),
    )
