import ast
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agentcore_new import __version__, cli, installation, options, output
from agentcore_new.answers import complete
from agentcore_new.render import render
from agentcore_new.review.cli import app as review_commands

COMMAND = [sys.executable, "-m", "agentcore_new"]
SWITCHES = [option for option in options.OPTIONS if not option.choices]
ALL_ON = [option.flag for option in SWITCHES]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that is in no repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*words: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli.app, words, catch_exceptions=False)


def run(*words: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command as a program, without a terminal."""
    return subprocess.run(
        [*COMMAND, *words],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def program(folder: Path, name: str, script: str) -> str:
    """Make a program `name` that runs `script`, and return a PATH on which it comes first."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def files_below(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    )


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# The answer of a plain create.


def test_create_writes_the_rendered_files_and_says_what_is_next() -> None:
    result = run("create", "--framework", "adk")
    expected = render(complete({"framework": "adk"}))
    assert result.returncode == 0
    assert result.stderr == ""
    for path, text in expected.items():
        assert Path("adk-agent", path).read_bytes() == text.encode()
    assert files_below(Path("adk-agent")) == list(expected)
    for line in ("├── main.py", "git: all files are in the first commit.", "  cd adk-agent"):
        assert f"{line}\n" in result.stdout
    assert "AGENT_OFFLINE=1 " in result.stdout
    assert "http://127.0.0.1:8080/invocations" in result.stdout
    assert "\x1b" not in result.stdout


def test_every_flag_reaches_the_project() -> None:
    result = invoke(
        *("create", "shop", "--framework", "LangChain_LangGraph", "--model-provider", "OpenAI"),
        *("--model-id", "gpt-x", *ALL_ON, "--session-store", "PostgreSQL"),
        *("--description", 'Sells "{{ it }}"', "--output-dir", "a b/c", "--no-git", "--json"),
    )
    made = json.loads(result.stdout)
    assert made["ok"] is True
    assert made["answers"] == {
        "framework": "langgraph",
        "project_name": "shop",
        "description": 'Sells "{{ it }}"',
        "model_provider": "openai",
        "model_id": "gpt-x",
        "session_store": "postgres",
        **{option.name: True for option in SWITCHES},
    }
    assert made["path"] == str(Path("a b/c/shop").resolve())
    assert made["git"] == "off"
    assert made["replaced"] == []
    assert made["files"] == files_below(Path("a b/c/shop"))
    assert made["next_commands"][0] == "cd 'a b/c/shop'"


def test_flags_are_exactly_the_questions() -> None:
    shown = invoke("create", "--help").stdout
    for question in options.QUESTIONS:
        assert (question.flag in shown) is (question is not options.PROJECT_NAME)


@pytest.mark.parametrize("output_dir", [".", "sub", "../up", "/absolute", "with blank", "-dash"])
def test_the_next_commands_go_to_the_project(
    output_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    output_dir = str(tmp_path) + output_dir if output_dir.startswith("/") else output_dir
    words = ("create", "x1", "--framework", "adk", "--no-git", f"--output-dir={output_dir}")
    made = json.loads(invoke(*words, "--json").stdout)
    shell = subprocess.run(
        ["sh", "-c", f"{made['next_commands'][0]} && pwd -P"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout.strip() == made["path"]
    assert Path(made["path"], "main.py").exists()


def test_the_home_folder_can_be_written_as_in_a_shell(own_git_setup: Path) -> None:
    words = ("create", "x1", "--framework", "adk", "--no-git", "--output-dir=~/agents", "--json")
    made = json.loads(invoke(*words).stdout)
    assert made["path"] == str(own_git_setup / "agents/x1")
    assert made["next_commands"][0] == f"cd {own_git_setup}/agents/x1"
    assert (own_git_setup / "agents/x1/main.py").exists()


def test_the_equivalent_command_makes_the_same_project() -> None:
    words = ["--framework", "adk", "--stream", "--description", 'it\'s -- "x" $HOME', "--no-git"]
    made = json.loads(invoke("create", "one", "--output-dir", "a b", *words, "--json").stdout)
    program_name, *again = shlex.split(made["command"])
    assert program_name == "agentcore-new"
    assert again[-1] == "--yes"
    before = {path: Path("a b/one", path).read_bytes() for path in made["files"]}
    Path("a b").rename("first")
    assert run(*again).returncode == 0
    assert {path: Path("a b/one", path).read_bytes() for path in made["files"]} == before


def test_the_equivalent_command_has_every_switch_a_dry_run_included() -> None:
    Path("x1").mkdir()
    Path("x1/notes.txt").touch()
    words = ("create", "x1", "--framework", "adk", "--install", "--force", "--git", "--dry-run")
    again = shlex.split(json.loads(invoke(*words, "--json").stdout)["command"])
    assert again[3:] == ["--framework", "adk", "--git", "--install", "--force", "--yes"]


def test_a_dry_run_lists_exactly_what_a_real_run_writes(folder: Path) -> None:
    words = ("create", "x1", "--framework", "strands", "--container")
    dry = invoke(*words, "--dry-run")
    assert everything(folder) == []
    _, listing, *_ = dry.stdout.split("\n\n")
    listed = [line.strip() for line in listing.splitlines()]
    dry_object = json.loads(invoke(*words, "--dry-run", "--json").stdout)
    assert everything(folder) == []
    real = json.loads(invoke(*words, "--json").stdout)
    assert listed == dry_object["files"] == real["files"] == files_below(folder / "x1")
    assert (dry_object["dry_run"], real["dry_run"]) == (True, False)


def test_force_names_what_it_replaces() -> None:
    invoke("create", "x1", "--framework", "adk", "--no-git")
    Path("x1/main.py").write_text("mine\n")
    for path in Path("x1").rglob("*.py"):
        if path.name != "main.py":
            path.unlink()
    Path("x1/notes.txt").write_text("mine\n")
    words = ("create", "x1", "--framework", "adk", "--force", "--no-git")
    dry = invoke(*words, "--dry-run")
    assert Path("x1/main.py").read_text() == "mine\n"
    result = invoke(*words)
    replaced = [name for name in render(complete({"framework": "adk"})) if name[-3:] != ".py"]
    expected = ", ".join(sorted([*replaced, "main.py"]))
    assert f"Would replace: {expected}\n" in dry.stdout
    assert f"Replaced: {expected}\n" in result.stdout
    assert Path("x1/main.py").read_text() != "mine\n"
    assert Path("x1/notes.txt").read_text() == "mine\n"


def test_force_names_what_an_earlier_creation_left_and_deletes_nothing() -> None:
    words = ("create", "x1", "--framework", "adk", "--no-git")
    before = json.loads(invoke(*words, *ALL_ON, "--json").stdout)["files"]
    Path("x1/notes.txt").write_text("mine\n")
    gone = sorted({*before} - {*render(complete({"framework": "adk"}))})
    assert gone
    Path("x1", gone.pop()).unlink()
    dry = invoke(*words, "--force", "--dry-run")
    made = invoke(*words, "--force")
    told = f"Left over from an earlier creation, and not touched: {', '.join(gone)}\n"
    assert told in dry.stdout
    assert told in made.stdout
    assert files_below(Path("x1")) == sorted({*made_now(), *gone, "notes.txt"})
    # what is recorded is the new one now, and nothing of an earlier one is known
    again = json.loads(invoke(*words, "--force", "--json").stdout)
    assert again["left_over"] == []


def made_now() -> list[str]:
    return list(render(complete({"framework": "adk"})))


def test_what_is_left_over_is_in_the_object() -> None:
    words = ("create", "x1", "--framework", "adk", "--no-git", "--json")
    description = ("--description", 'Says "hi" \\ {{ x }} # \U0001f469')
    first = json.loads(invoke(*words, *ALL_ON, *description).stdout)
    assert first["left_over"] == []
    second = json.loads(invoke(*words, "--force").stdout)
    assert second["left_over"] == sorted({*first["files"]} - {*second["files"]})


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff\x00",
        b"framework: [\n",
        b'framework: "gone"\n',
        b"framework: adk\n",
        b"framework: {}\n",
        b"stream: true\n",
        b'framework: "adk"\nmodel_id: 1\nproject_name: "../x"\n',
    ],
)
def test_of_a_record_that_says_nothing_nothing_is_concluded(record: bytes) -> None:
    words = ("create", "x1", "--framework", "adk", "--no-git", "--json")
    invoke(*words, *ALL_ON)
    Path("x1/.copier-answers.yml").write_bytes(record)
    assert json.loads(invoke(*words, "--force").stdout)["left_over"] == []


def test_the_defaults_are_told_to_people_and_are_in_the_object() -> None:
    words = ("create", "x1", "--framework", "adk", "--no-git")
    given = {"framework": "adk", "project_name": "x1"}
    told = output.defaults_text(complete(given), given)
    assert told
    for more in (("--dry-run",), ()):
        assert told in invoke(*words, *more).stdout
    made = invoke(*words, "--force", "--json").stdout
    assert told not in made
    assert json.loads(made)["answers"] == complete(given)


# Refusals.


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        (["create"], "missing-answer", 2),
        (["create", "--yes"], "missing-answer", 2),
        (["create", "boto3", "--framework", "adk"], "invalid-answer", 1),
        (["create", "../x", "--framework", "adk"], "invalid-answer", 1),
        (["create", "--framework", "no-such"], "unknown-choice", 2),
        (["create", "--framework", "adk", "--model-provider", "azure"], "unknown-choice", 2),
        (["create", "--framework", "adk", "--model-id", 'x"'], "invalid-answer", 1),
        (["create", "--framework", "adk", "--description", "a\nb"], "invalid-answer", 1),
        (["create", "--framework", "adk", "--description", "x" * 10_000], "invalid-answer", 1),
        (["create", "--no-such-flag"], "usage", 2),
        (["create", "a", "b", "--framework", "adk"], "usage", 2),
        (["no-such-command"], "usage", 2),
        (["create", "taken", "--framework", "adk"], "target-in-the-way", 1),
        (["create", "link", "--framework", "adk"], "unsafe-target", 1),
        (["create", "x1", "--framework", "adk", "--output-dir", "taken/file"], "write-failed", 1),
        (["create", "x1", "--framework", "adk", "--output-dir", "x" * 300], "write-failed", 1),
        (["preview", "--framework", "adk", "nothing.py"], "invalid-answer", 1),
        (["preview", "--framework", "adk", "--name", "class"], "invalid-answer", 1),
        (["frameworks", "surplus"], "usage", 2),
    ],
)
def test_a_refusal_is_one_line_or_one_object(
    words: list[str], kind: str, code: int, folder: Path
) -> None:
    (folder / "taken").mkdir()
    (folder / "taken/file").touch()
    (folder / "link").symlink_to("taken")
    before = everything(folder)

    as_text = invoke(*words)
    assert as_text.exit_code == code
    assert as_text.stdout == ""
    [line] = as_text.stderr.splitlines()
    assert line.startswith("Error: ")

    if words[0] != "preview":  # which has no --json
        as_json = invoke(*words, "--json")
        assert as_json.exit_code == code
        assert as_json.stderr == ""
        refusal = json.loads(as_json.stdout)
        assert refusal["ok"] is False
        assert refusal["error"]["kind"] == kind
        assert refusal["error"]["message"] in line
    assert everything(folder) == before


def test_a_refused_name_comes_with_a_good_one() -> None:
    result = invoke("create", "boto3", "--framework", "adk")
    assert result.stderr == (
        "Error: 'boto3' cannot be a project's name: a package that the project depends on has that"
        " name. A good name would be: boto3-agent\n"
    )


def test_an_occupied_folder_is_refused_with_its_files() -> None:
    Path("x1").mkdir()
    Path("x1/notes.txt").touch()
    refusal = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert refusal["error"]["files"] == ["notes.txt"]
    assert refusal["error"]["path"] == str(Path("x1").resolve())


@pytest.mark.parametrize("words", [("--yes",), ("--json",), ()])
def test_nobody_is_asked_without_a_terminal(words: tuple[str, ...]) -> None:
    result = run("create", "--framework", "adk", *words)
    assert result.returncode == 0
    assert "?" not in result.stdout.splitlines()[0]


# Git.


def test_a_dry_run_says_what_git_would_do(folder: Path, own_git_setup: Path) -> None:
    def would(*words: str) -> str:
        plain = ("create", "x1", "--framework", "adk", "--dry-run", "--json")
        outcome = json.loads(invoke(*plain, *words).stdout)["git"]
        assert everything(folder) == []
        return str(outcome)

    assert would() == "would-commit"
    assert would("--no-git") == "off"
    (own_git_setup / ".gitconfig").unlink()
    assert would() == "no-identity"


def test_the_commit_holds_all_files_whatever_is_ignored(own_git_setup: Path) -> None:
    (own_git_setup / "ignored").write_text("*.py\n.env*\nREADME.md\n.gitignore\n")
    with (own_git_setup / ".gitconfig").open("a") as config:
        config.write(f"[core]\n\texcludesFile = {own_git_setup}/ignored\n")
        config.write("\tautocrlf = true\n\tsafecrlf = true\n")
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["git"] == "committed"
    assert sorted(git(Path("x1"), "ls-tree", "-r", "--name-only", "HEAD").split()) == made["files"]
    assert git(Path("x1"), "log", "--format=%an %s").strip() == (
        f"Ada Create x1 with agentcore-new {__version__}"
    )
    assert git(Path("x1"), "status", "--porcelain") == ""
    assert files_below(Path()) == [f"x1/{path}" for path in made["files"]]


def test_the_users_hooks_signature_and_filters_have_no_part(own_git_setup: Path) -> None:
    hook = "#!/bin/sh\ntouch ~/ran\nexit 1\n"
    for hooks in ("template/hooks", "hooks"):
        (own_git_setup / hooks).mkdir(parents=True)
        for name in ("pre-commit", "commit-msg", "post-commit", "prepare-commit-msg"):
            (own_git_setup / hooks / name).write_text(hook)
            (own_git_setup / hooks / name).chmod(0o755)
    (own_git_setup / "attributes").write_text("* filter=loud\n")
    with (own_git_setup / ".gitconfig").open("a") as config:
        config.write(
            f"[init]\n\ttemplateDir = {own_git_setup}/template\n"
            f"[core]\n\thooksPath = {own_git_setup}/hooks\n"
            f"\tattributesFile = {own_git_setup}/attributes\n"
            '[filter "loud"]\n\tclean = touch ~/ran; cat\n\trequired\n'
            "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n"
        )
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["git"] == "committed"
    assert not (own_git_setup / "ran").exists()
    assert not Path("x1/.git/hooks").exists()


def test_git_variables_of_another_repository_are_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other").mkdir()
    git(folder / "other", "init", "--quiet")
    before = everything(folder / "other")
    monkeypatch.setenv("GIT_DIR", str(folder / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(folder / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(folder / "other/index"))
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["git"] == "committed"
    assert everything(folder / "other") == before
    assert (folder / "x1/.git/HEAD").exists()


@pytest.mark.parametrize(
    "name",
    [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_QUARANTINE_PATH",
    ],
)
def test_a_git_variable_of_another_repository_has_no_effect(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other").mkdir()
    git(folder / "other", "init", "--quiet")
    before = everything(folder / "other")
    value = folder / "other/.git" / ("index" if "INDEX" in name else "objects")
    monkeypatch.setenv(name, str(value.parent if "COMMON" in name else value))
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    monkeypatch.delenv(name)
    assert made["git"] == "committed"
    assert everything(folder / "other") == before
    assert git(folder / "x1", "status", "--porcelain") == ""
    assert (
        sorted(git(folder / "x1", "ls-tree", "-r", "--name-only", "HEAD").split())
        == (made["files"])
    )


def test_a_folder_of_somebody_else_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # by which git tests itself
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["git"] == "committed"


@pytest.mark.parametrize(
    "env",
    [
        {"EMAIL": "ada@example.com"},  # to which git would add the name of the account
        {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"},
        {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_half_an_identity_is_none(env: dict[str, str], own_git_setup: Path) -> None:
    (own_git_setup / ".gitconfig").unlink()
    result = run("create", "x1", "--framework", "adk", "--json", env=env)
    assert json.loads(result.stdout)["git"] == "no-identity"


def test_without_an_identity_there_is_no_commit_and_a_line_says_so(own_git_setup: Path) -> None:
    (own_git_setup / ".gitconfig").unlink()
    result = run("create", "x1", "--framework", "adk")
    assert result.returncode == 0
    assert "git: no commit, because git has no user.name and user.email" in result.stdout
    staged = git(Path("x1"), "diff", "--cached", "--name-only").split()
    assert sorted(staged) == files_below(Path("x1"))


def test_inside_a_repository_there_is_no_new_one_unless_it_is_asked_for(folder: Path) -> None:
    git(folder, "init", "--quiet")
    words = ("create", "--framework", "adk", "--output-dir", "sub", "--json")
    told = "git: no new repository, the project is inside one.\n"
    assert told in invoke("create", "x2", *words[1:-1]).stdout
    inside = json.loads(invoke(*words).stdout)
    assert inside["git"] == "inside-repository"
    assert not Path("sub/adk-agent/.git").exists()
    asked = json.loads(invoke("create", "x1", *words[1:], "--git").stdout)
    assert asked["git"] == "committed"
    assert Path("sub/x1/.git").exists()


def test_force_makes_a_repository_of_generated_files_and_never_makes_one_anew() -> None:
    words = ("create", "x1", "--framework", "adk", "--force", "--json")
    Path("x1").mkdir()
    Path("x1/notes.txt").touch()
    first = json.loads(invoke(*words).stdout)
    assert first["git"] == "committed"
    assert git(Path("x1"), "status", "--porcelain") == "?? notes.txt\n"
    head = git(Path("x1"), "rev-parse", "HEAD")
    second = json.loads(invoke(*words, "--git").stdout)
    assert second["git"] == "inside-repository"
    assert git(Path("x1"), "rev-parse", "HEAD") == head


def test_a_repository_that_is_a_link_to_what_is_not_there_now_is_kept() -> None:
    Path("x1").mkdir()
    Path("x1/.git").symlink_to("/unplugged/x1.git")
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--force", "--json").stdout)
    assert made["git"] == "inside-repository"
    assert str(Path("x1/.git").readlink()) == "/unplugged/x1.git"


@pytest.mark.parametrize("failing", ["init", "add", "commit"])
def test_a_failing_git_leaves_nothing(
    failing: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = f"""
for word; do
    if [ "$word" = {failing} ]; then echo "fatal: no {failing} today" >&2; exit 1; fi
done
exit 0"""
    path = program(tmp_path_factory.mktemp("bin"), "git", script)
    result = run("create", "x1", "--framework", "adk", "--output-dir", "a/b", env={"PATH": path})
    assert result.returncode == 1
    assert result.stderr == (
        f"Error: git {failing} failed: fatal: no {failing} today. Nothing was left behind."
        " --no-git creates the project without a repository.\n"
    )
    assert everything(folder) == []


def test_without_git_there_is_a_project_unless_git_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder / "nothing"))
    asked = invoke("create", "x1", "--framework", "adk", "--git")
    assert asked.exit_code == 1
    assert "git is not installed" in asked.stderr
    assert everything(folder) == []
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["git"] == "no-git"
    assert files_below(folder / "x1") == made["files"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(
    number: signal.Signals, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bin_folder = tmp_path_factory.mktemp("bin")
    path = program(bin_folder, "git", f"touch {bin_folder}/started; exec sleep 30")
    process = subprocess.Popen(
        [*COMMAND, "create", "x1", "--framework", "adk", "--output-dir", "a/b"],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    wait_for((bin_folder / "started").exists)
    assert everything(folder) != []
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (128 + number, "", "")
    assert everything(folder) == []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_of_two_at_once_one_wins_and_the_other_is_refused(folder: Path) -> None:
    processes = [
        subprocess.Popen(
            [*COMMAND, "create", "x1", "--framework", "adk", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    outcomes: list[dict[str, Any]] = [json.loads(each.communicate()[0]) for each in processes]
    assert sorted(each.returncode for each in processes) == [0, 1, 1]
    [winner] = [each for each in outcomes if each["ok"]]
    losers = [each["error"]["kind"] for each in outcomes if not each["ok"]]
    assert losers == ["target-in-the-way"] * 2
    assert [path.name for path in folder.iterdir()] == ["x1"]
    assert files_below(folder / "x1") == winner["files"]


# Install.


def test_install_runs_uv_in_the_project_and_shows_its_progress(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    script = 'echo "out $*"; echo "err ${VIRTUAL_ENV-unset}" >&2; pwd > ran'
    path = program(tmp_path_factory.mktemp("bin"), "uv", script)
    result = run(
        *("create", "x1", "--framework", "adk", "--install", "--json"),
        env={"PATH": path, "VIRTUAL_ENV": "/elsewhere"},
    )
    made = json.loads(result.stdout)
    assert result.stderr == "out sync\nerr unset\n"
    assert Path("x1/ran").read_text().strip() == made["path"]
    assert made["next_commands"][1] == "AGENT_OFFLINE=1 uv run main.py"
    assert "ran" not in made["files"]


def test_an_installer_that_cannot_be_started_is_one_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = program(tmp_path_factory.mktemp("bin"), "uv", "")
    Path(path.partition(os.pathsep)[0], "uv").write_text("#!/no/such/interpreter\n")
    result = run("create", "x1", "--framework", "adk", "--install", env={"PATH": path})
    assert result.returncode == 1
    assert "but `uv sync` failed: No such file or directory. To go on: cd x1" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_installer_gets_nothing_that_is_typed(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = program(tmp_path_factory.mktemp("bin"), "uv", "cat > typed")
    subprocess.run(
        [*COMMAND, "create", "x1", "--framework", "adk", "--install", "--yes"],
        env={**os.environ, "PATH": path},
        input=b"for the next command\n",
        capture_output=True,
        check=True,
    )
    assert Path("x1/typed").read_text() == ""


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_failed_install_keeps_the_project_and_says_how_to_go_on(
    words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = program(tmp_path_factory.mktemp("bin"), "uv", "exit 3")
    result = run("create", "x1", "--framework", "adk", "--install", *words, env={"PATH": path})
    assert result.returncode == 1
    assert Path("x1/.git").exists()
    message = f"The project is in {Path('x1').resolve()}, but `uv sync` failed: exit code 3."
    if words:
        refusal = json.loads(result.stdout)["error"]
        assert refusal["kind"] == "install-failed"
        assert refusal["message"] == message
        assert refusal["next_commands"] == ["cd x1", "uv sync"]
    else:
        assert f"Error: {message} To go on: cd x1 && uv sync\n" in result.stderr


def test_without_uv_the_project_gets_an_environment_by_pip(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder / "nothing"))
    assert installation.commands() == [
        [sys.executable, "-m", "venv", ".venv"],
        [".venv/bin/python", "-m", "pip", "install", ".[test]"],
    ]
    made = json.loads(invoke("create", "x1", "--framework", "adk", "--json").stdout)
    assert made["next_commands"][1:-1] == [
        "python3 -m venv .venv",
        ".venv/bin/python -m pip install '.[test]'",
        "AGENT_OFFLINE=1 .venv/bin/python main.py",
    ]


def test_the_readme_installs_by_pip_in_the_same_way() -> None:
    readme = render(complete({"framework": "adk"}))["README.md"]
    assert f"pip install '{installation.PIP_TARGET}'" in readme


def test_a_dry_run_installs_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = program(tmp_path_factory.mktemp("bin"), "uv", "exit 3")
    words = ("create", "x1", "--framework", "adk", "--install", "--dry-run")
    assert run(*words, env={"PATH": path}).returncode == 0


# The other commands.


def test_preview_shows_the_tree_and_writes_nothing(folder: Path) -> None:
    result = invoke("preview", "--framework", "adk", "--stream", "--name", "shop")
    assert result.stdout.splitlines()[:2] == ["shop", "├── model/"]
    assert "streaming.py" in result.stdout
    assert everything(folder) == []


def test_preview_shows_one_file_exactly() -> None:
    result = run("preview", "--framework", "adk", "--model-id", "gemini-x", "main.py")
    answers = complete({"framework": "adk", "model_id": "gemini-x"})
    assert result.stdout == render(answers)["main.py"]


def test_preview_of_an_unknown_file_names_one_like_it() -> None:
    result = invoke("preview", "--framework", "adk", "mian.py")
    assert result.stderr == "Error: The project has no file 'mian.py'. It has: main.py\n"


def test_frameworks_as_an_object() -> None:
    shown = json.loads(invoke("frameworks", "--json").stdout)
    assert [row["name"] for row in shown["frameworks"]] == list(options.FRAMEWORK.values)
    providers = shown["providers"]
    assert [row["name"] for row in providers] == list(options.MODEL_PROVIDER.values)
    assert [row["flag"] for row in shown["options"]] == [row.flag for row in options.OPTIONS]
    (adk,) = [row for row in shown["frameworks"] if row["name"] == "adk"]
    assert adk["default_provider"] == "gemini"
    for dependencies in adk["dependencies"].values():
        assert any(each.startswith("google-adk") and "<" in each for each in dependencies)
    keys = {row["name"]: (row["api_key_variable"], row["other_key_variable"]) for row in providers}
    assert keys["bedrock"] == (None, None)
    assert keys["openai"] == ("OPENAI_API_KEY", None)
    assert keys["gemini"] == ("GEMINI_API_KEY", "GOOGLE_API_KEY")


def test_frameworks_as_a_table() -> None:
    shown = run("frameworks").stdout
    assert "\x1b" not in shown
    for row in (*options.FRAMEWORKS, *options.PROVIDERS):
        assert row.title in shown
    assert "strands-agents[anthropic]" in shown
    for provider in options.PROVIDERS:
        assert provider.default_model_id in shown
        assert all(variable in shown for variable in provider.key_variables)


@pytest.mark.parametrize("words", [["--version"], ["--version", "create"]])
def test_version(words: list[str]) -> None:
    result = invoke(*words)
    assert (result.exit_code, result.stdout) == (0, f"agentcore-new {__version__}\n")


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["create", "-h"], ["preview", "--help"]])
def test_help_is_plain_text_in_a_pipe(words: list[str]) -> None:
    result = run(*words)
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: agentcore-new")
    assert result.stdout.isprintable() is False  # it has lines
    assert all(line.isprintable() for line in result.stdout.splitlines())


@pytest.mark.parametrize("command", ["create", "preview"])
def test_the_examples_of_the_help_work(command: str) -> None:
    shown = invoke(command, "--help").stdout.replace("\\\n", " ")
    examples = [
        line.split("agentcore-new ")[1]
        for line in shown.splitlines()
        if line.strip().startswith(f"agentcore-new {command}")
    ]
    assert len(examples) >= 2
    for example in examples:
        assert invoke(*shlex.split(example)).exit_code == 0


def test_a_shell_completes_commands_flags_and_values() -> None:
    def completed(line: str) -> list[str]:
        environment = {
            "_AGENTCORE_NEW_COMPLETE": "complete_bash",
            "COMP_WORDS": f"agentcore-new {line}",
            "COMP_CWORD": str(len(line.split(" "))),
        }
        return run(env=environment).stdout.split()

    assert completed("cr") == ["create"]
    assert "--framework" in completed("create --f")
    assert completed("create --framework a") == ["adk", "autogen"]
    assert completed("create --model-provider ") == list(options.MODEL_PROVIDER.values)


def test_in_a_checkout_the_commands_for_work_on_the_templates_are_shown() -> None:
    shown = invoke("--help").stdout
    for command in review_commands.registered_commands:
        assert command.callback
        assert command.callback.__name__ in shown


def test_nothing_heavy_is_imported_without_a_terminal() -> None:
    heavy = ["rich", "questionary", "prompt_toolkit", "yaml", "copier", "asyncio", "tomllib"]
    heavy += ["http.client", "ssl"]
    code = (
        "import sys; from agentcore_new.cli import app\n"
        "try: app(sys.argv[1:])\n"
        f"finally: print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    words = ["create", "x1", "--framework", "adk"]
    result = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(result.stderr) == []


def test_output_that_the_terminal_cannot_show_does_not_end_the_command() -> None:
    result = run(
        *("create", "x1", "--framework", "adk", "--output-dir", "é\udcff"),
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 0
    assert "|-- main.py" in result.stdout
    assert result.stdout.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict", "cp1252"])
def test_an_object_is_one_on_any_pipe(encoding: str) -> None:
    words = ("create", "x1", "--framework", "adk", "--json", "--no-git")
    unusual = ("--description", "Käufe für 日本 🙂", "--output-dir", "日本\udcff")
    env = {"PYTHONIOENCODING": encoding}
    made = json.loads(run(*words, *unusual, env=env).stdout)
    assert made["answers"]["description"] == "Käufe für 日本 🙂"
    assert made["path"] == str(Path("日本\udcff/x1").resolve())
    for again, told in (
        ((*words, *unusual), "日本\udcff"),
        (("create", "日本", *words[2:]), "日本"),
        ((*words, "日本\udcff"), "日本\udcff"),
        ((*words, "--framework", "日本"), "日本"),
        (("frameworks", "--json", "日本"), "日本"),
    ):
        result = run(*again, env=env)
        assert (result.returncode > 0, result.stderr) == (True, "")
        assert told in json.loads(result.stdout)["error"]["message"]


def test_where_nothing_but_ascii_is_known_an_object_is_one_too() -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ("create", "--framework", "adk", "--json", "--output-dir", "日本")
    for ok in (True, False):
        assert json.loads(run(*words, env=env).stdout)["ok"] is ok
    assert Path("日本/adk-agent/main.py").exists()


def test_a_reader_that_leaves_early_is_no_error() -> None:
    process = subprocess.Popen(
        [*COMMAND, "preview", "--framework", "adk", "serving/sessions.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 1
