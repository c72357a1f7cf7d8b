"""Casts and functions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes

from sqlalchemy_micromegas.compiler.unsupported import refuse
from sqlalchemy_micromegas.types import Properties

__all__ = ["Functions"]


class Functions:
    """Mixin of the compiler that writes casts and functions other than aggregates."""

    process: Any
    dialect: Any
    function_argspec: Any

    def visit_cast(self, cast: Any, **kw: Any) -> str:
        """Write CAST, or arrow_cast for a timestamp with a time zone."""
        if self._is_zoned(cast):
            return _cast_to_utc(self.process(cast.clause, **kw))
        return f"CAST({self.process(cast.clause, **kw)} AS {self.process(cast.typeclause, **kw)})"

    def visit_try_cast(self, cast: Any, **kw: Any) -> str:
        """Write TRY_CAST, which gives NULL where CAST fails."""
        if self._is_zoned(cast):
            return _cast_to_utc(f"TRY_CAST({self.process(cast.clause, **kw)} AS TIMESTAMP)")
        clause, name = self.process(cast.clause, **kw), self.process(cast.typeclause, **kw)
        return f"TRY_CAST({clause} AS {name})"

    def _is_zoned(self, cast: Any) -> bool:
        target = cast.type._unwrapped_dialect_impl(self.dialect)
        if isinstance(target, Properties):
            refuse("a cast to Properties", "use type_coerce(), which does not change the values")
        return isinstance(target, sqltypes.DateTime) and target.timezone

    def visit_extract(self, extract: Any, **kw: Any) -> str:
        """Write EXTRACT as an integer, except for the epoch. DataFusion 43 returns a float."""
        text = str(super().visit_extract(extract, **kw))  # type: ignore[misc]
        return text if extract.field.lower() == "epoch" else f"CAST({text} AS BIGINT)"

    def visit_nanoseconds_of(self, element: Any, **kw: Any) -> str:
        """Write the nanoseconds of an interval or a duration."""
        difference = self.process(element.clauses, **kw)
        return f"CAST(TIMESTAMP '1970-01-01T00:00:00' + ({difference}) AS BIGINT)"

    def visit_localtimestamp_func(self, fn: Any, **kw: Any) -> str:
        """Write LOCALTIMESTAMP."""
        return "now()"

    visit_sysdate_func = visit_localtimestamp_func

    def visit_localtime_func(self, fn: Any, **kw: Any) -> str:
        """Write LOCALTIME."""
        return "current_time()"

    visit_current_time_func = visit_localtime_func

    def visit_aggregate_strings_func(self, fn: Any, **kw: Any) -> str:
        """Write string_agg."""
        kw.pop("use_function_name", None)
        return f"string_agg{self.function_argspec(fn, **kw)}"


def _cast_to_utc(text: str) -> str:
    # DataFusion 43 does not know the short spelling of the type.
    return f"arrow_cast({text}, 'Timestamp(Nanosecond, Some(\"+00:00\"))')"
