"""What is printed: one JSON object for programs, for people what they did not choose too."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore_new import options, output
from agentcore_new.answers import checked, combinations, complete
from agentcore_new.options import Option, Value

# Paths can have bytes that are no text; Python has half a surrogate pair for each.
BYTES = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
TEXTS = st.text(st.characters(codec="utf-8") | BYTES, max_size=20)


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_is_ascii_alone_and_says_the_same(content: dict[str, str]) -> None:
    text = output.as_json(content)
    assert text.isascii()
    assert json.loads(text) == content


FRAMEWORK = options.FRAMEWORK.values[0]
SWITCHES = [option for option in options.OPTIONS if not option.choices]


def lines_of(text: str) -> dict[str, tuple[str, str]]:
    """Each default that is shown: what it is called, its value and the flag that changes it."""
    found = re.findall(r"^  (.+?): (.*) \((\S+)\)$", text, re.MULTILINE)
    assert len(found) == len(text.splitlines()[3:])
    return {name: (value, flag) for name, value, flag in found}


def test_each_default_is_shown_with_what_changes_it() -> None:
    answers = complete({"framework": FRAMEWORK})
    shown = lines_of(output.defaults_text(answers, {"framework": FRAMEWORK}))
    expected = [question for question in options.QUESTIONS if question is not options.FRAMEWORK]
    assert list(shown) == [question.name.replace("_", " ") for question in expected]
    for question, (value, flag) in zip(expected, shown.values(), strict=True):
        assert flag == ("NAME" if question is options.PROJECT_NAME else question.flag)
        answer = answers[question.name]
        assert value == ({True: "on", False: "off"}[answer] if answer in (True, False) else answer)


@pytest.mark.parametrize("question", options.QUESTIONS, ids=lambda each: each.name)
def test_what_is_given_is_not_shown_as_a_default(question: Option | options.Text) -> None:
    answers = complete({"framework": FRAMEWORK})
    given: dict[str, Value | None] = dict.fromkeys(answers) | {"framework": FRAMEWORK}
    before = lines_of(output.defaults_text(answers, given))
    # the value of the default, but given
    after = lines_of(output.defaults_text(answers, given | {question.name: answers[question.name]}))
    assert {*before} - {*after} == {question.name.replace("_", " ")} - {"framework"}


def test_where_all_is_given_no_default_is_shown() -> None:
    for answers in combinations():
        assert output.defaults_text(answers, answers) == ""


def test_a_switch_that_is_on_by_default_is_shown_with_the_flag_that_turns_it_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = replace(SWITCHES[0], name="made_up", default=True)
    monkeypatch.setattr(options, "QUESTIONS", (on,))
    shown = lines_of(output.defaults_text({"made_up": checked(on, True)}, {}))
    assert shown == {"made up": ("on", "--no-made-up")}
