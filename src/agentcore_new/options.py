"""The options of a project: one list, from which flags, questions, matrix and docs come.

Rows of plain data. A new framework, provider or option is a row here (and its templates); nothing
else lists them. `answers.py` has what follows from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentcore_new import names, texts

Value = str | bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option.

    Args:
        value: As in flags, answers and folder names.
        title: As in texts.
        aliases: Further spellings; case, `-`, `_` and blanks make no difference.
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
        other_key_variable: Another variable for the key, read where the first is not set; mostly
            there is none.
        telemetry_name: `gen_ai.provider.name` of OpenTelemetry; empty where it is the value.
    """

    default_model_id: str = ""
    api_key_variable: str = ""
    other_key_variable: str = ""
    telemetry_name: str = ""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables of its key, the first that is set being the one that counts."""
        return tuple(filter(None, (self.api_key_variable, self.other_key_variable)))


FRAMEWORKS = (
    Framework("strands", "Strands Agents", (), "bedrock"),
    Framework("openai", "OpenAI Agents SDK", ("OpenAIAgents",), "openai"),
    Framework("adk", "Google ADK", (), "gemini"),
    Framework("langgraph", "LangGraph", ("LangChain_LangGraph", "LangChain"), "bedrock"),
    Framework("autogen", "AutoGen", ("Microsoft AutoGen",), "bedrock"),
)

PROVIDERS = (
    Provider(
        "bedrock",
        "Amazon Bedrock",
        (),
        "global.anthropic.claude-sonnet-4-6",
        telemetry_name="aws.bedrock",
    ),
    Provider("anthropic", "Anthropic", (), "claude-sonnet-5-5", "ANTHROPIC_API_KEY"),
    Provider("openai", "OpenAI", (), "gpt-6.1-sol", "OPENAI_API_KEY"),
    Provider(
        "gemini",
        "Google Gemini",
        ("Google",),
        "gemini-3.8-flash",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "gcp.gemini",
    ),
)


STORES = (
    Choice("memory", "memory"),
    Choice("sqlite", "SQLite"),
    Choice("postgres", "PostgreSQL"),
    Choice("agentcore-memory", "AgentCore Memory"),
)


@dataclass(frozen=True, slots=True)
class ByAnswer:
    """A value for each choice of an earlier answer."""

    answer: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ByExpression:
    """A value that an expression of Jinja makes of an earlier answer; Copier evaluates it too."""

    answer: str
    expression: str


@dataclass(frozen=True, slots=True)
class Option:
    """One of finitely many values: a choice, or a switch if there are no choices.

    Args:
        name: The name of the answer; the flag is made from it.
        help: One line for `--help`.
        question: What is asked on a terminal.
        default: A value, or how it follows from an earlier answer.
        choices: The rows that can be chosen.
        required: It must be given where nobody can be asked; where all that must be is given,
            nobody is.
        before: What projects have that are older than the option, where that is not the default.
    """

    name: str
    help: str
    question: str
    default: Value | ByAnswer
    choices: tuple[Choice, ...] = ()
    required: bool = False
    before: Value | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, the order being that of the docs and the matrix."""
        return tuple(choice.value for choice in self.choices) or (False, True)

    @property
    def flag(self) -> str:
        """The flag that sets it."""
        return _flag(self.name)

    @property
    def negated(self) -> str:
        """The flag that turns a switch off."""
        return f"--no-{self.flag.removeprefix('--')}"


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

    @property
    def flag(self) -> str:
        """The flag that sets it."""
        return _flag(self.name)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


FRAMEWORK = Option(
    name="framework",
    help="The agent framework.",
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
    check=texts.check_model_id,
)
DESCRIPTION = Text(
    name="description",
    help="What the agent is for, in one line.",
    question="What is the agent for, in one line?",
    default="An agent on {framework_title} for Amazon Bedrock AgentCore",
    check=texts.check_description,
)
STREAM = Option(
    name="stream",
    help="Send the reply piece by piece (server-sent events) or as one JSON answer.",
    question="Stream the reply?",
    default=False,
)
SESSION_STORE = Option(
    name="session_store",
    help="Where sessions are kept: in memory they end with the process.",
    question="Where are sessions kept?",
    default="memory",
    choices=STORES,
)
TRANSCRIPT = Option(
    name="transcript",
    help="Keep who said what and when with each session, and answer questions about it.",
    question="Keep a transcript of each session?",
    default=False,
)
TRACING = Option(
    name="tracing",
    help="Tell OpenTelemetry of each turn: a trace of it, its model calls and its tool calls.",
    question="Trace each turn with OpenTelemetry?",
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
    SESSION_STORE,
    TRANSCRIPT,
    TRACING,
    CONTAINER,
)
OPTIONS = tuple(question for question in QUESTIONS if isinstance(question, Option))

# What the templates see beside the answers, and what defaults can be made of.
DERIVED: Mapping[str, ByAnswer | ByExpression] = {
    "framework_title": ByAnswer("framework", {row.value: row.title for row in FRAMEWORKS}),
    "provider_title": ByAnswer("model_provider", {row.value: row.title for row in PROVIDERS}),
    "store_title": ByAnswer("session_store", {row.value: row.title for row in STORES}),
    "api_key_variable": ByAnswer(
        "model_provider", {row.value: row.api_key_variable for row in PROVIDERS}
    ),
    "other_key_variable": ByAnswer(
        "model_provider", {row.value: row.other_key_variable for row in PROVIDERS}
    ),
    "provider_telemetry_name": ByAnswer(
        "model_provider", {row.value: row.telemetry_name or row.value for row in PROVIDERS}
    ),
    "distribution_name": ByExpression("project_name", names.DISTRIBUTION_NAME),
    "agent_name": ByExpression("project_name", names.AGENT_NAME),
    "runtime_name": ByExpression("project_name", names.RUNTIME_NAME),
}

# Files and folders that some projects do not have, each with the Jinja condition of having it.
FILE_CONDITIONS: Mapping[str, str] = {
    ".dockerignore": "container",
    "Dockerfile": "container",
    "compose.yaml": "container and session_store == 'postgres'",
    "langgraph.json": "framework == 'langgraph'",
    "serving/last_spans.py": "tracing",
    "serving/store": "transcript or session_store != 'memory'",
    "serving/store/agentcore_memory.py": "session_store == 'agentcore-memory'",
    "serving/store/codec.py": "session_store != 'memory'",
    "serving/store/group_commit.py": "session_store == 'sqlite'",
    "serving/store/memory.py": "session_store != 'sqlite'",
    "serving/store/opening.py": "session_store != 'memory'",
    "serving/store/sql.py": "session_store in ('sqlite', 'postgres')",
    "serving/spans.py": "tracing",
    "serving/streaming.py": "stream",
    "serving/telemetry.py": "tracing",
    "serving/tracing.py": "tracing",
    "serving/transcript": "transcript",
    "tests/test_store.py": "session_store != 'memory'",
    "tests/test_transcript.py": "transcript",
}
