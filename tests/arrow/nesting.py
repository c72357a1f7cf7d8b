"""Every Arrow type, inside of every container."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa

NS = 1_700_000_000_123_456_789


def _stored(numbers: list[int | None], kind: pa.DataType) -> pa.Array:
    return pa.array(numbers, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)


def _decimals(kind: pa.DataType) -> pa.Array:
    return pa.array([Decimal("1.50"), None, Decimal("-2.25")], kind)


def _texts(kind: pa.DataType) -> pa.Array:
    texts = ["é", None, ""]
    return pa.array([t if t is None or "string" in str(kind) else t.encode() for t in texts], kind)


# Three values of each type, the second one null.
_LEAVES = [
    pa.nulls(3),
    pa.array([True, None, False]),
    *(pa.array([1, None, 127], getattr(pa, f"int{width}")()) for width in (8, 16, 32)),
    *(pa.array([1, None, 127], getattr(pa, f"uint{width}")()) for width in (8, 16, 32)),
    pa.array([2**63 - 1, None, -(2**63)], pa.int64()),
    pa.array([2**64 - 1, None, 0], pa.uint64()),
    pa.array([1.5, None, -0.25], pa.float32()).cast(pa.float16()),
    pa.array([1.5, None, -0.25], pa.float32()),
    pa.array([1.5, None, -0.1], pa.float64()),
    *map(_decimals, [pa.decimal128(10, 2), pa.decimal256(50, 2)]),
    *(_decimals(getattr(pa, f"decimal{w}")(9, 2)) for w in (32, 64) if hasattr(pa, f"decimal{w}")),
    *map(_texts, [pa.string(), pa.large_string(), pa.string_view()]),
    *map(_texts, [pa.binary(), pa.large_binary(), pa.binary_view()]),
    pa.array([b"ab", None, b"\x00\xff"], pa.binary(2)),
    _stored([0, None, -1], pa.date32()),
    _stored([86_400_000, None, 0], pa.date64()),
    *(_stored([3661, None, 0], pa.time32(unit)) for unit in ("s", "ms")),
    _stored([3_661_000_001, None, 0], pa.time64("us")),
    _stored([3_661_000_001_001, None, 0], pa.time64("ns")),
    *(
        _stored([NS // 10**digits, None, -1], pa.timestamp(unit, zone))
        for digits, unit in {9: "s", 6: "ms", 3: "us", 0: "ns"}.items()
        for zone in (None, "UTC", "Asia/Tokyo")
    ),
    *(_stored([1_500_000_001, None, -2], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")),
    pa.array([pa.MonthDayNano([1, 2, 3]), None, pa.MonthDayNano([0, -1, 5000])]),
]
LEAVES: dict[str, pa.Array] = {str(array.type): array for array in _LEAVES}


def _lists(
    kind: Callable[[pa.DataType], pa.DataType], offset: pa.DataType
) -> Callable[[pa.Array], pa.Array]:
    """Return the container ``[[first, second], null, [third]]``."""

    def nest(values: pa.Array) -> pa.Array:
        offsets = pa.array([0, 2, 2, 3], offset).buffers()[1]
        valid = pa.array([True, False, True]).buffers()[1]
        return pa.Array.from_buffers(kind(values.type), 3, [valid, offsets], children=[values])

    return nest


def _list_views(values: pa.Array) -> pa.Array:
    starts, sizes = pa.array([0, None, 2], pa.int32()), pa.array([2, 0, 1], pa.int32())
    return pa.ListViewArray.from_arrays(starts, sizes, values)


def _large_list_views(values: pa.Array) -> pa.Array:
    starts, sizes = pa.array([0, None, 2], pa.int64()), pa.array([2, 0, 1], pa.int64())
    return pa.LargeListViewArray.from_arrays(starts, sizes, values)


def _map_keys(values: pa.Array) -> pa.Array:
    return _maps(values[:1], pa.array([1]))  # keys are not null


def _map_items(values: pa.Array) -> pa.Array:
    return _maps(pa.array(["a", "b"]), values[:2])


def _maps(keys: pa.Array, items: pa.Array) -> pa.Array:
    """Return one map, and a null."""
    return pa.MapArray.from_arrays(pa.array([0, None, len(keys)], pa.int32()), keys, items)


def _structs(values: pa.Array) -> pa.Array:
    mask = pa.array([False, False, True])
    return pa.StructArray.from_arrays([values, pa.array([1, 2, 3])], ["a", "b"], mask=mask)


def _run_ends(values: pa.Array) -> pa.Array:
    kind = pa.run_end_encoded(pa.int32(), values.type)
    ends = pa.array([2, 3, 4], pa.int32())
    return pa.Array.from_buffers(kind, 4, [None], children=[ends, values])


CONTAINERS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "list": _lists(pa.list_, pa.int32()),
    "large_list": _lists(pa.large_list, pa.int64()),
    "fixed_size_list": lambda values: pa.FixedSizeListArray.from_arrays(values, 3),
    "list_view": _list_views,
    "large_list_view": _large_list_views,
    "struct": _structs,
    "map_keys": _map_keys,
    "map_items": _map_items,
    "dictionary": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([2, None, 0, 1], pa.int8()), values
    ),
    "run_end_encoded": _run_ends,
}

#: Each leaf in each container.
NESTED: dict[str, pa.Array] = {
    f"{container} of {leaf}": nest(values)
    for leaf, values in LEAVES.items()
    for container, nest in CONTAINERS.items()
    if not (container == "map_keys" and leaf == "null")  # keys are not null
}
