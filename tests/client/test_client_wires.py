"""The official client's calls on every wire: one answer, that of the official client of its age.

On the data recorded of 0.2.3 each gives what its HTTP service answered; on that of 0.30 what
today's official client asks for: all columns of the views, as recorded.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.dictionary_decoding import decoded_schema
from micromegas_dbapi.client import Client
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.service.catalog import LOOKUPS
from tests.client.test_client import BEGIN, CALLS, END, NOBODY, PROCESS, STREAM, official
from tests.integration.serving import WIRES, running, served, warm
from tests.wire import flight
from tests.wire.grpcreplay import Reply, messages, replaying, reply
from tests.wire.recordings import case, index

pd = pytest.importorskip("pandas", reason="pandas is not installed")

Wire = Callable[[str], Path]
OLD, NEW = "http-0.2.3", "flight-0.30"
BY_SQL = ("grpc", "gateway", "web")
EVER = "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def old(wire: Wire) -> Iterator[dict[str, Client]]:
    with clients(wire(OLD) / "data") as found:
        yield found


@pytest.fixture(scope="module")
def new(wire: Wire) -> Iterator[dict[str, Client]]:
    with clients(wire(NEW) / "data") as found:
        yield found


@contextmanager
def clients(folder: Path) -> Iterator[dict[str, Client]]:
    with served(folder) as urls:
        found = {where: Client(url) for where, url in urls.items()}
        for client in found.values():
            warm(client._connection)
        yield found
        for client in found.values():
            client.close()


# -- 0.2.3 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", WIRES)
@pytest.mark.parametrize("name", [name for name in CALLS if name != "query_partitions"])
def test_as_the_http_service_answered(
    old: dict[str, Client], wire: Wire, name: str, where: str
) -> None:
    method, arguments = CALLS[name]
    frame = getattr(old[where], method)(*arguments)
    recorded = case(wire(OLD), name)
    if not recorded.rows:
        assert list(frame.columns) == LOOKUPS[method].names
        assert len(frame) == 0
        return
    expected = official(recorded.body)
    if where == "gateway":  # JSON has no dictionaries
        words = [c for c in expected if isinstance(expected[c].dtype, pd.CategoricalDtype)]
        expected = expected.astype({c: frame[c].dtype for c in words})
    pd.testing.assert_frame_equal(frame, expected, check_categorical=False)


@pytest.mark.parametrize("where", WIRES)
@pytest.mark.parametrize("name", [n for n, (m, _) in CALLS.items() if m in LOOKUPS])
def test_tables_have_the_types_of_the_http_service(
    old: dict[str, Client], name: str, where: str
) -> None:
    method, arguments = CALLS[name]
    if method != "query_partitions":
        table = getattr(old[where], method)(*arguments, arrow=True)
        assert table.schema == LOOKUPS[method]


# -- 0.30 ----------------------------------------------------------------------------------------

TODAY = "2026-11-23T20:51:20Z", "2026-11-23T20:51:40Z"
LATE = "2026-11-23T20:51:24Z", "2026-11-23T20:51:40Z"
SERVER = "449ad30e-1144-46df-b002-e7ffd98c2591"


def lived(folder: Path, begin: str, end: str, *, of: str | None = None, tag: str = "") -> pa.Table:
    """The streams that a range of the service leaves, by insertion."""
    table = pq.read_table(folder / "data" / "streams.parquet")
    low, high = (
        pa.scalar(pd.Timestamp(t).value).cast(pa.timestamp("ns", "UTC")) for t in (begin, end)
    )
    wanted = pc.and_(
        pc.less_equal(table["insert_time"], high), pc.greater_equal(table["last_update_time"], low)
    )
    if of is not None:
        wanted = pc.and_(wanted, pc.equal(table["process_id"], of))
    tagged = [not tag or tag in tags for tags in table["tags"].to_pylist()]
    table = table.filter(pc.and_(wanted, pa.array(tagged)))
    return table.sort_by([("insert_time", "ascending"), ("stream_id", "ascending")])


def only(view: str, column: str, value: str, order: str = "") -> Callable[[Path], pa.Table]:
    def rows(folder: Path) -> pa.Table:
        table = pq.read_table(folder / "data" / f"{view}.parquet")
        table = table.filter(pc.equal(table[column], value))
        return table.sort_by(order) if order else table

    return rows


def a_stream(folder: Path) -> str:
    return str(min((folder / "data" / "thread_spans").iterdir()).stem)


STREAM_ = "<a stream with spans>"
LOOKED_UP: dict[str, tuple[str, tuple[Any, ...], str, Callable[[Path], pa.Table]]] = {
    "find_process": (
        "find_process",
        (SERVER.upper(),),
        "processes",
        only("processes", "process_id", SERVER),
    ),
    "find_process unknown": (
        "find_process",
        (NOBODY,),
        "processes",
        only("processes", "process_id", NOBODY),
    ),
    "find_stream": (
        "find_stream",
        (STREAM_,),
        "streams",
        lambda folder: only("streams", "stream_id", a_stream(folder))(folder),
    ),
    "query_streams": (
        "query_streams",
        (*TODAY, 1000),
        "streams",
        lambda folder: lived(folder, *TODAY),
    ),
    "query_streams late": (
        "query_streams",
        (*LATE, 1000),
        "streams",
        lambda folder: lived(folder, *LATE),
    ),
    "query_streams tag": (
        "query_streams",
        (*TODAY, 1000, SERVER, "log"),
        "streams",
        lambda folder: lived(folder, *TODAY, of=SERVER, tag="log"),
    ),
    "query_streams limit": (
        "query_streams",
        (*TODAY, 3),
        "streams",
        lambda folder: lived(folder, *TODAY).slice(0, 3),
    ),
    "query_streams no range": (
        "query_streams",
        (None, None, 1000, SERVER),
        "streams",
        lambda folder: lived(folder, *EVER, of=SERVER),
    ),
    "query_streams from": (
        "query_streams",
        (LATE[0], None, 1000, SERVER),
        "streams",
        lambda folder: lived(folder, LATE[0], EVER[1], of=SERVER),
    ),
    "query_blocks": (
        "query_blocks",
        (*TODAY, 1000, STREAM_),
        "blocks",
        lambda folder: only("blocks", "stream_id", a_stream(folder), "begin_time")(folder),
    ),
    "query_blocks limit 0": (
        "query_blocks",
        (*TODAY, 0, STREAM_),
        "blocks",
        only("blocks", "stream_id", "nothing"),
    ),
}


@pytest.mark.parametrize("where", [where for where in WIRES if where != "http"])
@pytest.mark.parametrize("name", LOOKED_UP)
def test_as_the_official_client_of_today(
    new: dict[str, Client], wire: Wire, name: str, where: str
) -> None:
    method, arguments, view, rows = LOOKED_UP[name]
    arguments = tuple(a_stream(wire(NEW)) if a == STREAM_ else a for a in arguments)
    table = getattr(new[where], method)(*arguments, arrow=True)
    # What it gets of SELECT *: without dictionaries, unless it asks for them.
    recorded = flight.table(wire(NEW), f"limit0_{view}").schema
    assert [(f.name, f.type) for f in table.schema] == [(f.name, f.type) for f in recorded]
    expected = rows(wire(NEW))
    assert table.to_pylist() == expected.to_pylist()
    assert name.endswith(("unknown", "limit 0")) == (table.num_rows == 0)
    frame = getattr(new[where], method)(*arguments)
    pd.testing.assert_frame_equal(frame, table.to_pandas())


@pytest.mark.parametrize("where", [where for where in WIRES if where != "http"])
def test_partitions(new: dict[str, Client], wire: Wire, where: str) -> None:
    table = new[where].query_partitions(arrow=True)
    recorded = flight.table(wire(NEW), "partitions").schema
    assert [(f.name, f.type) for f in table.schema] == [(f.name, f.type) for f in recorded]
    files = sorted(
        path.relative_to(wire(NEW) / "data").as_posix()
        for path in (wire(NEW) / "data").rglob("*.parquet")
    )
    assert sorted(table["file_path"].to_pylist()) == files
    keys = list(zip(*(table[c].to_pylist() for c in table.column_names[:3]), strict=True))
    assert keys == sorted(keys)


# -- query_view ----------------------------------------------------------------------------------

SEEN = {
    "plain": "SELECT time, msg FROM log_entries ORDER BY time DESC LIMIT 7",
    "no limit": "SELECT time FROM log_entries ORDER BY time DESC, msg",
    "ends": "-- begins\nSELECT count(*) AS n FROM log_entries; -- ends",
    "with": "WITH a AS (SELECT level FROM log_entries) SELECT level, count(*) AS n FROM a "
    "GROUP BY level ORDER BY level",
    "recursive": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) "
    "SELECT n, c FROM r CROSS JOIN (SELECT count(*) AS c FROM log_entries) ORDER BY n",
    "brackets": "(SELECT min(time) AS t FROM log_entries)",
    "quoted": 'SELECT max("log_entries".time) AS t FROM "log_entries"',
    "capitals": "select MAX(Log_Entries.level) as l from LOG_ENTRIES",
    "twice": "SELECT count(*) AS n FROM log_entries a JOIN log_entries b ON a.time = b.time",
    "subquery": "SELECT (SELECT count(*) FROM log_entries) AS n, 'FROM {x} ? public.x' AS t",
    "union": "SELECT CAST(level AS BIGINT) AS n FROM log_entries UNION SELECT 99 ORDER BY n",
    "values": "VALUES (1), (2)",
    "describe": "DESCRIBE SELECT time, level FROM log_entries",
    "describe a view": "DESCRIBE log_entries",
    "nothing": "SELECT time, level FROM log_entries WHERE false",
    "unknown column": "SELECT nope FROM log_entries",
    "syntax": "SELECT FROM WHERE",
    "changes": "DROP TABLE log_entries",
}


@pytest.mark.parametrize("instance", ["global", PROCESS, NOBODY, "no-id"])
@pytest.mark.parametrize("name", SEEN)
def test_query_view_sees_what_it_sees_over_http(
    old: dict[str, Client], name: str, instance: str
) -> None:
    def seen(where: str) -> Any:
        try:
            view = "log_entries", instance, BEGIN, END, SEEN[name]
            table = old[where].query_view(*view, arrow=True)
        except mm.Error as error:
            return type(error)
        return [str(t) for t in decoded_schema(table.schema).types], table.to_pylist()

    if name == "changes":  # which the HTTP service takes, and forgets
        assert {seen(where) for where in BY_SQL} == {mm.NotSupportedError}
        return
    expected = seen("http")
    assert seen("lake") == expected
    if name == "describe a view" and instance in (NOBODY, "no-id"):
        expected = old["http"].query_view(
            "log_entries", "global", BEGIN, END, SEEN[name], arrow=True
        )
        expected = [str(t) for t in expected.schema.types], expected.to_pylist()
    assert {where: seen(where) for where in BY_SQL} == dict.fromkeys(BY_SQL, expected)


INSTANCE = re.compile(r"view_instance\('(\w+)', '([^']*)'\)")


@pytest.mark.parametrize("where", WIRES)
@pytest.mark.parametrize("name", ["log_instance", "measures_instance", "spans_50"])
def test_query_view_gives_what_was_recorded_of_the_instance(
    new: dict[str, Client], wire: Wire, name: str, where: str
) -> None:
    entry = flight.queries(NEW)[name]
    found = INSTANCE.search(entry["sql"])
    assert found is not None
    sql = entry["sql"].replace(found[0], found[1])
    table = new[where].query_view(*found.groups(), entry["begin"], entry["end"], sql, arrow=True)
    theirs = flight.table(wire(NEW), name)
    assert [f.name for f in table.schema] == [f.name for f in theirs.schema]
    assert decoded_schema(table.schema).types == theirs.schema.types
    ours, expected = (pd.DataFrame(each.to_pydict()) for each in (table, theirs))
    if where == "gateway":  # JSON has no infinities, nor NaN, which a frame has for what is null
        expected = expected.replace([float("inf"), -float("inf")], float("nan"))
    pd.testing.assert_frame_equal(ours, expected, check_exact=True)


@pytest.mark.parametrize("where", BY_SQL)
def test_query_view_of_spans_needs_a_range(old: dict[str, Client], where: str) -> None:
    count = "SELECT count(*) AS n FROM thread_spans"
    with pytest.raises(mm.ProgrammingError, match="needs a time range"):
        old[where].query_view("thread_spans", STREAM, None, None, count)
    every = old["http"].query_view("thread_spans", STREAM, BEGIN, END, count)["n"][0]
    assert old[where].query_view("thread_spans", STREAM, BEGIN, END, count)["n"][0] == every > 0
    # No range is inferred: HTTP has none either.
    some = f"{count} WHERE begin >= '{BEGIN}' AND \"end\" <= '{END}'"
    with pytest.raises(mm.ProgrammingError, match="needs a time range"):
        old[where].query_view("thread_spans", STREAM, None, None, some)


@pytest.mark.parametrize("where", BY_SQL)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM public.log_entries",
        'SELECT count(*) FROM datafusion . "public" /* */ . "log_entries"',
        "EXPLAIN WITH a AS (SELECT * FROM Public.Log_Entries) SELECT * FROM a",
    ],
)
def test_query_view_is_never_the_whole_view(old: dict[str, Client], where: str, sql: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=r"public\.log_entries would be all of the view"):
        old[where].query_view("log_entries", PROCESS, BEGIN, END, sql)


# -- progress ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", WIRES)
def test_materialize_tells_of_each_step(new: dict[str, Client], where: str) -> None:
    told: list[str] = []
    new[where].materialize_partitions("log_entries", "global", *TODAY, 10, told.append)
    head = "[2026-11-23T20:51:20+00:00, 2026-11-23T20:51:30+00:00] log_entries global: up to date"
    assert len(told) == 2
    assert told[0].startswith(head)


@contextmanager
def writable(folder: Path) -> Iterator[LocalService]:
    service = LocalService(LakeTransport(folder, writable=True), port=0, flight_port=0)
    with running(service):
        yield service


@pytest.mark.parametrize("where", ["grpc", "gateway"])
def test_retire(tmp_path: Path, wire: Wire, where: str) -> None:
    folder = tmp_path / "lake"
    shutil.copytree(wire(NEW) / "data", folder)
    told: list[str] = []
    with writable(folder) as service:
        url = {"grpc": service.flight_url, "gateway": f"gateway+{service.url}"}[where]
        with Client(url) as client:
            client.retire_partitions("measures", "global", TODAY[0], TODAY[0], told.append)
            assert told == []
            client.retire_partitions("measures", "global", *EVER, told.append)
            assert told == ["moved out of date partition measures.parquet to .retired"]
            assert "measures" not in set(client.query_partitions()["view_set_name"])
    assert [path.name.split(".")[0] for path in (folder / ".retired").iterdir()] == ["measures"]


@pytest.mark.parametrize("where", BY_SQL)
def test_what_a_callback_raises_comes_through(new: dict[str, Client], where: str) -> None:
    def refuse(line: str) -> None:
        raise RuntimeError(line)

    with pytest.raises(RuntimeError, match="log_entries"):
        new[where].materialize_partitions("log_entries", "global", *TODAY, 10, refuse)
    assert len(new[where].query("SELECT 1")) == 1  # the connection goes on


# -- errors --------------------------------------------------------------------------------------

P, N = mm.ProgrammingError, mm.NotSupportedError
REFUSED: list[tuple[str, str, tuple[Any, ...], type[mm.Error], str]] = [
    (OLD, "query_streams", (None, None, 5), P, "Time range or process_id have to be provided"),
    (OLD, "query_streams", (BEGIN, None, 5), P, "Time range or process_id have to be provided"),
    (NEW, "query_streams", (None, END, 5), P, "Time range or process_id have to be provided"),
    (NEW, "query_streams", (BEGIN, END, "5"), P, "limit='5' is of type str; accepted: int"),
    (NEW, "query_blocks", (BEGIN, END, 1.5, STREAM), P, "limit=1.5 is of type float"),
    (NEW, "query_blocks", (BEGIN, END, 1, "x"), P, "invalid stream_id 'x': expected a UUID"),
    (NEW, "find_process", ("x' OR 'a' = 'a",), P, "expected a UUID"),
    (NEW, "query_view", ("nope", "global", BEGIN, END, "SELECT 1"), P, "view set nope not found"),
    (OLD, "query_view", ("no{}pe", "?", BEGIN, END, "SELECT 1"), P, "view set no{}pe not found"),
    (OLD, "query_view", ("log_entries", "{}", BEGIN, END, "SELECT 1"), P, "Uuid::parse_str"),
    (NEW, "materialize_partitions", ("no'pe", "global", BEGIN, END, 9), P, "find view no'pe"),
    (NEW, "materialize_partitions", ("measures", "global", None, END, 9), P, "begin=None"),
    (NEW, "materialize_partitions", ("measures", PROCESS, BEGIN, END, 9), N, "only the HTTP"),
    (OLD, "query_partitions", (), N, "no list_partitions() for this user: services have it since"),
    (OLD, "materialize_partitions", ("measures", "global", BEGIN, END, 9), N, "HTTP address"),
]
RETIRE = "retire_partitions", ("measures", "global", *EVER)


@pytest.mark.parametrize("where", BY_SQL)
@pytest.mark.parametrize(("age", "method", "arguments", "kind", "words"), REFUSED)
def test_refused(
    old: dict[str, Client],
    new: dict[str, Client],
    where: str,
    age: str,
    method: str,
    arguments: tuple[Any, ...],
    kind: type[mm.Error],
    words: str,
) -> None:
    client = {OLD: old, NEW: new}[age][where]
    with pytest.raises(kind) as caught:
        getattr(client, method)(*arguments)
    assert type(caught.value) is kind
    assert words in str(caught.value)


def test_retiring_is_refused(old: dict[str, Client], new: dict[str, Client]) -> None:
    method, arguments = RETIRE
    words = {
        (NEW, "lake"): "use serve --writable",
        (NEW, "grpc"): "use serve --writable",
        (NEW, "gateway"): "use serve --writable",
        (NEW, "web"): r"the web app does not allow retire_partitions\(\): .* FlightSQL \(grpc://",
        (OLD, "grpc"): r"this service has no retire_partitions\(\) .* at its HTTP address",
        (OLD, "gateway"): r"this service has no retire_partitions\(\) .* at its HTTP address",
        (OLD, "web"): r"the web app does not allow retire_partitions\(\)",
    }
    for (age, where), match in words.items():
        with pytest.raises(mm.NotSupportedError, match=match) as caught:
            getattr({OLD: old, NEW: new}[age][where], method)(*arguments)
        assert where == "lake" or caught.value.__cause__ is not None
        assert caught.value.query_id is not None


# -- the real services' bytes ----------------------------------------------------------------------


def recorded(folder: Path, name: str) -> Reply:
    return reply(folder, next(entry for entry in index(folder.name) if entry["name"] == name))


def test_recorded_dictionaries_become_plain(wire: Wire) -> None:
    """The service is asked for dictionaries by default, the official client does not ask."""
    folder = wire(NEW)
    told = [recorded(folder, name) for name in ("get_tables_schema", "dict_all_processes")]
    with replaying(None, (), *told) as service, Client(service.url) as client:
        frame = client.find_process(SERVER)
    pd.testing.assert_frame_equal(frame, flight.table(folder, "all_processes").to_pandas())
    assert (
        service.calls[1]
        .request.decode(errors="replace")
        .endswith(f"SELECT * FROM processes WHERE process_id = '{SERVER}'")
    )
    assert not {"query_range_begin", "query_range_end"} & set(service.calls[1].headers)


def test_recorded_progress(wire: Wire) -> None:
    folder, told = wire(NEW), list[str]()
    replies = [recorded(folder, name) for name in ("get_tables_schema", "materialize", "retire")]
    with replaying(None, (), *replies) as service, Client(service.url) as client:
        client.materialize_partitions("log_entries", "global", *TODAY, 10, told.append)
        client.retire_partitions("nope", "global", *TODAY, told.append)
    assert told == flight.table(folder, "materialize")["msg"].to_pylist()
    sent = [call.request.decode(errors="replace")[2:] for call in service.calls[1:]]
    assert sent[0].endswith(
        "FROM materialize_partitions('log_entries', '2026-11-23T20:51:20Z', "
        "'2026-11-23T20:51:40Z', 10)"
    )
    assert sent[1].endswith(
        "FROM retire_partitions('nope', 'global', '2026-11-23T20:51:20Z', '2026-11-23T20:51:40Z')"
    )
    for call in service.calls[1:]:
        assert not {"query_range_begin", "query_range_end"} & set(call.headers)


@pytest.mark.parametrize(
    "cause", ["    can't find view nope", "    0: writing\n    1: view set nope not found"]
)
def test_progress_that_fails_on_the_way(wire: Wire, cause: str) -> None:
    lines = ["one", f"materialize_partitions_impl\n\nCaused by:\n{cause}"]
    time = pa.array([1, 2], pa.int64()).cast(pa.timestamp("ns", "+00:00"))
    failing = Reply(messages(pa.table({"time": time, "msg": lines})))
    seen: list[str] = []
    with (
        replaying(None, (), recorded(wire(NEW), "get_tables_schema"), failing) as service,
        Client(service.url) as client,
        pytest.raises(mm.ProgrammingError, match="nope") as caught,
    ):
        client.materialize_partitions("nope", "global", *TODAY, 10, seen.append)
    assert seen == ["one"]
    assert caught.value.query_id is not None


NO_FUNCTION = Reply(
    [],
    "INTERNAL",
    "error building dataframe: Error during planning: table function 'list_partitions' not found"
    " at public/src/servers/flight_sql_service_impl.rs:160",
)


def test_flightsql_of_0_2_3(wire: Wire) -> None:
    """Nothing is sent where there are no rows; table functions are not known."""
    folder = wire("flight-0.2.3")
    listed, nothing = recorded(folder, "get_tables_schema"), Reply([])
    unprepared = recorded(folder, "prepare_limit0_log_entries")
    columns = LOOKUPS["find_stream"].empty_table()
    nulls = pa.table([pa.nulls(1, f.type) for f in columns.schema], schema=columns.schema)
    replies = [listed, nothing, unprepared, Reply(messages(nulls)), NO_FUNCTION]
    with replaying(None, (), *replies) as service, Client(service.url) as client:
        assert client.find_stream(STREAM, arrow=True) == columns
        with pytest.raises(
            mm.NotSupportedError, match=r"a service of 0\.2 has query_partitions at its"
        ):
            client.query_partitions()
    asked = service.calls[1].request.decode(errors="replace")
    assert asked.endswith(
        "SELECT stream_id, process_id, dependencies_metadata, objects_metadata, tags, properties "
        f"FROM streams WHERE stream_id = '{STREAM}'"
    )


def test_the_service_is_asked_once_what_it_is(wire: Wire) -> None:
    folder = wire(NEW)
    told = [recorded(folder, name) for name in ("get_tables_schema", "all_processes")]
    with replaying(None, (), *told) as service, Client(service.url) as client:
        for _ in range(3):
            client.find_process(SERVER)
    assert len(service.calls) == 4
