"""`python tests/pins` renews the lists and the reserved names, and shows what changed.

The lists get the newest versions that there are today. Of the environments that follow from them,
each name is reserved; what was reserved once stays so.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
# the newest, whatever the caller asks uv for, and environments of the lists
os.environ.pop("UV_RESOLUTION", None)

from contract.environments import UV, names_in, python_of  # noqa: E402
from contract.projects import FRAMEWORKS, requirements_of  # noqa: E402

import pins  # noqa: E402

RESERVED = ROOT / "templates/reserved_names.txt"
HEADER = "# renewed by: python tests/pins"
# pip builds a project that names no build system with these
BUILD = ("setuptools", "wheel")


def resolve(*source: str, text: str = "") -> list[str]:
    """The newest versions that fit together, on every Python and system."""
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
    command += ["--python-version", "3.11", *source]
    return subprocess.check_output(command, cwd=ROOT, input=text, text=True).splitlines()


def lists_of(framework: str) -> dict[Path, list[str]]:
    """Both lists of a framework; the second has nothing that the first has."""
    environment = resolve("-", text="\n".join(requirements_of(framework, "postgresql")))
    whole = [*environment, *requirements_of(framework, "test"), *BUILD]
    others = [line for line in resolve("-", text="\n".join(whole)) if line not in environment]
    environment_file, others_file = pins.files_of(framework)
    return {environment_file: environment, others_file: others}


def write(file: Path, lines: list[str], *header: str) -> None:
    """Write a list, and print how it differs from what it was."""
    old = pins.read(file) if file.exists() else []
    text = "".join(f"{line}\n" for line in (*header, *lines))
    file.write_text(text, encoding="utf-8", newline="")
    print(f"{file.relative_to(ROOT)}: {len(lines)} lines", flush=True)
    for line in sorted({*old} ^ {*lines}):
        print(f"  {'-' if line in old else '+'} {line}", flush=True)


def main() -> None:
    """Renew everything."""
    write(pins.CONSTRAINTS, resolve("--extra", "test", "pyproject.toml"), HEADER)
    reserved = {*pins.read(RESERVED)}
    for framework in FRAMEWORKS:
        for file, lines in lists_of(framework).items():
            write(file, lines, HEADER)
        reserved |= names_in(python_of(framework))
    write(RESERVED, sorted(reserved))


if __name__ == "__main__":
    main()
