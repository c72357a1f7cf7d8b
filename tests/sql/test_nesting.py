"""How deep statements are measured to be."""

from __future__ import annotations

import pytest

from micromegas_dbapi.sql.nesting import Nesting, nesting
from micromegas_dbapi.sql.statement import Statement

LONG = f"/* {'x' * 1000} */ "
DEPTHS = {
    "SELECT 1": (0, 1),
    "SELECT 1 + 1 - 1": (2, 1),
    "SELECT a || b <> c": (2, 1),
    "SELECT - - - 1": (3, 1),
    "SELECT ~~~~1": (2, 1),
    "SELECT a::int::text": (2, 1),
    "SELECT a[1][2]": (2, 1),
    "SELECT a IS NULL IS NOT NULL, b": (3, 1),
    "SELECT 1 + 1, 1 + 1, 1 + 1": (1, 1),
    "SELECT 'a + b + c' -- + d + e": (0, 1),
    "SELECT 1 WHERE a = 1 AND b + 1 = 2 OR c = 3": (4, 1),
    "SELECT 1 + 1 WHERE a = 1 GROUP BY b + c + d": (2, 1),
    "SELECT CASE WHEN a = 1 THEN 2 WHEN a = 2 THEN 3 ELSE a + 1 END": (1, 1),
    "SELECT a IN (1, 2, 3 + 4)": (2, 1),
    "SELECT (1 + (1 + (1 + 1)))": (3, 1),
    "SELECT f(a + b, c + d + e) + g": (3, 1),
    "SELECT ((1 + 2": (1, 1),
    "SELECT 1)) + 2": (1, 1),
    "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3": (0, 5),
    "SELECT 1 FROM a, b, c WHERE d IN (1, 2)": (1, 3),
    "SELECT a, b FROM t ORDER BY a, b": (0, 1),
    "SELECT 1 FROM a JOIN b ON a.x = b.x JOIN c USING (x)": (1, 3),
    "SELECT sum(a) OVER (ORDER BY b), (SELECT max(c) FROM d)": (0, 3),
    "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b": (1, 3),
    "": (0, 0),
}


@pytest.mark.parametrize("sql", DEPTHS)
def test_depth(sql: str) -> None:
    assert nesting(Statement(LONG + sql)) == Nesting(*DEPTHS[sql])
    assert nesting(Statement(sql)) == Nesting(0, 0)  # too short to be deep
