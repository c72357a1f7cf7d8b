"""The type of UUIDs, which SQLAlchemy has from version 2 on."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import types as sqltypes

from micromegas_dbapi.errors import DataError
from sqlalchemy_micromegas.sqlalchemy_version import SQLALCHEMY_2
from sqlalchemy_micromegas.types.processors import Processor, nullable

__all__ = ["UuidImpl"]


# 1.4 has no such type, and never uses this one; the module can be imported there all the same.
_Uuid: Any = sqltypes.Uuid if SQLALCHEMY_2 else sqltypes.TypeEngine


class UuidImpl(_Uuid):  # type: ignore[misc]
    """The dialect's implementation of Uuid: a string with hyphens, as Micromegas stores ids.

    SQLAlchemy's own has no hyphens.
    """

    def bind_processor(self, dialect: Any) -> Processor:
        """Convert UUIDs to strings."""
        return nullable(lambda value: str(value if self.as_uuid else uuid.UUID(str(value))))

    def result_processor(self, dialect: Any, coltype: object) -> Processor | None:
        """Convert strings to UUIDs if the type asks for these."""
        return nullable(_uuid) if self.as_uuid else None


def _uuid(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError as error:  # for example the parent_process_id of a process without parent
        raise DataError(
            f"{value!r} is not a UUID; declare the column as String, as reflection does"
        ) from error
