"""Install a project's dependencies: with uv, or with venv and pip where there is no uv."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from agentcore_new.errors import InstallFailed

ENVIRONMENT = ".venv"
# The project with what its tests need, as its README says too.
PIP_TARGET = ".[test]"
PYTHON = f"{ENVIRONMENT}/bin/python" if os.name != "nt" else rf"{ENVIRONMENT}\Scripts\python.exe"


def has_uv() -> bool:
    """Return whether there is a uv to run."""
    return shutil.which("uv") is not None


def commands() -> list[list[str]]:
    """Return the commands that install a project, to be run in its folder."""
    if has_uv():
        return [["uv", "sync"]]
    return [
        [sys.executable, "-m", "venv", ENVIRONMENT],
        [PYTHON, "-m", "pip", "install", PIP_TARGET],
    ]


def shell_commands() -> list[str]:
    """Return what a user types to install the project, in its folder."""
    return ["uv sync"] if has_uv() else pip_commands()


def pip_commands(packages: str = shlex.quote(PIP_TARGET)) -> list[str]:
    """Return what a user types to install `packages`, in the project's folder and without uv."""
    return [f"python3 -m venv {ENVIRONMENT}", f"{PYTHON} -m pip install {packages}"]


def install(folder: Path, go_there: str) -> None:
    """Install the dependencies into an environment in `folder`; progress goes to stderr.

    Args:
        folder: The project's folder.
        go_there: The shell command that goes to the folder, from where the user is.

    Raises:
        InstallFailed: A command failed; the project stays as it is.
    """
    # Whatever environment is active now, the project gets its own.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for command in commands():
        if failure := _failure(command, folder, environment):
            words = [go_there, *shell_commands()]
            raise InstallFailed(
                f"The project is in {folder}, but `{shlex.join(command[:4])}` failed: {failure}.",
                hint=f"To go on: {' && '.join(words)}",
                details={"path": str(folder), "next_commands": words},
            )


def _failure(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run `command` and return what is wrong with it, or nothing."""
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
    except OSError as error:
        return error.strerror or str(error)
    return f"exit code {result.returncode}" if result.returncode else ""
