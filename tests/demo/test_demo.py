"""The demo lake: properties that readers can rely on."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromegas_dbapi.demo import LARGEST_SIZE, write_demo
from micromegas_dbapi.service.catalog import SCHEMAS

NOW = 1_790_000_000_123_456_789
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
GLOBAL_VIEWS = sorted(SCHEMAS.keys() - {"thread_spans"})

Lake = dict[str, pa.Table]


def read(folder: Path) -> Lake:
    """Read every file of a lake, by names such as "thread_spans/<stream_id>"."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): pq.ParquetFile(path).read()
        for path in sorted(folder.rglob("*.parquet"))
    }


def written_schema(path: Path) -> pa.Schema:
    """The schema of the writer: some versions of pyarrow read int16 dictionaries as int32."""
    text = pq.ParquetFile(path).metadata.metadata[b"ARROW:schema"]
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def ints(table: pa.Table, name: str) -> np.ndarray:
    """A column of integers or times; times are ns since NOW."""
    column = table[name]
    times = pa.types.is_timestamp(column.type)
    values: np.ndarray = column.cast(pa.int64()).to_numpy()
    return values - (NOW if times else 0)


def texts(table: pa.Table, name: str) -> np.ndarray:
    return np.array(table[name].to_pylist(), object)


def pairs(table: pa.Table, name: str = "properties") -> list[list[tuple[str, str]]]:
    return [[(p["key"], p["value"]) for p in row] for row in table[name].to_pylist()]


def spans(lake: Lake) -> dict[str, pa.Table]:
    """The thread spans by stream_id."""
    return {
        name.removeprefix("thread_spans/"): table
        for name, table in lake.items()
        if name.startswith("thread_spans/")
    }


def event_times(lake: Lake) -> np.ndarray:
    """The time of every log entry, measure, begin and end of a span."""
    columns = [ints(lake["log_entries"], "time"), ints(lake["measures"], "time")]
    columns += [ints(table, side) for table in spans(lake).values() for side in ("begin", "end")]
    return np.concatenate(columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "lake"
    write_demo(folder, now=NOW)
    return folder


@pytest.fixture(scope="module")
def lake(folder: Path) -> Lake:
    return read(folder)


def test_a_file_for_each_view_and_each_thread(lake: Lake) -> None:
    rows = lake["streams"].select(["stream_id", "tags"]).to_pylist()
    threads = [row["stream_id"] for row in rows if row["tags"] == ["cpu"]]
    assert set(lake) == {*GLOBAL_VIEWS, *(f"thread_spans/{thread}" for thread in threads)}


@pytest.mark.parametrize("view", sorted(SCHEMAS))
def test_columns_are_those_the_service_sends(
    view: str, folder: Path, wire: Callable[[str], Path]
) -> None:
    recorded = wire("http-0.2.3") / "data"
    mine, theirs = (
        next(root.glob(f"{view}.parquet" if view in GLOBAL_VIEWS else f"{view}/*.parquet"))
        for root in (folder, recorded)
    )
    # As text too: types are equal whatever the elements of their lists are called.
    for schema in (SCHEMAS[view], written_schema(mine)):
        assert schema.equals(written_schema(theirs))
        assert str(schema) == str(written_schema(theirs))
    # Without the address of the object and the name of the root, which is the writer's.
    parquet = [str(pq.ParquetFile(path).schema).splitlines()[2:] for path in (mine, theirs)]
    assert parquet[0] == parquet[1]


def test_no_nulls(lake: Lake) -> None:
    assert {name for name, table in lake.items() if any(c.null_count for c in table)} == set()


# --- a pure function ------------------------------------------------------------------------


def test_same_arguments_same_lake(lake: Lake, tmp_path: Path) -> None:
    write_demo(tmp_path / "again", now=NOW)
    assert read(tmp_path / "again") == lake


def test_another_seed_is_another_lake(lake: Lake, tmp_path: Path) -> None:
    write_demo(tmp_path / "other", seed=1, now=NOW)
    other = read(tmp_path / "other")
    for view, column in (
        ("log_entries", "msg"),
        ("measures", "value"),
        ("processes", "process_id"),
        ("streams", "stream_id"),
        ("blocks", "block_id"),
    ):
        mine, theirs = set(texts(lake[view], column)), set(texts(other[view], column))
        assert len(mine & theirs) < 0.6 * len(mine), view
    assert spans(lake).keys().isdisjoint(spans(other))


def test_now_only_shifts_times(lake: Lake, tmp_path: Path) -> None:
    shift = 86_400 * SECOND + 1
    write_demo(tmp_path / "later", now=NOW + shift)
    later = read(tmp_path / "later")
    assert later.keys() == lake.keys()
    for name, table in lake.items():
        for field in table.schema:
            if pa.types.is_timestamp(field.type):
                expected = ints(table, field.name) + shift
                assert (ints(later[name], field.name) == expected).all(), (name, field.name)
            else:
                assert later[name][field.name].equals(table[field.name]), (name, field.name)


def test_same_numbers_on_every_machine(lake: Lake) -> None:
    """Change the digest with the scenario. It must not depend on numpy, pyarrow or the machine."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(ints(lake["log_entries"], "time").astype("<i8").tobytes())
    digest.update("\n".join(texts(lake["log_entries"], "msg")).encode())
    digest.update(lake["measures"]["value"].to_numpy().astype("<f8").tobytes())
    for _, table in sorted(spans(lake).items()):
        digest.update(ints(table, "end").astype("<i8").tobytes())
    assert digest.hexdigest() == "5acb73344c176257"


def test_size_multiplies_rows(lake: Lake, tmp_path: Path) -> None:
    write_demo(tmp_path / "large", size=3, now=NOW)
    large = read(tmp_path / "large")
    assert large.keys() == lake.keys()
    for name in set(lake) - {"processes", "streams", "blocks"}:
        assert large[name].num_rows == pytest.approx(3 * lake[name].num_rows, rel=0.1), name
    assert (np.diff(ints(large["blocks"], "insert_time")) >= 0).all()
    assert event_times(large).max() == 0
    assert 18_000 < lake["log_entries"].num_rows < 22_000
    assert 27_000 < lake["measures"].num_rows < 33_000
    assert 8_000 < sum(table.num_rows for table in spans(lake).values()) < 14_000


@pytest.mark.parametrize("size", [-1, 0, LARGEST_SIZE + 1])
def test_impossible_sizes_are_refused(size: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"size must be 1 to {LARGEST_SIZE}, not {size}"):
        write_demo(tmp_path / "lake", size=size, now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_the_largest_size_has_room(lake: Lake) -> None:
    """The call trees of a flush take LARGEST_SIZE times as long, and must not overlap."""
    for stream, table in spans(lake).items():
        blocks = lake["blocks"].filter(pa.array(texts(lake["blocks"], "stream_id") == stream))
        blocks = blocks.sort_by("object_offset")
        begins, ends = ints(blocks, "begin_time"), ints(blocks, "end_time")
        free_since = np.concatenate([ints(blocks, "processes.start_time")[:1], ends[:-1]])
        assert table.num_rows > 1
        assert (ends - LARGEST_SIZE * (ends - begins) > free_since).all()


def test_two_lakes_do_not_mix(folder: Path, lake: Lake) -> None:
    with pytest.raises(FileExistsError):
        write_demo(folder, seed=1, now=NOW)
    assert read(folder) == lake


# --- times ----------------------------------------------------------------------------------


def test_newest_event_is_now(lake: Lake) -> None:
    times = event_times(lake)
    assert times.max() == 0
    assert (times == 0).sum() == 1
    assert ints(lake["blocks"], "end_time").max() == 0


def test_an_hour_long(lake: Lake) -> None:
    assert -61 * MINUTE < event_times(lake).min() < -59 * MINUTE
    for view in ("log_entries", "measures"):
        per_minute = np.bincount((ints(lake[view], "time") + 60 * MINUTE - 1) // MINUTE)
        assert len(per_minute) == 60
        assert per_minute.min() > 100


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("log_entries", "time"),
        ("measures", "time"),
        ("processes", "insert_time"),
        ("streams", "insert_time"),
        ("blocks", "insert_time"),
    ],
)
def test_rows_are_in_order_of_time(view: str, column: str, lake: Lake) -> None:
    assert (np.diff(ints(lake[view], column)) >= 0).all()
    assert ints(lake[view], column).max() <= 12_000_000


def test_spans_are_in_order_of_begin(lake: Lake) -> None:
    for table in spans(lake).values():
        assert (np.diff(ints(table, "begin")) > 0).all()


# --- who is who -----------------------------------------------------------------------------


def test_identifiers_are_unique_uuids(lake: Lake) -> None:
    ids = [
        value
        for view, column in (
            ("processes", "process_id"),
            ("streams", "stream_id"),
            ("blocks", "block_id"),
        )
        for value in lake[view][column].to_pylist()
    ]
    assert len(set(ids)) == len(ids)
    assert {(str(uuid.UUID(i)) == i, uuid.UUID(i).version) for i in ids} == {(True, 4)}
    assert {uuid.UUID(i).variant for i in ids} == {uuid.RFC_4122}


def test_references_hold(lake: Lake) -> None:
    processes = set(texts(lake["processes"], "process_id"))
    streams = dict(
        zip(texts(lake["streams"], "stream_id"), texts(lake["streams"], "process_id"), strict=True)
    )
    assert set(streams.values()) == processes
    for view in ("log_entries", "measures", "blocks"):
        assert set(texts(lake[view], "process_id")) == processes, view
    blocks = lake["blocks"]
    assert set(texts(blocks, "stream_id")) == set(streams)
    for stream, process in zip(
        texts(blocks, "stream_id"), texts(blocks, "process_id"), strict=True
    ):
        assert streams[stream] == process


def test_parents_are_older_processes_or_none(lake: Lake) -> None:
    table = lake["processes"]
    starts = dict(zip(texts(table, "process_id"), ints(table, "start_time"), strict=True))
    parents = texts(table, "parent_process_id")
    for process, parent in zip(texts(table, "process_id"), parents, strict=True):
        assert parent == "" or starts[parent] < starts[process]
    assert 0 < (parents == "").sum() < len(parents)


def test_processes_look_real(lake: Lake) -> None:
    table = lake["processes"]
    exes = texts(table, "exe")
    assert "game-server" in exes
    assert r"C:\Games\Aurora\client.exe" in exes
    assert len(set(texts(table, "computer"))) >= 3
    assert "" in texts(table, "realname")
    assert [] in pairs(table)
    keys = {key for row in pairs(table) for key, _ in row}
    assert {"Build-Version", "BUILD-VERSION", "region"} <= keys
    assert (ints(table, "insert_time") > ints(table, "start_time")).all()


def test_ticks_of_a_computer_tell_the_same_time(lake: Lake) -> None:
    table = lake["processes"]
    frequency, ticks = ints(table, "tsc_frequency"), ints(table, "start_ticks")
    booted = ints(table, "start_time") / SECOND - ticks / frequency
    computers = texts(table, "computer")
    assert (booted < -3600).all()
    for computer in set(computers):
        same = computers == computer
        assert len(set(frequency[same])) == 1
        assert np.ptp(booted[same]) < 1e-6


@pytest.mark.parametrize("view", ["log_entries", "measures"])
def test_events_repeat_their_process_and_are_of_its_life(view: str, lake: Lake) -> None:
    columns = ["process_id", "exe", "username", "computer"]
    rows = lake["processes"].select(columns).to_pylist()
    starts = ints(lake["processes"], "start_time")
    lives = {row["process_id"]: (row, start) for row, start in zip(rows, starts, strict=True)}
    events = lake[view].select(columns).to_pylist()
    for event, time in zip(events, ints(lake[view], "time"), strict=True):
        row, start = lives[event["process_id"]]
        assert event == row
        assert time >= start


def test_each_process_has_a_log_and_a_metrics_stream(lake: Lake) -> None:
    table = lake["streams"]
    kinds = sorted(
        (process, tag)
        for process, (tag,) in zip(texts(table, "process_id"), texts(table, "tags"), strict=True)
        if tag != "cpu"
    )
    processes = texts(lake["processes"], "process_id")
    assert kinds == sorted((process, tag) for process in processes for tag in ("log", "metrics"))


def test_only_thread_streams_have_a_thread_name(lake: Lake) -> None:
    table = lake["streams"]
    names = []
    for (tag,), row in zip(texts(table, "tags"), pairs(table), strict=True):
        assert [key for key, _ in row] == (["thread-name", "thread-id"] if tag == "cpu" else [])
        names += [value for key, value in row if key == "thread-name"]
    assert len(names) == 8
    assert {"main", "render"} <= set(names)


# --- blocks ---------------------------------------------------------------------------------


def events_of_streams(lake: Lake) -> dict[str, np.ndarray]:
    """The ordered times of all events of each stream; of threads, begins and ends."""
    events = {
        stream: np.sort(np.concatenate([ints(table, "begin")[1:], ints(table, "end")[1:]]))
        for stream, table in spans(lake).items()
    }
    streams = lake["streams"]
    for stream, process, (tag,) in zip(
        *(texts(streams, name) for name in ("stream_id", "process_id", "tags")), strict=True
    ):
        if tag != "cpu":
            view = lake["log_entries" if tag == "log" else "measures"]
            events[stream] = ints(view, "time")[texts(view, "process_id") == process]
    return events


def test_blocks_hold_all_events_of_their_stream(lake: Lake) -> None:
    blocks = lake["blocks"].sort_by([("stream_id", "ascending"), ("object_offset", "ascending")])
    streams = texts(blocks, "stream_id")
    columns = ("nb_objects", "object_offset", "begin_time", "end_time")
    for stream, times in events_of_streams(lake).items():
        counts, offsets, begins, ends = (ints(blocks, c)[streams == stream] for c in columns)
        assert (offsets == np.cumsum(counts) - counts).all()
        assert counts.sum() == len(times)
        assert len(counts) > 1
        firsts, lasts = times[offsets], times[offsets + counts - 1]
        if stream in spans(lake):
            # A thread is there before its first span and after its last one, as its root shows.
            root = spans(lake)[stream].slice(0, 1)
            assert (begins[0], ends[-1]) == (ints(root, "begin")[0], ints(root, "end")[0])
            assert begins[0] < firsts[0]
            assert ends[-1] > lasts[-1]
            firsts, lasts, begins, ends = firsts[1:], lasts[:-1], begins[1:], ends[:-1]
        assert (begins == firsts).all()
        assert (ends == lasts).all()


def test_ticks_of_blocks_count_from_the_start_of_the_process(lake: Lake) -> None:
    blocks = lake["blocks"]
    frequency = ints(blocks, "processes.tsc_frequency") / SECOND
    for side in ("begin", "end"):
        elapsed = ints(blocks, f"{side}_time") - ints(blocks, "processes.start_time")
        assert np.abs(ints(blocks, f"{side}_ticks") / frequency - elapsed).max() < 2


def test_blocks_arrive_soon_after_their_end(lake: Lake) -> None:
    delay = ints(lake["blocks"], "insert_time") - ints(lake["blocks"], "end_time")
    assert (delay >= 1_000_000).all()
    assert (delay <= 12_000_000).all()


def test_blocks_repeat_their_stream_and_process(lake: Lake) -> None:
    blocks = lake["blocks"]
    for view, key in (("streams", "stream_id"), ("processes", "process_id")):
        numbers = {value: i for i, value in enumerate(texts(lake[view], key))}
        rows = lake[view].take(pa.array([numbers[value] for value in texts(blocks, key)]))
        names = [name for name in blocks.column_names if name.startswith(f"{view}.")]
        assert len(names) >= 4
        for name in names:
            assert blocks[name].equals(rows[name.removeprefix(f"{view}.")]), name


def test_payloads_have_a_believable_size(lake: Lake) -> None:
    blocks = lake["blocks"]
    per_event = (ints(blocks, "payload_size") - 420) / ints(blocks, "nb_objects")
    assert per_event.min() > 8
    assert per_event.max() < 40


# --- log ------------------------------------------------------------------------------------


def test_levels_have_believable_frequencies(lake: Lake) -> None:
    counts = np.bincount(ints(lake["log_entries"], "level"), minlength=7)
    assert len(counts) == 7
    fatal, error, warning, info, debug, trace = counts[1:]
    assert counts[0] == 0
    assert 0 < fatal < 5
    assert fatal < error < warning < trace < debug < info
    assert error < 0.01 * counts.sum()


def test_messages_are_worth_reading(lake: Lake) -> None:
    messages = set(texts(lake["log_entries"], "msg"))
    for sign in ("\n", '"', "'", "\\", "%", "🚀", "日本語", "stack:", "served in", "config: "):
        assert any(sign in message for message in messages), sign
    assert len(messages) > 8_000
    assert all(message.strip() for message in messages)


def test_some_log_entries_have_properties(lake: Lake) -> None:
    rows = pairs(lake["log_entries"])
    filled = [dict(row) for row in rows if row]
    assert 0.01 * len(rows) < len(filled) < 0.2 * len(rows)
    assert {"region", "auth", "Build Kind"} == {key for row in filled for key in row}


# --- measures -------------------------------------------------------------------------------


def test_measures_have_units_and_values_within_them(lake: Lake) -> None:
    measures = lake["measures"]
    units, values = texts(measures, "unit"), measures["value"].to_numpy()
    assert set(units) == {"ms", "bytes", "count", "percent", "°C", ""}
    assert values.min() >= 0
    assert values[units == "percent"].max() <= 100
    assert values[units == ""].max() <= 1
    for unit in ("bytes", "count"):
        assert (values[units == unit] % 1 == 0).all()
    assert (values[units == "ms"] % 1 != 0).any()


def test_measures_move_from_where_they_are(lake: Lake) -> None:
    """Measures change little from one sample to the next, and much over time."""
    measures = lake["measures"]
    calm = ints(measures, "time") < -26 * MINUTE
    names, exes = texts(measures, "name"), texts(measures, "exe")
    for name, exe in {
        ("memory", "session-store"),
        ("players", "game-server"),
        ("disk_free", "fleet-agent"),
    }:
        values = measures["value"].to_numpy()[calm & (names == name) & (exes == exe)]
        assert len(values) > 300
        assert np.abs(np.diff(values)).mean() < 0.6 * np.abs(values - np.median(values)).mean()


def test_warnings_line_up_with_spikes(lake: Lake) -> None:
    log, measures = lake["log_entries"], lake["measures"]
    rows = zip(
        *(texts(measures, name) for name in ("process_id", "name")),
        ints(measures, "time"),
        measures["value"].to_numpy(),
        strict=True,
    )
    spikes = sorted(
        (process, time + 2_500, f"{value:.1f}")
        for process, name, time, value in rows
        if name == "frame_time" and value > 33.3
    )
    lines = sorted(
        (process, time, msg.split()[2])
        for process, time, msg in zip(
            texts(log, "process_id"), ints(log, "time"), texts(log, "msg"), strict=True
        )
        if msg.startswith(("tick took ", "frame took "))
    )
    assert lines == spikes
    assert sum(-26 * MINUTE < time < -14 * MINUTE for _, time, _ in lines) > 50
    assert sum(time < -26 * MINUTE for _, time, _ in lines) > 0


# --- spans ----------------------------------------------------------------------------------


def test_root_stands_for_the_thread(lake: Lake) -> None:
    streams = lake["streams"]
    names = {
        stream: dict(row).get("thread-name")
        for stream, row in zip(texts(streams, "stream_id"), pairs(streams), strict=True)
    }
    for stream, table in spans(lake).items():
        columns = ["id", "parent", "depth", "name", "target", "filename", "line"]
        assert table.select(columns).slice(0, 1).to_pylist()[0] == {
            "id": -1,
            "parent": 0,
            "depth": 0,
            "name": names[stream],
            "target": "",
            "filename": "",
            "line": 0,
        }
        assert ints(table, "end")[0] == ints(table, "end").max()


def test_spans_nest(lake: Lake) -> None:
    for table in spans(lake).values():
        names = ("id", "parent", "depth", "begin", "end", "duration")
        ids, parents, depths, begins, ends, durations = (ints(table, name) for name in names)
        assert (durations == ends - begins).all()
        assert durations.min() > 0
        assert (np.diff(ids) > 0).all()

        of = np.searchsorted(ids, parents[1:])
        assert (ids[of] == parents[1:]).all()
        assert (depths[1:] == depths[of] + 1).all()
        assert (begins[1:] > begins[of]).all()
        assert (ends[1:] <= ends[of]).all()
        assert depths.max() >= 3

        order = np.argsort(parents[1:], kind="stable") + 1
        siblings = np.diff(parents[order]) == 0
        assert siblings.any()
        assert (ends[order][:-1][siblings] < begins[order][1:][siblings]).all()


def test_ids_count_events_as_those_of_the_service(lake: Lake, wire: Callable[[str], Path]) -> None:
    recorded = read(wire("http-0.2.3") / "data")
    for table in (*spans(recorded).values(), *spans(lake).values()):
        rows = np.arange(table.num_rows - 1)
        # Before a span begin all spans above it, and end those of them that are not around it.
        assert (ints(table, "id")[1:] == 2 * rows - (ints(table, "depth")[1:] - 1)).all()


def test_places_and_hashes_belong_to_names(lake: Lake) -> None:
    places: dict[tuple[str, str], set[tuple[str, int]]] = {}
    hashes: dict[str, int] = {}
    for table in spans(lake).values():
        rows = zip(
            *(texts(table, name) for name in ("name", "target", "filename", "line", "hash")),
            strict=True,
        )
        for name, target, filename, line, number in set(rows):
            places.setdefault((name, target), set()).add((filename, line))
            assert hashes.setdefault(name, number) == number
    assert len(hashes) > 30
    assert len(set(hashes.values())) == len(hashes)
    assert all(len(place) == 1 for place in places.values())


# --- the incident ---------------------------------------------------------------------------


def test_there_is_an_incident_and_it_shows_everywhere(lake: Lake) -> None:
    """From 24 to 19 minutes before the end everything is slow, but not before and after."""

    def calm_bad_calm(times: np.ndarray, values: np.ndarray) -> list[float]:
        windows = ((-60, -26), (-24, -19), (-15, 0))
        return [
            float(np.median(values[(times >= a * MINUTE) & (times < b * MINUTE)]))
            for a, b in windows
        ]

    measures = lake["measures"]
    names, exes = texts(measures, "name"), texts(measures, "exe")
    for exe, name, factor in (
        ("game-server", "session_get", 8),
        ("game-server", "frame_time", 3),
        ("matchmaker", "queue_depth", 3),
    ):
        rows = (names == name) & (exes == exe)
        before, bad, after = calm_bad_calm(
            ints(measures, "time")[rows], measures["value"].to_numpy()[rows]
        )
        assert bad > factor * max(before, after), name

    tables = [t for t in spans(lake).values() if "session_store::get" in texts(t, "name")]
    table = pa.concat_tables([t.select(["begin", "duration", "name"]) for t in tables])
    rows = texts(table, "name") == "session_store::get"
    before, bad, after = calm_bad_calm(ints(table, "begin")[rows], ints(table, "duration")[rows])
    assert bad > 20 * max(before, after)

    log = lake["log_entries"]
    slow = np.array([msg.startswith("slow request ") for msg in texts(log, "msg")])
    assert slow.sum() > 50
    assert ints(log, "time")[slow].min() >= -25 * MINUTE
    assert ints(log, "time")[slow].max() < -16 * MINUTE
    warnings = ints(log, "time")[ints(log, "level") <= 3]
    per_minute = np.bincount((warnings + 60 * MINUTE - 1) // MINUTE, minlength=60)
    assert per_minute[36:41].min() > 5 * max(per_minute[:34].max(), per_minute[45:].max())


def test_a_server_dies_and_is_started_again(lake: Lake) -> None:
    log = lake["log_entries"]
    fatal = np.flatnonzero(ints(log, "level") == 1)[0]
    process, died = texts(log, "process_id")[fatal], ints(log, "time")[fatal]
    times = [
        ints(lake[view], "time")[texts(lake[view], "process_id") == process]
        for view in ("log_entries", "measures")
    ]
    assert max(part.max() for part in times) == died
    processes = lake["processes"]
    started = ints(processes, "start_time")[texts(processes, "exe") == texts(log, "exe")[fatal]]
    assert 0 < started.max() - died < 10 * SECOND
