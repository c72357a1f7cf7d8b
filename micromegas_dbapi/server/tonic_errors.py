"""gRPC errors as a Rust client writes them: the gateway and the web server wrap what they got."""

from __future__ import annotations

import unicodedata

from micromegas_dbapi.server.statement_steps import FailedError

__all__ = ["tonic"]

_MEANINGS = {
    "CANCELLED": "The operation was cancelled",
    "INVALID_ARGUMENT": "Client specified an invalid argument",
    "RESOURCE_EXHAUSTED": "Some resource has been exhausted",
    "UNIMPLEMENTED": "Operation is not implemented or not supported",
    "INTERNAL": "Internal error",
}
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def tonic(error: FailedError) -> str:
    r"""Write an error.

    >>> tonic(FailedError("INTERNAL", 'said "no"'))
    'code: \'Internal error\', message: "said \\"no\\""'
    """
    text = "".join(map(_escaped, error.text))
    return f"code: '{_MEANINGS[error.code]}', message: \"{text}\""


def _escaped(sign: str) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if unicodedata.category(sign) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Me", "Mn"):
        return sign if sign == " " else f"\\u{{{ord(sign):x}}}"
    return sign
