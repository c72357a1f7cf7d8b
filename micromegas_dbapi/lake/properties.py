"""``property_get(properties, key)``: one value out of a column of properties.

As on a service: the first property whose key equals, ignoring the case of ASCII letters only;
NULL where there is none. Properties are lists of key and value on older services and JSONB on
newer ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import ScalarUDF, udf

from micromegas_dbapi.arrow import jsonb

__all__ = ["property_get"]


def property_get(
    properties: pa.DataType, guard: Callable[..., Callable[..., pa.Array]]
) -> ScalarUDF:
    """Make the function for a lake.

    Parameters
    ----------
    properties : pyarrow.DataType
        The type of the lake's properties: a list of structs with ``key`` and ``value``, or JSONB
        as binary, with a dictionary or without.
    guard : callable
        Wraps the implementation, so that its errors are kept.

    Returns
    -------
    datafusion.ScalarUDF
        It returns strings; of JSONB, strings in a dictionary with 32-bit keys.
    """
    if pa.types.is_list(properties):
        implementation, returned = _from_lists, pa.string()
    else:
        implementation, returned = _from_jsonb, pa.dictionary(pa.int32(), pa.string())
    arguments = [properties, pa.string()]
    return udf(guard(implementation), arguments, returned, "immutable", "property_get")


def _from_lists(properties: pa.ListArray, names: pa.StringArray) -> pa.Array:
    entries = properties.flatten()
    keys = pc.ascii_lower(entries.field("key"))
    # The row of each entry; rows that are null have none.
    lengths = pc.fill_null(pc.list_value_length(properties), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(properties)), lengths)
    entry_of_row = np.full(len(properties), -1, np.int64)
    wanted = pc.ascii_lower(names)
    for name in pc.unique(wanted):  # most often one, a literal
        if not name.is_valid:
            continue
        asked = pc.fill_null(pc.equal(wanted, name), False).to_numpy(zero_copy_only=False)
        found = np.flatnonzero(pc.equal(keys, name).to_numpy(zero_copy_only=False))
        found = found[asked[rows[found]]]
        first_rows, first = np.unique(rows[found], return_index=True)
        entry_of_row[first_rows] = found[first]
    return entries.field("value").take(pa.array(entry_of_row, mask=entry_of_row < 0))


def _from_jsonb(properties: pa.Array, names: pa.StringArray) -> pa.Array:
    if not pa.types.is_dictionary(properties.type):
        properties = properties.dictionary_encode()
    objects = [
        jsonb.decode(value) if value is not None else None
        for value in properties.dictionary.to_pylist()
    ]
    texts = pa.nulls(len(properties), pa.string())
    for name in pc.unique(names):
        if name.is_valid:
            values = pa.array([_text(each, name.as_py()) for each in objects], pa.string())
            texts = pc.if_else(pc.equal(names, name), values.take(properties.indices), texts)
    return texts.dictionary_encode()


def _text(properties: object, name: str) -> str | None:
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
    return text.encode().lower().decode()  # bytes know only ASCII letters
