"""A lake on a DataFusion of any release behind a pipe, as a service of its age has it.

What is asked is a map of sql, bounds (two counts of nanoseconds, or null) and plan, which is true
where the columns are enough. The script's arguments are the folder, and names for views of its
users, which have the rows of log_entries. DataFusion 43 takes no table functions from Python: calls
of them are replaced in the text, which is good for statements whose literals do not speak of them.
Those that work on partitions do nothing here but tell what they were given.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datafusion
import pyarrow as pa
import pyarrow.dataset as ds
from datafusion import SessionConfig, SessionContext

from micromegas_dbapi.errors import DatabaseError
from micromegas_dbapi.lake import instance_arguments
from micromegas_dbapi.lake.folder import Folder, Source
from micromegas_dbapi.lake.partitions import list_partitions
from micromegas_dbapi.lake.property_get import property_get
from micromegas_dbapi.service.catalog import SCHEMAS, time_columns
from tests.engines.answering import answer_all

FOLDER = Folder(Path(sys.argv[1]))
RELEASE = int(datafusion.__version__.split(".")[0])
VIEWS = {
    path.stem: source
    for path in sorted(FOLDER.path.glob("*.parquet"))
    if (source := FOLDER.source(path.stem)) is not None
}
RECENT = "last_update_time" in VIEWS["processes"].schema.names
CONFIG = {
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.catalog.information_schema": str(RECENT).lower(),
    **({} if RECENT else {"datafusion.execution.time_zone": "+00:00"}),
    # Which 43 does not know, and does not do.
    **({} if RELEASE < 50 else {"datafusion.sql_parser.map_string_types_to_utf8view": "false"}),
}
INSTANCE = re.compile(r"\bview_instance\(\s*('(?:[^']|'')*')\s*,\s*('(?:[^']|'')*')\s*\)")
WORK = re.compile(r"\b(?:materialize|retire)_partitions\(([^()]*)\)")
LINES = pa.schema(
    [
        pa.field("time", pa.timestamp("ns", "+00:00"), nullable=False),
        pa.field("msg", pa.string(), nullable=False),
    ]
)
# As 43 writes an error of the plan where it is embedded, and a service does not.
DEBUG = re.compile(r"DataFusion error: Plan\((\".*\")\)", re.DOTALL)


class Session:
    """What there is for one statement."""

    def __init__(self, bounds: tuple[int, int] | None) -> None:
        self._bounds = bounds
        self._context = SessionContext(SessionConfig(CONFIG))
        self._instances = 0
        #: What a scan was refused with, which the engine makes a text of.
        self.refusal: DatabaseError | None = None
        for name, source in VIEWS.items():
            self._view(name, name, source)
        for name in sys.argv[2:]:
            self._create(name, "__log_entries__partitions", ["true", *self._range("time", "time")])
        properties = VIEWS["processes"].schema.field("properties").type
        self._context.register_udf(property_get(properties, lambda function: function))

    def plan(self, sql: str) -> Any:
        sql = INSTANCE.sub(lambda call: self._instance(*map(_text, call.groups())), sql)
        if RECENT:
            sets = pa.table({"view_set_name": [*VIEWS, "thread_spans"]})
            sql = self._listed(sql, "list_view_sets", lambda: sets)
            sql = self._listed(sql, "list_partitions", lambda: list_partitions(FOLDER))
            sql = WORK.sub(self._worked, sql)
        return self._context.sql(sql)

    def _listed(self, sql: str, function: str, made: Callable[[], pa.Table]) -> str:
        """Put a table in the place of calls of a function without arguments."""
        if f"{function}()" in sql:
            self._context.register_record_batches(function, [made().to_batches()])
        return sql.replace(f"{function}()", function)

    def _worked(self, call: re.Match[str]) -> str:
        """Make a table with a line for the call as a whole, and one for each argument."""
        lines = [call[0], *call[1].split(", ")]
        times = pa.array(range(len(lines)), pa.int64()).cast(LINES.field("time").type)
        table = pa.table([times, pa.array(lines)], schema=LINES)
        self._context.register_record_batches("worked", [table.to_batches()])
        return "worked"

    def _view(self, name: str, view_set: str, source: Source, condition: str = "true") -> None:
        """Make a view, named as a service names it and what is behind it."""
        storage = f"__{name}__partitions"
        self._context.register_parquet(storage, str(source.path), schema=source.schema)
        upto, since, *_ = time_columns(view_set, source.schema.names)
        self._create(name, storage, [condition, *self._range(upto, since)])

    def _create(self, name: str, storage: str, conditions: list[str]) -> None:
        where = " AND ".join(conditions)
        self._context.sql(f'CREATE VIEW "{name}" AS SELECT * FROM "{storage}" WHERE {where}')

    def _range(self, upto: str, since: str) -> Iterator[str]:
        if self._bounds is not None:
            yield f'"{since}" >= {_instant(self._bounds[0])}'
            yield f'"{upto}" <= {_instant(self._bounds[1])}'

    def _instance(self, view_set: str, instance: str) -> str:
        self._instances += 1
        name = f"instance {self._instances}"
        if view_set == "thread_spans":
            return self._spans(name, instance_arguments.parse_instance_id(instance))
        if view_set not in VIEWS:
            raise instance_arguments.invalid_view(f"view set {view_set} not found")
        process, source = instance_arguments.parse_instance_id(instance), VIEWS[view_set]
        if not _has("processes", "process_id", process):
            return self._failing(name, source.schema, instance_arguments.id_not_found("process"))
        self._view(name, view_set, source, f"process_id = '{process}'")
        return f'"{name}"'

    def _spans(self, name: str, stream: str) -> str:
        source = FOLDER.source("thread_spans", stream)
        if source is None or self._bounds is None:
            error = (
                instance_arguments.id_not_found("stream")
                if self._bounds
                else instance_arguments.range_required()
            )
            return self._failing(name, SCHEMAS["thread_spans"], error)
        self._view(name, "thread_spans", source)
        return f'"{name}"'

    def _failing(self, name: str, schema: pa.Schema, error: DatabaseError) -> str:
        """Make a table whose scan fails: EXPLAIN and LIMIT 0 don't get that far."""

        def scanner(*_: object, **__: object) -> None:
            self.refusal = error
            raise error

        failing = type("Failing", (ds.InMemoryDataset,), {"scanner": scanner})
        self._context.register_dataset(name, failing(schema.empty_table()))
        return f'"{name}"'


def answer(asked: dict[str, Any]) -> pa.Table:
    bounds = asked["bounds"]
    session = Session(None if bounds is None else tuple(bounds))
    try:
        frame = session.plan(asked["sql"])
        schema = frame.schema()
        if asked["plan"]:
            return schema.empty_table()
        batches = frame.collect()
    except BaseException as error:
        raise RuntimeError(_words(session.refusal or error)) from error
    # What they say of nulls may differ from what the plan says.
    for batch in batches:
        both = zip(schema, batch.schema, strict=True)
        schema = pa.schema([b.with_nullable(a.nullable or b.nullable) for a, b in both])
    arrays = [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches]
    return pa.Table.from_batches(arrays, schema)


def _words(error: BaseException) -> str:
    if isinstance(error, DatabaseError):
        return str(error.__cause__)
    found = DEBUG.fullmatch(str(error))
    return f"Error during planning: {json.loads(found[1])}" if found else str(error)


def _has(view: str, column: str, value: str) -> bool:
    table = ds.dataset(VIEWS[view].path, VIEWS[view].schema, format="parquet")
    return bool(table.count_rows(filter=ds.field(column) == value))


def _text(literal: str) -> str:
    return literal[1:-1].replace("''", "'")


def _instant(ns: int) -> str:
    kind = 'Timestamp(Nanosecond, Some("+00:00"))'
    return f"arrow_cast(arrow_cast('{ns}', 'Int64'), '{kind}')"


if __name__ == "__main__":
    answer_all(answer)
