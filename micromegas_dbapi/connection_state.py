"""State that a connection shares with its cursors."""

from __future__ import annotations

from micromegas_dbapi.arrow.rows import Timestamps
from micromegas_dbapi.errors import InterfaceError
from micromegas_dbapi.options import OPTIONS
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.sql.mixed_types import Reaction
from micromegas_dbapi.transport.protocol import Transport

__all__ = ["ConnectionState", "check_timestamps"]


class ConnectionState:
    """The transport of a connection and the settings of its statements.

    Parameters
    ----------
    transport : Transport
        Belongs to this object, which closes it.
    ranges : Ranges
        Chooses the time range of each statement.
    timestamps : {"datetime", "ns"}
        What timestamps become in rows.
    on_mixed_types : {"ignore", "warn", "error"}
        What to do about a statement that mixes types.

    Raises
    ------
    ProgrammingError
        If `timestamps` has another value.
    """

    __slots__ = ("_transport", "on_mixed_types", "ranges", "timestamps")

    def __init__(
        self,
        transport: Transport,
        ranges: Ranges,
        timestamps: Timestamps,
        on_mixed_types: Reaction,
    ) -> None:
        self._transport: Transport | None = transport
        self.ranges = ranges
        self.timestamps = check_timestamps(timestamps)
        self.on_mixed_types = on_mixed_types

    @property
    def transport(self) -> Transport:
        """The open transport.

        Raises
        ------
        InterfaceError
            If the connection is closed.
        """
        if self._transport is None:
            raise InterfaceError("the connection is closed")
        return self._transport

    def check_open(self) -> None:
        """Check that the connection is open.

        Raises
        ------
        InterfaceError
            If it is closed.
        """
        self.transport  # noqa: B018  (raises)

    def detach(self) -> Transport | None:
        """Mark the connection closed and return its transport, which the caller closes.

        Returns
        -------
        Transport or None
            None if the connection was closed before.
        """
        transport, self._transport = self._transport, None
        return transport


def check_timestamps(value: Timestamps) -> Timestamps:
    """Check the option ``timestamps`` and return it.

    Parameters
    ----------
    value : {"datetime", "ns"}
        Any other value is an error.

    Returns
    -------
    str
        The value.

    Raises
    ------
    ProgrammingError
        If the value is not one of the two.
    """
    checked: Timestamps = OPTIONS["timestamps"].convert(value)
    return checked
