"""`python -m agentcore_new.review.release VERSION` makes a release, or leaves all as it was.

It commits version, CHANGELOG and the templates as they are frozen for `update`, tags that, checks
what is tagged, builds wheel and source distribution, and tries the wheel in an environment of its
own. A second commit begins the next version: X.Y.Z.dev0 is what comes before X.Y.Z. Publishing is
left to a person.
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
from agentcore_new.review import changelog, checkout, copier_file, freezing, guard, snapshots
from agentcore_new.review.rendering import chosen

VERSION_FILE = "src/agentcore_new/__init__.py"
WRITTEN = (VERSION_FILE, changelog.FILE, copier_file.FILE, checkout.SNAPSHOTS, freezing.FILE)
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
DEVELOPMENT = ".dev0"


class ReleaseRefused(Error):
    """The release cannot be made."""

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
    before = _run(root, "git", "rev-parse", "HEAD").strip()
    try:
        _set_version(root, __version__, version)
        _move_entries(root, version, day)
        freezing.freeze(root, version)
        _commit(root, f"Release {version}")
        # What cannot be tagged is not worth building.
        _run(root, "git", "tag", "--annotate", "--message", f"Release {version}", f"v{version}")
        _check(root)
        files = _build(root, version)
        _try(root, next(file for file in files if file.suffix == ".whl"), version)
        following = _following(version)
        _set_version(root, version, f"{following}{DEVELOPMENT}")
        _commit(root, f"Begin {following}")
        _check(root)
    except BaseException as error:
        _undo(root, before, version)
        if isinstance(error, ReleaseRefused):
            error.message += "\nNothing was changed."
        raise
    return files


def _undo(root: Path, before: str, version: str) -> None:
    """Leave branch, tags and what was written as they were."""
    if git.read(root, "rev-parse", "--verify", "--quiet", f"refs/tags/v{version}"):
        _run(root, "git", "tag", "--delete", f"v{version}")
    _run(root, "git", "reset", "--quiet", "--soft", before)
    _run(root, "git", "reset", "--quiet", "--", *WRITTEN)
    _run(root, "git", "checkout", "--quiet", "--", *WRITTEN)
    _run(root, "git", "clean", "--quiet", "--force", "-d", "--", checkout.SNAPSHOTS)


def _refuse(root: Path, version: str) -> None:
    if not VERSION.fullmatch(version):
        raise ReleaseRefused(f"{version} is no version.", hint="Write three numbers, like 0.2.0.")
    if _order(version) <= _order(__version__):
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


def _order(version: str) -> tuple[int, ...]:
    """Return what sorts versions: by their numbers, and what comes before a release before it."""
    numbers, before, _ = version.partition(DEVELOPMENT)
    return (*map(int, numbers.split(".")), not before)


def _following(version: str) -> str:
    """Return the next version, if nothing but faults is mended in it."""
    *numbers, patch = version.split(".")
    return ".".join([*numbers, str(int(patch) + 1)])


def _set_version(root: Path, old: str, new: str) -> None:
    """Write the version to where it is said, and all that carries it."""
    file = root / VERSION_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'"{old}"', f'"{new}"'), encoding="utf-8", newline="")
    _run(root, sys.executable, "-m", "agentcore_new", "snapshots")


def _move_entries(root: Path, version: str, day: str) -> None:
    file = root / changelog.FILE
    text = changelog.released(file.read_text(encoding="utf-8"), version, day)
    file.write_text(text, encoding="utf-8", newline="")


def _commit(root: Path, message: str) -> None:
    _run(root, "git", "add", "--", *WRITTEN)
    _run(root, "git", "commit", "--quiet", "--message", message)


def _check(root: Path) -> None:
    _run(root, sys.executable, "-m", "agentcore_new", "check")


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
        raise ReleaseRefused(f"{' '.join(command[:5])} failed:\n{said}")
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
    print(f"Committed and tagged v{version}, and began what comes after it. To publish it:\n")
    print("  git push --follow-tags")
    print(f"  python -m twine upload {' '.join(f'dist/{file.name}' for file in files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
