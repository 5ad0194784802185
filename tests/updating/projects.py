"""Projects of earlier releases, and what becomes of them."""

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from agentcore_new import __version__
from agentcore_new.answers import complete
from agentcore_new.options import Value
from agentcore_new.render import render
from agentcore_new.review import freezing
from agentcore_new.updating import history
from agentcore_new.updating.edition import SETTINGS
from agentcore_new.updating.history import History
from agentcore_new.updating.update import Update, update
from updating.releases import ROOT, defaults

# Releases that are not there: the templates of today, and what they could have been before.
NOW = "7.0.0"
EARLIER = "6.0.0"
RECORD = ".copier-answers.yml"
Files = dict[str, bytes]
Change = tuple[str, str] | Callable[[str], str] | str | None


@cache
def frozen() -> dict[str, str]:
    """The templates of today, as they are frozen."""
    return freezing.frozen(ROOT)


def history_with(changes: Mapping[str, Change] | None = None) -> History:
    """The releases, and EARLIER, which is as today but for some changes of its templates.

    Args:
        changes: By the path below `templates/`: old and new text, a function, or the whole text;
            None for a template that it did not have.
    """
    today = frozen()
    files = dict(today)
    for name, change in (changes or {}).items():
        path = f"templates/{name}"
        if change is None:
            del files[path]
        elif isinstance(change, str):
            files[path] = change
        elif callable(change):
            files[path] = change(files[path])
        else:
            assert files[path].count(change[0]) == 1, name
            files[path] = files[path].replace(*change)
    before = history.packaged().with_release(EARLIER, _called(files, EARLIER))
    return before.with_release(NOW, _called(today, NOW))


def _called(files: Mapping[str, str], version: str) -> dict[str, str]:
    """Templates, as those of a version."""
    current = f'"default": "{__version__}"'
    assert files[SETTINGS].count(current) == 1
    return {**files, SETTINGS: files[SETTINGS].replace(current, f'"default": "{version}"')}


def answered(version: str, known: History, **given: Value) -> dict[str, Value]:
    """Every answer of a project of that version."""
    return defaults(known.edition(version), {"framework": "strands", **given})


def made(
    folder: Path, known: History, version: str = EARLIER, *, commit: bool = True, **given: Value
) -> Path:
    """Write a project of an earlier release, and commit it."""
    return made_with(folder, known, given, version, commit=commit)


def made_with(
    folder: Path,
    known: History,
    given: Mapping[str, Value],
    version: str = EARLIER,
    *,
    commit: bool = True,
) -> Path:
    """Write a project with some answers."""
    write(folder, known.edition(version).render(answered(version, known, **given)))
    if commit:
        git(folder, "init", "--quiet")
        commit_all(folder)
    return folder


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace text that must be there once."""
    text = (folder / path).read_bytes().decode()
    assert text.count(old) == 1, (path, old, text.count(old))
    (folder / path).write_bytes(text.replace(old, new).encode())


def git(folder: Path, *words: str) -> str:
    """Run git, which must succeed."""
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit_all(folder: Path, message: str = "A commit") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def fresh(**given: Value) -> Files:
    """A new project of today."""
    texts = render(complete({"framework": "strands", **given}))
    return {path: text.encode() for path, text in texts.items()}


def files(folder: Path) -> Files:
    """Every file of a project, without its repository."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            file = Path(parent, name)
            found[file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def state(folder: Path) -> tuple[Files, str]:
    """All that must not change when an update is refused."""
    status = git(folder, "status", "--porcelain") if (folder / ".git").exists() else ""
    return files(folder), status


def brought(folder: Path, known: History, /, **given: Value) -> Update:
    """Update a project, with answers of its own."""
    return update(folder, given, known=known)


def unmerged(folder: Path) -> dict[str, set[str]]:
    """The stages that the index has of each path that is not merged."""
    found: dict[str, set[str]] = {}
    for entry in git(folder, "ls-files", "-u", "-z").split("\0"):
        if entry:
            about, _, path = entry.partition("\t")
            found.setdefault(path, set()).add(about.split()[2])
    return found


def with_markers(found: Mapping[str, bytes]) -> set[str]:
    """The files that have conflict markers."""
    return {path for path, data in found.items() if b"<<<<<<< yours" in data}


def undo(folder: Path) -> None:
    """What the command says that undoes everything."""
    git(folder, "restore", "-SW", ".")


def lines(texts: Iterable[bytes]) -> list[bytes]:
    return [line for text in texts for line in text.split(b"\n")]
