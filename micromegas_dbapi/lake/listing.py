"""Find the Parquet files of a folder of a lake.

Names that begin with a dot or an underscore are overlooked, as in Spark and Hive: writers use them
for files that are not finished, and operating systems for their own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

from micromegas_dbapi.errors import OperationalError

__all__ = ["Listing"]

_LOGGER = logging.getLogger(__name__)


class Listing:
    """The Parquet files of a folder and of the folders in it, found when this is created.

    Parameters
    ----------
    base : str
        The lake, without symbolic links.
    folder : str
        A folder in it. It need not exist.
    follow_links : bool
        Whether symbolic links may lead out of the lake.

    Attributes
    ----------
    paths : list of str
        Sorted.
    is_whole : bool
        False if the folder contains anything that is overlooked, or a link.

    Raises
    ------
    OperationalError
        If a link leads out of the lake, and must not.
    """

    def __init__(self, base: str, folder: str, *, follow_links: bool) -> None:
        self._base = base
        self._follow_links = follow_links
        self.is_whole = True
        self.paths: list[str] = []
        if os.path.isdir(folder):
            self.check(folder)
            self.paths = sorted(self._walk(folder, {os.path.realpath(folder)}))

    def check(self, path: str) -> None:
        """Check that a path does not lead out of the lake.

        Parameters
        ----------
        path : str
            A file or folder below the lake's.

        Raises
        ------
        OperationalError
            If it does, and must not.
        """
        real = os.path.realpath(path)
        if self._follow_links or os.path.commonpath([self._base, real]) == self._base:
            return
        name = os.path.relpath(path, self._base)
        raise OperationalError(
            f"{name} of the lake is a symbolic link that leads out of it; accepted with "
            "follow_links=true in the URL, or serve --follow-links",
            retryable=False,
        )

    def _walk(self, folder: str, entered: set[str]) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = entry.is_dir()
                if not is_folder and not entry.name.endswith(".parquet"):
                    continue
                if entry.name.startswith((".", "_")):
                    _LOGGER.debug("overlooked %s in the lake: a hidden name", entry.path)
                    self.is_whole = False
                    continue
                if entry.is_symlink():
                    self.check(entry.path)
                    self.is_whole = False
                if not is_folder:
                    yield entry.path
                elif (real := os.path.realpath(entry.path)) not in entered:  # a link may be a loop
                    yield from self._walk(entry.path, entered | {real})
