"""Run commands side by side and compare what they cost."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from statistics import median

SITE_PACKAGES = "lib/python*/site-packages"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, in seconds.

    Args:
        wall: By the clock on the wall.
        cpu: Of all processors, with child processes.
    """

    wall: float
    cpu: float


def header(packages: Mapping[str, Path]) -> str:
    """Return what is measured on: the machine, Python, and each package in its environment."""
    found = [
        f"{package} {distribution.version}"
        for package, folder in packages.items()
        for distribution in distributions(path=[str(path) for path in folder.glob(SITE_PACKAGES)])
        if distribution.name.lower().replace("_", "-") == package
    ]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}\n{', '.join(found)}"
    )


def environment(home: Path) -> dict[str, str]:
    """Return the variables that every command runs with: bytecode is used, `home` is empty."""
    hidden = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "HOME": str(home), "NO_COLOR": "1"}


def run(arguments: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> Cost:
    """Run one command to its end and return what it took.

    Raises:
        RuntimeError: It failed.
    """
    output = folder / "output.txt"
    with output.open("wb") as stream:
        start = time.perf_counter()
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        command = " ".join(map(str, arguments))
        raise RuntimeError(f"{command} failed:\n{output.read_text(errors='replace')}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median ratio of runs that were made one after the other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def install(folder: Path, *requirements: str | Path) -> Path:
    """Return an environment with `requirements`, all of it compiled to bytecode.

    Args:
        folder: Where it is; one that is there already is used again.
        requirements: Packages of the index, or this checkout, which is installed anew each time.
    """
    uv = (sys.executable, "-m", "uv")
    if not folder.exists():
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    anew = ("--reinstall-package=agentcore-new", "--refresh-package=agentcore-new")
    subprocess.run(
        [
            *uv,
            "pip",
            "install",
            "-q",
            "--python",
            folder,
            *anew,
            "--compile-bytecode",
            *requirements,
        ],
        check=True,
    )
    return folder
