"""Draw the pictures of the READMEs: real runs of the commands, in folders of their own.

Run it with `.venv/bin/python docs/picture.py` when the output of a command changes; it needs
Chromium. With the word `create` or `update` it draws no other than those, and needs none.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pexpect
from markdown_it import MarkdownIt
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from agentcore_new.updating import history

ROOT = Path(__file__).parents[1]
COPIED = ("CHANGELOG.md", "copier.yml", "snapshots", "src", "templates")
COLUMNS, ROWS = 100, 90
# Changes of the kind that a reviewer sees: one for everybody, one for those who stream.
CHANGES = {
    "templates/project/serving/identity.py": ("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128"),
    "templates/project/serving/streaming.py": (
        '("utf-16-le")("replace")',
        '("utf-16-le")("ignore")',
    ),
    "templates/project/pyproject.toml.jinja": (
        "bedrock-agentcore>=1.19",
        "bedrock-agentcore>=1.20",
    ),
}
PROMPTS = ("You are a helpful assistant.", "You answer questions about our shop.")
STYLE = """
    body { font: 15px/1.5 system-ui, sans-serif; margin: 24px; max-width: 900px; color: #1f2328; }
    table { border-collapse: collapse; } td, th { border: 1px solid #d1d9e0; padding: 4px 12px; }
    code { background: #f0f1f2; border-radius: 4px; padding: 1px 4px; font-size: 13px; }
    details { margin: 10px 0; } pre { background: #f6f8fa; padding: 12px; }
"""


def main(words: Sequence[str]) -> None:
    """Make all of them, or those that are named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not words or "create" in words:
            clone = folder / "clone"
            clone.mkdir()
            draw("agentcore-new create --framework adk --output-dir ..", clone, "create.svg")
        if not words or "update" in words:
            draw("agentcore-new update", earlier_project(folder / "support-bot"), "update.svg")
        if words:
            return
        checkout = changed_checkout(folder / "agentcore-new")
        draw("agentcore-new check", checkout, "check.svg")
        draw("agentcore-new diff", checkout, "diff.svg")
        page, comment = folder / "diff.html", folder / "comment.md"
        run("diff", checkout, "--format", "html", "--output", str(page))
        run("diff", checkout, "--format", "markdown", "--output", str(comment))
        photograph(f"{page.as_uri()}?view=split", 1300, 900, "diff.png")
        body = MarkdownIt("commonmark", {"html": True}).enable("table").render(comment.read_text())
        shown = folder / "comment.html"
        # The first file as it is unfolded.
        body = body.replace("<details>", "<details open>", 1)
        shown.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{body}", encoding="utf-8")
        photograph(shown.as_uri(), 960, 760, "comment.png")


def earlier_project(folder: Path) -> Path:
    """A project of the first release, whose system prompt was changed."""
    edition = history.packaged().edition("0.1.0")
    answers: dict[str, str | bool] = {"framework": "strands", "project_name": folder.name}
    for name in edition.questions:
        answers.setdefault(name, edition.default(name, answers))
    for path, text in edition.render(answers).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(*PROMPTS), encoding="utf-8", newline="")
    for words in (("init", "--quiet"), ("add", "-A"), ("commit", "-qm", "A support bot")):
        subprocess.run(["git", *words], cwd=folder, env=environment(), check=True)
    return folder


def changed_checkout(folder: Path) -> Path:
    """A copy of this repository in which the templates have changed since the last commit."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for words in (("init", "--quiet", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Before")):
        subprocess.run(["git", *words], cwd=folder, env=environment(), check=True)
    for path, (old, new) in CHANGES.items():
        file = folder / path
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{path} has no {old!r} any more: choose another change to show")
        file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def environment(checkout: Path = ROOT) -> dict[str, str]:
    """A terminal, a name for commits, and the code of the checkout."""
    identity = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
    }
    path = {"PYTHONPATH": str(checkout / "src")}
    return {**os.environ, **identity, **path, "TERM": "xterm-256color"}


def draw(command: str, folder: Path, name: str) -> None:
    """Run a command on a terminal, in a folder at home, and write what is seen as a picture."""
    is_checkout = (folder / "src").is_dir()
    output = pexpect.run(
        f"{sys.executable} -m agentcore_new {command.partition(' ')[2]}",
        cwd=folder,
        env=environment(folder if is_checkout else ROOT),
        encoding="utf-8",
        dimensions=(ROWS, COLUMNS),
    )
    home = folder.parent
    shown = str(output).replace(os.path.realpath(home), "~").replace(str(home), "~")
    # Without what a progress bar has drawn and wiped out again.
    shown = re.sub(r"(?:.*\r)?\x1b\[2K|\x1b\[\?25[lh]|\x1b\[1A", "", shown.replace("\r\n", "\n"))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {command}\n{shown}".rstrip()))
    # Fonts from elsewhere would be fetched by whoever looks at the picture.
    local_fonts = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    title = Path(name).stem
    svg = console.export_svg(title="agentcore-new", code_format=local_fonts, unique_id=title)
    Path(__file__).with_name(name).write_text(svg, encoding="utf-8")


def run(command: str, checkout: Path, *words: str) -> None:
    """Run a command of the checkout."""
    subprocess.run(
        [sys.executable, "-m", "agentcore_new", command, *words],
        cwd=checkout,
        env=environment(checkout),
        check=True,
    )


def photograph(address: str, width: int, height: int, name: str) -> None:
    """Write what a browser shows as a picture."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", "--disable-sync", "--hide-scrollbars"),
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={Path(__file__).with_name(name)}",
                address,
            ],
            capture_output=True,
            check=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
