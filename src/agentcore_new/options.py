"""The options of a project: one list, from which flags, questions, matrix and docs come.

Plain data. A new framework, provider or option is a row here (and its templates); nothing else
lists them, but for `copier.yml`, which must say the same (a test compares the two).
"""

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from agentcore_new import __version__, names
from agentcore_new.errors import InvalidAnswer, MissingAnswer, UnknownChoice

Value = str | bool
Answers = Mapping[str, Value]

MAX_DESCRIPTION = 1_000
MAX_MODEL_ID = 256
MODEL_ID_CHARACTERS = string.ascii_letters + string.digits + "._:/@+~=,-"
# Invisible, but emoji sequences and several scripts are not written without them.
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option.

    Args:
        value: As in flags, answers and folder names.
        title: As in texts.
        aliases: Other spellings; case, `-`, `_` and blanks make no difference.
    """

    value: str
    title: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Framework(Choice):
    """An agent framework, and the provider that it takes if none is named."""

    default_provider: str = "bedrock"


@dataclass(frozen=True, slots=True)
class Provider(Choice):
    """A model provider.

    Args:
        default_model_id: The model that is used if none is named.
        api_key_variable: The environment variable of its key; empty where there is no key.
    """

    default_model_id: str = ""
    api_key_variable: str = ""


FRAMEWORKS = (
    Framework("strands", "Strands Agents", ("Strands", "strands-agents"), "bedrock"),
    Framework("openai", "OpenAI Agents SDK", ("OpenAIAgents", "openai-agents-sdk"), "openai"),
    Framework("adk", "Google ADK", ("GoogleADK",), "gemini"),
    Framework("langgraph", "LangGraph", ("LangChain_LangGraph", "LangChain"), "bedrock"),
    Framework("autogen", "AutoGen", ("AutoGen", "Microsoft AutoGen"), "bedrock"),
)

PROVIDERS = (
    Provider("bedrock", "Amazon Bedrock", ("AmazonBedrock",), "global.anthropic.claude-sonnet-4-6"),
    Provider("anthropic", "Anthropic", (), "claude-sonnet-5-5", "ANTHROPIC_API_KEY"),
    Provider("openai", "OpenAI", (), "gpt-6.1-sol", "OPENAI_API_KEY"),
    Provider("gemini", "Google Gemini", ("Google",), "gemini-3.8-flash", "GEMINI_API_KEY"),
)


@dataclass(frozen=True, slots=True)
class ByAnswer:
    """A default that depends on an earlier answer."""

    answer: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Option:
    """One of finitely many values: a choice, or a switch if there are no choices.

    Args:
        name: The name of the answer; the flag is made from it.
        help: One line for `--help`.
        question: What is asked on a terminal.
        default: A value, or how it follows from an earlier answer.
        choices: The rows that can be chosen.
        required: It must be given where nobody can be asked.
    """

    name: str
    help: str
    question: str
    default: Value | ByAnswer
    choices: tuple[Choice, ...] = ()
    required: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, the order being that of the docs and the matrix."""
        return tuple(choice.value for choice in self.choices) or (False, True)


@dataclass(frozen=True, slots=True)
class Text:
    """A free text.

    Args:
        name: The name of the answer.
        help: One line for `--help`.
        question: What is asked on a terminal.
        default: A text, in which `{name}` stands for an earlier answer or derived value.
        check: Returns the text as it is used, or raises InvalidAnswer.
    """

    name: str
    help: str
    question: str
    default: str | ByAnswer
    check: Callable[[str], str]


def check_model_id(model_id: str) -> str:
    """Return `model_id`, if a model can have it; ARNs are model ids.

    Raises:
        InvalidAnswer: It has another character, is empty or too long.
    """
    foreign = [character for character in model_id if character not in MODEL_ID_CHARACTERS]
    if foreign:
        problem = f"{foreign[0]!r} is not a letter, a digit or one of . _ : / @ + ~ = , -"
    elif not 1 <= len(model_id) <= MAX_MODEL_ID:
        problem = f"it must have 1 to {MAX_MODEL_ID} characters and has {len(model_id)}"
    else:
        return model_id
    raise InvalidAnswer(f"The model id is not valid: {problem}.", details={"answer": "model_id"})


def check_description(description: str) -> str:
    """Return `description` without blanks around it, if it is one line of printable text.

    Raises:
        InvalidAnswer: It has a line break or another invisible character, is empty or too long.
    """
    text = description.strip(" ")
    hidden = [
        character for character in text if not character.isprintable() and character not in JOINERS
    ]
    if hidden:
        problem = f"it must be one line of printable characters and has {hidden[0]!r}"
    elif not 1 <= len(text) <= MAX_DESCRIPTION:
        problem = f"it must have 1 to {MAX_DESCRIPTION} characters and has {len(text)}"
    else:
        return text
    raise InvalidAnswer(
        f"The description is not valid: {problem}.", details={"answer": "description"}
    )


FRAMEWORK = Option(
    name="framework",
    help="The agent framework; must be given where you are not asked.",
    question="Which framework?",
    default="strands",
    choices=FRAMEWORKS,
    required=True,
)
PROJECT_NAME = Text(
    name="project_name",
    help="The project's name and folder: a letter, then letters, digits, '-' or '_'; at most 64.",
    question="What is the project called?",
    default="{framework}-agent",
    check=names.check,
)
MODEL_PROVIDER = Option(
    name="model_provider",
    help="Who serves the model.",
    question="Who serves the model?",
    default=ByAnswer("framework", {row.value: row.default_provider for row in FRAMEWORKS}),
    choices=PROVIDERS,
)
MODEL_ID = Text(
    name="model_id",
    help="The model, by the provider's own id; the MODEL_ID variable replaces it later.",
    question="Which model?",
    default=ByAnswer("model_provider", {row.value: row.default_model_id for row in PROVIDERS}),
    check=check_model_id,
)
DESCRIPTION = Text(
    name="description",
    help="What the agent is for, in one line.",
    question="What is the agent for, in one line?",
    default="An agent on {framework_title} for Amazon Bedrock AgentCore",
    check=check_description,
)
STREAM = Option(
    name="stream",
    help="Send the reply piece by piece (server-sent events) or as one JSON answer.",
    question="Stream the reply?",
    default=False,
)
TRANSCRIPT = Option(
    name="transcript",
    help="Record who said what and when, in memory or a database, and answer questions about it.",
    question="Keep a transcript of each session?",
    default=False,
)
CONTAINER = Option(
    name="container",
    help="Add a Dockerfile for linux/arm64.",
    question="Add a Dockerfile?",
    default=False,
)

# In the order of the questions: a default can depend on what stands before it.
QUESTIONS: tuple[Option | Text, ...] = (
    FRAMEWORK,
    PROJECT_NAME,
    DESCRIPTION,
    MODEL_PROVIDER,
    MODEL_ID,
    STREAM,
    TRANSCRIPT,
    CONTAINER,
)
OPTIONS = tuple(question for question in QUESTIONS if isinstance(question, Option))

# Files and folders that some projects do not have, each with the Jinja condition of having it.
FILE_CONDITIONS: Mapping[str, str] = {
    ".dockerignore": "container",
    "Dockerfile": "container",
    "chat": "transcript",
    "streaming.py": "stream",
    "tests/test_transcript.py": "transcript",
}


def parse_choice(option: Option, text: str) -> str:
    """Return the value of `option` that `text` spells, in any case and with any separators.

    Raises:
        UnknownChoice: There is none; the hint lists the values.
    """
    wanted = _folded(text)
    for choice in option.choices:
        if wanted in {_folded(name) for name in (choice.value, choice.title, *choice.aliases)}:
            return choice.value
    values = [choice.value for choice in option.choices]
    raise UnknownChoice(
        f"{text[:64]!r} is not a known {option.name.replace('_', ' ')}.",
        hint=f"Choose one of: {', '.join(values)}",
        details={"answer": option.name, "choices": values},
    )


def _folded(text: str) -> str:
    return "".join(character for character in text.lower() if character not in "-_ ")


def default(question: Option | Text, answers: Answers) -> Value:
    """Return the default of `question`, given every earlier answer."""
    match question.default:
        case ByAnswer(answer, values):
            return values[str(answers[answer])]
        case str(pattern):
            return pattern.format_map({**answers, **_titles(answers)})
        case value:
            return value


def described_default(question: Option | Text) -> str:
    """Return the default of `question` as `--help` shows it; nothing, if it must be given."""
    if isinstance(question, Option) and question.required:
        return ""
    match question.default:
        case ByAnswer(answer, _):
            return f"by {answer.replace('_', ' ')}"
        case bool(value):
            return "on" if value else "off"
        case pattern:
            return pattern.replace("{", "<").replace("}", ">").replace("_title", "")


def checked(question: Option | Text, value: Value) -> Value:
    """Return `value` as an answer to `question`.

    Raises:
        InvalidAnswer: It cannot be one.
        UnknownChoice: It is none of the choices.
    """
    if isinstance(question, Text):
        return question.check(str(value))
    return parse_choice(question, str(value)) if question.choices else bool(value)


def complete(given: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return every answer, in order: what is given, checked, and defaults for the rest.

    Args:
        given: Answers by name; None stands for one that is not given.

    Raises:
        InvalidAnswer: A text is not valid.
        UnknownChoice: A value is none of the choices.
        MissingAnswer: A required answer is not given.
    """
    answers: dict[str, Value] = {}
    for question in QUESTIONS:
        value = given.get(question.name)
        if value is None and isinstance(question, Option) and question.required:
            values = [str(each) for each in question.values]
            raise MissingAnswer(
                f"{flag(question)} is missing.",
                hint=f"Choose one of: {', '.join(values)}",
                details={"answer": question.name, "choices": values},
            )
        answers[question.name] = (
            default(question, answers) if value is None else checked(question, value)
        )
    return answers


def flag(question: Option | Text) -> str:
    """Return the flag that sets `question` (a switch has its `--no-` twin too)."""
    return f"--{question.name.replace('_', '-')}"


def negated(question: Option | Text) -> str:
    """Return the flag that turns the switch `question` off."""
    return f"--no-{flag(question).removeprefix('--')}"


def combinations() -> Iterator[dict[str, Value]]:
    """Yield complete answers for every combination of every option, texts at their defaults."""
    for values in product(*(option.values for option in OPTIONS)):
        yield complete({option.name: value for option, value in zip(OPTIONS, values, strict=True)})


def _titles(answers: Answers) -> dict[str, Value]:
    """Return the values that follow from the choices made so far."""
    titles: dict[str, Value] = {}
    for framework in FRAMEWORKS:
        if framework.value == answers.get("framework"):
            titles["framework_title"] = framework.title
    for provider in PROVIDERS:
        if provider.value == answers.get("model_provider"):
            titles["provider_title"] = provider.title
            titles["api_key_variable"] = provider.api_key_variable
    return titles


def template_variables(answers: Answers) -> dict[str, Value]:
    """Return what the templates see: complete `answers` and everything derived from them."""
    project_name = str(answers["project_name"])
    return {
        **answers,
        **_titles(answers),
        "distribution_name": names.distribution_name(project_name),
        "agent_name": names.agent_name(project_name),
        "runtime_name": names.runtime_name(project_name),
        "tool_version": __version__,
    }
