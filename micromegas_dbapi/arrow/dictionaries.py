"""Dictionaries -> the same, with each value once and no null among them.

A merging sort appends the dictionaries that it merges, whatever they have in common. Arrow allows
that; pandas refuses it, and pyarrow's ``group_by`` and ``unique`` take each entry for a group of
its own, in silence. Nor does ``group_by`` take chunks whose dictionaries differ.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from itertools import accumulate, pairwise, repeat
from operator import is_
from typing import TypeAlias

import pyarrow as pa

from micromegas_dbapi.arrow.alignment import Place, aligned, place, spots
from micromegas_dbapi.arrow.nested import inner_types, is_list, parts, rebuilt

__all__ = ["Step", "distinct"]

#: Makes of arrays of one type as many others of the same type and values; those that need no
#: change are given back as they are.
Step: TypeAlias = Callable[[list[pa.Array]], list[pa.Array]]


def distinct(kind: pa.DataType) -> Step | None:
    """Give what makes the dictionaries of arrays distinct, at any depth, and aligned.

    Arrays that are given to it together, the chunks of a column, have one dictionary then, if its
    keys can count all that is in theirs. What it finds out of a dictionary it keeps for the next
    call: the batches of a stream often have one, or come with the same again.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of the arrays to come.

    Returns
    -------
    callable or None
        None for a type without dictionaries. Lists, structs and maps are looked into; views of
        lists, unions and extension types, in which no engine has dictionaries, are not.
    """
    if pa.types.is_dictionary(kind):
        return _Words(kind)
    steps = [distinct(inner) for inner in inner_types(kind)]
    return partial(_inside, kind, steps) if any(steps) else None


# ---- Dictionaries -------------------------------------------------------------------------------

# What becomes of a dictionary: where each entry is now, None if all are in their places; and the
# dictionary in place of it.
_Made: TypeAlias = tuple[pa.Array | None, pa.Array]


class _Words:
    """Makes the dictionaries distinct that come in one place of a schema."""

    def __init__(self, kind: pa.DataType) -> None:
        values = kind.value_type
        self._kind = kind
        self._inner = distinct(values)
        self._flat = self._inner is None and not pa.types.is_nested(values)
        self._spots = spots(values)
        signed = pa.types.is_signed_integer(kind.index_type)
        self._most = 2 ** (kind.index_type.bit_width - signed)
        self._seen: pa.Array | None = None
        self._made: _Made

    def __call__(self, chunks: list[pa.Array]) -> list[pa.Array]:
        found: list[pa.Array] = []  # the dictionaries, but for those like the one before
        which: list[int] = []
        places: list[Place] = []
        for chunk in chunks:
            dictionary = chunk.dictionary
            at = place(dictionary)
            again = self._flat and places[-1:] == [at]
            if not found or not (again or self._same(dictionary, found[-1])):
                found.append(dictionary)
            which.append(len(found) - 1)
            places.append(at)
        try:
            made = self._together(found) or [self._alone(dictionary) for dictionary in found]
        except pa.ArrowNotImplementedError:  # values of a type that pyarrow cannot compare
            return chunks
        stay = [place(words) if codes is None else None for codes, words in made]
        return [
            chunk if at == stay[number] else self._replaced(chunk, *made[number])
            for chunk, at, number in zip(chunks, places, which, strict=True)
        ]

    def _together(self, dictionaries: list[pa.Array]) -> list[_Made] | None:
        """Make one of several; None where it cannot be made, or there is one only."""
        if len(dictionaries) < 2 or self._kind.ordered:  # an order of all would be ours
            return None
        try:
            codes, words = self._encoded(dictionaries)
        except (pa.ArrowInvalid, pa.ArrowCapacityError):  # more than an array can hold
            return None
        if len(words) > self._most:
            return None
        ends = list(accumulate(map(len, dictionaries)))
        return [
            (codes.slice(end - len(each), len(each)), words)
            for each, end in zip(dictionaries, ends, strict=True)
        ]

    def _alone(self, dictionary: pa.Array) -> _Made:
        if self._seen is None or not self._same(dictionary, self._seen):
            codes, words = self._encoded([dictionary])
            if len(words) == len(codes):
                codes, (words,) = None, aligned([words], self._spots)
            self._made = codes, words
            self._seen = dictionary
        return self._made

    def _same(self, a: pa.Array, b: pa.Array) -> bool:
        """Tell whether arrays are the same, byte by byte; at one address that costs nothing.

        Of nested ones it would take long to say.
        """
        if not self._flat or len(a) != len(b) or a.offset != b.offset:
            return False
        return all(
            x is y or (x is not None and y is not None and x.equals(y))
            for x, y in zip(a.buffers(), b.buffers(), strict=True)
        )

    def _encoded(self, dictionaries: list[pa.Array]) -> tuple[pa.Array, pa.Array]:
        """Give the place of each value, null for a null, and the distinct values."""
        if self._inner is not None:
            dictionaries = self._inner(dictionaries)
        values = dictionaries[0] if len(dictionaries) == 1 else pa.concat_arrays(dictionaries)
        kind = values.type
        hashed = not (pa.types.is_nested(kind) or pa.types.is_dictionary(kind))
        if hashed and kind not in (pa.null(), pa.float16()):  # which differ from version to version
            encoded = values.dictionary_encode()
            words = encoded.dictionary if len(encoded.dictionary) < len(values) else values
            return self._keys_of(encoded.indices), words
        places: dict[Hashable, int] = {}
        first: list[int] = []
        codes: list[int | None] = []
        for at, key in enumerate(_keys(values)):
            if key is not None and key not in places:
                places[key] = len(first)
                first.append(at)
            codes.append(None if key is None else places[key])
        if len(first) < len(values):
            values = values.take(pa.array(first, pa.int32()))
        return self._keys_of(pa.array(codes, pa.int32())), values

    def _keys_of(self, codes: pa.Array) -> pa.Array:
        # Of one dictionary, no entry is behind its first place, so that the keys count all that
        # are referred to; what is cut off here nothing refers to.
        return codes.cast(self._kind.index_type, safe=False)

    def _replaced(self, chunk: pa.Array, codes: pa.Array | None, words: pa.Array) -> pa.Array:
        kind, indices = self._kind, chunk.indices
        if codes is not None:
            indices = codes.take(indices)
        return pa.DictionaryArray.from_arrays(indices, words, ordered=kind.ordered, safe=False)


def _keys(values: pa.Array) -> list[Hashable]:
    """Give what is equal for values that are the same, to the sign of a zero; None for a null."""
    kind = values.type
    keys: Iterable[Hashable]
    if pa.types.is_struct(kind):
        fields = [_keys(field) for field in parts(values)]
        keys = zip(*fields, strict=True) if fields else repeat((), len(values))
    elif is_list(kind):
        items = list(zip(*map(_keys, parts(values)), strict=True))
        if pa.types.is_fixed_size_list(kind):
            bounds = [at * kind.list_size for at in range(len(values) + 1)]
        else:
            bounds = values.offsets.to_pylist() if len(values) else [0]
        keys = [tuple(items[a - bounds[0] : b - bounds[0]]) for a, b in pairwise(bounds)]
    elif pa.types.is_dictionary(kind):  # distinct already
        keys = values.indices.to_pylist()
    else:
        whole = values.view(pa.int16()) if kind == pa.float16() else values
        keys = whole.dictionary_encode().indices.to_pylist()
    valid = values.is_valid().to_pylist()
    return [key if is_valid else None for key, is_valid in zip(keys, valid, strict=True)]


# ---- Inside of lists, structs and maps ----------------------------------------------------------


def _inside(kind: pa.DataType, steps: list[Step | None], chunks: list[pa.Array]) -> list[pa.Array]:
    if not chunks:
        return chunks
    given = [parts(chunk) for chunk in chunks]
    columns = zip(steps, zip(*given, strict=True), strict=True)
    made = [list(column) if step is None else step(list(column)) for step, column in columns]
    return [
        chunk if all(map(is_, before, after)) else rebuilt(chunk, kind, after)
        for chunk, before, after in zip(chunks, given, zip(*made, strict=True), strict=True)
    ]
