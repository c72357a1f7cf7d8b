"""The views of a lake and their instances, filtered by a time range."""

from __future__ import annotations

import logging
from functools import reduce

import pyarrow as pa
import pyarrow.dataset as ds
from datafusion import DataFrame, SessionContext, col, lit

from micromegas_dbapi.errors import DatabaseError
from micromegas_dbapi.lake import instance_arguments
from micromegas_dbapi.lake.callbacks import CallbackErrors
from micromegas_dbapi.lake.folder import Folder, Source
from micromegas_dbapi.lake.scan import Scanner, time_literal
from micromegas_dbapi.lake.unified_types import unified_type
from micromegas_dbapi.service.catalog import SCHEMAS, time_columns

__all__ = ["VIEWS", "Views"]

#: The names of the views with a global instance.
VIEWS = ("log_entries", "measures", "processes", "streams", "blocks", "log_stats")
_LOGGER = logging.getLogger(__name__)


class Views:
    """The views of a lake. The files of each view are looked up at most once.

    Parameters
    ----------
    folder : Folder
        The lake.
    scanner : Scanner
        Reads the files.
    bounds : (int, int) or None
        Filters every scan of a view, as the services of the lake's version do. Begin and end in
        nanoseconds since the epoch, both included; no row matches if begin is after end.
    errors : CallbackErrors
        Receives the error of a scan that fails.
    """

    def __init__(
        self,
        folder: Folder,
        scanner: Scanner,
        bounds: tuple[int, int] | None,
        errors: CallbackErrors,
    ) -> None:
        self._folder = folder
        self._scanner = scanner
        self._bounds = bounds
        self._errors = errors
        self._sources: dict[str, Source | None] = {}

    def schemas(self) -> dict[str, pa.Schema]:
        """List the views that have files.

        Returns
        -------
        dict of str to pyarrow.Schema
            The columns of each view, sorted by the views' names. A view with a broken file is left
            out: a statement on it raises the error.
        """
        sources = {view: self._readable(view) for view in sorted(VIEWS)}
        return {view: source.schema for view, source in sources.items() if source is not None}

    def columns(self, view: str) -> list[str]:
        """List the columns of a view.

        Parameters
        ----------
        view : str
            Its name.

        Returns
        -------
        list of str
            Empty if there is no such view, or if a file of it is broken.
        """
        source = self._readable(view)
        return [] if source is None else source.schema.names

    def properties_type(self) -> pa.DataType | None:
        """Return the type of the properties in this lake, to which the engine casts others.

        Returns
        -------
        pyarrow.DataType or None
            None if no view has properties. The first view's if there is no common type.
        """
        sources = filter(None, map(self._readable, VIEWS))
        kinds = [
            s.schema.field("properties").type for s in sources if "properties" in s.schema.names
        ]
        return reduce(lambda a, b: unified_type(a, b) or a, kinds) if kinds else None

    def frame(self, view: str) -> DataFrame | None:
        """Return the rows of a view within the time range.

        Parameters
        ----------
        view : str
            Its name.

        Returns
        -------
        datafusion.DataFrame or None
            None if there is no such view.
        """
        source = self._source(view)
        return None if source is None else self._scan(view, source)

    def instance(self, view_set: str, name: str) -> DataFrame:
        """Return the rows of a view instance within the time range.

        Parameters
        ----------
        view_set : str
            The name of the view set.
        name : str
            ``"global"``, or the id of a process or a stream.

        Returns
        -------
        datafusion.DataFrame
            Its scan fails if no process or stream has the id. On a service, too, EXPLAIN and
            LIMIT 0 succeed in this case.

        Raises
        ------
        ProgrammingError
            If there is no such view set, or if the name is not valid for it.
        """
        if view_set == "thread_spans":
            if name == "global":
                reason = "the global view is not implemented for thread spans"
                raise instance_arguments.invalid_view(reason)
            return self._thread_spans(instance_arguments.parse_instance_id(name))
        source = self._source(view_set)
        if source is None:
            raise instance_arguments.invalid_view(f"view set {view_set} not found")
        frame = self._scan(view_set, source)
        if name == "global":
            return frame
        if view_set not in ("log_entries", "measures"):
            reason = "only the global instance of this view is supported"
            raise instance_arguments.invalid_view(reason)
        process = instance_arguments.parse_instance_id(name)
        if not self._contains("processes", "process_id", process):
            return self._failing(source.schema, instance_arguments.id_not_found("process"))
        return frame.filter(col("process_id") == lit(pa.scalar(process)))

    def _thread_spans(self, stream: str) -> DataFrame:
        source = self._folder.source("thread_spans", stream)
        schema = SCHEMAS["thread_spans"] if source is None else source.schema
        if self._bounds is None:
            return self._failing(schema, instance_arguments.range_required())
        if source is not None:
            return self._scan("thread_spans", source)
        if not self._contains("streams", "stream_id", stream):
            return self._failing(schema, instance_arguments.id_not_found("stream"))
        return SessionContext().from_arrow(schema.empty_table())

    def _source(self, view: str) -> Source | None:
        if view not in self._sources:
            self._sources[view] = self._folder.source(view) if view in VIEWS else None
        return self._sources[view]

    def _readable(self, view: str) -> Source | None:
        """Return the files of a view, or None if there are none, or a broken one."""
        try:
            return self._source(view)
        except DatabaseError as error:
            _LOGGER.warning("the view %s is not listed: %s", view, str(error))
            return None

    def _scan(self, view: str, source: Source) -> DataFrame:
        if self._bounds is None:
            return self._scanner.frame(source)
        start, end, *_ = time_columns(view, source.schema.names)
        files = self._folder.files_within(source, start, end, self._bounds)
        first, last = self._bounds
        return self._scanner.frame(source, files).filter(
            col(f'"{start}"') <= time_literal(source.schema.field(start).type, last),
            col(f'"{end}"') >= time_literal(source.schema.field(end).type, first, round_up=True),
        )

    def _contains(self, view: str, column: str, value: str) -> bool:
        source = self._source(view)
        if source is None:
            return False
        found = self._scanner.frame(source).filter(col(column) == lit(value))
        return bool(found.count())

    def _failing(self, schema: pa.Schema, error: DatabaseError) -> DataFrame:
        """Return a table whose scan raises an error."""

        def scanner(*_: object, **__: object) -> None:
            self._errors.last = error
            raise error

        failing = type("Failing", (ds.InMemoryDataset,), {"scanner": scanner})
        context = SessionContext()
        context.register_dataset("failing", failing(schema.empty_table()))
        return context.table("failing")
