"""`copier.yml` is written from the options: `check` compares it, `snapshots` writes it."""

import json
from pathlib import Path

from agentcore_new.options import CONTAINER, FRAMEWORKS
from review.conftest import Command, edit

FILE = "copier.yml"


def test_a_copier_yml_that_is_not_as_generated_is_shown_and_written(
    checkout: Path, agentcore_new: Command
) -> None:
    before = (checkout / FILE).read_bytes()
    edit(checkout, FILE, CONTAINER.question, "A Dockerfile?")
    found = agentcore_new("check")
    assert found.returncode == 1
    assert f"\n--- {FILE}\n+++ as rendered\n" in found.stdout
    assert "\n-  help: A Dockerfile?\n" in found.stdout
    assert f"\n+  help: {CONTAINER.question}\n" in found.stdout
    assert f"\n~ {FILE}\n" in found.stdout
    assert "1 changed. To accept: agentcore-new snapshots" in found.stdout
    assert agentcore_new("snapshots").stdout == f"~ {FILE}\n"
    assert (checkout / FILE).read_bytes() == before

    (checkout / FILE).unlink()
    (difference,) = json.loads(agentcore_new("check", "--json").stdout)["differences"]
    assert (difference["path"], difference["kind"]) == (FILE, "missing")
    assert agentcore_new("snapshots").stdout == f"+ {FILE}\n"
    assert (checkout / FILE).read_bytes() == before


def test_a_row_of_the_options_is_all_that_it_takes(checkout: Path, agentcore_new: Command) -> None:
    title = FRAMEWORKS[0].title
    edit(checkout, "src/agentcore_new/options.py", f'"{title}"', '"Other \\"Agents\\""')
    agentcore_new("snapshots")
    text = (checkout / FILE).read_text("utf-8")
    assert title not in text
    assert f'    "Other \\"Agents\\"": {FRAMEWORKS[0].value}\n' in text
    assert f"    '{FRAMEWORKS[0].value}': 'Other \"Agents\"',\n" in text
    assert json.loads(agentcore_new("check", "--json").stdout)["differences"] == []
