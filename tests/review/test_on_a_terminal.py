"""What a person sees: progress while it works, colours, and a pager for what is long."""

import os
import re
import sys
from pathlib import Path

import pexpect
import pytest

from review.conftest import edit

OLD, NEW = "MAX_PROMPT_CHARS = 100_000", "MAX_PROMPT_CHARS = 200_000"


def shown(checkout: Path, *words: str, rows: int = 40, pager: str = "") -> tuple[str, int]:
    """Run the command on a terminal; return all that it wrote there, and its exit code."""
    variables = {**os.environ, "PYTHONPATH": str(checkout / "src"), "TERM": "xterm-256color"}
    variables |= {"PAGER": pager} if pager else {}
    for name in ("NO_COLOR", "FORCE_COLOR", "LINES", "COLUMNS"):  # pytest-xdist sets the last two
        variables.pop(name, None)
    command = pexpect.spawn(
        sys.executable,
        ["-m", "agentcore_new", *words],
        cwd=str(checkout),
        env=variables,
        encoding="utf-8",
        dimensions=(rows, 100),
        timeout=60,
    )
    output = str(command.read())
    command.close()
    return output, int(command.exitstatus or 0)


@pytest.fixture
def changed(checkout: Path) -> Path:
    edit(checkout, "templates/project/serving/invocation.py", OLD, NEW)
    return checkout


def test_check_shows_how_far_it_is_and_the_lines_in_colours(changed: Path) -> None:
    output, code = shown(changed, "check")
    assert code == 1
    assert "Rendering every combination" in output
    assert "100%" in output
    assert re.search(rf"\x1b\[32m\+{NEW}\x1b\[0m", output)
    assert re.search(rf"\x1b\[31m-{OLD}\x1b\[0m", output)


def test_what_is_longer_than_the_terminal_is_paged(changed: Path, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED\ncat\n")
    pager.chmod(0o755)
    output, code = shown(changed, "diff", rows=5, pager=str(pager))
    assert code == 0
    assert "PAGED" in output
    assert re.search(rf"\x1b\[32m\+{NEW}\x1b\[0m", output)
    output, _ = shown(changed, "diff", rows=60, pager=str(pager))
    assert "PAGED" not in output
    assert NEW in output
