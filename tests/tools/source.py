"""The lake that a tool reads, over one protocol, and what the driver itself answers there."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa

import micromegas_dbapi as mm


class Source:
    """`url` is the driver's, `engine_url` that of SQLAlchemy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine_url = (
            url.replace("lake:", "micromegas+lake:///")
            if url.startswith("lake:")
            else f"micromegas+{url}"
        )

    @cached_property
    def engine(self) -> sa.Engine:
        return sa.create_engine(self.engine_url)

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        """Return what the driver answers: what a tool shows is compared with it."""
        with mm.connect(self.url, **options) as connection:
            return connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        [[value]] = self.rows(sql)
        return value
