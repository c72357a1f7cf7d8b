"""Headers that identify this client in the log of a service.

They have the names that the official client uses. They are not credentials, and services do not
act on them.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from importlib.metadata import PackageNotFoundError, version

__all__ = ["attribution", "user_agent"]

_MAX_LENGTH = 64
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def attribution() -> dict[str, str]:
    """Create the client headers of one connection.

    Returns
    -------
    dict
        ``x-client-type``: ``python``. ``x-client-agent``: the program that uses the driver, from
        ``MICROMEGAS_CLIENT_AGENT``. ``x-client-entrypoint``: how Python was started, or
        ``MICROMEGAS_CLIENT_ENTRYPOINT``. Both variables are used if they have 1 to 64 printable
        ASCII characters. ``x-client-session``: a new UUID.
    """
    return {
        "x-client-type": "python",
        "x-client-agent": _variable("MICROMEGAS_CLIENT_AGENT") or "none",
        "x-client-entrypoint": _variable("MICROMEGAS_CLIENT_ENTRYPOINT") or _entrypoint(),
        "x-client-session": str(uuid.uuid4()),
    }


def user_agent() -> str:
    """Return the ``User-Agent`` of HTTP requests.

    Returns
    -------
    str
        The name of this driver, with its version if it is installed.
    """
    try:
        return f"micromegas-dbapi/{version('micromegas-dbapi')}"
    except PackageNotFoundError:  # imported from a checkout, or packed into an archive
        return "micromegas-dbapi"


def _variable(name: str) -> str | None:
    value = os.environ.get(name, "")
    return value if len(value) <= _MAX_LENGTH and _PRINTABLE.fullmatch(value) else None


def _entrypoint() -> str:
    if "ipykernel" in sys.modules:
        return "jupyter"
    runs_command = sys.argv[:1] == ["-c"]  # __main__ has no file here, as in a REPL
    interactive = sys.flags.interactive or not hasattr(sys.modules.get("__main__"), "__file__")
    return "repl" if interactive and not runs_command else "script"
