"""What `agentcore-new update` takes, side by side with Copier's own update of the same project.

`python benchmarks/update.py [ROUNDS]` needs the `test` extra. Both are programs, interpreter and
imports included; each round updates a new copy of a project of the first release. Then it prints
by how much twenty states of the templates make the wheel larger.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from statistics import median

from measure import Cost, environment, header, ratio, run

from agentcore_new.review import freezing
from agentcore_new.updating import history
from agentcore_new.updating.edition import SETTINGS

ROOT = Path(__file__).parents[1]
ROUNDS = 8
FIRST = "0.1.0"
STATES = 20
OURS, COPIERS, CREATE = "agentcore-new update", "copier update", "agentcore-new create"
MAX_SECONDS, MAX_BYTES = 0.5, 100_000


def git(folder: Path, *words: str) -> str:
    """Run git and return what it prints."""
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def committed(folder: Path) -> None:
    """Commit all that is in a folder."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A commit")


def template(folder: Path) -> Path:
    """Return a repository with the first release and today's templates, each with a tag."""
    frozen = history.packaged().files(FIRST)
    for path, text in frozen.items():
        file = folder / ("copier.yml" if path == SETTINGS else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    committed(folder)
    git(folder, "tag", f"v{FIRST}")
    shutil.rmtree(folder / "templates")
    shutil.copytree(ROOT / "templates", folder / "templates")
    shutil.copy(ROOT / "copier.yml", folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Today")
    git(folder, "tag", "v1.0.0")
    return folder


def project(folder: Path, source: Path) -> Path:
    """Return a project of the first release, of which Copier knows where it is from."""
    edition = history.packaged().edition(FIRST)
    answers: dict[str, str | bool] = {"framework": "strands"}
    for name in edition.questions:
        answers.setdefault(name, edition.default(name, answers))
    for path, text in edition.render(answers).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        known = (
            f'_commit: "v{FIRST}"\n_src_path: "{source}"\n' if path.startswith(".copier") else ""
        )
        file.write_text(text + known, encoding="utf-8")
    committed(folder)
    return folder


def measure(rounds: int, work: Path) -> dict[str, list[Cost]]:
    """Return what each took in every round, after a first one that warms up."""
    source = template(work / "template")
    variables = environment(work) | {"PYTHONPATH": str(ROOT / "src")}
    create = ("create", "--framework", "strands", "--yes", "--no-git")
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds + 1):
        projects = [project(work / f"{number}-{name}", source) for name in ("ours", "copiers")]
        commands = {
            OURS: ("agentcore_new", "update", projects[0]),
            COPIERS: ("copier", "update", "--defaults", "--quiet", projects[1]),
            CREATE: ("agentcore_new", *create, "--output-dir", work / f"{number}-new"),
        }
        for title, words in commands.items():
            cost = run([sys.executable, "-m", *words], work, variables)
            if number:
                costs.setdefault(title, []).append(cost)
    return costs


def size(states: int) -> int:
    """Return the bytes of so many states of our own history, from the first release to now."""
    commits = git(ROOT, "log", "--reverse", "--format=%H", "--", "templates").split()
    grown = history.History({}, {})
    grown = grown.with_release(FIRST, history.packaged().files(FIRST))
    later = commits[len(commits) - len(commits) * 9 // 10 :]
    for number in range(1, states):
        commit = later[number * (len(later) - 1) // (states - 1)]
        command = ("git", "archive", commit, "copier.yml", "templates")
        archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
            grown = grown.with_release(f"0.{number + 1}.0", freezing.frozen(Path(folder)))
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "history.xz")
        history.write(file, grown)
        return file.stat().st_size


def main() -> None:
    """Measure and print a table, with what is promised."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(header(dict.fromkeys(("agentcore-new", "copier", "jinja2"), Path(sys.prefix))))
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(rounds, Path(folder).resolve())
    print(f"{rounds} rounds, medians\n\n{'':24}{'clock s':>10}{'CPU s':>8}{'times update':>14}")
    for title, each in costs.items():
        wall, cpu = (median(getattr(one, name) for one in each) for name in ("wall", "cpu"))
        times = ratio([one.wall for one in each], [one.wall for one in costs[OURS]])
        print(f"{title:24}{wall:10.2f}{cpu:8.2f}{times:14.2f}")
    found = size(STATES)
    print(f"\nThe frozen states in the wheel: {history.FILE.stat().st_size:,} bytes;")
    print(f"{STATES} of them, from the first release to now: {found:,} bytes.")
    print(f"\nWanted: less than {MAX_SECONDS} s, and less than {MAX_BYTES:,} bytes.")


if __name__ == "__main__":
    main()
