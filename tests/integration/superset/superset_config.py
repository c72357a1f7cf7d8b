"""Superset's configuration: everything under $SUPERSET_HOME, and no protection of a real site."""

import os

SECRET_KEY = "only-for-tests-" * 3
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/metadata.db"
WTF_CSRF_ENABLED = False  # the token of /security/login is then enough for the REST API
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
SQLLAB_TIMEOUT = int(os.environ.get("SQLLAB_TIMEOUT", "30"))
FEATURE_FLAGS = {"ENABLE_TEMPLATE_PROCESSING": True}
