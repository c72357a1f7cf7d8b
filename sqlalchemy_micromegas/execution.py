"""The execution of a statement: its execution options, and the processors of its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import ArgumentError

from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.timerange import ALL_TIME
from sqlalchemy_micromegas.results import pause_collection

__all__ = ["MicromegasExecutionContext", "apply_options", "mark"]

_OPTIONS = tuple(option.name for option in OPTIONS.values() if option.per_statement)


class _Outer:
    """An option of an engine or connection.

    SQLAlchemy merges the options of all levels. This shows where a value comes from, also if
    execute() was passed the very same one.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, _Outer) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


def mark(owner: Any, options: Mapping[str, Any]) -> None:
    """Mark execution options as those of an engine or connection.

    Parameters
    ----------
    owner : Engine or Connection
        Has the options.
    options : mapping
        Its new ones.
    """
    marked = {
        name: _Outer(value)
        for name, value in options.items()
        if name.removeprefix("micromegas_") in _OPTIONS
    }
    if marked:
        owner._execution_options = owner._execution_options.union(marked)


class MicromegasExecutionContext(DefaultExecutionContext):
    """The execution of one statement."""

    def get_result_processor(self, type_: Any, colname: str, coltype: Any) -> Any:
        """Choose by the Arrow type, in which equal type codes can differ."""
        return type_.dialect_impl(self.dialect).result_processor(self.dialect, coltype)

    def _setup_result_proxy(self) -> Any:
        return pause_collection(super()._setup_result_proxy())  # type: ignore[no-untyped-call]

    def _option_levels(self) -> list[Mapping[Any, Any]]:
        """Return the options of engine, connection, statement and execute().

        In SQLAlchemy the connection's options take precedence over the statement's. Here the more
        specific level takes precedence, as everywhere in the driver.
        """
        engine = self.root_connection.engine._execution_options
        connection = self.root_connection._execution_options
        statement = getattr(self.invoked_statement, "_execution_options", None) or {}
        return [
            engine,
            {name: value for name, value in connection.items() if engine.get(name) is not value},
            statement,
            {
                name: value
                for name, value in self.execution_options.items()
                if not isinstance(value, _Outer) and statement.get(name) is not value
            },
        ]

    def driver_options(self) -> dict[str, Any]:
        """Return the driver's options among the execution options: the range and timestamps.

        Returns
        -------
        dict
            By the names that the driver uses.

        Raises
        ------
        ArgumentError
            If an option is unknown, or given with and without its prefix.
        """
        accepted = [f"micromegas_{name}" for name in _OPTIONS]
        for name in self.execution_options:
            # The ORM has keys that are not strings.
            if isinstance(name, str) and name.startswith("micromegas_") and name not in accepted:
                raise ArgumentError(
                    f"unknown execution option {name!r}; accepted: {', '.join(accepted)}"
                )
        options: dict[str, Any] = {}
        for level in self._option_levels():
            options |= _options_of(level)
        return options


def _options_of(level: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the driver's options of one level. None means that an option is not set."""
    options: dict[str, Any] = {}
    for name in _OPTIONS:
        for key in (name, f"micromegas_{name}"):
            value = level.get(key)
            value = value.value if isinstance(value, _Outer) else value
            if value is None:
                continue
            if name in options:
                raise ArgumentError(f"{name} and micromegas_{name} cannot be combined; use one")
            options[name] = value
    bounds = [options[name] for name in ("begin", "end") if name in options]
    if len(bounds) == 1 and bounds[0] is ALL_TIME:  # opens both bounds, as in the driver
        options |= {"begin": ALL_TIME, "end": ALL_TIME}
    return options


def apply_options(cursor: Any, context: Any | None) -> dict[str, Any]:
    """Set the timestamps of a cursor, and return the arguments of `execute` for the range.

    Parameters
    ----------
    cursor : micromegas_dbapi.Cursor
        Executes the statement.
    context : MicromegasExecutionContext or None
        Has the options.

    Returns
    -------
    dict
        ``begin`` and ``end``, if they are set.

    Raises
    ------
    ArgumentError
        If an option is unknown, or given with and without its prefix.
    ProgrammingError
        If the timestamps are of another kind.
    """
    options = context.driver_options() if context is not None else {}
    if "timestamps" in options:
        cursor.timestamps = OPTIONS["timestamps"].convert(options.pop("timestamps"))
    return options
