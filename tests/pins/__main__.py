"""`python tests/pins` renews the lists and the reserved names, and shows what changed.

The lists get the newest versions that there are today. Of the environments that follow from them,
each name is reserved; what was reserved once stays so.

`python tests/pins FRAMEWORK…` writes the lists of these alone, with the versions that are listed
already wherever they do: what is new in the templates changes nothing else.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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


def resolve(*source: str, text: str = "", preferred: Sequence[str] = ()) -> list[str]:
    """The newest versions that fit together, on every Python and system.

    Args:
        source: What uv reads the requirements from.
        text: What it reads, if that is its input.
        preferred: Lines of a list, whose versions are taken if they fit.
    """
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
    command += ["--python-version", "3.11", *source]
    with tempfile.TemporaryDirectory() as folder:
        # uv keeps the versions that its output has already
        output = Path(folder, "output.txt")
        output.write_text("".join(f"{line}\n" for line in preferred), encoding="utf-8")
        command += ["--output-file", str(output)]
        subprocess.run(command, cwd=ROOT, input=text, text=True, check=True)
        return output.read_text(encoding="utf-8").splitlines()


def listed(framework: str) -> list[str]:
    """The lines of each package in the first list that has it, that of this framework first."""
    found: dict[str, list[str]] = {}
    for name in (framework, *FRAMEWORKS):
        if pins.files_of(name)[0].exists():
            packages: dict[str, list[str]] = {}
            for line in pins.of_projects(name):
                packages.setdefault(line.partition("==")[0], []).append(line)
            # of two versions uv would take either
            found = packages | found
    return [line for lines in found.values() for line in lines]


def lists_of(framework: str, preferred: Sequence[str] = ()) -> dict[Path, list[str]]:
    """Both lists of a framework; the second has nothing that the first has."""
    texts = "\n".join(requirements_of(framework))
    environment = resolve("-", text=texts, preferred=preferred)
    whole = [*environment, *requirements_of(framework, "test"), *BUILD]
    both = resolve("-", text="\n".join(whole), preferred=preferred)
    others = [line for line in both if line not in environment]
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


def main(frameworks: Sequence[str]) -> None:
    """Renew everything, or write what is missing of these frameworks."""
    if unknown := {*frameworks} - {*FRAMEWORKS}:
        sys.exit(f"No framework of options.py: {', '.join(sorted(unknown))}")
    if not frameworks:
        write(pins.CONSTRAINTS, resolve("--extra", "test", "pyproject.toml"), HEADER)
    reserved = {*pins.read(RESERVED)}
    for framework in frameworks or FRAMEWORKS:
        preferred = listed(framework) if frameworks else ()
        for file, lines in lists_of(framework, preferred).items():
            write(file, lines, HEADER)
        reserved |= names_in(python_of(framework))
    write(RESERVED, sorted(reserved))


if __name__ == "__main__":
    main(sys.argv[1:])
