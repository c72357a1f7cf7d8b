"""The type of columns of properties."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes

from micromegas_dbapi.arrow import jsonb
from micromegas_dbapi.errors import DataError
from sqlalchemy_micromegas.functions import property_get
from sqlalchemy_micromegas.types.named import NamedType
from sqlalchemy_micromegas.types.processors import Processor

__all__ = ["Properties"]

_MAX_CACHED = 4096


class Properties(NamedType, sqltypes.JSON):
    """Keys and values: a dict in rows, in whatever form the service stores them.

    ``column["key"]`` is `property_get`: the value of the key, compared case-insensitively for
    ASCII letters, or NULL. SQLAlchemy and its tools treat it as a JSON type, which they can copy
    to other databases.

    Older services send a list of keys and values. Of two equal keys the first takes precedence,
    as in property_get. Newer services send JSONB, whose values can be of every type of JSON.
    """

    cache_ok = True
    sql_name = "JSON"

    class Comparator(sqltypes.JSON.Comparator):  # type: ignore[type-arg, unused-ignore]
        """Operators of columns of properties."""

        def __getitem__(self, key: Any) -> Any:
            return property_get(self.expr, key)

    comparator_factory = Comparator  # type: ignore[assignment, unused-ignore]

    @property
    def python_type(self) -> type[dict[str, Any]]:
        """The type of values."""
        return dict

    def bind_processor(self, dialect: Any) -> None:
        """Leave parameters to the driver, which rejects dicts."""
        return None

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        """Convert lists of keys and values, and JSONB, to dicts."""
        cache: dict[bytes, Any] = {}

        def _process(value: Any) -> Any:
            if isinstance(value, list):
                return {entry["key"]: entry["value"] for entry in reversed(value)}
            if not isinstance(value, bytes):
                return value
            known = cache.get(value)
            if known is None:
                known = _decode(value)
                if not isinstance(known, dict) or not all(type(v) is str for v in known.values()):
                    return known  # mutable values must not be shared between rows
                if len(cache) >= _MAX_CACHED:
                    cache.clear()
                cache[value] = known
            return dict(known)

        return _process


def _decode(value: bytes) -> Any:
    try:
        return jsonb.decode(value)
    except ValueError as error:
        raise DataError(
            f"cannot decode a value of a column of properties: {error}; to read its bytes use "
            "type_coerce(column, LargeBinary)"
        ) from error
