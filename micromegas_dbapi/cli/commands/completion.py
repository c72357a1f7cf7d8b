"""Run ``micromegas-sql completion``: print a completion script for a shell."""

from __future__ import annotations

import argparse

import shtab

from micromegas_dbapi.cli.arguments import build_parser

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Print the completion script of a shell.

    Parameters
    ----------
    options : argparse.Namespace
        With ``shell``.
    """
    print(shtab.complete(build_parser(), options.shell))
