import json
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from agentcore_new import answers as answers_of
from agentcore_new import names, options, texts
from agentcore_new.errors import InvalidAnswer, MissingAnswer, UnknownChoice
from agentcore_new.render import SETTINGS
from agentcore_new.review import copier_file

ROOT = Path(__file__).parents[1]
COPIER: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
QUESTIONS = {name: row for name, row in COPIER.items() if not name.startswith("_")}
ENVIRONMENT = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT), **SETTINGS)  # noqa: S701


def rendered(text: object, variables: dict[str, Any]) -> object:
    return ENVIRONMENT.from_string(text).render(variables) if isinstance(text, str) else text


def complete(**given: options.Value) -> dict[str, options.Value]:
    return answers_of.complete({"framework": "strands", **given})


def all_pairs() -> list[dict[str, options.Value]]:
    return [
        complete(framework=framework.value, model_provider=provider.value)
        for framework in options.FRAMEWORKS
        for provider in options.PROVIDERS
    ]


# copier.yml is written from the options; what stands in it as Jinja must do what Python does.


def test_copier_yml_is_generated_from_the_options() -> None:
    assert (ROOT / copier_file.FILE).read_bytes().decode() == copier_file.text()


def test_copier_asks_every_question_in_order_and_derives_the_rest() -> None:
    asked = [name for name, question in QUESTIONS.items() if question.get("when") is not False]
    assert asked == [question.name for question in options.QUESTIONS]
    assert set(QUESTIONS) == set(answers_of.template_variables(complete()))


@pytest.mark.parametrize("answers", all_pairs(), ids=lambda a: f"{a['framework']}-{a['model_id']}")
def test_copier_has_the_same_defaults_and_derived_values(
    answers: dict[str, options.Value],
) -> None:
    expected = answers_of.template_variables(answers)
    variables: dict[str, Any] = {}
    for name, question in QUESTIONS.items():  # each is made of those before it alone
        chosen = isinstance(expected[name], str) and question.get("choices")
        text = expected[name] if chosen else rendered(question["default"], variables)
        variables[name] = json.loads(str(text)) if question["type"] == "json" else text
    assert variables == {**expected, "answers": [list(pair) for pair in answers.items()]}


def test_copier_has_the_same_default_choices() -> None:
    for earlier in all_pairs():
        for option in options.OPTIONS:
            default = rendered(QUESTIONS[option.name]["default"], earlier)
            assert default == answers_of.default(option, earlier)


def test_what_yaml_would_read_as_something_else_is_quoted() -> None:
    words = [*options.FRAMEWORK.values, "on", "No", "1.5", "- a", "a: b", "a #b", " a", "a ", "👩"]
    words += ['"', "\\", "{{ x }}", "~", "null", "*", "é", "", "a\tb", "\u200d"]
    for word in words:
        assert yaml.safe_load(f"- {copier_file.scalar(word)}\n- 1") == [word, 1]


def accepts(check: Callable[[str], str], text: str) -> bool:
    try:
        return check(text) == text
    except InvalidAnswer:
        return False


def copier_accepts(question: str, text: str) -> bool:
    verdict = rendered(COPIER[question]["validator"], {question: text})
    return str(verdict).strip() == ""


TEXTS = st.text(max_size=40) | st.text(st.characters(codec="ascii"), max_size=70)


@given(TEXTS | st.sampled_from(sorted(names.reserved_names())) | st.sampled_from(names.KEYWORDS))
@example("")
@example("a" * 64)
@example("a" * 65)
@example("Class")
@example("Boto3_")
@example("tests")
@example("my-agent\n")
def test_copier_refuses_the_same_names(name: str) -> None:
    assert copier_accepts("project_name", name) == accepts(names.check, name)


def test_a_module_with_an_underscore_takes_each_spelling_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("release_notes.py.jinja", "chat_store/__init__.py", "no_module.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    modules = names.module_names(tmp_path)
    assert modules == ("chat-store", "release-notes")
    monkeypatch.setattr(names, "PROJECT_MODULES", modules)
    validator = yaml.safe_load(copier_file.text())["project_name"]["validator"]
    for name in ("release_notes", "Release-Notes", "chat__store"):
        assert not accepts(names.check, name)
        assert "module" in str(rendered(validator, {"project_name": name}))


@given(TEXTS)
@example("x" * 1000)
@example("x" * 1001)
@example(" x")
@example("\u200d\U0001f469\u200d\U0001f4bb")
def test_copier_refuses_the_same_descriptions(text: str) -> None:
    assert copier_accepts("description", text) == accepts(texts.check_description, text)


@given(TEXTS)
@example("x" * 256)
@example("x" * 257)
@example("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-v1:0")
def test_copier_refuses_the_same_model_ids(text: str) -> None:
    assert copier_accepts("model_id", text) == accepts(texts.check_model_id, text)


# The options themselves.


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("Strands", "strands"),
        ("OpenAIAgents", "openai"),
        ("openai_agents", "openai"),
        ("openaiagents", "openai"),
        ("OpenAI Agents SDK", "openai"),
        ("GoogleADK", "adk"),
        ("google-adk", "adk"),
        ("GOOGLEADK", "adk"),
        ("LangChain_LangGraph", "langgraph"),
        ("langchain-langgraph", "langgraph"),
        ("LangGraph", "langgraph"),
        ("AutoGen", "autogen"),
        ("AUTOGEN", "autogen"),
    ],
)
def test_a_framework_has_many_spellings(spelling: str, value: str) -> None:
    assert complete(framework=spelling)["framework"] == value


def test_no_spelling_means_two_things() -> None:
    for option in options.OPTIONS:
        for choice in option.choices:
            for spelling in (choice.value, choice.title, *choice.aliases):
                assert answers_of.parse_choice(option, spelling.swapcase()) == choice.value


def test_every_alias_adds_a_spelling() -> None:
    for option in options.OPTIONS:
        for choice in option.choices:
            for alias in choice.aliases:
                others = tuple(each for each in choice.aliases if each != alias)
                without = replace(option, choices=(replace(choice, aliases=others),))
                with pytest.raises(UnknownChoice):
                    answers_of.parse_choice(without, alias)


@pytest.mark.parametrize("text", ["", "no-such", "strands agent", "str", "ad k2"])
def test_an_unknown_framework_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownChoice) as refusal:
        complete(framework=text)
    assert refusal.value.exit_code == 2
    for framework in options.FRAMEWORKS:
        assert framework.value in refusal.value.hint


def test_of_a_long_unknown_value_the_beginning_is_told() -> None:
    with pytest.raises(UnknownChoice) as refusal:
        complete(framework="x" * 65)
    assert refusal.value.message == f"'{'x' * 64}' is not a known framework."


def test_the_framework_must_be_given() -> None:
    with pytest.raises(MissingAnswer, match="--framework"):
        answers_of.complete({"framework": None, "stream": True})


def test_defaults_follow_from_the_framework() -> None:
    assert answers_of.complete({"framework": "adk"}) == {
        "framework": "adk",
        "project_name": "adk-agent",
        "description": "An agent on Google ADK for Amazon Bedrock AgentCore",
        "model_provider": "gemini",
        "model_id": "gemini-3.8-flash",
        "session_store": "memory",
        **{option.name: option.default for option in options.OPTIONS if not option.choices},
    }


def test_every_default_would_be_accepted_if_it_were_given() -> None:
    for answers in all_pairs():
        assert answers_of.complete(answers) == answers


def test_combinations_are_the_product_of_all_values() -> None:
    combinations = list(answers_of.combinations())
    distinct = {tuple(c[option.name] for option in options.OPTIONS) for c in combinations}
    assert len(combinations) == len(distinct)
    assert len(combinations) == prod(len(option.values) for option in options.OPTIONS)


@pytest.mark.parametrize("text", ["two\nlines", "bell \a", "\u202e", "\u2028", "", "  ", "\ud800"])
def test_a_description_that_is_no_printable_line_is_refused(text: str) -> None:
    with pytest.raises(InvalidAnswer, match="The description is not valid: it must"):
        complete(description=text)


def test_blanks_around_a_description_are_dropped() -> None:
    assert complete(description="  it's \U0001f469\u200d\U0001f4bb ")["description"] == (
        "it's \U0001f469\u200d\U0001f4bb"
    )


@pytest.mark.parametrize("text", ['a"b', "a b", "a\\b", "{{x}}", "ümlaut", "", "a'b", "a#b"])
def test_a_model_id_with_other_characters_is_refused(text: str) -> None:
    with pytest.raises(InvalidAnswer, match="The model id is not valid"):
        complete(model_id=text)
