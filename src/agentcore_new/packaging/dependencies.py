"""The packages of a project for Linux on Arm, through uv, whatever machine this is."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from agentcore_new import installation
from agentcore_new.errors import CannotPackage

PYTHONS = ("3.12", "3.13", "3.14")
DEFAULT_PYTHON = "3.13"
# What a wheel may ask of the C library, the most modest first; the platform's is glibc 2.34.
PLATFORMS = tuple(f"aarch64-{tag}" for tag in ("manylinux2014", "manylinux_2_28", "manylinux_2_34"))
NO_SOLUTION = 1  # uv's exit code where there are no packages that fit; of other failures, it is 2


class Failure(NamedTuple):
    """Why uv has installed nothing."""

    has_no_solution: bool
    cause: str


def install(project: Path, python: str, target: Path) -> str:
    """Install what a project depends on into `target`, nothing of it built here.

    With a `uv.lock` its versions are taken.

    Args:
        project: Its folder.
        python: The version, such as "3.13".
        target: A folder that is empty or not there.

    Returns:
        The platform that the packages are for, by uv's name.

    Raises:
        CannotPackage: There is no uv, or not every package has a wheel that fits.
    """
    if not installation.has_uv():
        raise CannotPackage(
            "Packing needs uv, which chooses the packages for Linux on Arm.",
            hint="Install it: https://docs.astral.sh/uv",
        )
    wanted = _wanted(project, target.with_name("requirements.txt"))
    install = ["install", "--target", str(target), "--requirements", wanted]
    causes = []
    for platform in PLATFORMS:
        failure = _failure(project, install, python, platform)
        if failure is None:
            return platform
        if not failure.has_no_solution:
            raise CannotPackage(f"uv could not install the packages: {failure.cause}")
        causes.append(failure.cause)
    raise CannotPackage(
        f"Not every package is there for Python {python} on Linux on Arm: {causes[-1]}",
        hint=_other_pythons(project, wanted, python),
        details={"python": python},
    )


def _wanted(project: Path, exported: Path) -> str:
    """Return the file that says what to install."""
    if not (project / "uv.lock").exists():
        return "pyproject.toml"
    words = ["export", "--locked", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet"]
    done = _uv(project, *words, "--output-file", str(exported))
    if done.returncode:
        raise CannotPackage(
            f"uv.lock cannot be used: {_cause(done.stderr)}", hint="`uv lock` makes it anew."
        )
    return str(exported)


def _other_pythons(project: Path, wanted: str, python: str) -> str:
    choose = ["compile", "--output-file", "-", wanted]
    for other in PYTHONS:
        for platform in PLATFORMS:
            if other != python and not _failure(project, choose, other, platform):
                return f"For Python {other} they are: --python {other}"
    return "Nor are they for another Python that AgentCore has."


def _failure(project: Path, command: list[str], python: str, platform: str) -> Failure | None:
    """Run a command of `uv pip` for such a machine, and return why it failed, if it did."""
    for_arm = ["--python-version", python, "--python-platform", platform]
    done = _uv(project, "pip", *command, *for_arm, "--only-binary", ":all:", "--quiet")
    if done.returncode == 0:
        return None
    return Failure(done.returncode == NO_SOLUTION, _cause(done.stderr))


def _uv(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["uv", *words, "--color", "never", "--no-progress"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _cause(told: str) -> str:
    """Return the sentence of what uv has told that says why, in one line."""
    said = " ".join(re.sub(r"^\W+", "", line).strip() for line in told.splitlines()).strip()
    _, found, cause = said.partition("cause: ")
    return (cause if found else said).partition(" hint:")[0] or "it does not say why."
