"""The version of SQLAlchemy that is installed."""

from __future__ import annotations

from sqlalchemy import __version__ as _version

__all__ = ["SQLALCHEMY_2"]

#: False on SQLAlchemy 1.4.
SQLALCHEMY_2 = int(_version.partition(".")[0]) >= 2
