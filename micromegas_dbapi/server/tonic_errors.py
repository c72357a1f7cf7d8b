"""Format gRPC errors like Rust's ``tonic`` crate, which the gateway and the web app use."""

from __future__ import annotations

from micromegas_dbapi.rust_strings import escaped
from micromegas_dbapi.server.statement_steps import StatementError

__all__ = ["status_text"]

_DESCRIPTIONS = {
    "CANCELLED": "The operation was cancelled",
    "INVALID_ARGUMENT": "Client specified an invalid argument",
    "RESOURCE_EXHAUSTED": "Some resource has been exhausted",
    "UNIMPLEMENTED": "Operation is not implemented or not supported",
    "INTERNAL": "Internal error",
}


def status_text(error: StatementError) -> str:
    r"""Format an error.

    Parameters
    ----------
    error : StatementError
        Of a query.

    Returns
    -------
    str
        Its code and its text.

    Examples
    --------
    >>> status_text(StatementError("INTERNAL", 'said "no"'))
    'code: \'Internal error\', message: "said \\"no\\""'
    """
    return f"code: '{_DESCRIPTIONS[error.code]}', message: \"{escaped(error.text)}\""
