"""The function ``property_get(properties, key)``: read one value from a column of properties.

As on a service, it returns the first property with an equal key, ignoring the case of ASCII letters
only, and NULL if there is none. Properties are lists of key and value on older services and JSONB
on newer ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import ScalarUDF, udf

from micromegas_dbapi.arrow import jsonb
from micromegas_dbapi.arrow.nested import is_list

__all__ = ["property_get"]


def property_get(
    properties: pa.DataType, wrap: Callable[..., Callable[..., pa.Array]]
) -> ScalarUDF:
    """Create the function for a lake.

    Parameters
    ----------
    properties : pyarrow.DataType
        The type of the lake's properties: a list of structs with ``key`` and ``value``, or JSONB
        as binary, with or without a dictionary. Lists, strings and binary may be large or views.
    wrap : callable
        Wraps the implementation; see `CallbackErrors.captured`.

    Returns
    -------
    datafusion.ScalarUDF
        Its results are strings; for JSONB, dictionary-encoded strings with 32-bit indices.
    """
    if is_list(properties):
        implementation, returned = _from_lists, pa.string()
    else:
        implementation, returned = _from_jsonb, pa.dictionary(pa.int32(), pa.string())
    arguments = [properties, pa.string()]
    return udf(wrap(implementation), arguments, returned, "immutable", "property_get")


def _from_lists(properties: pa.ListArray, names: pa.StringArray) -> pa.Array:
    entries = properties.flatten()
    # Not as large strings or views, which pyarrow's functions and the result do not have.
    keys = pc.ascii_lower(entries.field("key").cast(pa.string()))
    # The row of each entry. Null rows have no entries.
    lengths = pc.fill_null(pc.list_value_length(properties), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(properties)), lengths)
    entry_of_row = np.full(len(properties), -1, np.int64)
    wanted = pc.ascii_lower(names)
    for name in pc.unique(wanted):  # usually one, a literal
        if not name.is_valid:
            continue
        requested = pc.fill_null(pc.equal(wanted, name), False).to_numpy(zero_copy_only=False)
        found = np.flatnonzero(pc.equal(keys, name).to_numpy(zero_copy_only=False))
        found = found[requested[rows[found]]]
        first_rows, first = np.unique(rows[found], return_index=True)
        entry_of_row[first_rows] = found[first]
    values = entries.field("value").cast(pa.string())
    return values.take(pa.array(entry_of_row, mask=entry_of_row < 0))


def _from_jsonb(properties: pa.Array, names: pa.StringArray) -> pa.Array:
    if not pa.types.is_dictionary(properties.type):
        properties = properties.cast(pa.large_binary()).dictionary_encode()
    objects = [
        jsonb.decode(value) if value is not None else None
        for value in properties.dictionary.to_pylist()
    ]
    strings = pa.nulls(len(properties), pa.string())
    for name in pc.unique(names):
        if name.is_valid:
            values = pa.array([_value(each, name.as_py()) for each in objects], pa.string())
            strings = pc.if_else(pc.equal(names, name), values.take(properties.indices), strings)
    return strings.dictionary_encode()


def _value(properties: object, name: str) -> str | None:
    if not isinstance(properties, dict):
        return None
    key: str | None = name
    if name not in properties:
        folded = _ascii_lower(name)
        key = next((key for key in properties if _ascii_lower(key) == folded), None)
    if key is None:
        return None
    value = properties[key]
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _ascii_lower(text: str) -> str:
    return text.encode().lower().decode()  # bytes.lower() changes only ASCII letters
