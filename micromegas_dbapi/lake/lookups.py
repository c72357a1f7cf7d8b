"""Look up processes, streams and blocks, like the service's calls that take no SQL.

A service reads its relational database for these calls, not the lakehouse, and applies no time
range unless one is given. The columns and their order are the service's (recorded in
``tests/wire``).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from datafusion import col, lit

from micromegas_dbapi.lake.folder import Folder
from micromegas_dbapi.lake.scan import Scanner, time_literal
from micromegas_dbapi.service.catalog import LOOKUPS, SCHEMAS

__all__ = ["find_process", "find_stream", "query_blocks", "query_streams"]


def find_process(folder: Folder, process_id: str) -> pa.Table:
    """Find a process.

    Parameters
    ----------
    folder : Folder
        The lake.
    process_id : str
        A UUID in its canonical form.

    Returns
    -------
    pyarrow.Table
        At most one row. A missing parent is null here, but an empty string in views.
    """
    columns = LOOKUPS["find_process"].names
    found = _rows(folder, "processes", columns, {"process_id": process_id})
    if "parent_process_id" not in found.column_names:
        return found
    at = found.column_names.index("parent_process_id")
    parents = found.column(at)
    null = pa.scalar(None, parents.type)
    return found.set_column(at, found.field(at), pc.if_else(pc.equal(parents, ""), null, parents))


def find_stream(folder: Folder, stream_id: str) -> pa.Table:
    """Find a stream.

    Parameters
    ----------
    folder : Folder
        The lake.
    stream_id : str
        A UUID in its canonical form.

    Returns
    -------
    pyarrow.Table
        At most one row.
    """
    columns = LOOKUPS["find_stream"].names
    return _rows(folder, "streams", columns, {"stream_id": stream_id})


def query_streams(
    folder: Folder,
    bounds: tuple[int | None, int | None],
    limit: int,
    process_id: str | None,
    tag: str | None,
) -> pa.Table:
    """List streams, sorted by their insert time.

    Parameters
    ----------
    folder : Folder
        The lake.
    bounds : (int or None, int or None)
        Of the insert time, in nanoseconds since the epoch; the end is excluded.
    limit : int
        The maximum number of streams.
    process_id, tag : str or None
        Only the streams of this process, with this tag.

    Returns
    -------
    pyarrow.Table
        One row per stream.
    """
    columns = [*LOOKUPS["query_streams"].names, "insert_time"]
    wanted = {} if process_id is None else {"process_id": process_id}
    table = _rows(folder, "streams", columns, wanted, "insert_time", bounds)
    if tag is not None:
        tagged = [tag in (tags or ()) for tags in table["tags"].to_pylist()]
        table = table.filter(pa.array(tagged, pa.bool_()))
    return table.drop_columns("insert_time").slice(0, limit)


def query_blocks(folder: Folder, stream_id: str) -> pa.Table:
    """List the blocks of a stream, sorted by their begin.

    Parameters
    ----------
    folder : Folder
        The lake.
    stream_id : str
        A UUID in its canonical form.

    Returns
    -------
    pyarrow.Table
        One row per block.
    """
    columns = LOOKUPS["query_blocks"].names
    return _rows(folder, "blocks", columns, {"stream_id": stream_id}, "begin_time")


def _rows(
    folder: Folder,
    view: str,
    columns: list[str],
    wanted: dict[str, str],
    order: str | None = None,
    bounds: tuple[int | None, int | None] = (None, None),
) -> pa.Table:
    """Return the rows with the wanted values, sorted by a time, which is within the bounds."""
    source = folder.source(view)
    if source is None:
        schema = pa.schema([SCHEMAS[view].field(name) for name in columns])
        return _nullable(schema.empty_table())
    schema = source.schema
    frame = Scanner().frame(source)
    for name, value in wanted.items():
        frame = frame.filter(col(name) == lit(value))
    if order is not None:
        kind = schema.field(order).type
        begin, end = (b if b is None else time_literal(kind, b, round_up=True) for b in bounds)
        frame = frame if begin is None else frame.filter(col(order) >= begin)
        frame = frame if end is None else frame.filter(col(order) < end)
    names = [name for name in columns if name in schema.names]
    table = frame.select(*map(col, names)).to_arrow_table()
    if order is not None:
        table = table.take(pc.sort_indices(table, [(order, "ascending")]))
    return _nullable(table)


def _nullable(table: pa.Table) -> pa.Table:
    """Declare every column nullable, as in the service's responses to these calls."""
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))
