"""The catalog as a tree, on the embedded engine and over each protocol of the local service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.cli.commands.tables import View
from micromegas_dbapi.harlequin import tree_nodes
from micromegas_dbapi.harlequin.tree_nodes import TreeNode, child_nodes, select_text, view_nodes
from micromegas_dbapi.harlequin.type_labels import type_label
from tests.integration.serving import served


@pytest.fixture(scope="module")
def demo() -> Iterator[mm.Connection]:
    with mm.connect("demo:", begin="-10m") as connection:
        yield connection


def node_of(connection: mm.Connection, *labels: str) -> TreeNode:
    """Find the node at the end of a path of labels."""
    nodes = view_nodes(connection)
    for number, label in enumerate(labels, 1):
        (node,) = (each for each in nodes if each.label == label)
        nodes = child_nodes(connection, node) if number < len(labels) else []
    return node


def test_views(demo: mm.Connection) -> None:
    assert [(node.label, node.sql, node.type_label) for node in view_nodes(demo)] == [
        ("blocks", "blocks", "v"),
        ("log_entries", "log_entries", "v"),
        ("measures", "measures", "v"),
        ("processes", "processes", "v"),
        ("streams", "streams", "v"),
        ("thread_spans", "view_instance('thread_spans', 'STREAM_ID')", "vs"),
    ]
    assert node_of(demo, "log_entries").comment == "log entries, one a row"


def test_columns(demo: mm.Connection) -> None:
    shown = {node.label: node for node in child_nodes(demo, node_of(demo, "log_entries"))}
    assert {label: node.type_label for label, node in shown.items()} == {
        **dict.fromkeys(("process_id", "exe", "username", "computer", "target", "msg"), "s"),
        "time": "ts",
        "level": "#",
        "properties": "[]",
        "(processes)": "...",
    }
    assert shown["time"].type_name == "timestamp[ns, tz=+00:00]"
    assert shown["time"].comment == "when it was logged, UTC"


def test_columns_of_a_view_set_are_those_of_its_newest_instance(demo: mm.Connection) -> None:
    nodes = child_nodes(demo, node_of(demo, "thread_spans"))
    assert [node.sql for node in nodes if node.kind == "column"] == [
        *("id", "parent", "depth", "hash", '"begin"', '"end"', "duration", "name", "target"),
        *("filename", "line"),
    ]
    assert nodes[-1].comment == "instances of thread_spans: the newest 50 threads"


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        (("log_entries", "(processes)"), r"[\w.-]+ \d\d-\d\d \d\d:\d\d \S+ [0-9a-f]{8}"),
        (("thread_spans", "(threads)"), r"[\w.-]+ \d\d-\d\d \d\d:\d\d [\w -]+ [0-9a-f]{8}"),
    ],
    ids=["processes", "threads"],
)
def test_instances(demo: mm.Connection, path: tuple[str, ...], labels: str) -> None:
    """Each can be queried as it is inserted, from the start of its process."""
    nodes = child_nodes(demo, node_of(demo, *path))
    assert len(nodes) == len({node.identifier for node in nodes}) >= 8
    for node in nodes:
        assert re.fullmatch(labels, node.label), node.label
        assert child_nodes(demo, node) == []
        since = pa.scalar(node.since, pa.timestamp("ns", "UTC")).cast(
            pa.timestamp("s", "UTC"), False
        )
        cursor = demo.execute(f"SELECT count(*) FROM {node.sql}", begin=since.as_py(), end="now")
        ((count,),) = cursor.fetchall()
        assert count > 0


def test_the_number_of_instances_is_bounded(
    demo: mm.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_of(demo, "measures", "(processes)")
    everything = child_nodes(demo, node)
    monkeypatch.setattr(tree_nodes, "MAX_INSTANCES", 3)
    newest = sorted((each.since or 0 for each in everything), reverse=True)[:3]
    assert [each.since for each in child_nodes(demo, node)] == newest


def test_a_statement_of_columns_runs_and_has_their_comments(demo: mm.Connection) -> None:
    node = node_of(demo, "processes")
    sql = select_text(node, child_nodes(demo, node))
    assert sql.startswith(
        "-- processes: the processes that sent telemetry\nSELECT\n  process_id,  --"
    )
    assert sql.endswith("FROM processes\nLIMIT 100")
    names = demo.execute("SELECT * FROM processes LIMIT 0").fetch_arrow_table().column_names
    assert demo.execute(sql).fetch_arrow_table().column_names == names


def test_a_statement_without_known_columns() -> None:
    node = TreeNode("view", View("theirs"), "theirs", "theirs", "v", "view")
    assert select_text(node, []) == "SELECT\n  *\nFROM theirs\nLIMIT 100"


@pytest.mark.parametrize("recording", ["http-0.2.3", "flight-0.30"])
def test_every_protocol_has_the_same_tree(recording: str, wire: Callable[[str], Path]) -> None:
    def tree(connection: mm.Connection, nodes: list[TreeNode]) -> list[Any]:
        return [
            (each.identifier, each.label, each.type_label, each.comment, each.since, below)
            for each in nodes
            for below in [tree(connection, child_nodes(connection, each))]
        ]

    trees = {}
    with served(wire(recording) / "data") as urls:
        for where, url in urls.items():
            with mm.connect(url) as connection:
                trees[where] = tree(connection, view_nodes(connection))
    assert all(found == trees["lake"] for found in trees.values())


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (pa.bool_(), "t/f"),
        (pa.int16(), "#"),
        (pa.int64(), "##"),
        (pa.uint32(), "u#"),
        (pa.uint64(), "u##"),
        (pa.float32(), "#.#"),
        (pa.decimal128(10, 2), "#.#"),
        (pa.string(), "s"),
        (pa.large_string(), "s"),
        (pa.string_view(), "s"),
        (pa.dictionary(pa.int16(), pa.string()), "s"),
        (pa.dictionary(pa.int16(), pa.binary()), "0b"),
        (pa.binary(16), "0b"),
        (pa.timestamp("ns", "+00:00"), "ts"),
        (pa.date32(), "d"),
        (pa.time64("ns"), "t"),
        (pa.duration("ns"), "|-|"),
        (pa.month_day_nano_interval(), "|-|"),
        (pa.list_(pa.string()), "[]"),
        (pa.struct([("a", pa.int8())]), "{}"),
        (pa.map_(pa.string(), pa.int8()), "{m}"),
        (pa.null(), "\\n"),
        (pa.dense_union([pa.field("a", pa.int8())]), "?"),
    ],
    ids=str,
)
def test_type_labels(kind: pa.DataType, label: str) -> None:
    assert type_label(kind) == label
