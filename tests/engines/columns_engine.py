"""The engine alone behind a pipe: it names the columns of a statement, which is not run."""

import pyarrow as pa
from datafusion import SessionContext, SQLOptions

from tests.engines.answering import answer_all

READ_ONLY = SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)


def answer(sql: str) -> pa.Table:
    """Plan it."""
    names = SessionContext().sql_with_options(sql, READ_ONLY).schema().names
    return pa.table({"name": pa.array(names, pa.string())})


if __name__ == "__main__":
    answer_all(answer)
