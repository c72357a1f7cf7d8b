"""The adapter that harlequin loads, its connection and its cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from harlequin.adapter import HarlequinAdapter, HarlequinConnection, HarlequinCursor
from harlequin.autocomplete.completion import HarlequinCompletion
from harlequin.catalog import Catalog
from harlequin.exception import HarlequinConfigError, HarlequinConnectionError
from harlequin.options import AbstractOption, SelectOption, TextOption

from micromegas_dbapi.errors import Error
from micromegas_dbapi.harlequin.catalog_items import ServiceItem
from micromegas_dbapi.harlequin.completions import completions
from micromegas_dbapi.harlequin.offered_options import (
    OFFERED,
    arguments_of,
    choices_of,
    description_of,
    service_name,
)
from micromegas_dbapi.harlequin.query_errors import query_errors
from micromegas_dbapi.harlequin.session import Session, SessionResult
from micromegas_dbapi.harlequin.session_range import range_at_start
from micromegas_dbapi.open_connection import connect
from micromegas_dbapi.url import parse

__all__ = ["MicromegasAdapter"]


def _options() -> Iterator[AbstractOption]:
    for name, option in OFFERED.items():
        choices = choices_of(option)
        created = (
            TextOption(name=name, description=description_of(option))
            if choices is None
            else SelectOption(name=name, description=description_of(option), choices=choices)
        )
        # Newer versions of harlequin do not show secret values; older ones ignore this.
        created.secret = option.name == "token"
        yield created


class _Cursor(HarlequinCursor):  # type: ignore[misc]
    def __init__(self, result: SessionResult) -> None:
        self._result = result

    def columns(self) -> list[tuple[str, str]]:
        return self._result.columns

    def set_limit(self, limit: int) -> _Cursor:
        self._result.limit = limit
        return self

    def fetchall(self) -> pa.Table | None:
        with query_errors():
            rows = self._result.read()
        return rows if rows.num_rows else None


class _Connection(HarlequinConnection):  # type: ignore[misc]
    def __init__(self, session: Session) -> None:
        super().__init__(init_message=f"{session.name}\nTime range: {session.time_range.title}")
        self.session = session

    def execute(self, query: str) -> _Cursor:
        with query_errors():
            return _Cursor(self.session.execute(query))

    def cancel(self) -> None:
        self.session.cancel()

    def get_catalog(self) -> Catalog:
        service = ServiceItem.of(self.session)
        service.children = list(service.fetch_children())
        service.loaded = True
        return Catalog(items=[service])

    def get_completions(self) -> list[HarlequinCompletion]:
        return [
            HarlequinCompletion(
                label=each.label, type_label=each.kind, value=each.value, priority=each.priority
            )
            for each in completions()
        ]

    def close(self) -> None:
        self.session.connection.close()


class MicromegasAdapter(HarlequinAdapter):  # type: ignore[misc]
    """Connects harlequin to a service or a lake.

    Parameters
    ----------
    conn_str : sequence of str
        The URL, as for `connect`. Without one, the official client's configuration is used.
    read_only : bool
        Ignored, because every connection is read-only.
    **options : Any
        The options of `connect`, and those of other adapters, which are ignored.

    Raises
    ------
    HarlequinConfigError
        If there are several URLs, or an option has a wrong value.
    """

    ADAPTER_OPTIONS = list(_options())  # noqa: RUF012
    ADAPTER_DETAILS = "Micromegas: a telemetry lakehouse. Statements are DataFusion SQL, read-only."
    IMPLEMENTS_CANCEL = True
    IMPLEMENTS_READ_ONLY = True

    def __init__(
        self, conn_str: Sequence[str] = (), read_only: bool = False, **options: Any
    ) -> None:
        if len(conn_str) > 1:
            raise HarlequinConfigError(
                f"{len(conn_str)} connection strings are given; accepted: one URL",
                title="Micromegas: too many connection strings",
            )
        self._address = conn_str[0] if conn_str else None
        try:
            self._arguments = arguments_of(options)
            target = None if self._address is None else parse(self._address)
            self._name = service_name(target, self._arguments.get("profile"))
            self._options = {**(target.options if target else {}), **self._arguments}
        except Error as error:
            raise HarlequinConfigError(
                str(error), title="Micromegas: wrong option or URL"
            ) from error

    def connect(self) -> _Connection:  # noqa: D102
        # Opening sends nothing, so this asks for the version of the service, which shows that it
        # can be reached and accepts the credentials.
        try:
            connection = connect(self._address, **self._arguments)
            try:
                _ = connection.service
            except BaseException:
                connection.close()
                raise
        except Error as error:
            raise HarlequinConnectionError(
                str(error), title=f"Micromegas: cannot connect to {self._name}"
            ) from error
        timestamps = self._options.get("timestamps", "datetime")
        first = range_at_start(self._options.get("begin"), self._options.get("end"))
        return _Connection(Session(connection, self._name, first, timestamps))

    @property
    def connection_id(self) -> str:
        """The URL without credentials, by which harlequin finds the history of queries."""
        return self._name
