"""A temporary file for response bodies that are too large for memory."""

from __future__ import annotations

import os
import tempfile

import pyarrow as pa

__all__ = ["Spool"]


class Spool:
    """A temporary file without a name, which the system removes even if the process is killed."""

    def __init__(self) -> None:
        self._source: pa.NativeFile | None = None
        self._file = tempfile.TemporaryFile(prefix="micromegas-")  # noqa: SIM115  (closed by close)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Parameters
        ----------
        data : bytes
            The bytes to append.

        Raises
        ------
        OSError
            If the disk is full.
        """
        self._file.write(data)
        self._file.flush()  # raises here if the disk is full

    def close(self) -> None:
        """Release the disk space."""
        if self._source is not None:
            self._source.close()
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # __init__ succeeded, and the result was not read to its end
            self.close()

    def edges(self, count: int) -> tuple[bytes, bytes, int]:
        """Return both ends of the content.

        Parameters
        ----------
        count : int
            The number of bytes of each end.

        Returns
        -------
        first : bytes
            The first bytes.
        last : bytes
            The last bytes.
        size : int
            The size of the whole content.
        """
        self._file.seek(0)
        first = self._file.read(count)
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - count))
        return first, self._file.read(count), size

    def source(self) -> pa.NativeFile:
        """Open the content for reading.

        Returns
        -------
        pyarrow.NativeFile
            Closes with the spool.
        """
        path = f"/dev/fd/{self._file.fileno()}"
        if os.path.exists(path):  # pyarrow's own file reads without the GIL
            self._source = pa.OSFile(path)
        else:
            self._source = pa.PythonFile(self._file, "r")
        return self._source
