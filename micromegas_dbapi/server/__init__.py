"""A local service: the protocols of the Micromegas services over a lake, for one machine."""

from __future__ import annotations

from micromegas_dbapi.server.local_service import LocalService

__all__ = ["LocalService"]
