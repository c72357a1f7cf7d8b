"""The types of options that only services have: paths, headers, proxies, credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from micromegas_dbapi.auth import Auth, BasicAuth, BearerAuth, ProviderAuth
from micromegas_dbapi.options.option import OptionType
from micromegas_dbapi.options.option_types import python_value, read_flag_or_text, write_flag

__all__ = [
    "CERTIFICATE",
    "CREDENTIALS",
    "HEADERS",
    "PROXIES",
    "TOKEN",
    "TOKEN_FILE",
    "VERIFY",
]


def _path(value: Any) -> str:
    path = os.fspath(value) if isinstance(value, os.PathLike) else python_value(value)
    if not isinstance(path, str) or not path or b"\0" in os.fsencode(path):
        raise ValueError
    return path


def _verify(value: Any) -> bool | str:
    value = python_value(value)
    return value if isinstance(value, bool) else _path(value)


VERIFY = OptionType(
    "bool | FilePath",
    "bool, str or path-like",
    "True, False, a path",
    _verify,
    "true, false, 1, 0, a path",
    read_flag_or_text,
    write_flag,
)


def _certificate(value: Any) -> str | tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        certificate, key = map(_path, value)
        return certificate, key
    return _path(value)


CERTIFICATE = OptionType(
    "FilePath | tuple[FilePath, FilePath]",
    "str, path-like or (path, path)",
    "the path of a certificate, or a tuple of the paths of a certificate and its key",
    _certificate,
)


# The errors of the following name types only: values may be secrets, and so may misplaced names.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PROXY = re.compile(r"([a-z0-9]+://)?([^\s/?#@]*@)?([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?/?", re.I)
_HEADER_VALUE = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")


def _strings(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError
    for name, text in value.items():
        if not isinstance(name, str):
            raise ValueError(f"a name is of type {type(name).__name__}")
        if not isinstance(text, str):
            raise ValueError(f"the value of {name!r} is of type {type(text).__name__}")
    return dict(value)


def _proxies(value: Any) -> dict[str, str]:
    proxies = _strings(value)
    for scheme, proxy in proxies.items():
        # The errors of requests would show a part of a password that is taken for the host.
        if proxy and not _PROXY.fullmatch(proxy):
            raise ValueError(f"the value of {scheme!r} is not a URL")
    return proxies


def _headers(value: Any) -> dict[str, str]:
    headers = _strings(value)
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("a name is empty or has other characters")
        if not _HEADER_VALUE.fullmatch(text):
            raise ValueError(f"the value of {name!r} has other characters")
    return headers


HEADERS = OptionType(
    "Mapping[str, str]",
    "mapping of str to str",
    "a mapping of str to str; names of letters, digits and -; values of printable ASCII "
    "characters, without spaces around them",
    _headers,
    secret=True,
)
PROXIES = OptionType(
    "Mapping[str, str]",
    "mapping of str to str",
    "a mapping of schemes to URLs, as in {'https': 'http://USER:PASSWORD@HOST:PORT'}",
    _proxies,
    secret=True,
)


def _credentials(value: Any) -> Auth:
    if isinstance(value, (BearerAuth, BasicAuth, ProviderAuth)):
        return value
    if isinstance(value, type) or not callable(getattr(value, "get_token", None)):
        raise ValueError
    return ProviderAuth(value)


CREDENTIALS = OptionType(
    "Auth | TokenProvider",
    "BearerAuth, BasicAuth or object with get_token()",
    "BearerAuth, BasicAuth, an object with get_token()",
    _credentials,
    secret=True,
)
TOKEN = OptionType("str", "str", "str", BearerAuth, secret=True)
TOKEN_FILE = OptionType(
    "FilePath",
    "str or path-like",
    "the path of a file",
    _path,
    "a path",
    secret=True,
)
