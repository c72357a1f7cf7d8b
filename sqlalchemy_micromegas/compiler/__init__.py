"""Compile SQLAlchemy expressions to DataFusion SQL."""

from __future__ import annotations

from sqlalchemy_micromegas.compiler.statements import MicromegasCompiler

__all__ = ["MicromegasCompiler"]
