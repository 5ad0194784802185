"""The picture of an update in the README is of what the command does."""

import os
import re
import subprocess
import sys
from pathlib import Path

from test_readme import lines

from agentcore_new.updating import history
from updating.projects import commit_all, git, write
from updating.releases import ROOT, defaults

PROMPTS = ("You are a helpful assistant.", "You answer questions about our shop.")


def test_the_picture_is_of_the_command_as_it_is(tmp_path: Path) -> None:
    edition = history.packaged().edition("0.1.0")
    texts = edition.render(
        defaults(edition, {"framework": "strands", "project_name": "support-bot"})
    )
    project = tmp_path / "support-bot"
    write(project, {path: text.replace(*PROMPTS) for path, text in texts.items()})
    git(project, "init", "--quiet")
    commit_all(project)
    done = subprocess.run(
        [sys.executable, "-m", "agentcore_new", "update"],
        cwd=project,
        # with uv, as it was drawn
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3
    shown = lines((ROOT / "docs/update.svg").read_text("utf-8"))
    assert shown[0] == "$ agentcore-new update"
    wanted = done.stdout.replace(str(project.resolve()), "~/support-bot").splitlines()
    assert without_version(shown[1:]) == without_version(wanted)


def without_version(text: list[str]) -> list[str]:
    """The lines, of whatever version; what is said of one between releases is not compared."""
    kept = [line for line in text if "is no release" not in line]
    while kept and not kept[-1]:
        kept.pop()
    return [re.sub(r"\d+\.\d+\.\d+(\.dev0)?", "VERSION", line) for line in kept]
