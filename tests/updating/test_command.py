"""The command: what it prints, and what it exits with."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore_new import __version__, cli, installation, terminal
from agentcore_new.updating import history
from updating.projects import (
    EARLIER,
    NOW,
    RECORD,
    commit_all,
    edit,
    files,
    fresh,
    git,
    history_with,
    made,
    state,
    unmerged,
    write,
)
from updating.test_refused import IDENTITY, KNOWN

Run = Callable[..., tuple[int, str, str]]
PROMPT = ("You are a helpful assistant", "You are a pirate")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `agentcore-new update` as at a release; what it exits with and prints."""
    monkeypatch.setattr(history, "packaged", lambda: KNOWN)
    monkeypatch.setattr(installation, "has_uv", lambda: True)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.app(["update", *map(str, words)], prog_name="agentcore-new")
        printed = capsys.readouterr()
        return int(str(ended.value.code or 0)), printed.out, printed.err

    return run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an edit and a deleted file, in which one is."""
    project = made(tmp_path / "p", KNOWN)
    edit(project, "agent.py", *PROMPT)
    commit_all(project)
    monkeypatch.chdir(project)
    return project


def test_what_is_said_of_an_update(run: Run, project: Path) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out == (
        f"Updated {project} from {EARLIER} to {NOW}.\n"
        f"\nChanged:\n  {IDENTITY}\n"
        "\nTo see it, and to undo all of it:\n\n  git diff HEAD\n  git restore -SW .\n"
        f"\nNext:\n\n  uv run pytest\n  git commit -m 'Update to agentcore-new {NOW}'\n"
    )
    commit_all(project)
    assert run() == (0, f"{project} is up to date with {NOW}.\n", "")


def test_what_is_said_of_a_conflict(run: Run, project: Path) -> None:
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    code, out, err = run()
    assert (code, err) == (3, "")
    assert (
        "\nTo be resolved by you:\n"
        f"  {IDENTITY}: you and this version changed the same lines, or lines side by side\n"
    ) in out
    assert (
        "\nNext, edit what stands between <<<<<<< and >>>>>>>, and then:\n\n"
        f"  git add {IDENTITY}\n  uv run pytest\n"
    ) in out
    code, out, err = run()
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: There is something left to resolve in {IDENTITY}. ")
    assert err.count("\n") == 1


def test_every_kind_of_change_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"NUMBER_{number} = {number}\n" for number in range(30))
    body = fresh()["serving/body.py"].decode()
    known = history_with(
        {
            "project/serving/identity.py": ("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128"),
            "project/serving/gone.py": text,
            "project/serving/went.py": text[::-1],
            "project/serving/was.py": body,
            "project/serving/body.py": None,
            "project/serving/values.py": None,
        }
    )
    monkeypatch.setattr(history, "packaged", lambda: known)
    project = made(tmp_path / "p", known)
    (project / IDENTITY).unlink()
    edit(project, "serving/gone.py", "NUMBER_3 = 3\n", "NUMBER_3 = 33\n")
    write(project, {"serving/was.py": body + "# mine\n"})
    commit_all(project)
    code, out, _ = run(project, "--stream")
    assert code == 0
    assert "\n  stream: off -> on\n" in out
    named = shlex.quote(str(project))
    for words in (
        "\nAdded:\n  serving/streaming.py\n  serving/values.py\n",
        "\nRemoved:\n  serving/went.py\n",
        "\nMoved, with your changes:\n  serving/was.py -> serving/body.py\n",
        "\nKept, because you changed them; new projects do not have them:\n  serving/gone.py\n",
        "\nLeft deleted, though this version changed them:\n  serving/identity.py\n",
        f"\n  git -C {named} diff HEAD\n  git -C {named} restore -SW .\n",
        f"\nNext:\n\n  cd {named}\n  uv run pytest\n",
    ):
        assert words in out
    listed = re.findall(r"^  (\S+)", out.partition("\nChanged:\n")[2].partition("\n\n")[0], re.M)
    assert RECORD not in listed
    assert "main.py" in listed


def test_what_is_said_is_what_holds(run: Run, project: Path) -> None:
    before = state(project)
    _, out, _ = run("--json", "--stream")
    said = json.loads(out)
    subprocess.run(said["undo"], shell=True, check=True, cwd=project)  # noqa: S602 - as it is said
    assert state(project) == before


def test_one_object_says_it_all(run: Run, project: Path) -> None:
    (project / "serving/body.py").unlink()
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    code, out, err = run("--json", "--model-provider", "anthropic")
    assert (code, err) == (3, "")
    said: dict[str, Any] = json.loads(out)
    assert said.pop("answers")["model_provider"] == "anthropic"
    assert said.pop("changed_answers") == {
        "model_provider": "bedrock",
        "model_id": "global.anthropic.claude-sonnet-4-6",
    }
    assert IDENTITY in said.pop("changed")
    assert said == {
        "ok": True,
        "status": "updated",
        "path": str(project),
        "old_version": EARLIER,
        "version": NOW,
        "added": [],
        "removed": [],
        "moved": {},
        "kept": [],
        "left_deleted": [],
        "to_resolve": {IDENTITY: "same-lines"},
        "undoable": True,
        "review": "git diff HEAD",
        "undo": "git restore -SW .",
        "next_commands": [
            f"git add {IDENTITY}",
            "uv run pytest",
            f"git commit -m 'Update to agentcore-new {NOW}'",
        ],
        "warnings": [],
    }


@pytest.mark.parametrize("look", ["--dry-run", "--diff"])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_look_writes_nothing(run: Run, project: Path, look: str, as_json: bool) -> None:
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    before = state(project)
    code, out, err = run(look, *["--json"] * as_json)
    assert (code, err) == (0, "")
    assert state(project) == before
    if as_json:
        said = json.loads(out)
        assert (said["status"], said["to_resolve"]) == ("previewed", {IDENTITY: "same-lines"})
        assert ("diff" in said) is (look == "--diff")
    elif look == "--dry-run":
        assert out.startswith(f"Would update {project} from {EARLIER} to {NOW}.\n")
        assert out.endswith("\nNothing was written.\n")


def test_the_diff_is_of_this_project_and_applies(run: Run, project: Path) -> None:
    _, out, _ = run("--diff", "--stream", "--no-container")
    assert "--- /dev/null\n+++ b/serving/streaming.py\n@@ " in out
    assert "\n-MAX_ID_CHARS = 128\n+MAX_ID_CHARS = 256\n" in out
    assert "pirate" not in out
    subprocess.run(["git", "apply", "-"], input=out, text=True, check=True, cwd=project)
    by_diff = files(project)
    git(project, "stash", "--quiet", "--include-untracked")
    run("--stream", "--no-container")
    assert files(project) == by_diff


def test_a_diff_shows_nothing_that_a_terminal_would_obey(run: Run, project: Path) -> None:
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333  # \x1b[2J")
    _, out, _ = run("--diff")
    assert "\\x1b[2J" in out
    assert "\x1b" not in out
    write(project, {IDENTITY: b"\0"})
    edit(project, "agent.py", PROMPT[1], PROMPT[0])
    assert run("--diff")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("--dry-run", "--diff"), 2, "usage"),
        (("--framework", "crew"), 2, "unknown-choice"),
        (("--name", "other"), 2, "usage"),
        (("nowhere",), 1, "not-a-project"),
        (("--description", "a\nb"), 1, "invalid-answer"),
    ],
)
def test_an_error_is_a_line_or_an_object(
    run: Run, project: Path, words: tuple[str, ...], code: int, kind: str
) -> None:
    before = state(project)
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    found, out, err = run(*words, "--json")
    assert (found, err, json.loads(out)["error"]["kind"]) == (code, "", kind)
    assert state(project) == before


def test_without_uv_it_says_what_pip_needs(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "has_uv", lambda: False)
    _, out, _ = run(project)
    assert f"  python3 -m venv {installation.ENVIRONMENT}\n" in out
    assert f"  {installation.PYTHON} -m pytest\n" in out


def test_without_git_there_is_nothing_to_undo_with(run: Run, tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, commit=False)
    code, out, _ = run(project, "--force")
    assert (code, "undo" in out, "git" in out.replace(str(project), "")) == (0, False, False)
    assert files(project) == fresh()


def test_a_version_between_releases_updates_a_release_and_warns(tmp_path: Path) -> None:
    """The program itself, as it is here."""
    project = made(tmp_path / "p", KNOWN, "0.1.0")
    edit(project, "main.py", "You are", "You be")
    commit_all(project)
    command = [sys.executable, "-m", "agentcore_new", "update", str(project)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert f"from 0.1.0 to {__version__}.\n" in done.stdout
    assert ("no later version can update what it wrote" in done.stdout) is (".dev" in __version__)
    assert {*unmerged(project)} == {"main.py"}


def test_what_takes_longer_than_a_moment_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.Patience(0.05) as tell:
        tell("Rendering")
        tell("Merging")
        assert capsys.readouterr().err == ""
        time.sleep(0.5)
        assert capsys.readouterr().err == "Merging\n"
        tell("Writing")
        assert capsys.readouterr().err == "Writing\n"
    with terminal.Patience(60) as tell:
        tell("Rendering")
    assert capsys.readouterr().err == ""


def test_the_help_tells_of_what_is_given_alone(run: Run) -> None:
    """What a new project has by default is not what this one has."""
    code, out, _ = run("--help")
    assert code == 0
    assert "--session-store" in out
    assert re.findall(r"\[default: \(?([^)\]]*)", out) == ["here"]
    assert "must be given" not in out
