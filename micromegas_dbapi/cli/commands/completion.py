"""``micromegas-sql completion``: a script for a shell."""

from __future__ import annotations

import argparse

import shtab

from micromegas_dbapi.cli.arguments import parser

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Print the completion script of a shell."""
    print(shtab.complete(parser(), options.shell))
