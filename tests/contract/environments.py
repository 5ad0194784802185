"""One virtual environment a framework, for all its projects, kept between runs."""

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import uv

from contract.projects import PROVIDERS, Variant

UV = uv.find_uv_bin()
# asked now: tests have a home folder of their own, and must not download everything anew
UV_CACHE = subprocess.check_output([UV, "cache", "dir"], text=True).strip()
CACHE = Path(__file__).parents[2] / ".cache" / "environments"


def python_of(framework: str) -> Path:
    """The interpreter of the framework's environment, which is built if it is not there yet."""
    requirements = _requirements(framework)
    digest = hashlib.sha256("\n".join([platform.python_version(), *requirements]).encode())
    folder = CACHE / f"{framework}-{digest.hexdigest()[:12]}"
    python, complete = folder / "bin" / "python", folder / "complete"
    with _locked(folder.with_suffix(".lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--compile-bytecode", "--python", str(python), *requirements)
            complete.touch()
    return python


def _requirements(framework: str) -> list[str]:
    """Everything that the framework's projects require, whatever their provider and options."""
    plain = [Variant(framework, provider, stream=False) for provider in PROVIDERS]
    recording = replace(plain[0], transcript=True)
    dependencies = [variant.dependencies() for variant in plain]
    return sorted({*chain(*dependencies), *recording.dependencies("postgresql")})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock: of two test workers, one builds and the other waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str) -> None:
    command = [UV, "--quiet", "--cache-dir", UV_CACHE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"uv {arguments[0]} failed:\n{done.stderr}")
