"""The agent in a folder: what is known of it before it runs."""

import os
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentcore_new import installation
from agentcore_new.errors import CannotServe, NotAProject

ENTRYPOINT = "main.py"
INTERPRETERS = ("bin/python", "Scripts/python.exe")  # of an environment
ELSEWHERE = 3  # folders up, and those named below
BELOW = 2  # folders down: where the AgentCore CLI has an agent
LOOKED_AT = 1_000  # folders below, at most
SAID = 12  # lines of uv


@dataclass(frozen=True, slots=True)
class Project:
    """An AgentCore HTTP agent.

    Args:
        folder: Where its `main.py` is, absolute.
        python: The interpreter of its own environment.
        actions: Whether it answers `history`, `status`, `sessions` and `forget`.
        traces: Whether it tells OpenTelemetry of its turns (`serving/telemetry.py`).
    """

    folder: Path
    python: Path
    actions: bool
    traces: bool

    @property
    def name(self) -> str:
        """What it is called: as its folder is."""
        return self.folder.name


def find(folder: Path, tell: Callable[[str], None]) -> Project:
    """Return the project in `folder`; one that has no environment gets it by uv.

    Args:
        folder: Where it is.
        tell: Is told what is run for it, if anything is.

    Raises:
        NotAProject: There is no `main.py`.
        CannotServe: It has no environment, and none can be made.
    """
    try:
        at = folder.expanduser().resolve()
        if not at.is_dir() or not (at / ENTRYPOINT).is_file():
            raise _not_a_project(folder, at)
        return Project(
            folder=at,
            python=_interpreter(at) or _made(at, tell),
            actions=(at / "serving/transcript/actions.py").is_file(),
            traces=(at / "serving/telemetry.py").is_file(),
        )
    except (OSError, RuntimeError) as error:  # links that lead to each other are the latter
        cause = getattr(error, "strerror", None) or error
        raise NotAProject(f"{folder} cannot be looked at: {cause}.") from error


def _not_a_project(folder: Path, at: Path) -> NotAProject:
    if not at.exists():
        message = f"There is no folder {folder}."
    elif not at.is_dir():
        message = f"{folder} is not a folder."
    else:
        message = f"There is no {ENTRYPOINT} in {at}, so it is no agent."
    near = _near(at)
    if near:
        hint = f"There is one elsewhere: {' or '.join(map(_command, near))}"
    else:
        hint = "Name the folder that has it: agentcore-new dev FOLDER"
    return NotAProject(message, hint=hint, details={"path": str(at), "near": [*map(str, near)]})


def _command(folder: Path) -> str:
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    text = str(shown)
    return f"agentcore-new dev {shlex.quote(f'./{text}' if text.startswith('-') else text)}"


def _near(at: Path) -> list[Path]:
    """Return the folders close by that have a project: the one around, else those below."""
    for around in at.parents[:ELSEWHERE]:
        if (around / ENTRYPOINT).is_file():
            return [around]
    return sorted(_below(at))[:ELSEWHERE] if at.is_dir() else []


def _below(at: Path) -> Iterator[Path]:
    folders, looked = [(at, 0)], 0
    while folders and looked < LOOKED_AT:
        folder, depth = folders.pop(0)
        looked += 1
        if depth and (folder / ENTRYPOINT).is_file():
            yield folder
        elif depth < BELOW:
            folders += [(each, depth + 1) for each in _folders(folder)]


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [
                Path(entry)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
    except OSError:
        return []
    return [each for each in found if each.name != "node_modules" and not _is_environment(each)]


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _interpreter(folder: Path) -> Path | None:
    """Return the interpreter of the folder's environment, as it is; None if there is none.

    The link is not followed: behind it is a Python that knows nothing of the environment.

    Raises:
        CannotServe: The environment is broken.
    """
    environment = folder / installation.ENVIRONMENT
    if not os.path.lexists(environment):
        return None
    for name in INTERPRETERS:
        python = environment / name
        if python.is_file():
            if os.access(python, os.X_OK):
                return python
            raise _broken(folder, f"{python} cannot be run")
        if python.is_symlink():
            raise _broken(folder, f"its Python is gone ({_end(python)})")
    if environment.is_symlink() and not environment.exists():
        raise _broken(folder, f"it is a link to {environment.readlink()}, which is not there")
    raise _broken(folder, "it has no Python")


def _end(link: Path) -> Path:
    """Return where a link leads at last: `python` is a link to `python3`, often."""
    try:
        return link.resolve()
    except RuntimeError:
        return link.readlink()


def _broken(folder: Path, why: str) -> CannotServe:
    environment = folder / installation.ENVIRONMENT
    remove = f"rm -r {shlex.quote(str(environment))}"
    if installation.has_uv():
        hint = f"Remove it, and it is made anew: {remove}"
    else:
        hint = f"Make it anew: {' && '.join([remove, *_by_hand(folder)])}"
    return CannotServe(
        f"The environment {environment} is broken: {why}.",
        hint=hint,
        details={"path": str(environment)},
    )


def _made(folder: Path, tell: Callable[[str], None]) -> Path:
    """Make the environment of a project, whole or not at all; return its interpreter."""
    environment = folder / installation.ENVIRONMENT
    commands = _commands(folder)
    if not commands or not installation.has_uv():
        what = "no uv to make it" if commands else "nothing says what it needs"
        raise CannotServe(
            f"The project has no environment ({environment}), and {what}.",
            hint=f"To make it: {' && '.join(_by_hand(folder))}",
            details={"path": str(environment)},
        )
    try:
        for command in commands:
            tell(f"Making the project's environment: {shlex.join(command)}")
            _run(command, folder)
    except BaseException:
        # One with nothing in it would be taken for the project's own the next time.
        shutil.rmtree(environment, ignore_errors=True)
        raise
    python = _interpreter(folder)
    if python is None:
        raise CannotServe(f"uv has made no environment {environment}.")
    return python


def _commands(folder: Path) -> list[list[str]]:
    """Return what makes the environment by uv; nothing, if nobody says what is to be in it."""
    at = ["--directory", str(folder)]
    if _has_project_table(folder):
        return [["uv", "sync", *at]]
    if (folder / "requirements.txt").is_file():
        install = ["uv", "pip", "install", *at, "--python", installation.ENVIRONMENT]
        return [
            ["uv", "venv", *at, installation.ENVIRONMENT],
            [*install, "-r", "requirements.txt"],
        ]
    return []


def _has_project_table(folder: Path) -> bool:
    """Whether its pyproject.toml is of a project, and not of tools alone."""
    try:
        return "project" in tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True  # uv says what is wrong with it


def _by_hand(folder: Path) -> list[str]:
    """Return what one types to make the environment without uv."""
    if _has_project_table(folder):
        commands = installation.pip_commands()
    else:
        has_list = (folder / "requirements.txt").is_file()
        packages = "-r requirements.txt" if has_list else "bedrock-agentcore"
        commands = installation.pip_commands(packages)
    return [f"cd {shlex.quote(str(folder))}", *commands]


def _run(command: Sequence[str], folder: Path) -> None:
    # Whatever environment is active, and wherever others are kept, the project gets its own.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = str(folder / installation.ENVIRONMENT)
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CannotServe(f"uv cannot be run: {error.strerror}.") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        cause = " ".join(said[-SAID:]) or f"exit code {done.returncode}"
        raise CannotServe(
            f"The project's environment could not be made: {cause}",
            hint=f"Once that is mended, try it with: {shlex.join(command)}",
            details={"path": str(folder), "log": said[-SAID:]},
        )
