"""SQLAlchemy's own pytest plugin, on the engine opened for it."""

from __future__ import annotations

import pytest

from tests.conformance.suite.engine import install

install()
pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403
