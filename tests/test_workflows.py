"""The workflows: valid, without a hole that a linter knows, and as little allowed as they need."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pins
import pytest
import yaml

from agentcore_new import options

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
by_name = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def loaded(file: Path) -> dict[Any, Any]:
    """A workflow; its `on` is read by YAML as true."""
    content: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def test_there_are_four() -> None:
    names = [file.stem for file in WORKFLOWS]
    assert names == ["ci", "nightly", "snapshots", "template-diff"]


def test_they_are_what_the_schema_says() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    run(check, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    run(zizmor, "--offline", "--no-config", "--persona=pedantic", ROOT / ".github/workflows")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def actions(workflow: dict[Any, Any]) -> list[str]:
    """What the jobs and their steps use, in order."""
    jobs = workflow["jobs"].values()
    users = [user for job in jobs for user in (job, *job.get("steps", []))]
    return [user["uses"] for user in users if "uses" in user]


def runs_our_code(job: dict[str, Any]) -> bool:
    """Whether a step of a job installs or runs what is in the repository."""
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    program = r"^\s*(\S*/)?agentcore-new\b|[;&|(`]\s*(\S*/)?agentcore-new\b"
    return re.search(rf"pip install|python|pytest|\buv\b|{program}", commands, re.M) is not None


@pytest.mark.parametrize(
    "steps",
    [
        "- run: agentcore-new check",
        "- uses: a/b@c\n- run: git status\n- run: agentcore-new check",
        "- run: |\n    git status\n    if true; then\n      agentcore-new check\n    fi",
        "- run: true && .venv/bin/agentcore-new check",
        "- {run: uv run x}",
        "- name: x\n  run: python -m agentcore_new",
    ],
)
def test_a_step_that_runs_our_code_is_seen(steps: str) -> None:
    assert runs_our_code({"steps": yaml.safe_load(steps)})


def test_a_step_that_names_our_code_does_not_run_it() -> None:
    assert not runs_our_code({"steps": [{"run": "grep '<!-- agentcore-new diff -->' comment.md"}]})


def test_an_action_is_seen_however_its_step_is_written() -> None:
    steps = '- uses: a/b@c # v1\n- {uses: d/e@f}\n- name: x\n  uses: "g/h@i"\n- run: "uses: no"'
    workflow = {"jobs": {"one": {"steps": yaml.safe_load(steps)}, "two": {"uses": "o/r@s"}}}
    assert actions(workflow) == ["a/b@c", "d/e@f", "g/h@i", "o/r@s"]


@by_name
def test_actions_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    # however a step is written, in one line or in many, quoted or not
    assert [action.partition(" #")[0] for action in used] == actions(loaded(file))
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@by_name
def test_nothing_is_allowed_but_what_a_job_asks_for(file: Path) -> None:
    workflow = loaded(file)
    assert workflow["permissions"] == {}
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow[True])
    for name, job in workflow["jobs"].items():
        writes = [right for right, level in job["permissions"].items() if level == "write"]
        # the code of a branch never runs where something can be written
        assert not (writes and runs_our_code(job)), name


# What each job may do. One that may write may do nothing else.
RIGHTS = {
    "ci": {
        "fast": {"contents": "read"},
        "real": {"contents": "read"},
        "readme": {"contents": "read"},
    },
    "nightly": {
        "versions": {"contents": "read"},
        "projects": {"contents": "read"},
        "renew": {"contents": "read"},
        "report": {"issues": "write"},
    },
    "snapshots": {"render": {"contents": "read"}, "push": {"contents": "write"}},
    "template-diff": {"render": {"contents": "read"}, "comment": {"pull-requests": "write"}},
}


def test_each_job_has_exactly_the_rights_that_it_needs() -> None:
    found = {
        file.stem: {name: job.get("permissions") for name, job in loaded(file)["jobs"].items()}
        for file in WORKFLOWS
    }
    assert found == RIGHTS


def test_the_readmes_commands_are_run_as_they_stand() -> None:
    jobs = loaded(ROOT / ".github/workflows/ci.yml")["jobs"]
    create, *_ = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text("utf-8"))
    assert jobs["readme"]["steps"][-1]["run"] == create
    assert jobs["real"]["steps"][-1]["run"] == ".ci/run"
    matrix = jobs["fast"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == [*pins.PYTHONS]


def test_the_night_tests_the_projects_on_every_python_and_hears_of_every_job() -> None:
    jobs = loaded(ROOT / ".github/workflows/nightly.yml")["jobs"]
    assert jobs["projects"]["strategy"]["matrix"]["python"] == [*pins.PYTHONS]
    assert {*jobs["report"]["needs"]} == jobs.keys() - {"report"}


def test_before_a_commit_the_check_runs() -> None:
    config = loaded(ROOT / ".pre-commit-config.yaml")
    (hook,) = config["repos"][0]["hooks"]
    assert hook["entry"] == ".venv/bin/agentcore-new check"
    for path in ("templates/project/main.py.jinja", "snapshots/adk/x", "src/a.py", "copier.yml"):
        assert re.search(hook["files"], path)


def script(workflow: str, job: str) -> str:
    """What the last step of a job runs."""
    text: str = loaded(ROOT / f".github/workflows/{workflow}.yml")["jobs"][job]["steps"][-1]["run"]
    return text


def shell(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step as a runner does."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


# Stands where GitHub would be: notes what it is told, and says which comment or issue is there.
GH = """#!/bin/sh
echo "$@" >> calls
case "$*" in
  *--jq*) cat there ;;
  *"issue list"*) cat there ;;
esac
"""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A folder with a `gh` that is found first."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    (tmp_path / "comment.md").write_text("<!-- agentcore-new diff -->\nhello\n")
    (tmp_path / "there").write_text("")
    return tmp_path


@pytest.mark.parametrize(("there", "told"), [("", ""), ("42\n43\n", "--method PATCH")])
def test_there_is_one_comment(hub: Path, there: str, told: str) -> None:
    (hub / "there").write_text(there)
    done = shell(
        script("template-diff", "comment"),
        hub,
        PATH=f"{hub / 'bin'}:{os.environ['PATH']}",
        REPOSITORY="o/r",
        NUMBER="7",
        RUN="the run",
    )
    assert done.returncode == 0, done.stderr
    asked, wrote = (hub / "calls").read_text().splitlines()[0], (hub / "calls").read_text()
    assert "repos/o/r/issues/7/comments" in asked
    last = wrote.splitlines()[-1]
    target = "repos/o/r/issues/comments/42" if there else "repos/o/r/issues/7/comments"
    assert last.split("-F")[0].split() == ["api", "--silent", *told.split(), target]
    assert (hub / "comment.md").read_text().endswith("(the run), below Artifacts.\n")


@pytest.mark.parametrize("there", ["[]", "other", "same"])
def test_there_is_one_issue_of_the_night(hub: Path, there: str) -> None:
    text = script("nightly", "report")
    title = re.findall("title='(.*)'", text)[0]
    issues = {"[]": [], "other": [(1, "Other")], "same": [(1, "Other"), (5, title)]}[there]
    rows = ",".join(f'{{"number": {number}, "title": "{name}"}}' for number, name in issues)
    (hub / "there").write_text(f"[{rows}]")
    done = shell(text, hub, PATH=f"{hub / 'bin'}:{os.environ['PATH']}", RUN="the run")
    assert done.returncode == 0, done.stderr
    last = (hub / "calls").read_text().splitlines()[-1]
    assert last.startswith(
        "issue comment 5" if there == "same" else f"issue create --title {title}"
    )


# Stands where uv would be: notes for which project it is told what, and the tests of ADK's fail.
UV = """#!/bin/sh
cd "$4"
echo "$1" $(grep -E '^(framework|model_provider|transcript):' .copier-answers.yml) >> "$CALLS"
test "$1" = sync || ! grep -q '^framework: "adk"$' .copier-answers.yml
"""


@pytest.mark.real
def test_a_project_whose_tests_fail_at_night_stops_no_other(tmp_path: Path) -> None:
    programs, calls = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    own = f'#!/bin/sh\nexec "{sys.executable}" -m agentcore_new "$@"\n'
    for name, text in (("uv", UV), ("agentcore-new", own)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = shell(
        script("nightly", "projects"),
        tmp_path,
        PATH=f"{programs}:{os.environ['PATH']}",
        TMPDIR=str(tmp_path),
        PYTHON="3.14",
        CALLS=str(calls),
    )
    assert done.returncode == 1, done.stderr
    told = Counter(calls.read_text().splitlines())
    assert told == Counter(
        f'{command} framework: "{framework.value}" model_provider: "{provider.value}" {transcript}'
        for command in ("sync", "run")
        for framework in options.FRAMEWORKS
        for provider in options.PROVIDERS
        for transcript in ("transcript: false", "transcript: true")
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Failed: adk-")
    assert len(re.findall("adk-", last)) == 2 * len(options.PROVIDERS)
    assert len(last.split(", ")) == 2 * len(options.PROVIDERS)


def test_only_snapshots_are_pushed_whatever_the_patch_says(tmp_path: Path) -> None:
    def git(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
        return done.stdout.decode()

    server, clone = tmp_path / "server.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=work", str(server))
    git(tmp_path, "clone", "--quiet", str(server), str(clone))
    for name in ("snapshots/adk/a.py", "src/a.py", "copier.yml", "sub/copier.yml"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("old\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "first")
    git(clone, "push", "--quiet", "origin", "HEAD:work")
    new = ("snapshots/new/b.py", ".github/workflows/x.yml")
    for name in ("snapshots/adk/a.py", "src/a.py", "copier.yml", "sub/copier.yml", *new):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("new\n")
    git(clone, "add", "--all")
    patch = tmp_path / "snapshots.patch"
    patch.write_text(git(clone, "diff", "--cached", "--binary"))
    git(clone, "reset", "--quiet", "--hard")
    text = script("snapshots", "push")
    summary = str(tmp_path / "summary")
    for _ in range(2):
        done = shell(text, clone, BRANCH="work", PATCH=str(patch), GITHUB_STEP_SUMMARY=summary)
        assert done.returncode == 0, done.stderr
        changed = git(server, "diff", "--name-only", "work~1", "work").split()
        assert changed == ["copier.yml", "snapshots/adk/a.py", "snapshots/new/b.py"]
        patch.write_text("")  # the second time there is nothing to do
    assert Path(summary).read_text() == "The snapshots are as rendered.\n"
