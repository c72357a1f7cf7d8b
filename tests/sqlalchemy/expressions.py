"""Random, reproducible SQLAlchemy statements over a few rows with many NULLs.

What they answer nobody wrote down: it must be the same with values bound and as literals, and on
every engine that services run.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import case, cast, func, literal, select

COLUMNS = {
    "k": sa.Integer, "i": sa.Integer, "j": sa.Integer, "s": sa.String, "f": sa.Float,
    "b": sa.Boolean, "word": sa.String,
}  # fmt: skip
ROWS = [
    (1, 10, None, "a", 1.5, True, "x_y"),
    (2, None, 3, "b", None, False, "a"),
    (3, 5, 3, None, 2.5, None, None),
    (4, -7, None, "A%b", -0.25, True, "b"),
    (5, 0, 1, "", 0.0, False, "x_y"),
    (6, 10, 10, "a", 1.5, None, "a"),
]
_T = sa.values(*[sa.column(name, kind) for name, kind in COLUMNS.items()], name="v").data(ROWS)
_WORD = func.arrow_cast(_T.c.word, "Dictionary(Int32, Utf8)", type_=sa.String).label("d")
#: The rows, the last column as a dictionary.
TABLE = select(*[_T.c[name] for name in "kijsfb"], _WORD).cte("q")

_ARRAY = sa.ARRAY(sa.Integer)
_Make = Callable[[], Any]


class Statements:
    """Generates statements from a seed. Below `depth`, expressions are columns or literals."""

    def __init__(self, seed: object, table: Any = TABLE) -> None:
        self._random = random.Random(str(seed))
        self._table = table

    def _one(self, *ways: _Make) -> Any:
        return self._random.choice(ways)()

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _value(self, *values: Any) -> Any:
        return self._random.choice(values)

    # -- expressions -------------------------------------------------------------------------

    def integer(self, depth: int = 2) -> Any:
        c = self._table.c
        leaves: list[_Make] = [
            lambda: c.i,
            lambda: c.j,
            lambda: c.k,
            lambda: literal(self._value(0, 1, 3, 10, -7, 2), sa.Integer),
        ]
        if depth <= 0:
            return self._one(*leaves)

        def x() -> Any:
            return self.integer(depth - 1)

        def call(name: str, *given: Any) -> Any:
            return getattr(func, name)(*given, type_=sa.Integer)

        ways: list[_Make] = [
            lambda: x() + x(),
            lambda: x() - x(),
            lambda: x() * x(),
            lambda: -x(),
            lambda: x() % literal(3),
            lambda: call("abs", x()),
            lambda: call("coalesce", x(), x()),
            lambda: call("nullif", x(), x()),
            lambda: call("greatest", x(), x(), x()),
            lambda: call("least", x(), x()),
            lambda: call("length", self.text(depth - 1)),
            lambda: case((self.condition(depth - 1), x())),
            lambda: case((self.condition(depth - 1), x()), else_=x()),
            lambda: case((self.condition(depth - 1), x()), (self.condition(depth - 1), x())),
            lambda: case({3: x(), 10: x()}, value=c.j),
            lambda: cast(self.condition(depth - 1), sa.Integer),
        ]
        return self._one(*leaves, *ways)

    def fraction(self, depth: int = 2) -> Any:
        c = self._table.c
        if depth <= 0:
            return self._one(lambda: c.f, lambda: literal(0.5), lambda: cast(c.i, sa.Float))

        def x() -> Any:
            return self.fraction(depth - 1)

        def mixed(expression: Any) -> Any:  # of its first branch's type, to SQLAlchemy
            return sa.type_coerce(expression, sa.Float)

        return self._one(
            lambda: c.f,
            lambda: x() + x(),
            lambda: x() * x(),
            lambda: cast(self.integer(depth - 1), sa.Float) / literal(4.0),
            lambda: case((self.condition(depth - 1), x())),
            lambda: case((self.condition(depth - 1), x()), else_=self.integer(depth - 1)),
            lambda: mixed(case((self.condition(depth - 1), self.integer(depth - 1)), else_=x())),
            lambda: mixed(case({3: self.integer(depth - 1), 10: None, 1: x()}, value=c.j)),
            lambda: func.greatest(self.integer(depth - 1), x(), type_=sa.Float),
            lambda: func.coalesce(self.integer(depth - 1), x(), type_=sa.Float),
            lambda: func.coalesce(x(), x(), type_=sa.Float),
            lambda: func.greatest(x(), x(), type_=sa.Float),
            lambda: func.floor(x(), type_=sa.Float),
        )

    def text(self, depth: int = 2) -> Any:
        c = self._table.c
        leaves: list[_Make] = [
            lambda: c.s,
            lambda: c.d,
            lambda: literal(self._value("a", "", "A%b", "x_y", "b")),
        ]
        if depth <= 0:
            return self._one(*leaves)

        def x() -> Any:
            return self.text(depth - 1)

        def call(name: str, *given: Any) -> Any:
            return getattr(func, name)(*given, type_=sa.String)

        ways: list[_Make] = [
            lambda: x() + x(),
            lambda: call("lower", x()),
            lambda: call("upper", x()),
            lambda: call("substr", x(), 1, 2),
            lambda: call("replace", x(), "a", "Z"),
            lambda: call("coalesce", x(), x()),
            lambda: call("nullif", x(), x()),
            lambda: call("greatest", x(), x()),
            lambda: call("least", x(), x()),
            lambda: call("concat", x(), x()),
            lambda: case((self.condition(depth - 1), x())),
            lambda: case((self.condition(depth - 1), x()), else_=x()),
            lambda: sa.type_coerce(
                case((self.condition(depth - 1), self.integer(depth - 1)), else_=x()), sa.String
            ),
            lambda: cast(self.integer(depth - 1), sa.String),
            lambda: x().regexp_replace("a", "q"),
        ]
        return self._one(*leaves, *ways)

    def _compared(self, x: Any, y: Any) -> Any:
        if self._chance(0.2):
            return x.is_distinct_from(y) if self._chance(0.5) else x.is_not_distinct_from(y)
        names = operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge
        return self._value(*names)(x, y)

    def condition(self, depth: int = 2) -> Any:
        c = self._table.c
        leaves: list[_Make] = [
            lambda: c.b,
            lambda: self._compared(self.integer(0), self.integer(0)),
            lambda: self._compared(self.text(0), self.text(0)),
            lambda: self.text(0).is_(None),
            lambda: self.integer(0).is_not(None),
        ]
        if depth <= 0:
            return self._one(*leaves)

        def x() -> Any:
            return self.integer(depth - 1)

        def t() -> Any:
            return self.text(depth - 1)

        def b() -> Any:
            return self.condition(depth - 1)

        pairs = [(3, "a"), (10, "x_y")]
        ways: list[_Make] = [
            lambda: self._compared(x(), x()),
            lambda: self._compared(self.fraction(depth - 1), self.fraction(depth - 1)),
            lambda: self._compared(t(), t()),
            lambda: b() & b(),
            lambda: b() | b(),
            lambda: ~b(),
            lambda: b().is_(self._value(True, False, None)),
            lambda: x().in_(self._value([1, 3, 10], [], [3, None])),
            lambda: x().not_in(self._value([1, 3], [])),
            lambda: t().in_(["a", "b"]),
            lambda: t().not_in(["a", ""]),
            lambda: x().between(x(), x(), symmetric=self._chance(0.5)),
            lambda: ~x().between(x(), x(), symmetric=self._chance(0.5)),
            lambda: t().like("a%"),
            lambda: t().not_like("%b"),
            lambda: t().ilike("A%"),
            lambda: t().contains("%", autoescape=True),
            lambda: t().like("x/_y", escape="/"),
            lambda: t().regexp_match("^A", flags=self._value(None, "i")),
            lambda: ~t().regexp_match("b$"),
            lambda: sa.tuple_(c.i, c.d).in_(pairs),
            lambda: sa.tuple_(c.j, c.s).not_in(pairs),
            lambda: self._value(operator.eq, operator.ne, operator.lt, operator.ge)(
                sa.tuple_(x(), t()), sa.tuple_(x(), t())
            ),
            lambda: x() == sa.any_(literal([1, 3], _ARRAY)),
            lambda: x() != sa.all_(literal([1, 3], _ARRAY)),
        ]
        return self._one(*leaves, *ways)

    def aggregate(self) -> Any:
        found = self._one(
            lambda: func.count(),
            lambda: func.count(self.text()),
            lambda: func.count(self.integer().distinct()),
            lambda: func.sum(self.integer(1)),
            lambda: func.sum(self.fraction(1)),
            lambda: func.avg(self.integer(1)),
            lambda: func.min(self.text()),
            lambda: func.max(self.fraction()),
            lambda: func.bool_or(self.condition(1)),
        )
        return found.filter(self.condition()) if self._chance(0.5) else found

    def percentile(self) -> Any:
        x = self.fraction(1)
        name, share = self._value("percentile_cont", "percentile_disc"), self._value(0.25, 0.5, 1.0)
        found = getattr(func, name)(share).within_group(x.desc() if self._chance(0.4) else x)
        return sa.funcfilter(found, self.condition(1)) if self._chance(0.4) else found

    # -- statements --------------------------------------------------------------------------

    def statement(self) -> Any:
        """Generate a statement with ordered rows or a single row."""
        return self._one(
            self._rows, self._rows, self._groups, self._groups, self._total, self._union, self._join
        )

    def _labelled(self, *ways: _Make) -> list[Any]:
        return [self._one(*ways).label(f"c{n}") for n in range(self._value(1, 2, 3))]

    def _some(self, statement: Any, share: float = 0.5) -> Any:
        return statement.where(self.condition()) if self._chance(share) else statement

    def _rows(self) -> Any:
        columns = self._labelled(self.integer, self.fraction, self.text, self.condition)
        found = self._some(select(self._table.c.k, *columns)).order_by(self._table.c.k)
        return found.limit(3).offset(self._value(0, 1)) if self._chance(0.2) else found

    def _groups(self) -> Any:
        # Not by constants: of no rows engines before 55 make a group, and 54 loses the order.
        c = self._table.c
        keys = [
            self._one(
                lambda: self._value(c.d, c.s, c.i, c.b, c.k % literal(2)),
                lambda: func.coalesce(c.j, self.integer(1), type_=sa.Integer),
                lambda: func.coalesce(c.s, self.text(1), type_=sa.String),
            ).label("g")
        ]
        found = select(*keys, *self._labelled(self.aggregate)).group_by(*keys).order_by(*keys)
        return self._some(found)

    def _total(self) -> Any:
        columns = self._labelled(self.aggregate, self.percentile)
        return self._some(select(*columns).select_from(self._table))

    def _union(self) -> Any:
        kind = self._value(sa.union, sa.union_all)  # engines differ in NULLs of the others
        numbers = self.integer, self.fraction, sa.null
        ways = self._value((self.text,), (self.text, sa.null), numbers, (self.integer, self.text))
        parts = [self._some(select(self._one(*ways).label("u"))) for _ in range(2)]
        if self._chance(0.3):
            parts = [kind(*parts), self._some(select(self._one(*ways).label("u")))]
        return select(kind(*parts).subquery().c.u).order_by("u")

    def _join(self) -> Any:
        mine, other = self._table.c, self._table.alias("r")
        on = self._value(mine.i == other.c.j, mine.d == other.c.d, mine.s == other.c.d)
        joined = sa.join(self._table, other, on, isouter=self._chance(0.5))
        columns = [mine.k, other.c.k.label("k2"), self.text(1).label("c")]
        found = self._some(select(*columns).select_from(joined))
        return found.order_by(mine.k, other.c.k)


def answer(connection: Any, statement: Any, literal_binds: bool = False) -> Any:
    """Return the rows of a statement, or the kind of its error."""
    try:
        if literal_binds:
            options = {"literal_binds": True}
            statement = statement.compile(dialect=connection.dialect, compile_kwargs=options)
            found = connection.exec_driver_sql(str(statement)).all()
        else:
            found = connection.execute(statement).all()
    except (sa.exc.DBAPIError, sa.exc.CompileError) as error:
        return type(error)
    return [tuple(map(_rounded, row)) for row in found]


def _rounded(value: Any) -> Any:
    return round(value, 9) + 0.0 if isinstance(value, float) else value
