"""Connect as Superset does for a user with a token; run by Superset's interpreter with a URL."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import sqlalchemy as sa
from superset.app import create_app

import micromegas_dbapi as mm

SECURE_EXTRA = {"connect_args": {"token": "in-secure-extra", "timeout": 20}}

with create_app().app_context():
    from superset.db_engine_specs import get_engine_spec

    spec = get_engine_spec("micromegas", "http")
    arguments: dict[str, object] = {}
    url = spec.get_url_for_impersonation(sa.engine.make_url(sys.argv[1]), True, "anné", "of-ann")
    spec.update_impersonation_config(None, arguments, str(url), "anné", "of-ann")
    parameters = {"connect_args": arguments}
    database = SimpleNamespace(encrypted_extra=json.dumps(SECURE_EXTRA))
    spec.update_params_from_encrypted_extra(database, parameters)
    assert parameters["connect_args"]["timeout"] == 20
    with sa.create_engine(url, **parameters).connect() as connection:
        assert connection.execute(sa.text("SELECT 1 AS one")).scalar() == 1
    rejected = mm.OperationalError("no", status=401)
    mapped = spec.get_dbapi_mapped_exception(rejected)
    mapped.__cause__ = rejected
    assert spec.needs_oauth2(mapped)
    assert not spec.needs_oauth2(mm.OperationalError("no", status=500))
