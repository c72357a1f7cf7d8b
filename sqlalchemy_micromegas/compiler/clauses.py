"""The clauses of SELECT."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions

from sqlalchemy_micromegas.compiler.unsupported import refuse
from sqlalchemy_micromegas.types import FrameInterval

__all__ = ["Clauses"]


class Clauses:
    """Mixin of the compiler that writes the clauses of SELECT."""

    process: Any

    def get_select_precolumns(self, select: Any, **kw: Any) -> str:
        """Write DISTINCT and DISTINCT ON."""
        columns = getattr(select, "_distinct_on", ())
        if columns:
            return f"DISTINCT {self._on(columns, kw)} "
        return "DISTINCT " if select._distinct else ""

    def _on(self, columns: Any, kw: Any) -> str:
        return f"ON ({', '.join(self.process(each, **kw) for each in columns)})"

    def visit_postgresql_distinct_on(self, element: Any, **kw: Any) -> str:
        """Write DISTINCT ON of SQLAlchemy 2.1, an extension named after PostgreSQL."""
        return self._on(element._distinct_on, kw)

    def _limit(self, limit: Any, offset: Any, kw: Any) -> str:
        text = "" if limit is None else "\n LIMIT " + self.process(limit, **kw)
        return text if offset is None else f"{text}\n OFFSET {self.process(offset, **kw)}"

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """Write LIMIT and OFFSET. OFFSET is allowed without LIMIT."""
        return self._limit(select._limit_clause, select._offset_clause, kw)

    def fetch_clause(self, select: Any, *args: Any, **kw: Any) -> str:
        """Write FETCH FIRST as LIMIT."""
        options = select._fetch_clause_options or {}
        if options.get("percent") or options.get("with_ties"):
            refuse("FETCH with PERCENT or WITH TIES", "use a window function, for example rank()")
        kw = {"literal_binds": kw.get("literal_binds", False)}
        return self._limit(select._fetch_clause, select._offset_clause, kw)

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """Reject FOR UPDATE."""
        refuse("FOR UPDATE", "nothing is ever locked; leave with_for_update() out")

    def visit_values(self, element: Any, asfrom: Any = False, *args: Any, **kw: Any) -> str:
        """Write VALUES, with a generated name if it has none."""
        of_cte = getattr(kw.get("visiting_cte"), "element", None) is element  # named by the CTE
        if asfrom and not of_cte and getattr(element, "_unnamed", not element.name):
            self._unnamed_values = getattr(self, "_unnamed_values", 0) + 1
            element = element._clone()
            element.name = f"values_{self._unnamed_values}"
            element._unnamed = False
        return str(super().visit_values(element, asfrom, *args, **kw))  # type: ignore[misc]

    def visit_lateral(self, lateral_: Any, **kw: Any) -> str:
        """Reject LATERAL."""
        refuse("LATERAL", "use a join, or a window function and a condition on its row_number()")

    def visit_tablesample(self, tablesample: Any, *args: Any, **kw: Any) -> str:
        """Reject TABLESAMPLE, which newer engines accept and ignore."""
        refuse("TABLESAMPLE", "use a condition such as random() < 0.1")

    def visit_table_valued_column(self, element: Any, **kw: Any) -> str:
        """Reject column_valued(), a function that is both a table and a column."""
        if isinstance(getattr(element, "scalar_alias", None), elements.ClauseElement):
            refuse("column_valued()", "select the function itself: select(func.unnest(column))")
        return str(super().visit_table_valued_column(element, **kw))  # type: ignore[misc]

    def visit_table_valued_alias(self, element: Any, **kw: Any) -> str:
        """Write a table function in lower case; the engine finds it by no other name."""
        function = element.element
        if getattr(function, "_with_ordinality", False):  # newer engines accept and ignore it
            refuse("WITH ORDINALITY", "count with row_number() in a subquery")
        if isinstance(function, functions.Function) and function.name != function.name.lower():
            element = element._clone()
            element.element = function._clone()
            element.element.name = function.name.lower()
        return str(super().visit_table_valued_alias(element, **kw))  # type: ignore[misc]

    def visit_exists_unary_operator(
        self, element: Any, operator: Any, within_columns_clause: bool = False, **kw: Any
    ) -> str:
        """Write EXISTS in a condition, and reject it as a column."""
        if within_columns_clause:
            refuse(
                "EXISTS as a column of SELECT",
                "use select(func.count() > 0).select_from(query.limit(1).subquery())",
            )
        return f"EXISTS {self.process(element.element, **kw)}"

    def visit_frame_clause(self, frameclause: Any, **kw: Any) -> str:
        """Write the bounds of a window, where an interval is a literal without parentheses."""
        frame = frameclause._clone()
        for side in ("lower_bind", "upper_bind"):
            bind = getattr(frame, side, None)
            if bind is not None and isinstance(bind.type, sqltypes.Interval):
                bind = bind._clone(maintain_key=True)  # a cached statement looks it up by its key
                bind.type, bind.literal_execute = FrameInterval(), True
                setattr(frame, side, bind)
        return str(super().visit_frame_clause(frame, **kw))  # type: ignore[misc]
