"""A DataFusion session for one query: the lake's views within a time range, and the functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from datafusion import DataFrame, Expr, SessionConfig, SessionContext, SQLOptions, col, lit, udtf

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.lake import view_instances
from micromegas_dbapi.lake.folder import Folder, Source
from micromegas_dbapi.lake.properties import property_get
from micromegas_dbapi.lake.scan import CONFIG, Scanner
from micromegas_dbapi.lake.table_functions import TableFunctions
from micromegas_dbapi.service.catalog import SCHEMAS, time_columns

__all__ = ["Session"]

_VIEWS = ("log_entries", "measures", "processes", "streams", "blocks", "log_stats")
_TIME = pa.timestamp("ns", tz="+00:00")

_READ_ONLY = SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
_FORGETTING = SQLOptions().with_allow_dml(False)
#: What is said of a statement that a service would run, and that is none of the lake's business.
UNSAFE = "CREATE EXTERNAL TABLE would read the disk of this machine"


class Session:
    """One query's view of a lake.

    A session of its own for each query is what a service does; it costs a fraction of a
    millisecond, sees files that were added since, and needs no locks.

    Parameters
    ----------
    folder : Folder
    scanner : Scanner
    bounds : (int, int) or None
        Filters every scan of a view, as the services of its generation filter theirs: begin and
        end in nanoseconds since the epoch, both included; none lie between if begin is after end.
    forgetting : bool
        Take DDL and SET as a service does, which keeps nothing of them: they last as long as the
        session, one query. CREATE EXTERNAL TABLE is refused all the same.
    writable : bool
        Whether ``retire_partitions()`` may move files aside.
    """

    def __init__(
        self,
        folder: Folder,
        scanner: Scanner,
        bounds: tuple[int, int] | None,
        *,
        forgetting: bool = False,
        writable: bool = False,
    ) -> None:
        self._folder = folder
        self._scanner = scanner
        self._bounds = bounds
        self._forgetting = forgetting
        self._writable = writable
        self._found: dict[str, Source | None] = {}
        #: Services since 0.10 have this column; they have an information_schema as well, and
        #: fold constants before view_instance() sees them.
        self._recent = "last_update_time" in self._columns("processes")
        #: An error of ours that was raised inside the engine, which makes a text of it.
        self.refusal: Exception | None = None

    def query(self, sql: str) -> tuple[DataFrame, list[str] | None]:
        """Plan a statement; changes of any kind are refused.

        Returns
        -------
        frame : datafusion.DataFrame
        names : list of str or None
            The names of its columns, where the engine cannot hand these over itself.
        """
        if not self._recent:
            view_instances.check_arguments(sql)
        context = self._context()
        for name in self._named(sql):
            if (source := self._view(name)) is not None:
                context.register_view(name, self._scan(name, source))
        context.register_udtf(udtf(self._guarded(self._view_instance), "view_instance"))
        if self._recent:
            self._register_table_functions(context, sql)
        if "property_get" in sql.lower() and (properties := self._properties_type()) is not None:
            context.register_udf(property_get(properties, self._guarded))
        frame = self._plan(context, sql)
        # SELECT 'a<NUL>b' names its column after that text, which Arrow's C interface has not.
        return _numbered(context, sql, frame) if "\0" in sql else (frame, None)

    def query_view(self, view_set: str, instance: str, sql: str) -> DataFrame:
        """Plan a statement that sees one view, under its view set's name, and no functions of ours.

        Raises
        ------
        ProgrammingError
            If there is no such view.
        """
        context = self._context()
        context.register_view(view_set, self._instance(view_set, instance))
        return self._plan(context, sql)

    def views(self) -> dict[str, pa.Schema]:
        """List the views that there are files of, with their columns."""
        sources = {view: self._view(view) for view in sorted(_VIEWS)}
        return {view: source.schema for view, source in sources.items() if source is not None}

    def check_view(self, view_set: str, instance: str) -> None:
        """Check that there is such a view.

        Raises
        ------
        ProgrammingError
            With the service's text.
        """
        self._instance(view_set, instance)

    def _plan(self, context: SessionContext, sql: str) -> DataFrame:
        """Plan a statement, and take changes only if they open no file.

        What it is, the engine tells, which alone is sure to read it as it will be run.
        """
        try:
            return context.sql_with_options(sql, _READ_ONLY)
        except Exception as error:
            why = str(error)
            if not self._forgetting or " not supported: " not in why:
                raise
        if "CreateExternalTable" in why:
            raise from_service(f"This feature is not implemented: {UNSAFE}")
        return context.sql_with_options(sql, _FORGETTING)

    def _named(self, sql: str) -> Iterable[str]:
        """List the views that a statement may read: registering one costs as much as a query."""
        lower = sql.lower()
        if self._recent and re.search("information_schema|show", lower):
            return _VIEWS
        return (view for view in _VIEWS if view in lower)

    def _view(self, view: str) -> Source | None:
        """Look a view's files up, at most once in a session."""
        if view not in self._found:
            self._found[view] = self._folder.source(view) if view in _VIEWS else None
        return self._found[view]

    def _columns(self, view: str) -> list[str]:
        source = self._view(view)
        return [] if source is None else source.schema.names

    def _properties_type(self) -> pa.DataType | None:
        sources = filter(None, map(self._view, _VIEWS))
        types = (
            s.schema.field("properties").type for s in sources if "properties" in s.schema.names
        )
        return next(types, None)

    def _context(self) -> SessionContext:
        # now() counts in UTC everywhere, but has a zone only on the older services.
        recent = {"datafusion.catalog.information_schema": "true"}
        older = {"datafusion.execution.time_zone": "+00:00"}
        return SessionContext(SessionConfig({**CONFIG, **(recent if self._recent else older)}))

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Keep what a function called by the engine raises."""

        def guarded(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Exception as error:
                self.refusal = error
                raise

        return guarded

    def _scan(self, view: str, source: Source) -> DataFrame:
        """Read a view's files within the range."""
        if self._bounds is None:
            return self._scanner.frame(source)
        upto, since, *_ = time_columns(view, source.schema.names)
        files = self._folder.within(source, upto, since, self._bounds)
        return self._scanner.frame(source, files).filter(
            col(f'"{upto}"') <= _instant(self._bounds[1]),
            col(f'"{since}"') >= _instant(self._bounds[0]),
        )

    def _register_table_functions(self, context: SessionContext, sql: str) -> None:
        if not (named := [name for name in TableFunctions.NAMES if name in sql]):
            return
        functions = TableFunctions(self._folder, self.views(), self._writable, self._guarded)
        for name in named:
            made = _elsewhere(getattr(functions, name))
            context.register_udtf(udtf(self._guarded(made), name))

    def _view_instance(self, *arguments: Any) -> Any:
        given = [_text(Expr(argument)) for argument in arguments]
        for position in range(2):
            if len(given) <= position or given[position] is None:
                raise view_instances.no_text(position)
        return _elsewhere(self._instance)(str(given[0]), str(given[1]))

    def _instance(self, view_set: str, name: str) -> DataFrame:
        if view_set == "thread_spans":
            if name == "global":
                raise view_instances.no_view("the global view is not implemented for thread spans")
            return self._spans(view_instances.instance_id(name))
        source = self._view(view_set)
        if source is None:
            raise view_instances.no_view(f"view set {view_set} not found")
        frame = self._scan(view_set, source)
        if name == "global":
            return frame
        if view_set not in ("log_entries", "measures"):
            raise view_instances.no_view("only the global instance of this view is supported")
        process = view_instances.instance_id(name)
        if not self._has("processes", "process_id", process):
            return self._failing(source.schema, view_instances.no_row("process"))
        return frame.filter(col("process_id") == lit(pa.scalar(process)))

    def _spans(self, stream: str) -> DataFrame:
        source = self._folder.source("thread_spans", stream)
        schema = SCHEMAS["thread_spans"] if source is None else source.schema
        if self._bounds is None:
            return self._failing(schema, view_instances.no_range())
        if source is not None:
            return self._scan("thread_spans", source)
        if not self._has("streams", "stream_id", stream):
            return self._failing(schema, view_instances.no_row("stream"))
        return self._context().from_arrow(schema.empty_table())

    def _has(self, view: str, column: str, value: str) -> bool:
        source = self._view(view)
        if source is None:
            return False
        table = ds.dataset(source.path, source.schema, format="parquet")
        return bool(table.count_rows(filter=ds.field(column) == value))

    def _failing(self, schema: pa.Schema, error: DatabaseError) -> DataFrame:
        """Make a table whose scan fails: like a service, EXPLAIN and LIMIT 0 don't get that far."""

        def scanner(*_: object, **__: object) -> None:
            self.refusal = error
            raise error

        failing = type("Failing", (ds.InMemoryDataset,), {"scanner": scanner})
        context = self._context()
        context.register_dataset("failing", failing(schema.empty_table()))
        return context.table("failing")


def _numbered(
    context: SessionContext, sql: str, frame: DataFrame
) -> tuple[DataFrame, list[str] | None]:
    try:
        frame.schema()
        return frame, None
    except pa.ArrowException:
        described = context.sql_with_options(f"DESCRIBE {sql}", _READ_ONLY).to_pydict()
    names: list[str] = described["column_name"]
    quoted = [name.replace('"', '""') for name in names]
    return frame.select(*(col(f'"{q}"').alias(f"c{i}") for i, q in enumerate(quoted))), names


def _elsewhere(made: Callable[..., DataFrame]) -> Callable[..., Any]:
    """Have what makes a table for the engine run in another thread.

    The engine allows no blocking call of it inside a call by it.
    """

    def table(*arguments: Any) -> Any:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: made(*arguments).into_view()).result()

    return table


def _instant(ns: int) -> Expr:
    return lit(pa.scalar(ns, pa.int64()).cast(_TIME))


def _text(argument: Expr) -> str | None:
    if argument.variant_name() != "Literal":
        return None
    value = argument.python_value().as_py()
    return value if isinstance(value, str) else None
