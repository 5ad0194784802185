"""What can be chosen, and which versions a project gets: for `agentcore-new frameworks`."""

import tomllib
from dataclasses import dataclass

from agentcore_new import __version__, answers, options
from agentcore_new.render import render
from agentcore_new.terminal import Table


@dataclass(frozen=True, slots=True)
class Pair:
    """What a framework with a provider depends on; read from the very file a project gets."""

    framework: str
    provider: str
    dependencies: tuple[str, ...]


def pairs() -> list[Pair]:
    """Return every framework with every provider."""
    return [
        Pair(framework.value, provider.value, _dependencies(framework.value, provider.value))
        for framework in options.FRAMEWORKS
        for provider in options.PROVIDERS
    ]


def _dependencies(framework: str, provider: str) -> tuple[str, ...]:
    chosen = answers.complete({"framework": framework, "model_provider": provider})
    return tuple(tomllib.loads(render(chosen)["pyproject.toml"])["project"]["dependencies"])


def shared(pairs: list[Pair]) -> list[str]:
    """Return the dependencies that all of `pairs` have, in order."""
    return [
        dependency
        for dependency in pairs[0].dependencies
        if all(dependency in pair.dependencies for pair in pairs)
    ]


def as_object() -> dict[str, object]:
    """Return the catalogue as `--json` prints it."""
    all_pairs = pairs()
    return {
        "ok": True,
        "version": __version__,
        "frameworks": [
            {
                "name": row.value,
                "title": row.title,
                "aliases": list(row.aliases),
                "default_provider": row.default_provider,
                "dependencies": {
                    pair.provider: list(pair.dependencies)
                    for pair in all_pairs
                    if pair.framework == row.value
                },
            }
            for row in options.FRAMEWORKS
        ],
        "providers": [
            {
                "name": row.value,
                "title": row.title,
                "default_model_id": row.default_model_id,
                "api_key_variable": row.api_key_variable or None,
                "other_key_variable": row.other_key_variable or None,
            }
            for row in options.PROVIDERS
        ],
        "options": [
            {
                "name": option.name,
                "flag": option.flag,
                "values": list(option.values),
                "default": None if isinstance(option.default, options.ByAnswer) else option.default,
                "help": option.help,
            }
            for option in options.OPTIONS
        ],
    }


def as_tables() -> list[Table]:
    """Return the catalogue as tables for people."""
    all_pairs = pairs()
    everywhere = shared(all_pairs)
    return [
        Table(
            "Frameworks",
            ("--framework", "title", "also spelt", "default provider"),
            tuple(
                (row.value, row.title, ", ".join(row.aliases), row.default_provider)
                for row in options.FRAMEWORKS
            ),
        ),
        Table(
            "Providers, each with every framework",
            ("--model-provider", "title", "default model", "key"),
            tuple(
                (
                    row.value,
                    row.title,
                    row.default_model_id,
                    " or ".join(row.key_variables) or "AWS credentials",
                )
                for row in options.PROVIDERS
            ),
        ),
        Table(
            "Options",
            ("option", "what it does", "default"),
            tuple(
                (option.flag, option.help, answers.described_default(option))
                for option in options.OPTIONS
                if not option.choices
            ),
        ),
        Table(
            f"Versions, beside {' and '.join(everywhere)}",
            ("framework", "provider", "depends on"),
            tuple(
                (
                    pair.framework,
                    pair.provider,
                    ", ".join(each for each in pair.dependencies if each not in everywhere),
                )
                for pair in all_pairs
            ),
        ),
    ]
