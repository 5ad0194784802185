"""Draw docs/create.svg: a real run of `agentcore-new create` on a terminal, in a folder of its own.

Run it with `.venv/bin/python docs/picture.py` when the output of the command changes.
"""

import io
import os
import re
import sys
import tempfile
from pathlib import Path

import pexpect
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COMMAND = "agentcore-new create --framework adk --yes"
COLUMNS, ROWS = 100, 60


def main() -> None:
    """Run the command and write the picture."""
    words = COMMAND.split()
    identity = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
    }
    environment = {**os.environ, **identity, "TERM": "xterm-256color"}
    with tempfile.TemporaryDirectory() as folder:
        output = pexpect.run(
            f"{sys.executable} -m agentcore_new {' '.join(words[1:])}",
            cwd=folder,
            env=environment,
            encoding="utf-8",
            dimensions=(ROWS, COLUMNS),
        )
        shown = str(output).replace(os.path.realpath(folder), "~").replace(folder, "~")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {COMMAND}\n{shown}".replace("\r\n", "\n").rstrip()))
    # Fonts from elsewhere would be fetched by whoever looks at the picture.
    local_fonts = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="agentcore-new", code_format=local_fonts, unique_id="create")
    Path(__file__).with_name("create.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
