"""SQLAlchemy dialect for the Micromegas telemetry lakehouse; its parts come with later releases."""
