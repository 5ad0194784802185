"""`diff` on a copy of the repository: what a change gives, in each of the formats.

Of the tests that run it, a few are among the fast ones: each renders two editions.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from agentcore_new.options import FRAMEWORK
from agentcore_new.review import edition
from agentcore_new.review.catalogue_changes import ChoiceChange
from agentcore_new.review.changes import (
    NO_NEWLINE,
    Changes,
    FileChange,
    Hunk,
    HunkLine,
    Kind,
    Who,
)
from agentcore_new.review.comparison import compare
from agentcore_new.review.diff_json import as_object
from agentcore_new.review.diff_markdown import LIMIT, MARK, markdown
from review.conftest import ROOT, Command, commit, edit, git
from review.test_changes import edition as edition_of

ANSWERS = ".copier-answers.yml"
TEMPLATE = "templates/project/serving/invocation.py"
OLD, NEW = "MAX_PROMPT_CHARS = 100_000", "MAX_PROMPT_CHARS = 200_000"
# what would run, or break out of its place, if it were not shown as text
HOSTILE = "</td></script><script>document.title = 'run'</script>|`` ``` \n```\n</details>@everyone"


@pytest.fixture
def changed(checkout: Path) -> Path:
    """One line of a shared file, one that depends on an option, and a dependency."""
    edit(checkout, "templates/project/serving/invocation.py", OLD, NEW)
    edit(
        checkout,
        "templates/project/pyproject.toml.jinja",
        "dependencies = [",
        'dependencies = [\n    "extra>=1",',
    )
    readme = checkout / "templates/project/README.md.jinja"
    text = "{% if stream %}\n\nOnly with stream.\n{% endif %}\n"
    readme.write_text(readme.read_text() + text)
    return checkout


@pytest.mark.usefixtures("changed")
def test_text_shows_each_line_once(agentcore_new: Command) -> None:
    done = agentcore_new("diff")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("What users get, compared with main (")
    assert done.stdout.count(f"+{NEW}") == 1
    number = (ROOT / TEMPLATE).read_text().split("\n").index(OLD) + 1
    assert (
        "\nserving/invocation.py · all projects · +1 -1\n"
        f"@@ line {number} · all projects · {TEMPLATE} @@\n"
    ) in done.stdout
    assert re.search(
        r"^@@ line \d+ \(with .+\) · stream · templates/project/README.md.jinja @@$",
        done.stdout,
        re.M,
    )
    assert re.search(r"^  dependencies +none +extra>=1 +all projects$", done.stdout, re.M)


@pytest.mark.real
@pytest.mark.usefixtures("changed")
def test_json_has_all_of_it(agentcore_new: Command) -> None:
    for words in (["--json"], ["main", "--format", "json"], ["HEAD", "--format=json"]):
        found = json.loads(agentcore_new("diff", *words).stdout)
        assert found["changed"] is True
        assert {file["path"] for file in found["files"]} == {
            "README.md",
            "serving/invocation.py",
            "pyproject.toml",
        }
        (readme,) = (file for file in found["files"] if file["path"] == "README.md")
        (hunk,) = readme["hunks"]
        assert hunk["who"] == {"words": "stream", "options": {"stream": ["true"]}}
        assert [line["text"] for line in hunk["lines"] if line["mark"] == "+"] == [
            "",
            "Only with stream.",
        ]


JSON = (("--json",), ("--format", "json"), ("--format=json",), ("--format", "JSON"))
TEXT = (("--format", "text", "--output", "a.json"), ("--format=json", "--format=text"))
INTO_A_FILE = (("--output", "a.json"), ("--output=a.JSON",))


@pytest.mark.real
@pytest.mark.parametrize("words", [*JSON, *INTO_A_FILE], ids=" ".join)
def test_an_error_comes_in_the_format_asked_for(
    words: tuple[str, ...], agentcore_new: Command
) -> None:
    refused = agentcore_new("diff", "日本", *words, PYTHONIOENCODING="ascii")
    assert (refused.returncode, refused.stderr) == (1, "")
    error = json.loads(refused.stdout)["error"]
    assert error["kind"] == "unknown-base"
    assert "日本" in error["message"]
    plain = agentcore_new("diff", "日本", *words, "--format", "text", PYTHONIOENCODING="utf-8")
    assert plain.stderr.startswith("Error: ") or "--json" in words


@pytest.mark.real
@pytest.mark.parametrize("words", TEXT, ids=" ".join)
def test_an_error_is_text_where_text_is_asked_for(
    words: tuple[str, ...], agentcore_new: Command
) -> None:
    refused = agentcore_new("diff", "nothing", *words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: There is no commit, tag or branch nothing")


@pytest.mark.real
def test_what_stands_behind_two_dashes_asks_for_no_format(agentcore_new: Command) -> None:
    refused = agentcore_new("diff", "--", "--json")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: There is no commit, tag or branch --json")


# the other words for it are those of a test above, and of the errors
@pytest.mark.real
@pytest.mark.parametrize("words", [JSON[0], JSON[-1]], ids=" ".join)
def test_its_object_is_one_on_any_pipe(
    words: tuple[str, ...], checkout: Path, agentcore_new: Command
) -> None:
    edit(checkout, "templates/project/serving/invocation.py", OLD, f"{NEW}  # für 日本")
    done = agentcore_new("diff", *words, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    ((hunk,),) = (file["hunks"] for file in json.loads(done.stdout)["files"])
    assert f"{NEW}  # für 日本" in [line["text"] for line in hunk["lines"]]


@pytest.mark.real
def test_the_base_is_rendered_by_its_own_code(checkout: Path, agentcore_new: Command) -> None:
    git(checkout, "tag", "v0.1.0")
    options = "src/agentcore_new/options.py"
    edit(checkout, options, '"stream",', '"streaming",')
    for template in (checkout / "templates").rglob("*.jinja"):
        text = re.sub(r"(\{[%{][^}]*)\bstream\b", r"\1streaming", template.read_text())
        template.write_text(text)
    commit(checkout, "Another name for an option")
    found = json.loads(agentcore_new("diff", "v0.1.0", "--json").stdout)
    # one option has gone, another has come: without it all is as it was by default, but for the
    # files that name the options themselves
    files = [file for file in found["files"] if file["path"] not in (ANSWERS, "README.md")]
    hunks = [hunk for file in files for hunk in file["hunks"]]
    assert hunks
    assert {hunk["who"]["words"].partition("streaming")[1] for hunk in hunks} == {"streaming"}
    whats = {each["what"].rpartition(".")[0] for each in found["options"]}
    assert whats == {"options.stream", "options.streaming"}


@pytest.mark.real
def test_nothing_is_said_to_be_nothing(checkout: Path, agentcore_new: Command) -> None:
    edit(checkout, "CHANGELOG.md", "# Changelog", "# The changelog")
    for style in ("text", "markdown"):
        done = agentcore_new("diff", "--format", style)
        assert "Users get what they got: nothing has changed." in done.stdout
    assert json.loads(agentcore_new("diff", "--json").stdout)["changed"] is False


@pytest.mark.real
@pytest.mark.usefixtures("changed")
def test_a_comment_says_the_most_important_first(agentcore_new: Command) -> None:
    comment = agentcore_new("diff", "--format", "markdown").stdout
    assert comment.startswith(f"{MARK}\n**What users get, compared with main (")
    summary, *folded = comment.split("<details>")
    assert "<code>extra&gt;=1</code>" in summary
    assert NEW not in summary
    assert sum(NEW in part for part in folded) == 1
    assert comment.count("<details>") == comment.count("</details>")


@pytest.mark.real
def test_what_is_in_a_template_stays_text(checkout: Path, agentcore_new: Command) -> None:
    (checkout / "templates/project/hostile.txt").write_text(HOSTILE)
    comment = agentcore_new("diff", "--format", "markdown").stdout
    # a fence longer than any within, and nothing of it outside
    before, _, rest = comment.partition("````diff\n")
    inside, _, after = rest.partition("\n````\n")
    assert "+```" in inside
    assert "everyone" in inside
    assert "everyone" not in before + after
    assert after.count("<details>") == before.count("</details>")


def test_what_is_in_a_table_stays_in_its_cell() -> None:
    choices = (ChoiceChange("options.x.default", "a|b", "<i>\n@c"),)
    comment = markdown(Changes("main", 1, (), choices, (), (), ()))
    (row,) = [line for line in comment.splitlines() if "options.x.default" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    shown = ("options.x.default", "a&#124;b", "&lt;i&gt; @c")
    assert cells == [f"<code>{text}</code>" for text in shown]


@pytest.mark.real
def test_a_comment_always_has_room(checkout: Path, agentcore_new: Command) -> None:
    folder = checkout / "templates/project"
    for n in range(60):
        (folder / f"large_{n:02}.txt").write_text("ü" * 3_000 + "\n")
    (folder / "aaa.txt").write_text("x\n" * 100_000)
    edit(checkout, "templates/project/serving/values.py", "\n\n\n", f"\n\n\n# {'x' * 90}\n\n\n")
    comment = agentcore_new("diff", "--format", "markdown").stdout
    assert len(comment.encode()) < LIMIT
    assert "large_00.txt" in comment
    # what changes for everybody comes before the first new file
    assert comment.index("<details><summary><code>serving/values.py") < comment.index("+üü")
    assert comment.rstrip().endswith("`agentcore-new diff` shows them.")
    assert "… and " in comment
    assert comment.count("<details>") == comment.count("</details>") > 2


def test_each_changed_file_has_its_share_before_new_ones() -> None:
    everybody = Who("all")

    def file(path: str, kind: Kind, hunks: int) -> FileChange:
        lines = (HunkLine("+", "x" * 4_000, everybody),)
        return FileChange(path, kind, everybody, (Hunk(1, everybody, ("t",), lines),) * hunks)

    files = (file("a", "changed", 40), file("b", "changed", 1), file("c", "added", 1))
    comment = markdown(Changes("main", 1, (), (), (), (), files))
    assert len(comment.encode()) < LIMIT
    shown = {part[0]: part.count("x" * 4_000) for part in comment.split("<summary><code>")[1:]}
    # half of the room each for the two that change, and the new one takes what the second left
    assert shown == {"a": 7, "b": 1, "c": 1}


# where no format is named, the name of the file says it
FILES = (
    ("a.html", (), "<!doctype html>"),
    ("a.md", (), MARK),
    ("a.json", (), "{"),
    ("a.x", (), "What users get"),
    ("b.json", ("--format", "markdown"), MARK),
)


@pytest.mark.real
def test_it_can_be_written_to_a_file(changed: Path, agentcore_new: Command) -> None:
    for name, words, start in FILES:
        file = changed / name
        done = agentcore_new("diff", *words, "--output", file)
        assert (done.returncode, done.stdout) == (0, "")
        text = file.read_text(encoding="utf-8")
        assert text.startswith(start)
        # on the page there are marks within the line
        assert re.sub("</?mark>", "", text).count(NEW) == 1
    refused = agentcore_new("diff", "--output", changed / "nowhere" / "diff.txt")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")


@pytest.mark.parametrize("base", ["nothing", "--all", "HEAD~9", "-x"])
def test_a_base_that_is_none_is_refused(agentcore_new: Command, base: str) -> None:
    done = agentcore_new("diff", "--", base)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: There is no commit, tag or branch")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.real
def test_a_state_that_cannot_be_rendered_is_told(checkout: Path, agentcore_new: Command) -> None:
    edit(
        checkout,
        "templates/project/serving/turns.py.jinja",
        "{% if transcript %}",
        "{% if nothing %}",
    )
    done = agentcore_new("diff")
    assert done.returncode == 1
    start = "Error: The templates of the working tree cannot be rendered: "
    assert done.stderr.startswith(start)
    assert "'nothing' is undefined" in done.stderr
    edit(
        checkout,
        "templates/project/serving/turns.py.jinja",
        "{% if nothing %}",
        "{% if transcript %}",
    )
    shutil.rmtree(checkout / "templates")
    commit(checkout, "Without templates")
    git(checkout, "checkout", "HEAD~1", "--", "templates")
    refused = agentcore_new("diff", "HEAD")
    assert refused.stderr.startswith("Error: HEAD (")
    assert " has no templates: " in refused.stderr


def test_without_git_there_is_nothing_to_compare_with(
    checkout: Path, agentcore_new: Command
) -> None:
    (checkout / ".git").rename(checkout.parent / "away")
    done = agentcore_new("diff")
    assert done.returncode == 1
    assert done.stderr.endswith(f"{checkout} is no repository of git.\n")


def refusal(agentcore_new: Command, *words: str) -> str:
    done = agentcore_new("diff", *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    return done.stderr


def test_a_branch_of_its_own_is_told_what_to_name(checkout: Path, agentcore_new: Command) -> None:
    git(checkout, "checkout", "--quiet", "--orphan", "alone")
    commit(checkout, "Another beginning")
    assert refusal(agentcore_new) == (
        "Error: This branch has no commit in common with main."
        " Name what to compare with: agentcore-new diff main\n"
    )
    assert agentcore_new("diff", "main").returncode == 0


@pytest.mark.real
def test_a_repository_without_a_main_branch_is_told_to_name_one(
    checkout: Path, agentcore_new: Command
) -> None:
    git(checkout, "branch", "--move", "trunk")
    told = "Error: There is no main branch to compare with. Name a commit, tag or branch.\n"
    assert refusal(agentcore_new) == told


@pytest.mark.real
def test_a_shallow_clone_is_told_how_to_get_the_rest(
    checkout: Path, agentcore_new: Command
) -> None:
    origin = checkout.parent / "origin"
    git(checkout, "checkout", "--quiet", "-b", "work")
    commit(checkout, "Some work")
    commit(checkout, "More of it")
    git(checkout.parent, "clone", "--quiet", "--bare", str(checkout), str(origin))
    shutil.rmtree(checkout / ".git")
    git(checkout, "init", "--quiet", "--initial-branch=work")
    git(checkout, "remote", "add", "origin", origin.as_uri())
    git(checkout, "fetch", "--quiet", "--depth=1", "origin", "main", "work")
    git(checkout, "update-ref", "refs/remotes/origin/main", "FETCH_HEAD")
    git(checkout, "fetch", "--quiet", "--depth=1", "origin", "work")
    git(checkout, "reset", "--quiet", "FETCH_HEAD")
    deepen = "This clone is shallow: `git fetch --unshallow` brings all commits.\n"
    assert refusal(agentcore_new).endswith(deepen)
    assert refusal(agentcore_new, "v0.1.0").endswith(deepen)


@pytest.mark.real
def test_a_shallow_clone_of_one_branch_is_told_how_to_get_main(
    checkout: Path, agentcore_new: Command
) -> None:
    git(checkout, "checkout", "--quiet", "-b", "work")
    edit(checkout, TEMPLATE, OLD, NEW)
    commit(checkout, "Some work")
    origin = checkout.parent / "origin"
    checkout.rename(origin)
    words = ("--quiet", "--depth=1", "--branch=work", origin.as_uri(), str(checkout))
    git(origin, "clone", *words)
    told = refusal(agentcore_new)
    assert told.startswith("Error: There is no main branch to compare with.")
    (command,) = re.findall("`git (.+)`", told)
    git(checkout, *command.split())
    done = agentcore_new("diff")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"+{NEW}") == 1


@pytest.mark.real
def test_who_is_in_another_worktree_is_told_which_one_is_compared(
    checkout: Path, agentcore_new: Command
) -> None:
    other = checkout.parent / "other"
    git(checkout, "worktree", "add", "--quiet", str(other), "-b", "work")
    (other / "below").mkdir()
    for folder in (other, other / "below"):
        done = agentcore_new("diff", "--json", cwd=folder)
        assert json.loads(done.stdout)["changed"] is False
        assert done.stderr.startswith(f"Note: compared is {checkout}, ")
        assert f"PYTHONPATH={other / 'src'} " in done.stderr
    assert agentcore_new("diff", cwd=checkout.parent).stderr == ""


@pytest.mark.real
def test_another_worktree_is_compared_as_the_first_is(
    checkout: Path, agentcore_new: Command
) -> None:
    other = checkout.parent / "other"
    git(checkout, "worktree", "add", "--quiet", str(other), "-b", "work")
    edit(other, TEMPLATE, OLD, NEW)
    done = agentcore_new("diff", cwd=other, PYTHONPATH=str(other / "src"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"+{NEW}") == 1


@pytest.mark.real
def test_the_base_and_the_commits_since_are_named_with_their_sha(
    checkout: Path, agentcore_new: Command
) -> None:
    git(checkout, "tag", "v0.1.0")
    base = git(checkout, "rev-parse", "HEAD").strip()
    edit(checkout, TEMPLATE, OLD, NEW)
    commit(checkout, "More room for prompts")
    sha = git(checkout, "rev-parse", "--short", "HEAD").strip()
    edit(checkout, "src/agentcore_new/review/cli.py", "to click through", "to read")
    commit(checkout, "Nothing for users")
    for words, name in (
        (("v0.1.0",), f"v0.1.0 ({base[:9]})"),
        ((base[:7],), base[:9]),
        (("HEAD~2",), f"HEAD~2 ({base[:9]})"),
    ):
        text = agentcore_new("diff", *words).stdout
        assert text.startswith(f"What users get, compared with {name}: ")
        assert re.search(rf"^  {sha} +More room for prompts$", text, re.M)
    found = json.loads(agentcore_new("diff", "v0.1.0", "--json").stdout)
    assert found["commits"] == [{"sha": sha, "subject": "More room for prompts"}]


@pytest.mark.real
def test_what_a_terminal_would_obey_is_shown(checkout: Path, agentcore_new: Command) -> None:
    text = "a\rb\x1b[31m\x07\tc\u202e"
    (checkout / "templates/project/hostile.txt").write_bytes(f"{text}\n".encode())
    shown = agentcore_new("diff", PYTHONIOENCODING="utf-8").stdout
    assert "+a\\rb\\x1b[31m\\x07\tc\\u202e\n" in shown
    comment = agentcore_new("diff", "--format", "markdown", PYTHONIOENCODING="utf-8").stdout
    assert "+a\\rb\\x1b[31m\\x07\tc\\u202e\n" in comment
    found = json.loads(agentcore_new("diff", "--json").stdout)
    (line,) = found["files"][0]["hunks"][0]["lines"]
    assert line["text"] == text


def test_an_object_has_the_very_texts() -> None:
    before = edition_of(lambda _: {"a.py": "text"})
    after = edition_of(lambda _: {"a.py": f"text{NO_NEWLINE}\n"})
    lines = as_object(compare(before, after))["files"][0]["hunks"][0]["lines"]  # type: ignore[index]
    assert [(line["mark"], line["text"], line["newline"]) for line in lines] == [
        ("-", "text", False),
        ("+", f"text{NO_NEWLINE}", True),
    ]


def test_what_lies_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not that one')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert edition.of_folder(ROOT, "the working tree").projects


def test_what_is_read_for_a_text_is_noted() -> None:
    found = edition.of_folder(ROOT, "the working tree")
    texts = {(path, text) for each in found.projects for path, text in each.files.items()}
    assert texts == {(path, text) for path, known in found.read.items() for text in known}
    for path, known in found.read.items():
        for names in known.values():
            assert names[0].removesuffix(".jinja") == f"templates/project/{path}"
            assert {*names} <= found.templates.keys()
    for framework in FRAMEWORK.values:
        own = f"templates/frameworks/{framework}/agent.py.jinja"
        assert [own in names for names in found.read["agent.py"].values()].count(True)
