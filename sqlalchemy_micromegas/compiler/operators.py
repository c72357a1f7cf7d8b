"""Operators: arithmetic, comparisons, indexes and pattern matching."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.sql import elements, functions

from micromegas_dbapi.sql.literals import literal
from sqlalchemy_micromegas.compiler.unsupported import refuse

__all__ = ["Operators"]


class Operators:
    """Mixin of the compiler that writes operators."""

    process: Any

    def visit_truediv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write a division. Two integers give a float, as in Python."""
        left, right = self._sides(binary, kw)
        fraction = (sqltypes.Numeric, sqltypes.Float)
        if isinstance(binary.right.type, sqltypes.Integer) and not isinstance(
            binary.left.type, fraction
        ):
            right = f"CAST({right} AS DOUBLE)"
        return f"{left} / {right}"

    def _sides(self, binary: Any, kw: Any) -> tuple[str, str]:
        return self.process(binary.left, **kw), self.process(binary.right, **kw)

    def visit_between_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write BETWEEN; the engine has no SYMMETRIC."""
        if not binary.modifiers.get("symmetric"):
            return str(super().visit_between_op_binary(binary, operator, **kw))  # type: ignore[misc]

        def _between(low: Any, high: Any) -> str:
            operands = (binary.left, low, high)
            value, low, high = (self.process(each, **kw) for each in operands)
            return f"{value} BETWEEN {low} AND {high}"

        low, high = binary.right.clauses
        return f"({_between(low, high)} OR {_between(high, low)})"

    def visit_not_between_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write NOT BETWEEN."""
        if not binary.modifiers.get("symmetric"):
            return str(
                super().visit_not_between_op_binary(binary, operator, **kw)  # type: ignore[misc]
            )
        return f"(NOT {self.visit_between_op_binary(binary, operator, **kw)})"

    # In parentheses: the engine reads a following AND or OR as a part of the right side.

    def visit_is_distinct_from_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write IS DISTINCT FROM."""
        left, right = self._sides(binary, kw)
        return f"({left} IS DISTINCT FROM {right})"

    def visit_is_not_distinct_from_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write IS NOT DISTINCT FROM."""
        left, right = self._sides(binary, kw)
        return f"({left} IS NOT DISTINCT FROM {right})"

    def visit_bitwise_not_op_unary_operator(self, unary: Any, operator: Any, **kw: Any) -> str:
        """Write ``~x``, which the engine does not have."""
        return f"(-1 - {self.process(unary.element, **kw)})"

    # -- indexes -----------------------------------------------------------------------------

    def visit_getitem_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write an index or a slice of an array. Both start at 1, and a slice includes its end."""
        simple = isinstance(binary.left, (elements.ColumnClause, functions.FunctionElement))

        def _array() -> str:
            text = self.process(binary.left, **kw)
            return text if simple else f"({text})"

        if not isinstance(binary.right, elements.Slice):
            return f"{_array()}[{self.process(binary.right, **kw)}]"
        bounds = binary.right
        if not isinstance(bounds.step, elements.Null):
            refuse("slices of arrays with a step", "use a slice without a step")
        text = f"array_slice({_array()}, "
        open_start = isinstance(bounds.start, elements.Null)
        text += "1" if open_start else self.process(bounds.start, **kw)
        if isinstance(bounds.stop, elements.Null):
            return f"{text}, array_length({_array()}))"
        return f"{text}, {self.process(bounds.stop, **kw)})"

    def visit_json_getitem_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Reject an index into a JSON value."""
        refuse("an index into JSON text", "select the whole value; for properties use Properties")

    visit_json_path_getitem_op_binary = visit_json_getitem_op_binary

    # -- strings -----------------------------------------------------------------------------

    def visit_collate_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Reject COLLATE."""
        refuse("COLLATE", "strings are compared by their bytes; use lower() to ignore case")

    def visit_collation(self, element: Any, **kw: Any) -> str:
        """Reject a collation."""
        refuse("COLLATE", "strings are compared by their bytes; use lower() to ignore case")

    def visit_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Reject MATCH."""
        refuse("MATCH", "use regexp_match(), like() or ilike()")

    visit_not_match_op_binary = visit_match_op_binary

    def _like(self, binary: Any, operator: str, kw: Any) -> str:
        left, right = self._sides(binary, kw)
        escape = binary.modifiers.get("escape")
        if escape is not None and len(escape) != 1:
            refuse(f"the escape {escape!r} of LIKE", "use a single character")
        if escape is not None and escape != "\\":  # the engine supports only the backslash
            for old, new in _backslash_replacements(escape):
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
        """Write an operand of ILIKE unchanged."""
        return str(element.element._compiler_dispatch(self, **kw))

    def _regexp(self, binary: Any, negated: bool, kw: Any) -> str:
        left, right = self._sides(binary, kw)
        flags = _regexp_flags(binary)
        if flags in (None, "i"):
            return f"{left} {'!' * negated}~{'*' * (flags == 'i')} {right}"
        return f"{'NOT ' * negated}regexp_like({left}, {right}, {literal(flags)})"

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write a match with a regular expression in Rust's syntax."""
        return self._regexp(binary, False, kw)

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write a negated match with a regular expression."""
        return self._regexp(binary, True, kw)

    def visit_regexp_replace_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write regexp_replace, which replaces all matches only with the flag ``g``."""
        arguments = [*self._sides(binary, kw)]
        replacement = binary.modifiers.get("replacement")  # since 1.4.45 a part of the right side
        if replacement is not None:
            arguments.append(self.process(replacement, **kw))
        flags = _regexp_flags(binary)
        if flags:
            arguments.append(literal(flags))
        return f"regexp_replace({', '.join(arguments)})"


def _regexp_flags(binary: Any) -> Any:
    flags = binary.modifiers.get("flags")
    return getattr(flags, "value", flags)  # before 1.4.45 a bound parameter


def _backslash_replacements(escape: str) -> list[tuple[str, str]]:
    """Return the replacements that turn the escape character of a pattern into a backslash.

    Meanwhile a doubled escape is stored as a backslash between two brackets, which cannot occur
    otherwise: backslashes of the pattern are doubled by then, and those of the escape character
    precede a wildcard. Before any other character the escape is removed, as in PostgreSQL.
    """
    placeholder = "(\\)" if escape in "<>" else "<\\>"
    itself = f"\\{escape}" if escape in "%_" else escape
    wildcards = [(escape + each, f"\\{each}") for each in "%_" if each != escape]
    return [
        ("\\", "\\\\"),
        (2 * escape, placeholder),
        *wildcards,
        (escape, ""),
        (placeholder, itself),
    ]
