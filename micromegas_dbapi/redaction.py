"""Remove what may contain credentials from an exception and from those that it refers to."""

from __future__ import annotations

import re
import traceback
from typing import Any

from micromegas_dbapi.errors import Error

__all__ = ["redact"]

_PLAIN = (type(None), bool, int, float, str, bytes, BaseException)
_USER_OF_URL = re.compile(r"(?<=//)[^/?#\s@]*@")


def redact(error: BaseException) -> None:
    """Remove the objects that hang on an exception, on its causes and its contexts.

    Exceptions of other libraries refer to requests and connections, whose headers contain
    credentials. So do the local variables of the frames in a traceback. Types, messages and the
    lines of the traceback are kept.

    Parameters
    ----------
    error : BaseException
        Changed in place. Frames that are still running keep their variables.
    """
    found: dict[int, BaseException] = {}
    pending: list[object] = [error]
    while pending:
        each = pending.pop()
        if not isinstance(each, BaseException) or id(each) in found:
            continue
        found[id(each)] = each
        traceback.clear_frames(each.__traceback__)
        if not isinstance(each, Error):
            vars(each).update({name: _redacted(value) for name, value in vars(each).items()})
            each.args = tuple(map(_redacted, each.args))
        pending += [each.__cause__, each.__context__, *vars(each).values(), *each.args]


def _redacted(value: Any) -> Any:
    """Return a plain value, without user and password if it is a URL, or None for an object."""
    if isinstance(value, str):
        return _USER_OF_URL.sub("***@", value)
    return value if isinstance(value, _PLAIN) else None
