"""A DataFusion session for one query: the views of a lake, and the functions of a service."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from datafusion import DataFrame, Expr, SessionConfig, SessionContext, SQLOptions, col, udtf

from micromegas_dbapi.errors import from_service
from micromegas_dbapi.forks import OneProcess
from micromegas_dbapi.lake import information_schema, instance_arguments
from micromegas_dbapi.lake.callbacks import CallbackErrors, run_in_thread
from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.property_get import property_get
from micromegas_dbapi.lake.scan import CONFIG, Scanner
from micromegas_dbapi.lake.table_functions import TableFunctions
from micromegas_dbapi.lake.views import VIEWS, Views

__all__ = ["Session"]

_DATAFUSION = OneProcess("the embedded engine", "it")
_READ_ONLY = SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
_WITH_DDL = SQLOptions().with_allow_dml(False)
_UNSAFE = "CREATE EXTERNAL TABLE is disabled because it reads local files"


class Session:
    """A session for one query.

    Services also create a session per query. It costs a fraction of a millisecond, includes files
    that were added since the last query, and needs no locks.

    Parameters
    ----------
    folder : Folder
        The lake.
    scanner : Scanner
        Reads the files.
    bounds : (int, int) or None
        The time range of the query; see `Views`.
    allow_ddl : bool
        Accept DDL and SET, like a service. As on a service, their effect ends with the session.
        CREATE EXTERNAL TABLE is never accepted.
    writable : bool
        Whether ``retire_partitions()`` may move files.
    same_version : bool
        Like a service of the version that the lake's files come from: versions before 0.18 have no
        information_schema. Otherwise, every lake has one.

    Attributes
    ----------
    errors : CallbackErrors
        The last exception of a function that the engine called.

    Raises
    ------
    NotSupportedError
        In a forked child of a process that has used the engine.
    """

    def __init__(
        self,
        folder: Folder,
        scanner: Scanner,
        bounds: tuple[int, int] | None,
        *,
        allow_ddl: bool = False,
        writable: bool = False,
        same_version: bool = False,
    ) -> None:
        _DATAFUSION.check()
        self.errors = CallbackErrors()
        self._folder = folder
        self._views = Views(folder, scanner, bounds, self.errors)
        self._allow_ddl = allow_ddl
        self._writable = writable
        # Services since 0.10 have this column. They also fold constants before they call
        # view_instance().
        self._recent = "last_update_time" in self._views.columns("processes")
        self._has_information_schema = self._recent or not same_version

    def query(self, sql: str) -> tuple[DataFrame, list[str] | None]:
        """Plan a statement.

        Parameters
        ----------
        sql : str
            Statements that change data are rejected.

        Returns
        -------
        frame : datafusion.DataFrame
            The planned statement.
        names : list of str or None
            The column names, if the engine cannot return them itself.

        Raises
        ------
        Exception
            The engine's, or DatabaseError; see `errors`.
        """
        if not self._recent:
            instance_arguments.check_arguments(sql)
        context = self._context()
        lower = sql.lower()
        for name in VIEWS:  # registering a view is as slow as a query
            if name in lower and (frame := self._views.frame(name)) is not None:
                context.register_view(name, frame)
        listed = self._has_information_schema and information_schema.is_mentioned(sql)
        if listed:
            information_schema.register(context, self.views())
        context.register_udtf(udtf(self.errors.captured(self._view_instance), "view_instance"))
        if self._recent:
            self._register_table_functions(context, sql)
        has_function = listed or "property_get" in lower
        if has_function and (kind := self._views.properties_type()) is not None:
            context.register_udf(property_get(kind, self.errors.captured))
        frame = self._plan(context, sql)
        # SELECT 'a<NUL>b' has a column name with NUL, which Arrow's C interface cannot represent.
        return _numbered(context, sql, frame) if "\0" in sql else (frame, None)

    def query_view(self, view_set: str, instance: str, sql: str) -> DataFrame:
        """Plan a statement on a single view instance, without the functions of services.

        Parameters
        ----------
        view_set, instance : str
            See `Views.instance`. In the statement, the view has the name of its view set.
        sql : str
            The statement.

        Returns
        -------
        datafusion.DataFrame
            The planned statement.

        Raises
        ------
        ProgrammingError
            If there is no such view.
        """
        context = self._context()
        context.register_view(view_set, self._views.instance(view_set, instance))
        return self._plan(context, sql)

    def views(self) -> dict[str, pa.Schema]:
        """List the views that have files; see `Views.schemas`.

        Returns
        -------
        dict of str to pyarrow.Schema
            The columns of each view.
        """
        return self._views.schemas()

    def check_view(self, view_set: str, instance: str) -> None:
        """Check that a view instance exists.

        Parameters
        ----------
        view_set, instance : str
            See `Views.instance`.

        Raises
        ------
        ProgrammingError
            If there is no such view.
        """
        self._views.instance(view_set, instance)

    def _plan(self, context: SessionContext, sql: str) -> DataFrame:
        """Plan a statement, and accept DDL only if it opens no file.

        Only the engine can reliably determine the kind of statement.
        """
        try:
            return context.sql_with_options(sql, _READ_ONLY)
        except Exception as error:
            reason = str(error)
            if not self._allow_ddl or " not supported: " not in reason:
                raise
        if "CreateExternalTable" in reason:
            raise from_service(f"This feature is not implemented: {_UNSAFE}")
        return context.sql_with_options(sql, _WITH_DDL)

    def _context(self) -> SessionContext:
        # now() is in UTC on all services, but its type has a time zone only on the older ones.
        older = {} if self._recent else {"datafusion.execution.time_zone": "+00:00"}
        return SessionContext(SessionConfig({**CONFIG, **older}))

    def _register_table_functions(self, context: SessionContext, sql: str) -> None:
        if not (named := [name for name in TableFunctions.NAMES if name in sql]):
            return
        functions = TableFunctions(self._folder, self.views(), self._writable, self.errors.captured)
        for name in named:
            function = run_in_thread(getattr(functions, name))
            context.register_udtf(udtf(self.errors.captured(function), name))

    def _view_instance(self, *arguments: Any) -> Any:
        strings = [_string(Expr(argument)) for argument in arguments]
        for position in range(2):
            if len(strings) <= position or strings[position] is None:
                raise instance_arguments.not_a_string(position)
        return run_in_thread(self._views.instance)(str(strings[0]), str(strings[1]))


def _numbered(
    context: SessionContext, sql: str, frame: DataFrame
) -> tuple[DataFrame, list[str] | None]:
    """Rename columns whose names cannot be exported, and return the original names."""
    try:
        frame.schema()
        return frame, None
    except pa.ArrowException:
        described = context.sql_with_options(f"DESCRIBE {sql}", _READ_ONLY).to_pydict()
    names: list[str] = described["column_name"]
    quoted = [name.replace('"', '""') for name in names]
    return frame.select(*(col(f'"{q}"').alias(f"c{i}") for i, q in enumerate(quoted))), names


def _string(argument: Expr) -> str | None:
    """Return the value of a string literal, or None for any other expression."""
    if argument.variant_name() != "Literal":
        return None
    value = argument.python_value().as_py()
    return value if isinstance(value, str) else None
