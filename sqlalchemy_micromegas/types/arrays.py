"""The type of lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sqltypes

from micromegas_dbapi.sql.literals import Array
from sqlalchemy_micromegas.types.named import NamedType
from sqlalchemy_micromegas.types.processors import Processor, nullable

__all__ = ["ARRAY", "ArrayImpl"]


class ARRAY(NamedType, sqltypes.ARRAY):  # type: ignore[type-arg, unused-ignore]
    """A list, as reflected."""

    @property
    def sql_name(self) -> str:
        """The name of the items, with brackets."""
        return str(self.item_type) + "[]" * (self.dimensions or 1)


class ArrayImpl(sqltypes.ARRAY):  # type: ignore[type-arg, unused-ignore]
    """The dialect's implementation of ARRAY."""

    def bind_processor(self, dialect: Any) -> Processor:
        """Convert sequences of any depth to the driver's `Array`."""
        item = self.item_type.dialect_impl(dialect).bind_processor(dialect)

        def _process(value: Any) -> Any:
            if value is None:
                return None
            return Array(
                _process(each)
                if isinstance(each, (list, tuple))
                else (item(each) if item and each is not None else each)
                for each in value
            )

        return _process

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Convert the items."""
        item = self.item_type.dialect_impl(dialect).result_processor(dialect, None)
        if item is None:
            return None
        return nullable(lambda values: [None if v is None else item(v) for v in values])
