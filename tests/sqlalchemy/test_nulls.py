"""What stands for NULL in data frames is NULL as a parameter of any type."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sqlalchemy_micromegas import TIMESTAMP
from tests.sqlalchemy.answers import DIALECT, each_way, rows

NULLS = {
    "NA": pd.NA,
    "NaT": pd.NaT,
    "masked": np.ma.masked,
    "datetime64": np.datetime64("NaT"),
    "timedelta64": np.timedelta64("NaT"),
}
each_null = pytest.mark.parametrize("null", NULLS.values(), ids=NULLS)


class Level(enum.Enum):
    ERROR = 2


TYPES = [
    *(sa.Integer(), sa.Float(), sa.Numeric(10, 2), sa.String(), sa.Boolean(), sa.LargeBinary()),
    *(sa.Date(), sa.DateTime(), sa.Time(), sa.Interval(), TIMESTAMP(timezone=True)),
    *(sa.Enum(Level), sa.ARRAY(sa.Integer()), sa.JSON(), sa.types.NullType()),
    *([sa.Uuid()] if hasattr(sa, "Uuid") else []),
]


@each_way
@each_null
@pytest.mark.parametrize("type_", TYPES, ids=repr)
def test_each_type(demo_lake: Any, type_: Any, null: Any, literal_binds: bool) -> None:
    statement = sa.select(sa.literal(null, type_).label("v"), sa.literal(1).label("n"))
    assert rows(demo_lake, statement, literal_binds) == [(None, 1)]


n = sa.text("SELECT 1 AS n UNION ALL SELECT 2").columns(sa.column("n", sa.Integer)).subquery().c.n


@each_way
@each_null
def test_each_place(demo_lake: Any, null: Any, literal_binds: bool) -> None:
    for condition, expected in [
        (n.in_([1, null]), [(1,)]),
        (n.not_in([1, null]), []),
        (n == sa.literal(null, sa.Integer), []),
        (n == sa.func.coalesce(sa.literal(null, sa.Integer), 2), [(2,)]),
        (sa.tuple_(n, n).in_([(1, null), (2, 2)]), [(2,)]),
        (n.is_distinct_from(sa.literal(null, sa.Integer)), [(1,), (2,)]),
    ]:
        assert sorted(rows(demo_lake, sa.select(n).where(condition), literal_binds)) == expected


@each_null
def test_parameters_of_an_execution(demo_lake: Any, null: Any) -> None:
    with demo_lake.connect() as connection:
        assert connection.execute(sa.text("SELECT :v"), {"v": null}).scalar() is None
        assert connection.exec_driver_sql("SELECT ?, ?", (1, null)).all() == [(1, None)]
        statement = sa.select(n).where(n.in_(sa.bindparam("some", expanding=True)))
        assert connection.execute(statement, {"some": [2, null]}).all() == [(2,)]
        value = sa.type_coerce([1, null], sa.ARRAY(sa.Integer))
        assert connection.scalar(sa.select(value)) == [1, None]


@pytest.mark.parametrize("value", [pd.Period("2026"), pd.Interval(1, 2), pd.DataFrame()])
def test_other_values_of_pandas(demo_lake: Any, value: Any) -> None:
    words = f"is of type {type(value).__name__}; accepted: None, bool"
    with demo_lake.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match=words):
        connection.execute(sa.select(sa.literal(value, sa.String)))
    literal = sa.select(sa.literal(value, sa.String))
    with pytest.raises(sa.exc.CompileError, match=words):
        str(literal.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
