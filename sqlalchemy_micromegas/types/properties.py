"""The type of columns of properties."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.elements import ClauseElement

from micromegas_dbapi.arrow import jsonb
from micromegas_dbapi.errors import DataError
from sqlalchemy_micromegas.functions import property_get
from sqlalchemy_micromegas.types.named import NamedType
from sqlalchemy_micromegas.types.processors import Processor
from sqlalchemy_micromegas.types.property_value import PropertyValue

__all__ = ["Properties"]

_MAX_CACHED = 4096


class Properties(NamedType, sqltypes.JSON):
    """Keys and values: a dict in rows, in whatever form the service stores them.

    ``column["key"]`` is `property_get`: the value of the key, compared case-insensitively for
    ASCII letters, or NULL. It is a string with the conversions of an element of SQLAlchemy's JSON,
    such as ``column["key"].as_integer()``. SQLAlchemy and its tools treat the column as a JSON
    type, which they can copy to other databases.

    Older services send a list of keys and values. Of two equal keys the first takes precedence,
    as in property_get. Newer services send JSONB, whose values can be of every type of JSON.
    """

    cache_ok = True
    sql_name = "JSON"

    class Comparator(sqltypes.JSON.Comparator):  # type: ignore[type-arg, unused-ignore]
        """Operators of columns of properties."""

        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, (str, ClauseElement)) or hasattr(key, "__clause_element__"):
                return property_get(self.expr, key, type_=PropertyValue())
            raise InvalidRequestError(
                f"invalid key {key!r} of a property; accepted: a str or an expression. SQL reads "
                "one key of the outermost level; select the whole column for nested values"
            )

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
