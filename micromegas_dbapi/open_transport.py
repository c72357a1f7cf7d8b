"""Open the transport for a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.options import FlightSettings, HttpSettings, Progress, Settings, Timeout
from micromegas_dbapi.transport.protocol import Transport
from micromegas_dbapi.url import Target

__all__ = ["open_transport"]

# The fields of HttpSettings that only some schemes accept.
_SCHEMES_OF = {"spool_bytes": ("http", "https"), "data_source": ("web+http", "web+https")}


def open_transport(
    target: Target, arguments: Mapping[str, Any], progress: Progress | None = None
) -> Transport:
    """Open the transport for a URL. Nothing is sent.

    Parameters
    ----------
    target : Target
        The parsed URL.
    arguments : mapping
        Options that take precedence over those of the URL, by the names of `HttpSettings` or
        `FlightSettings`.
    progress : callable, optional
        Called during downloads, see `Progress`; used by the HTTP service only.

    Returns
    -------
    Transport
        Open, and not yet used.

    Raises
    ------
    ProgrammingError
        If the scheme does not accept an option, or its value is wrong.
    NotSupportedError
        If a package is needed that is not installed.
    OperationalError
        If the folder of a lake cannot be read.
    """
    scheme = target.scheme
    if scheme in ("lake", "demo"):
        _check_names(scheme, arguments)
        return _lake(target)
    if scheme in ("grpc", "grpc+tls"):
        from micromegas_dbapi.transport.flight import FlightTransport

        _check_names(scheme, arguments, FlightSettings)
        return FlightTransport(target.address, FlightSettings(**_merged(target, arguments)))
    _check_names(scheme, arguments, HttpSettings)
    settings = HttpSettings(**_merged(target, arguments))
    if scheme.startswith("gateway+"):
        from micromegas_dbapi.transport.gateway import GatewayTransport

        return GatewayTransport(target.address, settings)
    if scheme.startswith("web+"):
        from micromegas_dbapi.transport.web import WebTransport

        return WebTransport(target.address, settings)
    from micromegas_dbapi.transport.analytics import HttpTransport

    return HttpTransport(target.address, settings, progress)


def _check_names(
    scheme: str, arguments: Mapping[str, Any], settings: type[Settings] | None = None
) -> None:
    """Check that the scheme has settings of these names."""
    accepted = [] if settings is None else [item.name for item in fields(settings)]
    accepted = [name for name in accepted if scheme in _SCHEMES_OF.get(name, (scheme,))]
    if rejected := [name for name in arguments if name not in accepted]:
        raise ProgrammingError(f"`{scheme}:` does not accept the options: {', '.join(rejected)}")


def _merged(target: Target, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the URL and the arguments; the arguments take precedence."""
    options = {**target.options, **arguments}
    of_url = {
        item.name: options.pop(f"{item.name}_timeout")
        for item in fields(Timeout)
        if f"{item.name}_timeout" in options
    }
    timeout = options.pop("timeout", None)
    if timeout is None or isinstance(timeout, (int, float)):
        read = {} if timeout is None else {"read": timeout}
        timeout = Timeout(**{**of_url, **read})
    if not isinstance(timeout, Timeout):
        raise ProgrammingError(f"timeout={timeout!r}; accepted: a number of seconds, a Timeout")
    options.setdefault("auth", target.auth)
    return {**options, "timeout": timeout}


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
