"""One virtual environment a framework, for all its projects, kept between runs."""

import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pins
import uv

from contract.projects import requirements_of

UV = uv.find_uv_bin()
# asked now: tests have a home folder of their own, and must not download everything anew
UV_CACHE = subprocess.check_output([UV, "cache", "dir"], text=True).strip()
CACHE = Path(__file__).parents[2] / ".cache" / "environments"
_NAMES = """
import json
from importlib.metadata import distributions, packages_distributions
names = {each.metadata["Name"] for each in distributions()} | set(packages_distributions())
print(json.dumps(sorted(name for name in names if not name.startswith("_"))))
"""


def python_of(framework: str) -> Path:
    """The interpreter of the framework's environment, which is built if it is not there yet."""
    lines = _lines(framework)
    digest = hashlib.sha256("\n".join([platform.python_version(), *lines]).encode())
    folder = CACHE / f"{framework}-{digest.hexdigest()[:12]}"
    python, complete = folder / "bin" / "python", folder / "complete"
    with locked(folder.with_suffix(".lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(folder))
            # what is built from source is built with whatever there is today
            only = () if pins.UNPINNED else ("--no-build",)
            install = ("pip", "install", "--compile-bytecode", "--no-deps", *only)
            _uv(*install, "--python", str(python), *lines)
            complete.touch()
    return python


def installed_in(python: Path) -> dict[str, str]:
    """The version of every package in the interpreter's environment."""
    listed = json.loads(_uv("pip", "list", "--format", "json", "--python", str(python)))
    return {each["name"]: each["version"] for each in listed}


def names_in(python: Path) -> set[str]:
    """The names, in normal form, of everything that can be imported or required there."""
    found = json.loads(subprocess.check_output([python, "-c", _NAMES], text=True))
    # a name that no project can have anyway: with a dot, or starting with no letter
    names = {name for name in found if name.isidentifier() or "-" in name}
    return {name.lower().replace("_", "-") for name in names}


@cache
def _lines(framework: str) -> list[str]:
    """Everything that is installed for the framework: as listed, or as of today."""
    if not pins.UNPINNED:
        environment, _ = pins.files_of(framework)
        return pins.read(environment)
    command = ("pip", "compile", "--no-header", "--no-annotate", "--python", sys.executable)
    text = "\n".join(requirements_of(framework))
    return _uv(*command, "-", text=text).splitlines()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock: of two test workers, one works with a thing and the other waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str, text: str | None = None) -> str:
    command = [UV, "--quiet", "--cache-dir", UV_CACHE, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(arguments[:2])} failed:\n{done.stderr}")
    return done.stdout
