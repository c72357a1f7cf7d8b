"""The type of one value in a column of properties."""

from __future__ import annotations

from numbers import Number
from typing import Any, NoReturn

from sqlalchemy import cast
from sqlalchemy import types as sqltypes
from sqlalchemy.exc import InvalidRequestError

__all__ = ["PropertyValue"]


class PropertyValue(sqltypes.String):
    """The text of a property, with the accessors of an element of SQLAlchemy's JSON.

    Services return the text of each value, also of numbers and booleans in JSONB.
    """

    cache_ok = True

    class Comparator(sqltypes.String.Comparator):  # type: ignore[type-arg, unused-ignore]
        """Operators of a string, and conversions to other types.

        The query fails if a text cannot be converted. ``try_cast()`` returns NULL there.
        """

        def operate(self, op: Any, *other: Any, **kw: Any) -> Any:
            """Reject numbers, which the engine would compare as text."""
            for operand in other:
                for value in operand if isinstance(operand, (list, tuple, set)) else (operand,):
                    if isinstance(value, Number):
                        raise InvalidRequestError(
                            f"a property is text, which cannot be compared with {value!r}; "
                            "accepted: a str, or as_integer(), as_float(), as_boolean() or "
                            "as_numeric() of the property"
                        )
            return super().operate(op, *other, **kw)

        def as_string(self) -> Any:
            """Return the text."""
            return self.expr

        def as_integer(self) -> Any:
            """Convert to an integer of 64 bits."""
            return cast(self.expr, sqltypes.BigInteger())

        def as_float(self) -> Any:
            """Convert to a float of 64 bits."""
            return cast(self.expr, sqltypes.Float())

        def as_boolean(self) -> Any:
            """Convert to a boolean."""
            return cast(self.expr, sqltypes.Boolean())

        def as_numeric(self, precision: int, scale: int, asdecimal: bool = True) -> Any:
            """Convert to a decimal. Digits after the scale are rounded."""
            type_: Any = sqltypes.Numeric
            return cast(self.expr, type_(precision, scale, asdecimal=asdecimal))

        def as_json(self) -> NoReturn:
            """Reject the conversion: the text 1 is that of a number and of a string."""
            raise InvalidRequestError(
                "as_json() is not supported, because services return properties as text, in which "
                "1 and '1' are equal; accepted: as_string(), as_integer(), as_float(), "
                "as_boolean(), as_numeric(), or select the whole column, which is a dict in rows"
            )

    comparator_factory = Comparator  # type: ignore[assignment, unused-ignore]
