"""From a project's folder to its package, step by step."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agentcore_new.errors import CannotPackage, NotAProject
from agentcore_new.packaging import archive, dependencies, native
from agentcore_new.packaging.contents import contents

ENTRY = "main.py"
DEPENDENCIES = "pyproject.toml"
# What says when and how a package was installed, and by whom.
OF_THE_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
SHEBANG = b"#!/usr/bin/env python3\n"


@dataclass(frozen=True, slots=True)
class Package:
    """What was made."""

    path: Path
    python: str
    platform: str  # by uv's name
    files: int
    size: int  # in bytes
    unpacked: int  # in bytes
    left_out: tuple[str, ...]  # files of the project that look as if somebody could miss them


def package(
    folder: Path, python: str, output: Path | None, tell: Callable[[str], object]
) -> Package:
    """Make the zip that AgentCore takes from the project in `folder`.

    Args:
        folder: The project.
        python: The version that it is to run on, such as "3.13".
        output: The zip; by default in `dist/` of the project, under the project's name.
        tell: Is told what is done, before it is.

    Raises:
        NotAProject: There is no project.
        CannotPackage: It cannot run on AgentCore as it is.
        TargetInTheWay: The zip would replace what is no package.
        WriteFailed: The disk refused.
    """
    for name in (ENTRY, DEPENDENCIES):
        if not (folder / name).is_file():
            raise NotAProject(
                f"{folder} is no project: it has no {name}.",
                hint="Name the folder that `agentcore-new create` has made.",
            )
    target = output or folder / "dist" / f"{folder.resolve().name}.zip"
    archive.check_target(target)
    own = contents(folder)
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        installed = Path(temporary, "packages")
        tell(f"Choosing packages for Python {python} on Linux on Arm")
        platform = dependencies.install(folder.resolve(), python, installed)
        files = dict(_installed(installed))
        foreign = sorted(path for path, file in files.items() if native.is_foreign(file))
        files |= {path: folder / path for path in own.packed}
        foreign += [path for path in own.packed if native.is_foreign(folder / path)]
        if foreign:
            raise CannotPackage(
                f"{foreign[0]} is not for Linux on Arm.",
                hint="AgentCore has no other machines.",
                details={"files": foreign},
            )
        unpacked = sum(file.stat().st_size for file in files.values())
        archive.check_size("unpacked package", unpacked, archive.MAX_UNPACKED_BYTES)
        tell(f"Packing {len(files):,} files")
        size = archive.write(target, files, _texts(files))
    return Package(target, python, platform, len(files), size, unpacked, own.left_out)


def _installed(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            of_a_package = path.parent.name.endswith(".dist-info")
            if not (name == ".lock" or (of_a_package and name in OF_THE_INSTALLER)):
                yield path.relative_to(folder).as_posix(), path


def _texts(files: dict[str, Path]) -> dict[str, bytes]:
    """Return what is different from machine to machine, as it is the same on all."""
    texts = {}
    for path, file in files.items():
        if path.startswith("bin/"):
            first, _, rest = file.read_bytes().partition(b"\n")
            if first.startswith(b"#!") and b"python" in first:
                texts[path] = SHEBANG + rest
        elif path.endswith(".dist-info/RECORD"):
            lines = file.read_text("utf-8").splitlines(keepends=True)
            kept = sorted(line for line in lines if not line.startswith(("bin/", "../")))
            texts[path] = "".join(
                line
                for line in kept
                if line.partition(",")[0].rpartition("/")[2] not in OF_THE_INSTALLER
            ).encode()
    return texts
