"""Rendered projects: the combinations that are tested, their files, their dependencies."""

import ast
import tomllib
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import pytest

from agentcore_new import options, render
from agentcore_new.answers import complete


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of the options that change what a project does."""

    framework: str
    provider: str
    stream: bool
    transcript: bool = False
    store: str = "memory"
    tracing: bool = False

    def __str__(self) -> str:
        shape = "stream" if self.stream else "json"
        kept = "" if self.store == "memory" else f"-{self.store}"
        suffix = ("-transcript" if self.transcript else "") + ("-tracing" if self.tracing else "")
        return f"{self.framework}-{self.provider}-{shape}{kept}{suffix}"

    @property
    def keeps(self) -> bool:
        """Whether it remembers a session that has left its cache."""
        return self.store != "memory"

    def turn_after(self, turns: int) -> int:
        """The number of the next turn of a session that has left the cache after so many."""
        return turns + 1 if self.keeps else 1

    def files(self) -> dict[str, str]:
        """The text of every file, by path."""
        answers: dict[str, str | bool | None] = {
            # what has no field is on with a transcript, so that no option goes untried
            **dict.fromkeys(SWITCHES, self.transcript),
            "framework": self.framework,
            "model_provider": self.provider,
            "stream": self.stream,
            "transcript": self.transcript,
            "session_store": self.store,
            # beside a transcript it is on, like all others, and nobody is told of anything
            "tracing": self.tracing or self.transcript,
        }
        return render.render(complete(answers))

    def write(self, folder: Path) -> Path:
        """Write the project into `folder`, which need not exist."""
        for name, text in self.files().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return folder

    def dependencies(self, *extras: str) -> list[str]:
        """What its pyproject.toml requires at run time, and for these extras."""
        table = tomllib.loads(self.files()["pyproject.toml"])["project"]
        of_extras = (table["optional-dependencies"][extra] for extra in extras)
        return [text for texts in (table["dependencies"], *of_extras) for text in texts]

    def imports(self, without: frozenset[str] = frozenset()) -> str:
        """What the project imports of others at its start, without these packages, as statements.

        It is what main.py and agent.py do, and where there is one, the store.
        """
        files = self.files()
        own = {path.partition("/")[0].removesuffix(".py") for path in files}
        store = [files[path] for path in files if self.keeps and path.startswith("serving/store/")]
        statements = []
        for node in ast.parse("\n".join([files["agent.py"], files["main.py"], *store])).body:
            if isinstance(node, ast.ImportFrom):
                root = str(node.module).partition(".")[0]
            elif isinstance(node, ast.Import):
                root = node.names[0].name.partition(".")[0]
            else:
                continue
            if root not in own | without:
                statements.append(ast.unparse(node))
        return "\n".join(statements)


SWITCHES = [option.name for option in options.OPTIONS if not option.choices]
FRAMEWORKS = {row.value: row.default_provider for row in options.FRAMEWORKS}
PROVIDERS = {row.value: row for row in options.PROVIDERS}
STORES = [row.value for row in options.STORES]
PAIRS = [
    Variant(framework, provider, stream)
    for framework in FRAMEWORKS
    for provider in PROVIDERS
    for stream in (False, True)
]
# every framework with every provider, and either with both shapes: no line of a project depends on
# all three, which tests/test_two_halves.py sees to, but what runs may
IN_EITHER_SHAPE = [
    Variant(framework, provider, stream=(n + m) % 2 == 1)
    for n, framework in enumerate(FRAMEWORKS)
    for m, provider in enumerate(PROVIDERS)
]
DEFAULTS = [variant for variant in PAIRS if FRAMEWORKS[variant.framework] == variant.provider]
# one shape of each framework has a database, the other one memory
TRANSCRIPTS = [
    replace(variant, transcript=True, store=store)
    for variant, store in zip(
        DEFAULTS, cycle(("sqlite", "memory", "memory", "postgres")), strict=False
    )
]
# one shape of each framework, in turns: what a test with transcripts need not run twice
ALTERNATING = [variant for variant in TRANSCRIPTS if variant.keeps]
# each framework with each database: one shape of it with a transcript, the other one without
STORED = [
    variant if variant.keeps else replace(variant, transcript=False, store=store)
    for variant, store in zip(TRANSCRIPTS, cycle(("", "postgres", "sqlite", "")), strict=False)
]
# what the session contract is run for: in memory alone, and with all that can be kept
CONTRACT = [*DEFAULTS, *ALTERNATING]
STREAMED = [variant for variant in CONTRACT if variant.stream]
# every framework on every database; each shape, with and without a transcript, on both
DATABASES = ("sqlite", "postgres")
ON_DATABASES = [
    Variant(framework, provider, stream=(n + m) % 2 == 1, transcript=n % 3 == 0, store=store)
    for n, (framework, provider) in enumerate(FRAMEWORKS.items())
    for m, store in enumerate(DATABASES)
]
TRANSCRIPTS_ON_DATABASES = [variant for variant in ON_DATABASES if variant.transcript]
# what OpenTelemetry is told, in both shapes
TRACED = [replace(variant, tracing=True) for variant in DEFAULTS]
# what does not differ by provider or option
ONE_EACH = [variant for variant in DEFAULTS if variant.stream]


def requirements_of(framework: str, *extras: str) -> list[str]:
    """Everything that a framework's projects require, whatever their provider and options."""
    variants = [
        Variant(framework, provider, stream=False, transcript=True, store=store, tracing=True)
        for provider in PROVIDERS
        for store in STORES
    ]
    return sorted({text for variant in variants for text in variant.dependencies(*extras)})


def each(variants: list[Variant]) -> pytest.MarkDecorator:
    """Run a test or a module for each of these; one worker has all tests of one of them."""
    return pytest.mark.parametrize(
        "variant",
        [
            pytest.param(variant, id=str(variant), marks=pytest.mark.xdist_group(str(variant)))
            for variant in variants
        ],
        indirect=True,
        scope="session",
    )
