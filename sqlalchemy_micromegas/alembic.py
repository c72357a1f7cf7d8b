"""What Alembic needs to know of the dialect.

Alembic 1.18 and newer load this module by its entry point. Alembic compares models with a service.
Its statements that would change something are rejected as all others are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from alembic.ddl.impl import DefaultImpl

if TYPE_CHECKING:
    from alembic.runtime.plugins import Plugin

__all__ = ["MicromegasImpl", "setup"]


class MicromegasImpl(DefaultImpl):  # type: ignore[misc]  # Alembic may be missing
    """Alembic's rules for the dialect: those of SQLAlchemy, without transactions."""

    __dialect__ = "micromegas"

    def start_migrations(self) -> None:
        """Tell Alembic not to create its table of versions, so that it can compare."""
        self.context_opts["dont_mutate"] = True


def setup(plugin: Plugin) -> None:
    """Do nothing: Alembic calls this in each plugin, and finds the class above by its dialect.

    Parameters
    ----------
    plugin : alembic.runtime.plugins.Plugin
        This module, as Alembic knows it.
    """


class _Plugins(ModuleType):
    """The module itself, over which Alembic 1.18 and 1.19 iterate."""

    def __iter__(self) -> Iterator[ModuleType]:
        yield self


sys.modules[__name__].__class__ = _Plugins
