"""The short labels of types that harlequin shows beside columns."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

__all__ = ["type_label"]

_types = pa.types
# The labels of harlequin's own adapters. The first type that matches is the one.
_LABELS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (_types.is_boolean, "t/f"),
    (lambda kind: kind == pa.int64(), "##"),
    (lambda kind: kind == pa.uint64(), "u##"),
    (_types.is_signed_integer, "#"),
    (_types.is_unsigned_integer, "u#"),
    (_types.is_floating, "#.#"),
    (_types.is_decimal, "#.#"),
    (_types.is_timestamp, "ts"),
    (_types.is_date, "d"),
    (_types.is_time, "t"),
    (_types.is_duration, "|-|"),
    (_types.is_interval, "|-|"),
    (_types.is_map, "{m}"),
    (_types.is_struct, "{}"),
    (_types.is_union, "?"),
    (_types.is_nested, "[]"),
    (_types.is_null, "\\n"),
    (_types.is_string, "s"),
    (_types.is_large_string, "s"),
    (_types.is_string_view, "s"),
    (_types.is_binary, "0b"),
    (_types.is_large_binary, "0b"),
    (_types.is_binary_view, "0b"),
    (_types.is_fixed_size_binary, "0b"),
)


def type_label(kind: pa.DataType) -> str:
    """Return the label of a type.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type. A dictionary has the label of its values, an extension type that of its storage.

    Returns
    -------
    str
        One to three characters, such as ``s`` for a string; ``?`` for other types.
    """
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif _types.is_dictionary(kind) or _types.is_run_end_encoded(kind):
            kind = kind.value_type
        else:
            return next((label for matches, label in _LABELS if matches(kind)), "?")
