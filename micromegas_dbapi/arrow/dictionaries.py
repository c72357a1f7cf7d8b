"""Deduplicate dictionaries: each value once, and no nulls among the values.

A merging sort in the engine concatenates the dictionaries that it merges, with all duplicates.
Arrow allows that, but pandas raises an error, and pyarrow's ``group_by`` and ``unique`` silently
treat each entry as a group of its own. ``group_by`` also rejects chunks with different
dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from itertools import accumulate, pairwise, repeat
from operator import is_
from typing import TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import (
    MemoryLocation,
    align,
    memory_location,
    wide_buffers,
)
from micromegas_dbapi.arrow.nested import child_types, children, is_list, with_children

__all__ = ["ArraysTransform", "deduplicator"]

#: Returns as many arrays with the same type and values; the given ones where nothing changes.
ArraysTransform: TypeAlias = Callable[[list[pa.Array]], list[pa.Array]]


def deduplicator(kind: pa.DataType) -> ArraysTransform | None:
    """Return a function that makes the dictionaries in arrays distinct, at any depth, and aligned.

    Arrays passed in one call, the chunks of a column, then share one dictionary, if its index type
    can number all distinct values. The result for a dictionary is kept for the next call, because
    the batches of a stream often have the same one.

    Parameters
    ----------
    kind : pyarrow.DataType
        The type of the arrays.

    Returns
    -------
    callable or None
        None for a type without dictionaries. Lists, structs and maps are searched for dictionaries;
        list views, unions and extension types are not, because no engine puts dictionaries there.
    """
    if pa.types.is_dictionary(kind):
        return _DictionaryDeduplicator(kind)
    inner = [deduplicator(child) for child in child_types(kind)]
    return partial(_transform_children, kind, inner) if any(inner) else None


# ---- Dictionaries -------------------------------------------------------------------------------

# The replacement of a dictionary: the new index of each entry, or None if all are unchanged; and
# the new dictionary.
_Replacement: TypeAlias = tuple[pa.Array | None, pa.Array]


class _DictionaryDeduplicator:
    """Deduplicates the dictionaries at one position of a schema."""

    def __init__(self, kind: pa.DataType) -> None:
        values = kind.value_type
        self._kind = kind
        self._inner = deduplicator(values)
        self._is_flat = self._inner is None and not pa.types.is_nested(values)
        self._wide_buffers = wide_buffers(values)
        signed = pa.types.is_signed_integer(kind.index_type)
        self._max_length = 2 ** (kind.index_type.bit_width - signed)
        self._last_dictionary: pa.Array | None = None
        self._last_replacement: _Replacement

    def __call__(self, chunks: list[pa.Array]) -> list[pa.Array]:
        dictionaries: list[pa.Array] = []  # without those that equal the one before
        numbers: list[int] = []
        locations: list[MemoryLocation] = []
        for chunk in chunks:
            dictionary = chunk.dictionary
            location = memory_location(dictionary)
            same_memory = self._is_flat and locations[-1:] == [location]
            if not dictionaries or not (same_memory or self._equal(dictionary, dictionaries[-1])):
                dictionaries.append(dictionary)
            numbers.append(len(dictionaries) - 1)
            locations.append(location)
        try:
            replacements = self._merge(dictionaries) or [
                self._deduplicate(dictionary) for dictionary in dictionaries
            ]
        except pa.ArrowNotImplementedError:  # pyarrow cannot compare values of this type
            return chunks
        unchanged = [
            memory_location(values) if codes is None else None for codes, values in replacements
        ]
        return [
            chunk
            if location == unchanged[number]
            else self._replace_dictionary(chunk, *replacements[number])
            for chunk, location, number in zip(chunks, locations, numbers, strict=True)
        ]

    def _merge(self, dictionaries: list[pa.Array]) -> list[_Replacement] | None:
        """Merge several dictionaries; None if they cannot be merged, or if there is only one."""
        if len(dictionaries) < 2 or self._kind.ordered:  # the merged order would be arbitrary
            return None
        try:
            codes, values = self._encode(dictionaries)
            codes = self._indices(codes)
        except (pa.ArrowInvalid, pa.ArrowCapacityError):  # they exceed the capacity of an array
            return None
        if len(values) > self._max_length:
            return None
        ends = list(accumulate(map(len, dictionaries)))
        return [
            (codes.slice(end - len(each), len(each)), values)
            for each, end in zip(dictionaries, ends, strict=True)
        ]

    def _deduplicate(self, dictionary: pa.Array) -> _Replacement:
        if self._last_dictionary is None or not self._equal(dictionary, self._last_dictionary):
            codes, values = self._encode([dictionary])
            if len(values) == len(codes):
                self._last_replacement = None, align([values], self._wide_buffers)[0]
            else:
                self._last_replacement = self._indices(codes), values
            self._last_dictionary = dictionary
        return self._last_replacement

    def _equal(self, a: pa.Array, b: pa.Array) -> bool:
        """Return whether arrays are equal byte by byte; False for nested ones.

        The comparison is free for arrays at one address, and slow for nested arrays.
        """
        if not self._is_flat or len(a) != len(b) or a.offset != b.offset:
            return False
        return all(
            x is y or (x is not None and y is not None and x.equals(y))
            for x, y in zip(a.buffers(), b.buffers(), strict=True)
        )

    def _encode(self, dictionaries: list[pa.Array]) -> tuple[pa.Array, pa.Array]:
        """Return the index of each value, null for a null, and the distinct values."""
        if self._inner is not None:
            dictionaries = self._inner(dictionaries)
        values = dictionaries[0] if len(dictionaries) == 1 else pa.concat_arrays(dictionaries)
        kind = values.type
        hashable = not (pa.types.is_nested(kind) or pa.types.is_dictionary(kind))
        if hashable and kind not in (pa.null(), pa.float16()):  # these differ between versions
            encoded = values.dictionary_encode()
            distinct = encoded.dictionary if len(encoded.dictionary) < len(values) else values
            return encoded.indices, distinct
        index_of: dict[Hashable, int] = {}
        first: list[int] = []
        codes: list[int | None] = []
        for at, key in enumerate(_keys(values)):
            if key is not None and key not in index_of:
                index_of[key] = len(first)
                first.append(at)
            codes.append(None if key is None else index_of[key])
        if len(first) < len(values):
            values = values.take(pa.array(first, pa.int32()))
        return pa.array(codes, pa.int32()), values

    def _indices(self, codes: pa.Array) -> pa.Array:
        # An entry never moves behind its first position, so the index type can number all entries
        # that are referenced. What the cast truncates is not referenced.
        return codes.cast(self._kind.index_type, safe=False)

    def _replace_dictionary(
        self, chunk: pa.Array, codes: pa.Array | None, values: pa.Array
    ) -> pa.Array:
        kind, indices = self._kind, chunk.indices
        if codes is not None:
            indices = codes.take(indices)
        return pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered, safe=False)


def _keys(values: pa.Array) -> list[Hashable]:
    """Return a key for each value, None for null. Keys are equal only for identical values.

    The zeros 0.0 and -0.0 have different keys.
    """
    kind = values.type
    keys: Iterable[Hashable]
    if pa.types.is_struct(kind):
        fields = [_keys(field) for field in children(values)]
        keys = zip(*fields, strict=True) if fields else repeat((), len(values))
    elif is_list(kind):
        items = list(zip(*map(_keys, children(values)), strict=True))
        if pa.types.is_fixed_size_list(kind):
            bounds = [at * kind.list_size for at in range(len(values) + 1)]
        else:
            bounds = values.offsets.to_pylist() if len(values) else [0]
        keys = [tuple(items[a - bounds[0] : b - bounds[0]]) for a, b in pairwise(bounds)]
    elif pa.types.is_dictionary(kind):  # already distinct
        keys = values.indices.to_pylist()
    else:
        integers = values.view(pa.int16()) if kind == pa.float16() else values
        keys = integers.dictionary_encode().indices.to_pylist()
    valid = values.is_valid().to_pylist()
    return [key if is_valid else None for key, is_valid in zip(keys, valid, strict=True)]


# ---- Lists, structs and maps --------------------------------------------------------------------


def _transform_children(
    kind: pa.DataType, transforms: list[ArraysTransform | None], chunks: list[pa.Array]
) -> list[pa.Array]:
    if not chunks:
        return chunks
    before = [children(chunk) for chunk in chunks]
    by_child = zip(transforms, zip(*before, strict=True), strict=True)
    transformed = [
        list(arrays) if transform is None else transform(list(arrays))
        for transform, arrays in by_child
    ]
    return [
        chunk if all(map(is_, old, new)) else with_children(chunk, kind, new)
        for chunk, old, new in zip(chunks, before, zip(*transformed, strict=True), strict=True)
    ]
