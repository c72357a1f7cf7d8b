"""URLs, execution options and pools of the dialect."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

import micromegas_dbapi as mm
from micromegas_dbapi.auth import BasicAuth, BearerAuth
from micromegas_dbapi.timerange import MIN_NS
from sqlalchemy_micromegas import URL, view_instance
from sqlalchemy_micromegas.demo_lakes import shared_demo_lake
from tests.sqlalchemy.answers import RECORDED

ADDRESSES = {
    "micromegas://host:8082/pre/fix?begin=-2h": "http://host:8082/pre/fix?begin=-2h",
    "micromegas+http://host": "http://host",
    "micromegas+https://[::1]:99": "https://[::1]:99",
    "micromegas+grpc://host:50051?begin=-2h": "grpc://host:50051?begin=-2h",
    "micromegas+grpcs://host?server_name=other": "grpc+tls://host?server_name=other",
    "micromegas+gateway://host/pre": "gateway+http://host/pre",
    "micromegas+gateways://host": "gateway+https://host",
    "micromegas+web://host/mm?data_source=main": "web+http://host/mm?data_source=main",
    "micromegas+webs://host": "web+https://host",
    "micromegas+lake:///some/folder": "lake:some/folder",
    "micromegas+lake:////some/folder?begin=-1h": "lake:/some/folder?begin=-1h",
    "micromegas+demo://?seed=7&size=2": "demo:?seed=7&size=2",
}


@pytest.mark.parametrize(("url", "address"), ADDRESSES.items())
def test_address(url: str, address: str) -> None:
    engine = sa.create_engine(url)
    assert engine.dialect.create_connect_args(engine.url) == ((address,), {})


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("micromegas+https://:t%40ken@host", BearerAuth("t@ken")),
        ("micromegas+https://me:secret@host", BasicAuth("me", "secret")),
        (URL("host", driver="https", token="t@k/en?"), BearerAuth("t@k/en?")),
    ],
)
def test_credentials(url: Any, auth: Any) -> None:
    engine = sa.create_engine(url)
    (address,), arguments = engine.dialect.create_connect_args(engine.url)
    assert (address, arguments) == ("https://host", {"auth": auth})
    assert "secret" not in repr(engine.url)
    assert "t@k" not in repr(engine.url)


@pytest.mark.parametrize(
    "url",
    [
        URL("host", driver="grpcs", token="t@k/en?", begin="-2h", infer_range=False),
        URL("::1", 8082, user="m@e", password="s@c/ret", path="pre/fix"),
        URL(driver="lake", path="/folder with blank/100%"),
        URL(driver="demo", seed=7),
    ],
)
def test_text_of_a_url_has_all_of_it(url: Any) -> None:
    """Tools store URLs as strings."""
    read = sa.engine.make_url(url.render_as_string(hide_password=False))
    dialect = sa.create_engine(url).dialect
    assert dialect.create_connect_args(read) == dialect.create_connect_args(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("micromegas+http://host?begn=-1h", "begn"),
        ("micromegas+http://host?begin=soon", "soon"),
        ("micromegas+http://host?begin=-1h&begin=-2h", "more than once"),
        ("micromegas+http://host?end=2026-01-01T00:00:00+02:00", "%2B"),
        ("micromegas+http://", "the URL has no host"),
        ("micromegas+https://me@host", "no password"),
        ("micromegas+https://m%3Ae:secret@host", "a user name with a colon"),
        ("micromegas+lake://folder", "a folder and no host"),
        ("micromegas+demo://host", "no host and no path"),
        ("micromegas+grpc://host/path", "FlightSQL takes none"),
        ("micromegas+grpc://host?data_source=main", "data_source"),
        ("micromegas+web://host?keepalive_ms=1", "keepalive_ms"),
        ("micromegas+grpcs://host?preserve_dictionary=2", "preserve_dictionary"),
    ],
)
def test_bad_urls(url: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sa.create_engine(url)


COUNT = sa.text("SELECT count(*) FROM log_entries")


def source(result: Any) -> Any:
    range_ = result.cursor.time_range
    result.close()
    return range_.begin


def test_execution_options(demo: Any) -> None:
    """Options of a statement take precedence over the connection's, and these over the engine's."""
    at = {name: f"2026-01-0{i}T00:00:00Z" for i, name in enumerate(("e", "c", "s"), 1)}
    ns = {
        name: int(datetime.fromisoformat(text[:-1] + "+00:00").timestamp()) * 10**9
        for name, text in at.items()
    }
    engine = demo.execution_options(micromegas_begin=at["e"])
    with engine.connect() as connection:
        assert source(connection.execute(COUNT)) == ns["e"]
        narrower = COUNT.execution_options(micromegas_begin=at["s"])
        assert source(connection.execute(narrower)) == ns["s"]
    with demo.connect() as connection:
        assert source(connection.execute(COUNT)) is None
        assert source(connection.execute(COUNT.execution_options(begin=at["s"]))) == ns["s"]
        assert source(connection.execute(COUNT.execution_options(begin=mm.ALL_TIME))) is None
        for bad in ({"micromegas_begn": 1}, {"begin": at["s"], "micromegas_begin": at["s"]}):
            with pytest.raises(ArgumentError):
                connection.execute(COUNT.execution_options(**bad))
        shown = connection.execute(
            sa.text("SELECT max(time) FROM log_entries").execution_options(timestamps="ns")
        ).scalar()
        assert type(shown) is int


EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


BOUNDS: tuple[dict[str, Any], ...] = (
    {},
    {"begin": None},  # not given
    {"begin": mm.ALL_TIME},  # no range, on purpose
    {"micromegas_begin": EARLY},
    {"begin": LATE},
)


def expected(*levels: dict[str, Any]) -> tuple[int | None, bool]:
    """Return the begin that should be sent, and whether there is an end, which the engine sets.

    ALL_TIME alone opens both bounds, as in the driver.
    """
    begins = [begin for level in levels for begin in level.values() if begin is not None]
    if not begins:
        return MIN_NS, True
    return (None, False) if begins[-1] is mm.ALL_TIME else (to_ns(begins[-1]), True)


def sent(result: Any) -> tuple[int | None, bool]:
    time_range = result.context.cursor.time_range
    result.close()
    return time_range.begin, time_range.end is not None


@pytest.mark.parametrize("levels", list(product(({}, {"begin": LATE}), *[BOUNDS] * 3)), ids=repr)
def test_the_most_specific_option_wins(demo: Any, levels: tuple[dict[str, Any], ...]) -> None:
    """Also where a broader level has the very same value, or a level says: no range, on purpose."""
    of_engine, of_connection, of_statement, of_execute = levels
    engine = sa.create_engine(  # 1.4 has options of execute() only with future
        demo.url, future=True, execution_options={**of_engine, "end": "now"}
    )
    with engine.connect().execution_options(**of_connection) as connection:
        statement = COUNT.execution_options(**of_statement)
        result = connection.execute(statement, execution_options=of_execute)
        assert sent(result) == expected(*levels)
        shown = connection.get_execution_options()
        assert {name: shown[name] for name in of_connection} == of_connection
        driver = connection.exec_driver_sql(
            "SELECT count(*) FROM log_entries", execution_options=of_execute
        )
        assert sent(driver) == expected(of_engine, of_connection, of_execute)
    engine.dispose()


TIMESTAMPS: tuple[dict[str, Any], ...] = (
    *({}, {"timestamps": None}, {"timestamps": "ns"}, {"micromegas_timestamps": "datetime"}),
)


@pytest.mark.parametrize("levels", list(product(TIMESTAMPS, repeat=3)), ids=repr)
def test_timestamps_of_the_most_specific_level(
    demo: Any, levels: tuple[dict[str, Any], ...]
) -> None:
    of_engine, of_connection, of_execute = levels
    shown = [each for level in levels for each in level.values() if each is not None]
    engine = sa.create_engine(demo.url, future=True, execution_options=of_engine)
    with engine.connect().execution_options(**of_connection) as connection:
        newest = connection.exec_driver_sql(
            "SELECT max(time) FROM log_entries", execution_options=of_execute
        ).scalar()
        assert type(newest) is (int if shown[-1:] == ["ns"] else datetime)
    engine.dispose()


def test_wrong_execution_options(demo: Any) -> None:
    with demo.connect() as connection:
        for options, words in (
            ({"timestamps": "us"}, "timestamps='us'; accepted: 'datetime', 'ns'"),
            ({"timestamps": True}, "timestamps=True; accepted: 'datetime', 'ns'"),
            ({"begin": 5}, "begin=5 is of type int; accepted: an aware datetime"),
        ):
            with pytest.raises(sa.exc.ProgrammingError, match=words):
                connection.execute(COUNT.execution_options(**options))
        with pytest.raises(ArgumentError, match="unknown execution option 'micromegas_views'"):
            connection.execute(COUNT.execution_options(micromegas_views={}))


def to_ns(text: str) -> int:
    return int(datetime.fromisoformat(text[:-1] + "+00:00").timestamp()) * 10**9


def test_ranges_of_statements(wire: Any) -> None:
    """Ranges are inferred from the SQL that is sent. The URL sets the mode."""
    address = URL(
        driver="lake",
        path=str(wire("http-0.2.3") / "data"),
        infer_range="require",
        views={"mine": "t", "other": ("a", "b")},
        on_unbounded="error",
    )
    assert address.query["views"] == "mine:t,other:a:b"
    engine = sa.create_engine(address, future=True)
    log = sa.table("log_entries", sa.column("time", sa.TIMESTAMP(timezone=True)))
    begin = datetime(2026, 11, 23, 20, tzinfo=timezone.utc)
    bounded = sa.select(sa.func.count()).select_from(log).where(log.c.time >= begin)
    with engine.connect() as connection:
        result = connection.execute(bounded)
        assert result.cursor.time_range.source == "inferred"
        assert result.cursor.time_range.begin_text == "2026-11-23T19:59:00Z"
        assert result.scalar() > 0
        with pytest.raises(sa.exc.ProgrammingError, match="infer_range='require'"):
            connection.execute(sa.select(sa.func.count()).select_from(log))
        assert sa.inspect(connection).has_table("log_entries")
        given = connection.execute(bounded.execution_options(begin="2026-11-23T20:30:00Z"))
        assert given.cursor.time_range.source == "execute"
    engine.dispose()


def test_no_query_on_first_connect(wire: Any) -> None:
    address = f"micromegas+lake:///{wire('http-0.2.3') / 'data'}"
    engine = sa.create_engine(address, future=True)
    statements: list[str] = []
    sa.event.listen(
        engine, "before_cursor_execute", lambda c, cur, sql, *rest: statements.append(sql)
    )
    with engine.connect() as connection:
        assert statements == []
        assert connection.exec_driver_sql("SELECT 'a?b'").scalar() == "a?b"
        assert connection.get_isolation_level() == "AUTOCOMMIT"
        with pytest.raises(mm.NotSupportedError, match="begin_nested"):
            connection.begin_nested()
    assert statements == ["SELECT 'a?b'"]
    engine.dispose()


@pytest.mark.parametrize("pool", [QueuePool, NullPool])
@pytest.mark.parametrize("where", RECORDED)
def test_threads(request: pytest.FixtureRequest, where: str, pool: Any) -> None:
    url = request.getfixturevalue(where).url
    engine = sa.create_engine(url, poolclass=pool, pool_pre_ping=True)
    counts: list[Any] = []

    def work() -> None:
        for _ in range(5):
            with engine.connect() as connection:
                counts.append(connection.execute(COUNT).scalar())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(counts) == 20
    assert len(set(counts)) == 1
    engine.dispose()


@pytest.mark.parametrize("where", RECORDED)
def test_intervals_cross_every_wire(request: pytest.FixtureRequest, where: str) -> None:
    engine = request.getfixturevalue(where)
    spans = sa.literal(timedelta(days=1, microseconds=5))
    log = sa.Table("log_entries", sa.MetaData(), autoload_with=engine)
    lasted = sa.func.max(log.c.time) - sa.func.min(log.c.time)
    with engine.connect() as connection:
        difference, constant = connection.execute(sa.select(lasted, spans)).one()
        first, last = connection.execute(
            sa.select(sa.func.min(log.c.time), sa.func.max(log.c.time))
        ).one()
    assert constant == timedelta(days=1, microseconds=5)
    assert abs(difference - (last - first)) <= timedelta(microseconds=1)


@pytest.mark.parametrize("where", RECORDED)
def test_view_instances(request: pytest.FixtureRequest, where: str) -> None:
    engine = request.getfixturevalue(where)
    metadata = sa.MetaData()
    streams = sa.Table("streams", metadata, autoload_with=engine)
    is_thread = sa.literal("cpu") == sa.any_(streams.c.tags)
    found = 0
    with engine.connect().execution_options(begin="2020-01-01T00:00:00Z") as connection:
        threads = connection.execute(sa.select(streams.c.stream_id).where(is_thread)).fetchall()
        for (stream,) in threads:
            spans = view_instance("thread_spans", stream)
            asked = view_instance("thread_spans", stream, autoload_with=connection)
            known, told = ([(c.name, repr(c.type)) for c in each.c] for each in (spans, asked))
            assert known == told
            long = sa.select(spans.c.name, spans.c.end).where(spans.c.duration > 10)
            rows = connection.execute(long).fetchall()
            joined = spans.join(streams, streams.c.stream_id == stream)
            count = sa.select(sa.func.count()).select_from(joined).where(spans.c.duration > 10)
            assert connection.execute(count).scalar() == len(rows)
            found += len(rows)
    assert found


def test_view_sets() -> None:
    with pytest.raises(ArgumentError, match="unknown view set 'nope'; accepted: log_entries"):
        view_instance("nope", "global")
    with pytest.raises(ArgumentError, match="of type int"):
        view_instance("measures", 7)  # type: ignore[arg-type]


# -- what the dialect says of itself, asked of the engine ---------------------------------------

FLAGS: list[tuple[str, Any, Any, Any]] = [
    ("supports_native_boolean", True, sa.Boolean(), True),
    ("supports_native_decimal", True, sa.Numeric(20, 10), Decimal("1234567890.0123456789")),
    ("returns_native_bytes", True, sa.LargeBinary(), b"\x00\xff'"),
]


@pytest.mark.parametrize(("flag", "says", "type_", "value"), FLAGS)
def test_native_types(demo: Any, flag: str, says: Any, type_: Any, value: Any) -> None:
    """Without a type of SQLAlchemy, the value has the type that the flag promises."""
    assert getattr(demo.dialect, flag) is says
    text = str(
        sa.select(sa.literal(value, type_)).compile(
            dialect=demo.dialect, compile_kwargs={"literal_binds": True}
        )
    )
    with demo.connect() as connection:
        found = connection.exec_driver_sql(text).scalar()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.skipif(sa.__version__ < "2", reason="SQLAlchemy 1.4 has no type Uuid")
def test_native_uuid(recorded: Any) -> None:
    """Ids are strings with hyphens in the lake. They compare with UUIDs and convert to them."""
    assert recorded.dialect.supports_native_uuid is True
    processes = sa.table("processes", sa.column("process_id", sa.Uuid()))
    with recorded.connect() as connection:
        ids = connection.execute(sa.select(processes.c.process_id)).scalars().all()
        assert ids
        assert all(isinstance(each, uuid.UUID) for each in ids)
        same = sa.select(processes.c.process_id).where(processes.c.process_id == ids[0])
        assert connection.execute(same).scalars().all() == [ids[0]]
        parents = sa.table("processes", sa.column("parent_process_id", sa.Uuid()))
        with pytest.raises(mm.DataError, match="'' is not a UUID; declare the column as String"):
            connection.execute(sa.select(parents.c.parent_process_id)).all()


def test_statement_cache(demo: Any) -> None:
    """A statement of the same form is not compiled again, and has its own values."""
    assert demo.dialect.supports_statement_cache is True
    compiled: list[Any] = []
    level = sa.table("log_entries", sa.column("level", sa.Integer)).c.level
    sa.event.listen(
        demo, "after_cursor_execute", lambda c, cur, sql, p, context, m: compiled.append(context)
    )
    with demo.connect() as connection:
        for values in ([4], [3, 4], []):
            found = connection.execute(sa.select(level).distinct().where(level.in_(values))).all()
            assert sorted(row[0] for row in found) == values
    assert [c.cache_hit.name for c in compiled] == ["CACHE_MISS", "CACHE_HIT", "CACHE_HIT"]


def test_rowcount(demo: Any) -> None:
    """Results stream: the number of rows is unknown before the last, as the flags say."""
    assert demo.dialect.supports_sane_rowcount is False
    with demo.connect() as connection:
        result = connection.execute(sa.text("SELECT msg FROM log_entries LIMIT 9"))
        cursor = result.cursor
        assert cursor.rowcount == -1
        result.fetchmany(9)
        assert cursor.rowcount in (-1, 9)


@pytest.mark.parametrize("where", RECORDED)
def test_ping_and_disconnect(request: pytest.FixtureRequest, where: str) -> None:
    """A ping queries the service. Only a closed connection is a disconnect."""
    engine = request.getfixturevalue(where)
    dialect, raw = engine.dialect, engine.raw_connection()
    mine = raw.dbapi_connection
    assert dialect.do_ping(mine) is True
    with pytest.raises(mm.ProgrammingError) as wrong:
        mine.execute("SELECT nope FROM log_entries")
    assert not dialect.is_disconnect(wrong.value, mine, None)
    mine.close()
    with pytest.raises(mm.InterfaceError) as closed:
        dialect.do_ping(mine)
    assert dialect.is_disconnect(closed.value, mine, None)
    raw.invalidate()
    with engine.connect() as connection:  # the pool has another
        assert connection.execute(COUNT).scalar() > 0


@pytest.mark.parametrize("driver", ["http", "grpc", "gateway", "web"])
def test_ping_of_a_service_that_is_gone(driver: str) -> None:
    engine = sa.create_engine(f"micromegas+{driver}://127.0.0.1:1?connect_timeout=1")
    raw = engine.raw_connection()  # connects to nothing yet
    with pytest.raises(mm.OperationalError) as gone:
        engine.dialect.do_ping(raw.dbapi_connection)
    assert not engine.dialect.is_disconnect(gone.value, raw.dbapi_connection, None)
    raw.close()
    engine.dispose()


def test_connect_args(wire: Any) -> None:
    """connect_args are passed to the driver unchanged, and take precedence over the URL."""
    data = wire("http-0.2.3") / "data"
    engine = sa.create_engine(
        f"micromegas+lake:///{data}?begin=2020-01-01T00:00:00Z",
        connect_args={"begin": "2021-01-01T00:00:00Z", "timestamps": "ns"},
    )
    with engine.connect() as connection:
        result = connection.execute(sa.text("SELECT max(time) FROM log_entries"))
        assert result.cursor.time_range.begin == 1609459200 * 10**9
        assert type(result.scalar()) is int
    engine.dispose()
    with pytest.raises(sa.exc.ProgrammingError, match="unknown option 'nope' in connect"):
        sa.create_engine("micromegas+demo://", connect_args={"nope": 1}).connect()


def test_several_sets_of_parameters_are_refused(demo: Any) -> None:
    """SQLAlchemy treats them as INSERT, and would drop all rows but the first set's."""
    statement = sa.text("SELECT :a")
    with demo.connect() as connection:
        assert connection.execute(statement, [{"a": 1}]).all() == [(1,)]
        with pytest.raises(sa.exc.NotSupportedError, match="2 sets of parameters"):
            connection.execute(statement, [{"a": 1}, {"a": 2}])


@pytest.mark.parametrize(
    ("given", "database"),
    [
        ("micromegas+demo://", "datafusion"),
        ("micromegas+grpc://host", "datafusion"),
        ("micromegas+http://host", "datafusion"),
        ("micromegas+http://host/prefix", "prefix"),
        ("micromegas+lake:///folder", "folder"),
    ],
)
def test_an_engine_names_its_catalog(given: str, database: str) -> None:
    """Tools such as marimo show the schemas of the database in the URL, and none without."""
    engine = sa.create_engine(given)
    assert engine.url.database == database
    again = sa.create_engine(engine.url)  # means the same
    assert again.url == engine.url
    assert again.dialect.create_connect_args(again.url) == engine.dialect.create_connect_args(
        sa.engine.make_url(given)
    )


def test_demo_lake_is_generated_once() -> None:
    newest = "SELECT max(time) FROM log_entries"
    found = set()
    for _ in range(3):  # an engine and a connection for each statement, as Superset has them
        engine = sa.create_engine("micromegas+demo://?seed=11&begin=-2h", poolclass=NullPool)
        with engine.connect() as connection:
            found.add(connection.execute(sa.text(newest)).scalar())
            driver = connection.connection.dbapi_connection
            assert driver.explicit_range() is not None
        engine.dispose()
    assert len(found) == 1


def test_demo_lakes_of_other_options_are_others() -> None:
    lakes = {shared_demo_lake(f"demo:?seed={seed}&timestamps=ns") for seed in (11, 12, 11)}
    assert len(lakes) == 2
    assert all(lake.startswith("lake:") and lake.endswith("?timestamps=ns") for lake in lakes)
    with pytest.raises(mm.ProgrammingError, match="seed='x'"):
        shared_demo_lake("demo:?seed=x")
