"""gRPC errors as a Rust client writes them: the gateway and the web server wrap what they got."""

from __future__ import annotations

from micromegas_dbapi.rust_strings import escaped
from micromegas_dbapi.server.statement_steps import FailedError

__all__ = ["tonic"]

_MEANINGS = {
    "CANCELLED": "The operation was cancelled",
    "INVALID_ARGUMENT": "Client specified an invalid argument",
    "RESOURCE_EXHAUSTED": "Some resource has been exhausted",
    "UNIMPLEMENTED": "Operation is not implemented or not supported",
    "INTERNAL": "Internal error",
}


def tonic(error: FailedError) -> str:
    r"""Write an error.

    >>> tonic(FailedError("INTERNAL", 'said "no"'))
    'code: \'Internal error\', message: "said \\"no\\""'
    """
    return f"code: '{_MEANINGS[error.code]}', message: \"{escaped(error.text)}\""
