"""Superset's engine spec; Superset loads it by the entry point ``superset.db_engine_specs``."""
