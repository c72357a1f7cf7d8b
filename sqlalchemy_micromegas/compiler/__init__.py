"""SQLAlchemy expressions -> the SQL of DataFusion.

Services run DataFusion 43 to 54. What only newer engines understand is written in a form that
means the same on all of them; what none of them can do is refused here, with a way around it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.exc import CompileError
from sqlalchemy.sql import elements, functions
from sqlalchemy.sql.compiler import SQLCompiler

from micromegas_dbapi.errors import Error
from micromegas_dbapi.sql.literals import literal
from sqlalchemy_micromegas.compiler.aggregates import Aggregates
from sqlalchemy_micromegas.compiler.branch_casts import MixedTypes
from sqlalchemy_micromegas.compiler.refusal import refuse
from sqlalchemy_micromegas.compiler.row_values import RowValues
from sqlalchemy_micromegas.types import FrameInterval, Properties

__all__ = ["MicromegasCompiler"]


class MicromegasCompiler(  # type: ignore[misc]  # 1.4 has others
    Aggregates, RowValues, MixedTypes, SQLCompiler
):
    """Compiles statements."""

    def _default(self, method: str, *args: Any, **kw: Any) -> str:
        # SQLAlchemy's own, whose methods are not typed
        return str(getattr(super(), method)(*args, **kw))

    # -- values ------------------------------------------------------------------------------

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """Render a value as the driver renders a bound one."""
        if value is None and not type_.should_evaluate_none:
            return "NULL"
        processor = type_._cached_bind_processor(self.dialect)
        try:
            text = literal(processor(value) if processor else value)
        except Error as error:
            raise CompileError(f"a literal of the type {type_!r}: {error}") from error
        return text[1:-1] if isinstance(type_, FrameInterval) else text

    def visit_empty_set_expr(self, element_types: Any, **kw: Any) -> str:
        """Write a set without members."""
        columns = ", ".join("NULL" for _ in element_types or (None,))
        return f"SELECT {columns} WHERE 1 != 1"

    # -- SELECT ------------------------------------------------------------------------------

    def get_select_precolumns(self, select: Any, **kw: Any) -> str:
        """Write DISTINCT and DISTINCT ON."""
        on = getattr(select, "_distinct_on", ())
        if on:
            return f"DISTINCT {self._on(on, kw)} "
        return "DISTINCT " if select._distinct else ""

    def _on(self, columns: Any, kw: Any) -> str:
        return f"ON ({', '.join(self.process(each, **kw) for each in columns)})"

    def visit_postgresql_distinct_on(self, element: Any, **kw: Any) -> str:
        """Write DISTINCT ON as 2.1 has it, an extension named after PostgreSQL."""
        return self._on(element._distinct_on, kw)

    def _paged(self, limit: Any, offset: Any, kw: Any) -> str:
        text = "" if limit is None else "\n LIMIT " + self.process(limit, **kw)
        return text if offset is None else f"{text}\n OFFSET {self.process(offset, **kw)}"

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """Write LIMIT and OFFSET; OFFSET may stand alone."""
        return self._paged(select._limit_clause, select._offset_clause, kw)

    def fetch_clause(self, select: Any, *args: Any, **kw: Any) -> str:
        """Write FETCH FIRST as LIMIT."""
        options = select._fetch_clause_options or {}
        if options.get("percent") or options.get("with_ties"):
            refuse("FETCH with PERCENT or WITH TIES", "use a window function, rank() for example")
        kw = {"literal_binds": kw.get("literal_binds", False)}
        return self._paged(select._fetch_clause, select._offset_clause, kw)

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """Refuse FOR UPDATE."""
        refuse("FOR UPDATE", "nothing is ever locked; leave with_for_update() out")

    def visit_values(self, element: Any, asfrom: Any = False, *args: Any, **kw: Any) -> str:
        """Write VALUES, with a name of its own where it has none."""
        of_cte = getattr(kw.get("visiting_cte"), "element", None) is element  # it has the CTE's
        if asfrom and not of_cte and getattr(element, "_unnamed", not element.name):
            self._unnamed_values = getattr(self, "_unnamed_values", 0) + 1
            element = element._clone()
            element.name = f"values_{self._unnamed_values}"
            element._unnamed = False
        return self._default("visit_values", element, asfrom, *args, **kw)

    def visit_lateral(self, lateral_: Any, **kw: Any) -> str:
        """Refuse LATERAL."""
        refuse("LATERAL", "use a join, or a window function and a condition on its row_number()")

    def visit_tablesample(self, tablesample: Any, *args: Any, **kw: Any) -> str:
        """Refuse TABLESAMPLE, which newer engines read and ignore."""
        refuse("TABLESAMPLE", "use a condition such as random() < 0.1")

    def visit_table_valued_column(self, element: Any, **kw: Any) -> str:
        """Refuse a function that is a table and a column at once."""
        if isinstance(getattr(element, "scalar_alias", None), elements.ClauseElement):
            refuse("column_valued()", "select the function itself: select(func.unnest(column))")
        return self._default("visit_table_valued_column", element, **kw)

    def visit_table_valued_alias(self, element: Any, **kw: Any) -> str:
        """Write a table function; the engine finds it by its name in lower case alone."""
        function = element.element
        if getattr(function, "_with_ordinality", False):  # newer engines read it and ignore it
            refuse("WITH ORDINALITY", "count with row_number() in a subquery")
        if isinstance(function, functions.Function) and function.name != function.name.lower():
            element = element._clone()
            element.element = function._clone()
            element.element.name = function.name.lower()
        return self._default("visit_table_valued_alias", element, **kw)

    def visit_exists_unary_operator(
        self, element: Any, operator: Any, within_columns_clause: bool = False, **kw: Any
    ) -> str:
        """Write EXISTS in a condition, and refuse it as a column."""
        if within_columns_clause:
            refuse(
                "EXISTS as a column of SELECT",
                "select(func.count() > 0).select_from(query.limit(1).subquery())",
            )
        return f"EXISTS {self.process(element.element, **kw)}"

    def visit_frame_clause(self, frameclause: Any, **kw: Any) -> str:
        """Write the bounds of a window; an interval is a literal there, without parentheses."""
        frame = frameclause._clone()
        for side in ("lower_bind", "upper_bind"):
            bind = getattr(frame, side, None)
            if bind is not None and isinstance(bind.type, sqltypes.Interval):
                bind = bind._clone(maintain_key=True)  # by which a cached statement finds it
                bind.type, bind.literal_execute = FrameInterval(), True
                setattr(frame, side, bind)
        return self._default("visit_frame_clause", frame, **kw)

    # -- changes -----------------------------------------------------------------------------

    def visit_insert(self, insert_stmt: Any, *args: Any, **kw: Any) -> str:
        """Refuse INSERT."""
        refuse("INSERT", "they are read-only, and nothing was sent")

    def visit_update(self, update_stmt: Any, *args: Any, **kw: Any) -> str:
        """Refuse UPDATE."""
        refuse("UPDATE", "they are read-only, and nothing was sent")

    def visit_delete(self, delete_stmt: Any, *args: Any, **kw: Any) -> str:
        """Refuse DELETE."""
        refuse("DELETE", "they are read-only, and nothing was sent")

    # -- operators ---------------------------------------------------------------------------

    def visit_truediv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Divide; two integers give a float, as in Python."""
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        fraction = (sqltypes.Numeric, sqltypes.Float)
        if isinstance(binary.right.type, sqltypes.Integer) and not isinstance(
            binary.left.type, fraction
        ):
            right = f"CAST({right} AS DOUBLE)"
        return f"{left} / {right}"

    def visit_between_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write BETWEEN; the engine has no SYMMETRIC."""
        if not binary.modifiers.get("symmetric"):
            return self._default("visit_between_op_binary", binary, operator, **kw)

        def way(low: Any, high: Any) -> str:
            parts = (binary.left, low, high)
            value, low, high = (self.process(each, **kw) for each in parts)
            return f"{value} BETWEEN {low} AND {high}"

        low, high = binary.right.clauses
        return f"({way(low, high)} OR {way(high, low)})"

    def visit_not_between_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write NOT BETWEEN."""
        if not binary.modifiers.get("symmetric"):
            return self._default("visit_not_between_op_binary", binary, operator, **kw)
        return f"(NOT {self.visit_between_op_binary(binary, operator, **kw)})"

    # In brackets: the engine takes an AND or OR that follows for a part of the right side.

    def visit_is_distinct_from_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write IS DISTINCT FROM."""
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        return f"({left} IS DISTINCT FROM {right})"

    def visit_is_not_distinct_from_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write IS NOT DISTINCT FROM."""
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        return f"({left} IS NOT DISTINCT FROM {right})"

    def visit_bitwise_not_op_unary_operator(self, unary: Any, operator: Any, **kw: Any) -> str:
        """Write ``~x``, which the engine has not."""
        return f"(-1 - {self.process(unary.element, **kw)})"

    def visit_getitem_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write an index or a slice of an array; both count from 1 and include their end."""
        plain = isinstance(binary.left, (elements.ColumnClause, functions.FunctionElement))

        def array() -> str:
            text = self.process(binary.left, **kw)
            return text if plain else f"({text})"

        if not isinstance(binary.right, elements.Slice):
            return f"{array()}[{self.process(binary.right, **kw)}]"
        bounds = binary.right
        if not isinstance(bounds.step, elements.Null):
            refuse("slices of arrays with a step", "take the whole slice")
        text = f"array_slice({array()}, "
        open_start = isinstance(bounds.start, elements.Null)
        text += "1" if open_start else self.process(bounds.start, **kw)
        if isinstance(bounds.stop, elements.Null):
            return f"{text}, array_length({array()}))"
        return f"{text}, {self.process(bounds.stop, **kw)})"

    def visit_json_getitem_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Refuse the index of a JSON value."""
        refuse("an index of JSON text", "read the whole value; for properties use Properties")

    visit_json_path_getitem_op_binary = visit_json_getitem_op_binary

    def visit_collate_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Refuse COLLATE."""
        refuse("COLLATE", "text is compared by its bytes; use lower() to ignore the case")

    def visit_collation(self, element: Any, **kw: Any) -> str:
        """Refuse a collation."""
        refuse("COLLATE", "text is compared by its bytes; use lower() to ignore the case")

    def visit_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Refuse MATCH."""
        refuse("MATCH", "use regexp_match(), like() or ilike()")

    visit_not_match_op_binary = visit_match_op_binary

    def _like(self, binary: Any, operator: str, kw: Any) -> str:
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        escape = binary.modifiers.get("escape")
        if escape is not None and len(escape) != 1:
            refuse(f"the escape {escape!r} of LIKE", "give one character")
        if escape is not None and escape != "\\":  # the engine has the backslash alone
            for old, new in _backslashed(escape):
                right = f"replace({right}, {literal(old)}, {literal(new)})"
        return f"{left} {operator} {right}"

    def visit_like_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write LIKE."""
        return self._like(binary, "LIKE", kw)

    def visit_not_like_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write NOT LIKE."""
        return self._like(binary, "NOT LIKE", kw)

    def visit_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write ILIKE."""
        return self._like(binary, "ILIKE", kw)

    def visit_not_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write NOT ILIKE."""
        return self._like(binary, "NOT ILIKE", kw)

    def visit_ilike_case_insensitive_operand(self, element: Any, **kw: Any) -> str:
        """Leave an operand of ILIKE as it is."""
        return str(element.element._compiler_dispatch(self, **kw))

    def _regexp(self, binary: Any, negated: bool, kw: Any) -> str:
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        flags = binary.modifiers.get("flags")
        flags = getattr(flags, "value", flags)  # before 1.4.45 it is a bound value
        if flags in (None, "i"):
            return f"{left} {'!' * negated}~{'*' * (flags == 'i')} {right}"
        return f"{'NOT ' * negated}regexp_like({left}, {right}, {literal(flags)})"

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write a match with a regular expression, of Rust's syntax."""
        return self._regexp(binary, False, kw)

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write that a regular expression does not match."""
        return self._regexp(binary, True, kw)

    def visit_regexp_replace_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write regexp_replace; only with the flag ``g`` it replaces more than the first."""
        given = [self.process(binary.left, **kw), self.process(binary.right, **kw)]
        replacement = binary.modifiers.get("replacement")  # since 1.4.45 a part of the right side
        if replacement is not None:
            given.append(self.process(replacement, **kw))
        flags = binary.modifiers.get("flags")
        flags = getattr(flags, "value", flags)
        return f"regexp_replace({', '.join([*given, *([literal(flags)] if flags else [])])})"

    # -- functions ---------------------------------------------------------------------------

    def _target(self, cast: Any) -> Any:
        to = cast.type._unwrapped_dialect_impl(self.dialect)
        if isinstance(to, Properties):
            refuse("a cast to Properties", "use type_coerce(), which leaves the values as they are")
        return to

    def visit_cast(self, cast: Any, **kw: Any) -> str:
        """Write CAST; to a timestamp with a zone there is only arrow_cast."""
        to = self._target(cast)
        if isinstance(to, sqltypes.DateTime) and to.timezone:
            return self._aware(self.process(cast.clause, **kw))
        return f"CAST({self.process(cast.clause, **kw)} AS {self.process(cast.typeclause, **kw)})"

    def visit_extract(self, extract: Any, **kw: Any) -> str:
        """Write EXTRACT; but for the epoch it is an integer, which DataFusion 43 has none for."""
        text = self._default("visit_extract", extract, **kw)
        return text if extract.field.lower() == "epoch" else f"CAST({text} AS BIGINT)"

    def visit_try_cast(self, cast: Any, **kw: Any) -> str:
        """Write TRY_CAST, which gives NULL where CAST fails."""
        to = self._target(cast)
        if isinstance(to, sqltypes.DateTime) and to.timezone:
            return self._aware(f"TRY_CAST({self.process(cast.clause, **kw)} AS TIMESTAMP)")
        clause, name = self.process(cast.clause, **kw), self.process(cast.typeclause, **kw)
        return f"TRY_CAST({clause} AS {name})"

    def _aware(self, text: str) -> str:
        # The short spelling of the type is not known to DataFusion 43.
        return f"arrow_cast({text}, 'Timestamp(Nanosecond, Some(\"+00:00\"))')"

    def visit_nanoseconds_of(self, element: Any, **kw: Any) -> str:
        """Write the nanoseconds of a difference of times, of whichever of the two kinds it is."""
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


def _backslashed(escape: str) -> list[tuple[str, str]]:
    """Give the replacements that make a pattern's escape character a backslash.

    A doubled escape is kept apart meanwhile as a backslash between two brackets, which cannot
    occur otherwise: a backslash of the pattern was doubled by then, and what the escape became
    stands before a wildcard. Before anything else the escape just goes, as in PostgreSQL.
    """
    apart = "(\\)" if escape in "<>" else "<\\>"
    itself = f"\\{escape}" if escape in "%_" else escape
    wild = [(escape + each, f"\\{each}") for each in "%_" if each != escape]
    return [("\\", "\\\\"), (2 * escape, apart), *wild, (escape, ""), (apart, itself)]
