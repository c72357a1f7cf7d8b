"""A temporary file for response bodies that are too large for memory."""

from __future__ import annotations

import os
import tempfile

import pyarrow as pa

__all__ = ["Spool"]


class Spool:
    """A temporary file that has no name, so that nothing is left behind however we end."""

    def __init__(self) -> None:
        self._source: pa.NativeFile | None = None
        self._file = tempfile.TemporaryFile(prefix="micromegas-")  # noqa: SIM115  (closed by close)

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        self._file.write(piece)
        self._file.flush()  # a full disk is to show here

    def close(self) -> None:
        """Give the disk space back."""
        if self._source is not None:
            self._source.close()
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # made, and the result not read to its end
            self.close()

    def edges(self, count: int) -> tuple[bytes, bytes, int]:
        """Give the first bytes, the last bytes, and how many there are in all."""
        self._file.seek(0)
        first = self._file.read(count)
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - count))
        return first, self._file.read(count), size

    def source(self) -> pa.NativeFile:
        """Open the whole for reading; the result closes with the spool."""
        path = f"/dev/fd/{self._file.fileno()}"
        if os.path.exists(path):  # reads without the GIL
            self._source = pa.OSFile(path)
        else:
            self._source = pa.PythonFile(self._file, "r")
        return self._source
