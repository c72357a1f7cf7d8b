"""Demo lakes that all connections of a process share."""

from __future__ import annotations

import atexit
from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from micromegas_dbapi.open_transport import open_transport
from micromegas_dbapi.options.option_table import OPTIONS
from micromegas_dbapi.url import parse

__all__ = ["shared_demo_lake"]

_LOCK = Lock()
_GENERATOR = ("seed", "size")


def shared_demo_lake(address: str) -> str:
    """Return the address of a demo lake that is generated once.

    Tools that open a connection for each statement then read the same data quickly.

    Parameters
    ----------
    address : str
        ``demo:`` with options.

    Returns
    -------
    str
        ``lake:FOLDER`` with the same options, but for those of the generator.

    Raises
    ------
    ProgrammingError
        If an option is wrong.
    NotSupportedError
        If DataFusion is not installed.
    """
    options = dict(parse_qsl(address.partition("?")[2], keep_blank_values=True))
    generator: dict[str, str] = {name: options.pop(name) for name in _GENERATOR if name in options}
    with _LOCK:
        folder = _generate(urlencode(generator, quote_via=quote))
    query = urlencode(options, quote_via=quote)
    return f"lake:{quote(folder)}" + (f"?{query}" if query else "")


@cache
def _generate(options: str) -> str:
    target = parse(f"demo:?{options}" if options else "demo:")
    defaults = {name: OPTIONS[name].default for name in _GENERATOR}
    lake: Any = open_transport(target, defaults | target.options)
    atexit.register(lake.close)  # removes the folder
    return str(lake.path)
