"""SQLAlchemy's own pytest plugin, on the engine opened for it."""

from __future__ import annotations

import pytest

from tests.conformance.suite.engine import install

install()
pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403


def pytest_collection_finish(session: pytest.Session) -> None:
    """Mark what does not hold with some of its parameters."""
    from tests.conformance.suite.test_suite import OF_SOME_PARAMETERS

    for item in session.items:
        for (cls, test, parameters), reason in OF_SOME_PARAMETERS.items():
            if item.name.startswith(f"{test}[{parameters}") and f"{cls}_" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))
