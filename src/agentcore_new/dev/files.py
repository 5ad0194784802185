"""A project's own files: what may change how its agent runs, and nothing that the agent writes."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from agentcore_new import git
from agentcore_new.errors import GitFailed
from agentcore_new.packaging.contents import AT_THE_TOP, FOLDERS

# Code, settings, prompts and data. What an agent keeps (databases, logs, tables of what it did) and
# what editors put beside a file has other names.
SUFFIXES = (
    *(".cfg", ".conf", ".html", ".ini", ".j2", ".jinja", ".jinja2", ".json", ".md", ".mustache"),
    *(".prompt", ".py", ".rst", ".sql", ".toml", ".txt", ".xml", ".yaml", ".yml"),
)
ENVIRONMENT = ".env"
NOT_READ = frozenset((".env.example", ".env.sample", ".env.template"))
RULES = ".gitignore"
SKIPPED = (*FOLDERS, "site-packages")

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """What there is at a moment.

    Args:
        folders: Those in which such files may be, or may come to be.
        files: When each was changed, how large it is, and which it is, by its path.
        rules: The same of the files that say what git ignores.
    """

    folders: frozenset[str]
    files: dict[str, Stamp]
    rules: dict[str, Stamp]


class Files:
    """Looks at the files of a project.

    Links to folders are not followed: they may lead anywhere, and to themselves.

    Args:
        folder: Of the project, absolute.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self._has_git = git.is_installed() and git.is_inside_repository(folder)
        self._ignored: dict[str, bool] = {}
        # One that is ignored as a whole, such as a trial in a cache, has files all the same.
        self._has_git = self._has_git and not self._asked([self.folder])
        self._rules: dict[str, Stamp] | None = None

    def look(self) -> Look:
        """Look at all of them."""
        look = self._look()
        if self._rules not in (None, look.rules):
            self._ignored.clear()
            look = self._look()
        self._rules = look.rules
        return look

    def concerns(self, path: str, look: Look) -> bool:
        """Whether it may be one of them, or a folder that has some or had when they were seen."""
        name = Path(path).name
        if is_own(name) or name == RULES:
            return True
        return not _is_skipped(name) and (path in look.folders or Path(path).is_dir())

    def _look(self) -> Look:
        seen, files, rules = {self.folder}, dict[str, Stamp](), dict[str, Stamp]()
        folders = [self.folder]
        while folders:  # level by level: git is asked once for each
            below, there = [], dict[str, Stamp]()
            entries = [(folder, self._entries(folder)) for folder in folders]
            seen.update(folder for folder, listed in entries if listed is not None)
            for entry in (entry for _, listed in entries for entry in listed or ()):
                if entry.is_dir(follow_symlinks=False):
                    if not _is_skipped(entry.name) and not _is_environment(entry.path):
                        below.append(entry.path)
                elif (entry.name == RULES or is_own(entry.name)) and (stamp := _stamp(entry)):
                    (rules if entry.name == RULES else there)[entry.path] = stamp
            ignored = self._which_are_ignored([*below, *there])
            files |= {path: stamp for path, stamp in there.items() if path not in ignored}
            folders = [path for path in below if path not in ignored]
        return Look(frozenset(seen), files, rules)

    def _entries(self, folder: str) -> list[os.DirEntry[str]] | None:
        skipped = AT_THE_TOP if folder == self.folder else ()
        try:
            with os.scandir(folder) as entries:
                return [entry for entry in entries if entry.name not in skipped]
        except OSError:  # it has gone, or may not be read
            return None

    def _which_are_ignored(self, paths: list[str]) -> set[str]:
        if not self._has_git:
            return set()
        unknown = [path for path in paths if path not in self._ignored]
        ignored = self._asked(unknown)
        self._ignored.update((path, path in ignored) for path in unknown)
        return {path for path in paths if self._ignored[path] and not is_environment_file(path)}

    def _asked(self, paths: Iterable[str]) -> set[str]:
        """Return those that git ignores; where it cannot say, that is none."""
        names = [os.fsencode(path) for path in paths]
        if not names or not self._has_git:
            return set()
        try:
            asked = ("check-ignore", "-z", "--stdin")
            said = git.call(Path(self.folder), *asked, stdin=b"\0".join(names))
        except GitFailed:
            return set()
        return {os.fsdecode(name) for name in said.stdout.split(b"\0") if name}


def is_own(name: str) -> bool:
    """Whether a file of this name is one that an agent reads and does not write."""
    if name.startswith("."):
        return is_environment_file(name)
    return name.lower().endswith(SUFFIXES)


def is_environment_file(path: str) -> bool:
    """Whether settings are read from it, whatever git ignores."""
    name = Path(path).name
    return name == ENVIRONMENT or (name.startswith(f"{ENVIRONMENT}.") and name not in NOT_READ)


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or any(fnmatch(name, pattern) for pattern in SKIPPED)


def _is_environment(folder: str) -> bool:
    return Path(folder, "pyvenv.cfg").exists()


def _stamp(entry: os.DirEntry[str]) -> Stamp | None:
    try:
        about = entry.stat()
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
