"""The compiler of statements.

Services run DataFusion 43 to 54, and the embedded engine DataFusion 55. What only newer versions
understand is written in a form that has the same meaning in all of them. What none of them supports
is rejected with an alternative.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import CompileError
from sqlalchemy.sql.compiler import SQLCompiler

from micromegas_dbapi.errors import Error
from micromegas_dbapi.sql.literals import is_null, literal
from sqlalchemy_micromegas.compiler.aggregates import Aggregates
from sqlalchemy_micromegas.compiler.branch_casts import BranchCasts
from sqlalchemy_micromegas.compiler.clauses import Clauses
from sqlalchemy_micromegas.compiler.function_calls import Functions
from sqlalchemy_micromegas.compiler.operators import Operators
from sqlalchemy_micromegas.compiler.row_values import RowValues
from sqlalchemy_micromegas.compiler.time_comparisons import TimeComparisons
from sqlalchemy_micromegas.compiler.time_spans import OperatorAndValue
from sqlalchemy_micromegas.compiler.unsupported import refuse
from sqlalchemy_micromegas.types import FrameInterval

__all__ = ["MicromegasCompiler"]

_READ_ONLY = "they are read-only, and nothing was sent"


class MicromegasCompiler(  # type: ignore[misc]  # SQLAlchemy 1.4 has other signatures
    Clauses, Operators, Functions, Aggregates, TimeComparisons, RowValues, BranchCasts, SQLCompiler
):
    """Compiles statements."""

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """Render a value as the driver renders a parameter."""
        if isinstance(type_, OperatorAndValue):
            return type_.text(value, self.dialect)
        if is_null(value) and not (value is None and type_.should_evaluate_none):
            return "NULL"
        processor = type_._cached_bind_processor(self.dialect)
        try:
            text = literal(processor(value) if processor else value)
        except Error as error:
            raise CompileError(f"cannot render a literal of type {type_!r}: {error}") from error
        return text[1:-1] if isinstance(type_, FrameInterval) else text

    def construct_params(self, *args: Any, **kw: Any) -> Any:
        """Return the parameters, with None for all that stands for NULL, such as pandas.NA.

        SQLAlchemy's types know None only.
        """
        parameters = super().construct_params(*args, **kw)
        return {name: _or_none(value) for name, value in parameters.items()}

    def visit_empty_set_expr(self, element_types: Any, **kw: Any) -> str:
        """Write an empty set."""
        columns = ", ".join("NULL" for _ in element_types or (None,))
        return f"SELECT {columns} WHERE 1 != 1"

    def visit_insert(self, insert_stmt: Any, *args: Any, **kw: Any) -> str:
        """Reject INSERT."""
        refuse("INSERT", _READ_ONLY)

    def visit_update(self, update_stmt: Any, *args: Any, **kw: Any) -> str:
        """Reject UPDATE."""
        refuse("UPDATE", _READ_ONLY)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kw: Any) -> str:
        """Reject DELETE."""
        refuse("DELETE", _READ_ONLY)


def _or_none(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and any(map(is_null, value)):  # of IN
        return [None if is_null(each) else each for each in value]
    return None if is_null(value) else value
