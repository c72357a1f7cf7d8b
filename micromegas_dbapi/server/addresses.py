"""The addresses that servers listen on."""

from __future__ import annotations

from micromegas_dbapi.errors import OperationalError

__all__ = ["check_port", "join"]


def check_port(host: str, port: int) -> None:
    """Check a port number. gRPC would use only its lowest 16 bits.

    Parameters
    ----------
    host : str
        For the error.
    port : int
        0 selects a free port.

    Raises
    ------
    OperationalError
        If there is no such port.
    """
    if not 0 <= port < 2**16:
        raise OperationalError(
            f"cannot listen on {host}:{port}: the port must be between 0 and 65535"
        )


def join(host: str, port: int) -> str:
    """Join a host and a port as in a URL.

    Parameters
    ----------
    host : str
        A name or an IP address.
    port : int
        The port.

    Returns
    -------
    str
        An IPv6 address is put in brackets.
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
