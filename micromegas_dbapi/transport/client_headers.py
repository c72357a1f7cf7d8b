"""Who asks: the headers by which a service's log attributes queries, as the official client's.

They are no credentials, and decide nothing.
"""

from __future__ import annotations

import os
import re
import sys
import uuid

__all__ = ["attribution"]

_LONGEST = 64
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def attribution() -> dict[str, str]:
    """Make the headers of one connection.

    Returns
    -------
    dict
        ``x-client-type``; ``x-client-agent``, who drives it, and ``x-client-entrypoint``, how it
        was started, from ``MICROMEGAS_CLIENT_AGENT`` and ``MICROMEGAS_CLIENT_ENTRYPOINT`` where
        these are set to up to 64 printable ASCII characters; ``x-client-session``, a new UUID.
    """
    return {
        "x-client-type": "python",
        "x-client-agent": _configured("MICROMEGAS_CLIENT_AGENT") or "none",
        "x-client-entrypoint": _configured("MICROMEGAS_CLIENT_ENTRYPOINT") or _entrypoint(),
        "x-client-session": str(uuid.uuid4()),
    }


def _configured(name: str) -> str | None:
    value = os.environ.get(name, "")
    return value if len(value) <= _LONGEST and _PRINTABLE.fullmatch(value) else None


def _entrypoint() -> str:
    if "ipykernel" in sys.modules:
        return "jupyter"
    started_with_code = sys.argv[:1] == ["-c"]  # which has no file either
    interactive = sys.flags.interactive or not hasattr(sys.modules.get("__main__"), "__file__")
    return "repl" if interactive and not started_with_code else "script"
