"""`diff` on a copy of the repository: what a change gives, in each of the formats."""

import json
import re
import shutil
from pathlib import Path

import pytest

from agentcore_new.review import edition
from agentcore_new.review.changes import Changes, ChoiceChange
from agentcore_new.review.diff_markdown import LIMIT, MARK, markdown
from review.conftest import ROOT, Command, commit, edit, git

ANSWERS = ".copier-answers.yml"
OLD, NEW = "MAX_PROMPT_CHARS = 100_000", "MAX_PROMPT_CHARS = 200_000"
# what would run, or break out of its place, if it were not shown as text
HOSTILE = "</td></script><script>document.title = 'run'</script>|`` ``` \n```\n</details>@everyone"


@pytest.fixture
def changed(checkout: Path) -> Path:
    """One line of a shared file, one that depends on an option, and a dependency."""
    edit(checkout, "templates/project/invocation.py", OLD, NEW)
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
    assert re.search(
        r"^all frameworks · invocation.py\n@@ line \d+ in all 32 @@$", done.stdout, re.M
    )
    assert "in 16 of 32: stream=true @@" in done.stdout
    assert "all frameworks  dependencies  none    extra>=1  in all 32" in done.stdout


@pytest.mark.usefixtures("changed")
def test_json_has_all_of_it(agentcore_new: Command) -> None:
    for words in (["--json"], ["--format", "json"], ["main", "--json"], ["HEAD", "--json"]):
        found = json.loads(agentcore_new("diff", *words).stdout)
        assert found["changed"] is True
        assert {file["path"] for file in found["files"]} == {
            "README.md",
            "invocation.py",
            "pyproject.toml",
        }
        (readme,) = (file for file in found["files"] if file["path"] == "README.md")
        (hunk,) = readme["hunks"]
        assert (hunk["count"], hunk["total"], hunk["exact"]) == (16, 32, True)
        assert hunk["common"] == {"stream": ["true"]}


JSON = (("--json",), ("--format", "json"), ("--format=json",))


@pytest.mark.parametrize("words", JSON, ids=" ".join)
def test_its_object_is_one_on_any_pipe(
    words: tuple[str, ...], checkout: Path, agentcore_new: Command
) -> None:
    refused = agentcore_new("diff", "日本", *words, PYTHONIOENCODING="ascii")
    assert (refused.returncode, refused.stderr) == (1, "")
    error = json.loads(refused.stdout)["error"]
    assert error["kind"] == "unknown-base"
    assert "日本" in error["message"]

    edit(checkout, "templates/project/invocation.py", OLD, f"{NEW}  # für 日本")
    done = agentcore_new("diff", *words, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    ((hunk,),) = (file["hunks"] for file in json.loads(done.stdout)["files"])
    assert f"+{NEW}  # für 日本" in hunk["lines"]


def test_the_base_is_rendered_by_its_own_code(checkout: Path, agentcore_new: Command) -> None:
    git(checkout, "tag", "v0.1.0")
    options = "src/agentcore_new/options.py"
    edit(checkout, options, '"stream",', '"streaming",')
    for template in (checkout / "templates").rglob("*.jinja"):
        text = re.sub(r"(\{[%{][^}]*)\bstream\b", r"\1streaming", template.read_text())
        template.write_text(text)
    commit(checkout, "Another name for an option")
    found = json.loads(agentcore_new("diff", "v0.1.0", "--json").stdout)
    # one option has gone, another has come: without it all is as it was by default
    hunks = [hunk for file in found["files"] for hunk in file["hunks"] if file["path"] != ANSWERS]
    assert hunks
    assert [hunk for hunk in hunks if hunk["common"].get("streaming") != ["true"]] == []
    whats = {each["what"].rpartition(".")[0] for each in found["options"]}
    assert whats == {"options.stream", "options.streaming"}


def test_nothing_is_said_to_be_nothing(checkout: Path, agentcore_new: Command) -> None:
    edit(checkout, "CHANGELOG.md", "# Changelog", "# The changelog")
    for style in ("text", "markdown"):
        done = agentcore_new("diff", "--format", style)
        assert "Users get what they got: nothing has changed." in done.stdout
    assert json.loads(agentcore_new("diff", "--json").stdout)["changed"] is False


@pytest.mark.usefixtures("changed")
def test_a_comment_says_the_most_important_first(agentcore_new: Command) -> None:
    comment = agentcore_new("diff", "--format", "markdown").stdout
    assert comment.startswith(f"{MARK}\n**What users get, compared with main (")
    summary, *folded = comment.split("<details>")
    assert "<code>extra&gt;=1</code>" in summary
    assert NEW not in summary
    assert sum(NEW in part for part in folded) == 1
    assert comment.count("<details>") == comment.count("</details>")


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
    comment = markdown(Changes("main", 1, ("x",), choices, (), ()))
    (row,) = [line for line in comment.splitlines() if "options.x.default" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    shown = ("options.x.default", "a&#124;b", "&lt;i&gt; @c")
    assert cells == [f"<code>{text}</code>" for text in shown]


def test_a_comment_always_has_room(checkout: Path, agentcore_new: Command) -> None:
    folder = checkout / "templates/project"
    for n in range(60):
        (folder / f"large_{n:02}.txt").write_text("ü" * 3_000 + "\n")
    (folder / "aaa.txt").write_text("x\n" * 100_000)
    comment = agentcore_new("diff", "--format", "markdown").stdout
    assert len(comment.encode()) < LIMIT
    assert "large_00.txt" in comment
    assert comment.rstrip().endswith("`agentcore-new diff` shows them.")
    assert "… and " in comment
    assert comment.count("<details>") == comment.count("</details>") > 2


def test_it_can_be_written_to_a_file(changed: Path, agentcore_new: Command) -> None:
    for style in ("text", "markdown", "json", "html"):
        file = changed / f"diff.{style}"
        done = agentcore_new("diff", "--format", style, "--output", file)
        assert (done.returncode, done.stdout) == (0, "")
        assert NEW in file.read_text(encoding="utf-8")
    refused = agentcore_new("diff", "--output", changed / "nowhere" / "diff.txt")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")


@pytest.mark.parametrize("base", ["nothing", "--all", "HEAD~9", "-x"])
def test_a_base_that_is_none_is_refused(agentcore_new: Command, base: str) -> None:
    done = agentcore_new("diff", "--", base)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: There is no commit, tag or branch")
    assert len(done.stderr.splitlines()) == 1


def test_a_state_that_cannot_be_rendered_is_told(checkout: Path, agentcore_new: Command) -> None:
    edit(checkout, "templates/project/turns.py.jinja", "{% if transcript %}", "{% if nothing %}")
    done = agentcore_new("diff")
    assert done.returncode == 1
    start = "Error: The templates of the working tree cannot be rendered: "
    assert done.stderr.startswith(start)
    assert "'nothing' is undefined" in done.stderr
    edit(checkout, "templates/project/turns.py.jinja", "{% if nothing %}", "{% if transcript %}")
    shutil.rmtree(checkout / "templates")
    commit(checkout, "Without templates")
    git(checkout, "checkout", "HEAD~1", "--", "templates")
    refused = agentcore_new("diff", "HEAD")
    assert refused.stderr.startswith("Error: HEAD has no templates: ")


def test_without_git_there_is_nothing_to_compare_with(
    checkout: Path, agentcore_new: Command
) -> None:
    (checkout / ".git").rename(checkout.parent / "away")
    done = agentcore_new("diff")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no main branch to compare with.")


def test_what_lies_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not that one')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert edition.of_folder(ROOT, "the working tree").projects
