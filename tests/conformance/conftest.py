"""SQLAlchemy's suite brings a pytest plugin that wants a run of its own: test_sqlalchemy.py."""

from __future__ import annotations

collect_ignore = ["suite"]
