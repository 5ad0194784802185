"""Which answers a project has from now on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agentcore_new import options
from agentcore_new.answers import complete
from agentcore_new.errors import TargetInTheWay
from agentcore_new.options import Option, Value
from agentcore_new.project import plan
from agentcore_new.updating import request
from agentcore_new.updating.edition import SETTINGS, Edition
from agentcore_new.updating.request import requested
from updating.projects import EARLIER, RECORD, frozen, write
from updating.releases import defaults
from updating.test_refused import KNOWN

DEFAULT = "global.anthropic.claude-sonnet-4-6"
FORMER = "global.anthropic.claude-of-before"


def with_another_default() -> Edition:
    """A release whose default model was another one."""
    files = frozen()
    assert DEFAULT in files[SETTINGS]
    return Edition({**files, SETTINGS: files[SETTINGS].replace(DEFAULT, FORMER)})


def test_a_default_that_changed_changes_no_answer() -> None:
    edition = with_another_default()
    recorded = defaults(edition, {"framework": "strands"})
    assert recorded["model_id"] == FORMER
    assert requested(recorded, edition, {"stream": True})["model_id"] == FORMER
    assert complete({"framework": "strands"})["model_id"] == DEFAULT


def test_what_was_the_default_follows_what_is_changed() -> None:
    edition = with_another_default()
    recorded = defaults(edition, {"framework": "strands"})
    found = requested(recorded, edition, {"model_provider": "anthropic"})
    assert found == {**complete({"framework": "strands", "model_provider": "anthropic"})}
    found = requested(recorded, edition, {"framework": "adk"})
    assert found == complete({"framework": "adk", "project_name": "strands-agent"})


def test_what_was_chosen_stays() -> None:
    edition = KNOWN.edition(EARLIER)
    own: dict[str, Value] = {"model_provider": "openai", "description": "Mine", "model_id": "m"}
    recorded = defaults(edition, {"framework": "strands", **own})
    found = requested(recorded, edition, {"framework": "langgraph", "container": True})
    assert {name: found[name] for name in own} == own
    assert found["framework"] == "langgraph"


@pytest.mark.parametrize(("before", "wanted"), [(True, True), (None, False)])
def test_projects_that_are_older_than_an_option_have_what_it_declares(
    monkeypatch: pytest.MonkeyPatch, before: bool | None, wanted: bool
) -> None:
    new = replace(options.STREAM, name="new_option", default=False, before=before)
    monkeypatch.setattr(request, "QUESTIONS", (*options.QUESTIONS, new))
    edition = KNOWN.edition(EARLIER)
    recorded = defaults(edition, {"framework": "strands"})
    assert requested(recorded, edition, {})["new_option"] is wanted
    assert requested(recorded, edition, {"new_option": True})["new_option"] is True


def test_every_option_that_is_newer_than_the_first_release_is_off_by_default_or_says_so() -> None:
    asked = KNOWN.edition("0.1.0").questions
    for option in options.OPTIONS:
        if option.name not in asked:
            assert isinstance(option, Option)
            was = option.default if option.before is None else option.before
            # as the first release had it: sessions in memory, and nothing more
            assert was in (False, "memory"), option.name


def test_create_points_to_update_where_a_project_is(tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    write(project, {RECORD: "", "main.py": ""})
    write(other, {"main.py": ""})
    files = {RECORD: "", "main.py": ""}
    with pytest.raises(TargetInTheWay) as caught:
        plan(project, files)
    assert caught.value.hint == (
        "`agentcore-new update` renews a project and keeps your changes. Otherwise: choose another"
        f" name; or --force, which replaces {RECORD}, main.py and touches nothing else."
    )
    with pytest.raises(TargetInTheWay) as caught:
        plan(other, files)
    assert caught.value.hint.startswith("Choose another name; or --force, which replaces main.py ")


def test_a_frozen_state_keeps_what_is_needed_and_no_more() -> None:
    settings = json.loads(frozen()[SETTINGS])
    assert {"default", "type"} <= {*settings["framework"]}
    assert not [row for name, row in settings.items() if name[0] != "_" and "validator" in row]
