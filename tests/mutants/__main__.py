"""`python tests/mutants [WORDS]` applies each mutant alone and says which test killed it.

Works on copies of the repository, two at once. Exits with 1 if a mutant survives, does not apply
any more, or if its tests fail without it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from shlex import split

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from mutants.table import MUTANTS, Mutant  # noqa: E402

COPIED = ("constraints.txt", "copier.yml", "pyproject.toml", "src", "templates", "tests")
WORKERS = 2
MINUTES = 2.0  # far more than any of the selections takes, which is tried without a mutant first
# What pytest exits with if tests ran and some failed; all others say that they did not run.
FAILED = 1


class DoesNotApply(Exception):
    """The text that a mutant replaces is not in its file exactly once."""


@contextmanager
def applied(mutant: Mutant, folder: Path) -> Iterator[None]:
    """Change the files of a copy for the block.

    Raises:
        DoesNotApply: The templates have changed, and the mutant must be changed with them.
    """
    before: dict[Path, str] = {}
    try:
        for edit in mutant.edits:
            file = folder / edit.path
            text = file.read_text(encoding="utf-8")
            before.setdefault(file, text)
            if text.count(edit.old) != 1:
                raise DoesNotApply(f"{edit.path}: {text.count(edit.old)} times {edit.old!r}")
            file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
        yield
    finally:
        for file, text in before.items():
            file.write_text(text, encoding="utf-8")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-x", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder / "src"),
            # the rendered projects are new for each mutant: no bytecode of another may stay
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=MINUTES * 60,
    )


def verdict(mutant: Mutant, folder: Path) -> tuple[bool, str]:
    """Apply a mutant and run its tests; whether they noticed, and which did or what went wrong."""
    try:
        with applied(mutant, folder):
            done = run(folder, *split(mutant.tests))
    except DoesNotApply as error:
        return False, f"DOES NOT APPLY: {error}"
    except subprocess.TimeoutExpired as error:
        # A deadlock is noticed by a test that does not end; its name is the last that was written.
        running = re.findall(r"^tests/(\S+)", (error.stdout or b"").decode(), re.M)
        return bool(running), f"{running[-1] if running else mutant.tests} (does not end)"
    killer = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", done.stdout, re.M)
    if done.returncode == 0:
        return False, f"SURVIVED: {mutant.tests}"
    if done.returncode != FAILED or killer is None:
        return False, f"DID NOT RUN: {(done.stdout + done.stderr)[-2_000:]}"
    return True, killer[1]


def copy(folder: Path) -> Path:
    """Copy what the tests need; the environments of the frameworks are shared."""
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    (ROOT / ".cache").mkdir(exist_ok=True)
    (folder / ".cache").symlink_to(ROOT / ".cache")
    return folder


def main(words: list[str]) -> int:
    """Judge every mutant whose name has one of the words, or all."""
    chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    killed = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            copies.put(copy(Path(temporary, str(number)).resolve()))

        def judge(mutant: Mutant) -> tuple[bool, str]:
            folder = copies.get()
            try:
                return verdict(mutant, folder)
            finally:
                copies.put(folder)

        def passes(tests: str) -> str:
            folder = copies.get()
            try:
                done = run(folder, *split(tests))
            finally:
                copies.put(folder)
            return "" if done.returncode == 0 else f"{tests}\n{done.stdout[-2_000:]}"

        with ThreadPoolExecutor(WORKERS) as threads:
            without = threads.map(passes, dict.fromkeys(each.tests for each in chosen))
            broken = [found for found in without if found]
            for found in broken:
                print(f"FAILS WITHOUT A MUTANT: {found}", flush=True)
            if broken:
                return 1
            for mutant, (dead, told) in zip(chosen, threads.map(judge, chosen), strict=True):
                killed += dead
                print(f"{'killed' if dead else '  !!  '}  {mutant.name}: {told}", flush=True)
    print(f"{killed} of {len(chosen)} mutants killed")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
