"""Open the transport for a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from micromegas_dbapi.errors import NotSupportedError
from micromegas_dbapi.options.option_checks import fields_of
from micromegas_dbapi.options.settings import FlightSettings, HttpSettings, Timeout
from micromegas_dbapi.transport.protocol import Transport
from micromegas_dbapi.url import Target

__all__ = ["open_transport"]


def open_transport(target: Target, options: Mapping[str, Any]) -> Transport:
    """Open the transport for a URL. Nothing is sent.

    Parameters
    ----------
    target : Target
        The parsed URL.
    options : mapping
        The values of all options, also of those that are not set.

    Returns
    -------
    Transport
        Open, and not yet used.

    Raises
    ------
    ProgrammingError
        If options do not fit together, or a file of certificates cannot be read.
    NotSupportedError
        If a package is needed that is not installed.
    OperationalError
        If the folder of a lake cannot be read.
    """
    if target.wire in ("lake", "demo"):
        return _lake(target, options)
    values = {**options, "timeout": _timeout(options)}
    if target.wire == "grpc":
        from micromegas_dbapi.transport.flight import FlightTransport

        return FlightTransport(target.address, FlightSettings(**fields_of(FlightSettings, values)))
    settings = HttpSettings(**fields_of(HttpSettings, values))
    if target.wire == "gateway":
        from micromegas_dbapi.transport.gateway import GatewayTransport

        return GatewayTransport(target.address, settings)
    if target.wire == "web":
        from micromegas_dbapi.transport.web import WebTransport

        return WebTransport(target.address, settings)
    from micromegas_dbapi.transport.analytics import HttpTransport

    return HttpTransport(target.address, settings, values["progress"])


def _timeout(options: Mapping[str, Any]) -> Timeout:
    """Combine the timeouts of the URL and the argument, which takes precedence."""
    timeout: Timeout | float | None = options["timeout"]
    if isinstance(timeout, Timeout):
        return timeout
    limits = {item.name: options[f"{item.name}_timeout"] for item in fields(Timeout)}
    if timeout is not None:
        limits["read"] = timeout
    return Timeout(**{name: limit for name, limit in limits.items() if limit is not None})


def _lake(target: Target, options: Mapping[str, Any]) -> Transport:
    try:
        from micromegas_dbapi.lake.transport import LakeTransport
    except ImportError as error:
        raise NotSupportedError(
            f"{target.scheme}: needs DataFusion: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error
    if target.wire == "demo":
        return LakeTransport.demo(options["seed"], options["size"])
    return LakeTransport(Path(target.address))
