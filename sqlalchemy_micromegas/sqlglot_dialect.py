"""The SQL of services for sqlglot, with which Superset and other tools read and write statements.

sqlglot finds it by the name ``micromegas`` (entry point ``sqlglot.dialects``). A statement that is
read and written again keeps its meaning: functions, types and intervals stay as they were.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.tokens import TokenType

__all__ = ["Micromegas"]

# Functions whose arguments have a syntax of their own. All others are read as functions that
# sqlglot does not know, because it would write many of those that it knows in another form.
_CALL_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "OVERLAY")
# Aggregates, without which sqlglot would move a condition on them into WHERE.
_AGGREGATES = (
    *("any_value", "approx_distinct", "approx_median", "approx_percentile_cont"),
    *("approx_percentile_cont_with_weight", "array_agg", "avg", "bit_and", "bit_or", "bit_xor"),
    *("bool_and", "bool_or", "corr", "count", "covar", "covar_pop", "covar_samp", "first_value"),
    *("grouping", "last_value", "make_histogram", "max", "mean", "median", "min", "nth_value"),
    *("percentile_cont", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2"),
    *("regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "stddev", "stddev_pop", "stddev_samp"),
    *("string_agg", "sum", "sum_histograms", "var", "var_pop", "var_population", "var_samp"),
    *("var_sample",),
)
_INTERVAL_UNITS = frozenset(
    unit + ending
    for ending in ("", "S")
    for unit in (
        *("NANOSECOND", "MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK"),
        *("MONTH", "QUARTER", "YEAR", "DECADE", "CENTURY"),
    )
)
_TYPE = exp.DataType.Type


def _aggregate(name: str) -> Any:
    return lambda args: exp.AnonymousAggFunc(this=name, expressions=args)


class Micromegas(Postgres):  # type: ignore[misc]  # checked without sqlglot
    """DataFusion's SQL, as far as sqlglot can represent it."""

    NORMALIZE_FUNCTIONS = False
    PRESERVE_ORIGINAL_NAMES = True

    class Tokenizer(Postgres.Tokenizer):  # type: ignore[misc]
        """Identifiers in backticks, and the types with DataFusion's meaning."""

        IDENTIFIERS = ['"', "`"]
        KEYWORDS = {
            **Postgres.Tokenizer.KEYWORDS,
            "DOUBLE": TokenType.DOUBLE,
            "FLOAT": TokenType.FLOAT,
            "FLOAT4": TokenType.FLOAT,
            "FLOAT8": TokenType.DOUBLE,
            "REAL": TokenType.FLOAT,
        }

    class Parser(Postgres.Parser):  # type: ignore[misc]
        """Functions and intervals are kept as they are written."""

        FUNCTIONS = {name.upper(): _aggregate(name) for name in _AGGREGATES}
        FUNCTION_PARSERS = {
            name: parse
            for name, parse in Postgres.Parser.FUNCTION_PARSERS.items()
            if name in _CALL_SYNTAX
        }
        NO_PAREN_FUNCTION_PARSERS = {
            "ANY": Postgres.Parser.NO_PAREN_FUNCTION_PARSERS["ANY"],
            "CASE": Postgres.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"],
            "MAP": lambda self: self._parse_map(),
        }
        EXPONENT: dict[TokenType, Any] = {}
        BITWISE = {
            **{k: v for k, v in Postgres.Parser.BITWISE.items() if k != TokenType.HASH},
            TokenType.CARET: exp.BitwiseXor,
        }

        def _parse_interval(self, *args: Any, **kwargs: Any) -> Any:
            """Keep the text of an interval, of which sqlglot would take the first part only."""
            if not self._match_pair(TokenType.INTERVAL, TokenType.STRING, advance=False):
                return super()._parse_interval(*args, **kwargs)
            self._advance(2)
            text = exp.Literal.string(self._prev.text)
            if self._curr is not None and self._curr.text.upper() in _INTERVAL_UNITS:
                self._advance()
                return exp.Interval(this=text, unit=exp.Var(this=self._prev.text.upper()))
            return exp.Interval(this=text)

        def _parse_pipe_syntax_query(self, query: Any) -> Any:
            """Refuse pipes, whose operators sqlglot would bring into another order."""
            self.raise_error("the pipe |> is not supported here; write a subquery")

        def _parse_map(self) -> Any:
            """Parse ``map {key: value}`` and ``map(keys, values)``, or else a name."""
            if self._match(TokenType.L_PAREN, advance=False):
                return exp.Anonymous(
                    this=self._prev.text, expressions=self._parse_wrapped_csv(self._parse_lambda)
                )
            if not self._match(TokenType.L_BRACE):
                self._retreat(self._index - 1)
                return None
            pairs = self._parse_csv(self._parse_map_entry)
            self._match(TokenType.R_BRACE)
            keys, values = (exp.Array(expressions=list(each)) for each in zip(*pairs, strict=True))
            return exp.Anonymous(this="map", expressions=[keys, values])

        def _parse_map_entry(self) -> Any:
            key = self._parse_bitwise()
            self._match(TokenType.COLON)
            return key, self._parse_bitwise()

    class Generator(Postgres.Generator):  # type: ignore[misc]
        """What is read is written in the same form."""

        MULTI_ARG_DISTINCT = True
        TRY_SUPPORTED = True
        TYPE_MAPPING = {
            **Postgres.Generator.TYPE_MAPPING,
            _TYPE.DOUBLE: "DOUBLE",
            _TYPE.FLOAT: "FLOAT",
            _TYPE.TINYINT: "TINYINT",
            _TYPE.UBIGINT: "BIGINT UNSIGNED",
            _TYPE.UINT: "INT UNSIGNED",
            _TYPE.USMALLINT: "SMALLINT UNSIGNED",
            _TYPE.UTINYINT: "TINYINT UNSIGNED",
        }
        TRANSFORMS = {
            **{k: v for k, v in Postgres.Generator.TRANSFORMS.items() if k != exp.Select},
            exp.Array: lambda self, node: f"[{self.expressions(node, flat=True)}]",
            exp.AnonymousAggFunc: lambda self, node: self.func(node.name, *node.expressions),
            exp.BitwiseXor: lambda self, node: self.binary(node, "^"),
            exp.TryCast: lambda self, node: self.trycast_sql(node),
        }

        def ignorenulls_sql(self, expression: exp.IgnoreNulls) -> str:
            """Return what Postgres does not have."""
            return f"{self.sql(expression, 'this')} IGNORE NULLS"

        def respectnulls_sql(self, expression: exp.RespectNulls) -> str:
            """Return what Postgres does not have."""
            return f"{self.sql(expression, 'this')} RESPECT NULLS"
