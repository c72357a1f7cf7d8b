"""Which transport a URL and options mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.options import FlightSettings, HttpSettings, Progress, Settings, Timeout
from micromegas_dbapi.transport.protocol import Transport
from micromegas_dbapi.url import Target

__all__ = ["open_transport"]

# What fields of HttpSettings mean something to one wire only.
_ONLY = {"spool_bytes": ("http", "https"), "data_source": ("web+http", "web+https")}


def open_transport(
    target: Target, given: Mapping[str, Any], progress: Progress | None = None
) -> Transport:
    """Open the transport of a URL; nothing is sent.

    Parameters
    ----------
    target : Target
    given : mapping
        Fields of the wire's settings; more than what the URL says.
    progress : callable, optional
        Told of the bytes of downloads.

    Raises
    ------
    ProgrammingError
        If an option means nothing to the wire.
    NotSupportedError
        If the wire needs a package that is not installed.
    """
    scheme = target.scheme
    if scheme in ("lake", "demo"):
        _refuse(scheme, given)
        return _lake(target)
    if scheme in ("grpc", "grpc+tls"):
        from micromegas_dbapi.transport.flight import FlightTransport

        _refuse(scheme, given, FlightSettings)
        return FlightTransport(target.address, FlightSettings(**_merged(target, given)))
    _refuse(scheme, given, HttpSettings)
    settings = HttpSettings(**_merged(target, given))
    if scheme.startswith("gateway+"):
        from micromegas_dbapi.transport.gateway import GatewayTransport

        return GatewayTransport(target.address, settings)
    if scheme.startswith("web+"):
        from micromegas_dbapi.transport.web import WebTransport

        return WebTransport(target.address, settings)
    from micromegas_dbapi.transport.analytics import HttpTransport

    return HttpTransport(target.address, settings, progress)


def _refuse(scheme: str, given: Mapping[str, Any], kind: type[Settings] | None = None) -> None:
    known = [] if kind is None else [item.name for item in fields(kind)]
    strange = [name for name in given if name not in known or scheme not in _ONLY.get(name, scheme)]
    if strange:
        raise ProgrammingError(f"{scheme}: has no use for {', '.join(strange)}")


def _merged(target: Target, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put together what the URL and the arguments say; the arguments count more."""
    options = {**target.options, **given}
    timeout = options.pop("timeout", Timeout())
    if isinstance(timeout, (int, float)):
        timeout = Timeout(read=timeout)
    waits = {
        item.name: options.pop(f"{item.name}_timeout")
        for item in fields(Timeout)
        if f"{item.name}_timeout" in options
    }
    options.setdefault("auth", target.auth)
    return {**options, "timeout": replace(timeout, **waits)}


def _lake(target: Target) -> Transport:
    try:
        from micromegas_dbapi.lake.transport import LakeTransport
    except ImportError as error:
        raise NotSupportedError(
            f"{target.scheme}: needs DataFusion: pip install 'micromegas-dbapi[lake]' ({error})"
        ) from error
    if target.scheme == "demo":
        return LakeTransport.demo(**target.options)
    return LakeTransport(Path(target.address))
