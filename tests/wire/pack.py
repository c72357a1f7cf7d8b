"""Pack recordings into archives: ``python tests/wire/pack.py SOURCE``.

Every folder in SOURCE that holds an ``index.json`` becomes ``<folder>.tar.xz`` beside this script.
The same folder always gives the same bytes, so that an archive changes only if its evidence does.
"""

from __future__ import annotations

import io
import lzma
import sys
import tarfile
from pathlib import Path


def tar(folder: Path) -> bytes:
    """All of a folder as a tar that knows nothing of who packed it, when and where."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted([folder, *folder.rglob("*")], key=Path.as_posix):
            member = tarfile.TarInfo(path.relative_to(folder.parent).as_posix())
            if path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            else:
                data = path.read_bytes()
                member.size, member.mode = len(data), 0o644
                archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def main(source: Path) -> None:
    for index in sorted(source.glob("*/index.json")):
        packed = lzma.compress(tar(index.parent), preset=6 | lzma.PRESET_EXTREME)
        target = Path(__file__).parent / f"{index.parent.name}.tar.xz"
        target.write_bytes(packed)
        print(f"{target.name}: {len(packed)} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
