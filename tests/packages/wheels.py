"""Wheels of packages that nobody has published, in a folder that uv takes instead of an index."""

import struct
from pathlib import Path
from zipfile import ZipFile

AARCH64, X86_64 = 183, 62


def library(machine: int) -> bytes:
    """The first bytes of a native library for a machine."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(44)


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    files: dict[str, bytes] | None = None,
    script: str = "",
) -> None:
    """Write a wheel; with a script, a command of that name."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    pure = "true" if tag.endswith("any") else "false"
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    contents = {f"{name}/__init__.py": b"", **(files or {})}
    contents |= {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    if script:
        entry = f"[console_scripts]\n{script} = {name}:main\n"
        contents[f"{info}/entry_points.txt"] = entry.encode()
    record = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        for path, data in {**contents, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(path, data)


def write_project(folder: Path, wheels: Path, *dependencies: str) -> Path:
    """Write a project that depends on such packages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text("print('hello')\n", encoding="utf-8")
    wanted = ", ".join(f'"{each}"' for each in dependencies)
    (folder / "pyproject.toml").write_text(
        f"""[project]
name = "an-agent"
version = "0.1.0"
requires-python = ">=3.11,<3.15"
dependencies = [{wanted}]

[tool.uv]
package = false
no-index = true
find-links = ["{wheels.as_posix()}"]
""",
        encoding="utf-8",
    )
    return folder
