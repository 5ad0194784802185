"""Writes a zip of which the same files make the same bytes, within what AgentCore takes."""

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo, is_zipfile

from agentcore_new.errors import CannotPackage, TargetInTheWay, WriteFailed

# "Direct code deployment" in the AgentCore developer guide; of MB, each a million bytes.
MAX_ZIP_BYTES = 250 * 1_000_000
MAX_UNPACKED_BYTES = 750 * 1_000_000
MARK = b"made by agentcore-new package"  # the comment of the zip: such a one may be replaced
EARLIEST = (1980, 1, 1, 0, 0, 0)  # in a zip; that of a file says when it was installed
READABLE, EXECUTABLE = 0o644, 0o755
CHUNK = 1024 * 1024


def check_target(file: Path) -> None:
    """Refuse to replace what is no package of ours.

    Raises:
        TargetInTheWay: It is there.
    """
    if not os.path.lexists(file):
        return
    if file.is_file() and is_zipfile(file):
        with ZipFile(file) as there:
            if there.comment == MARK:
                return
    raise TargetInTheWay(
        f"{file} is there, and is no package that this command has made.",
        hint="Move it away, or name another file with --output.",
        details={"path": str(file)},
    )


def write(file: Path, files: Mapping[str, Path], texts: Mapping[str, bytes]) -> int:
    """Write a zip; until it is whole, nothing of it is there.

    Args:
        file: The zip.
        files: What is in it: where each file is to be found, by its path in the zip.
        texts: What some of them have instead of what they have on the disk.

    Returns:
        Its size in bytes.

    Raises:
        CannotPackage: It is larger than AgentCore takes.
        WriteFailed: The disk refused.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(number, "wb") as opened, ZipFile(opened, "w") as archive:
                archive.comment = MARK
                for path in sorted(files):
                    _add(archive, path, files[path], texts.get(path))
            size = Path(name).stat().st_size
            check_size("zip", size, MAX_ZIP_BYTES)
            Path(name).chmod(READABLE)
            Path(name).replace(file)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise WriteFailed(f"{file} could not be written: {error.strerror or error}.") from error
    return size


def check_size(what: str, size: int, most: int) -> None:
    """Refuse what is too large.

    Raises:
        CannotPackage: It is.
    """
    if size > most:
        sizes = f"has {size / 1_000_000:.1f} MB, and AgentCore takes {most // 1_000_000} MB"
        raise CannotPackage(
            f"The {what} {sizes}.",
            hint="Depend on less, or deploy a container: create --container.",
            details={"bytes": size},
        )


def _add(archive: ZipFile, path: str, file: Path, text: bytes | None) -> None:
    info = ZipInfo(path, EARLIEST)
    info.create_system = 3  # Unix, on any: from there the permissions come
    info.compress_type = ZIP_DEFLATED
    executable = path.startswith("bin/")
    info.external_attr = (stat.S_IFREG | (EXECUTABLE if executable else READABLE)) << 16
    with archive.open(info, "w") as entry:
        if text is not None:
            entry.write(text)
            return
        with file.open("rb") as opened:
            shutil.copyfileobj(opened, entry, CHUNK)
