"""`python -m agentcore_new.review.release VERSION` makes a release, or leaves all as it was.

It writes version and CHANGELOG, builds wheel and source distribution, tries the wheel in an
environment of its own, and commits and tags last. Publishing is left to a person.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agentcore_new import __version__, git
from agentcore_new.answers import complete
from agentcore_new.errors import Error, as_text
from agentcore_new.options import FRAMEWORK, OPTIONS
from agentcore_new.review import changelog, checkout, guard, snapshots
from agentcore_new.review.rendering import chosen

VERSION_FILE = "src/agentcore_new/__init__.py"
WRITTEN = (VERSION_FILE, changelog.FILE, checkout.SNAPSHOTS)
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class ReleaseRefused(Error):
    """The release cannot be made; nothing was changed."""

    kind = "release-refused"


def release(root: Path, version: str, day: str) -> list[Path]:
    """Make a release of the checkout and return the files to publish.

    Args:
        root: The top of the checkout, whose work tree must be clean.
        version: The new version, three numbers.
        day: The date of the release, as `2026-11-24`.

    Raises:
        ReleaseRefused: Something is not as it must be; all is as it was.
    """
    _refuse(root, version)
    try:
        _write(root, version, day)
        _run(root, sys.executable, "-m", "agentcore_new", "snapshots")
        _run(root, sys.executable, "-m", "agentcore_new", "check")
        files = _build(root, version)
        _try(root, next(file for file in files if file.suffix == ".whl"), version)
        _run(root, "git", "add", "--", *WRITTEN)
        _run(root, "git", "commit", "--quiet", "--message", f"Release {version}")
    except BaseException:
        _run(root, "git", "reset", "--quiet", "--", *WRITTEN)
        _run(root, "git", "checkout", "--quiet", "--", *WRITTEN)
        _run(root, "git", "clean", "--quiet", "--force", "-d", "--", checkout.SNAPSHOTS)
        raise
    _run(root, "git", "tag", "--annotate", "--message", f"Release {version}", f"v{version}")
    return files


def _refuse(root: Path, version: str) -> None:
    if not VERSION.fullmatch(version):
        raise ReleaseRefused(f"{version} is no version.", hint="Write three numbers, like 0.2.0.")
    if _numbers(version) <= _numbers(__version__):
        raise ReleaseRefused(f"{version} is not newer than {__version__}.")
    if git.read(root, "rev-parse", "--git-dir") is None:
        raise ReleaseRefused(f"{root} is no repository of git.")
    if git.read(root, "rev-parse", "--verify", "--quiet", f"refs/tags/v{version}"):
        raise ReleaseRefused(f"There is a tag v{version} already.")
    if git.read(root, "status", "--porcelain"):
        raise ReleaseRefused("There are uncommitted changes.", hint="Commit or stash them.")
    text = (root / changelog.FILE).read_text(encoding="utf-8")
    if not changelog.unreleased(text):
        raise ReleaseRefused(
            f"{changelog.FILE} has no entry under Unreleased.", hint="Say what users will notice."
        )
    verdict = guard.inspect(root)
    if not verdict.holds:
        raise ReleaseRefused("The templates are not as they must be.", hint="agentcore-new check")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _write(root: Path, version: str, day: str) -> None:
    file = root / VERSION_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'"{__version__}"', f'"{version}"'), encoding="utf-8", newline="")
    file = root / changelog.FILE
    text = changelog.released(file.read_text(encoding="utf-8"), version, day)
    file.write_text(text, encoding="utf-8", newline="")


def _build(root: Path, version: str) -> list[Path]:
    """Build both distributions into `dist/`, without what an earlier release left there."""
    folder = root / "dist"
    names = (f"agentcore_new-{version}-py3-none-any.whl", f"agentcore_new-{version}.tar.gz")
    _run(root, sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder))
    files = [folder / name for name in names]
    if missing := [file.name for file in files if not file.is_file()]:
        raise ReleaseRefused(f"The build made no {' and no '.join(missing)}.")
    _run(root, sys.executable, "-m", "twine", "check", "--strict", *map(str, files))
    return files


def _try(root: Path, wheel: Path, version: str) -> None:
    """Create a project of each framework with the wheel alone: it compiles and is as reviewed."""
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        folder = Path(temporary)
        _run(folder, sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable)
        python = folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        install = ("-m", "uv", "pip", "install", "--quiet", "--python", str(python))
        constraints = ("--constraints", str(root / "constraints.txt"))
        _run(folder, sys.executable, *install, *constraints, str(wheel))
        command = (str(python), "-P", "-m", "agentcore_new")
        said = _run(folder, *command, "--version")
        if said.split() != ["agentcore-new", version]:
            raise ReleaseRefused(f"The wheel says that it is {said.strip()}.")
        kept = root / checkout.SNAPSHOTS
        texts = {
            file.relative_to(kept).as_posix(): file.read_bytes().decode()
            for file in kept.rglob("*")
            if file.is_file()
        }
        axes = {option.name: option.values for option in OPTIONS}
        for framework in FRAMEWORK.values:
            _run(folder, *command, "create", "--framework", str(framework), "--yes", "--no-git")
            answers = complete({"framework": framework})
            name = str(answers["project_name"])
            _run(folder, str(python), "-m", "compileall", "-q", name)
            for path, text in snapshots.restore(texts, axes, chosen(answers)).items():
                if (folder / name / path).read_bytes() != text.encode():
                    raise ReleaseRefused(f"The wheel makes another {path} for {framework}.")


def _run(folder: Path, *command: str) -> str:
    """Run a command, which must succeed, and return what it prints.

    Raises:
        ReleaseRefused: It failed.
    """
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    if command[1:3] == ("-m", "agentcore_new"):
        variables["PYTHONPATH"] = str(folder / "src")
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise ReleaseRefused(f"{' '.join(command[:5])} failed:\n{said}\nNothing was changed.")
    return done.stdout


def main(words: Sequence[str] | None = None) -> int:
    """Make the release, print what is left to do, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("version", metavar="VERSION", help="three numbers, like 0.2.0")
    version = parser.parse_args(words).version
    try:
        files = release(checkout.root(), version, datetime.now(UTC).date().isoformat())
    except Error as error:
        print(as_text(error), file=sys.stderr)
        return error.exit_code
    print(f"Committed and tagged v{version}. To publish it:\n")
    print("  git push --follow-tags")
    print(f"  python -m twine upload {' '.join(f'dist/{file.name}' for file in files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
