"""What holds across the files of one project: every name that a file uses is there.

Pure, and made for many projects with many texts in common: what one text says is found once, and
for each project sets are compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from operator import attrgetter

from agentcore_new.review.project_rules import mentions
from agentcore_new.review.project_rules.mentions import Mentions
from agentcore_new.review.project_rules.modules import TESTS, Finding, module_findings
from agentcore_new.review.project_rules.python_facts import PythonFacts, facts_of

__all__ = ["findings"]

Parts = list[tuple[str, Mentions]]
Kind = Callable[[Mentions], frozenset[str]]

NOTHING: frozenset[str] = frozenset()


def findings(files: Mapping[str, str]) -> Iterator[Finding]:
    """Yield path, rule and message of what does not hold between the files of a project.

    Rules are `import` and `unused` for modules, and for what other texts name: `file`, `variable`,
    `name`, `extra` and `module`.

    Args:
        files: The text of each file, by path.
    """
    facts = tuple(facts_of(path, text) for path, text in files.items() if path.endswith(".py"))
    parts, extras = _parts(files)
    run = NOTHING.union(*[part.run for _, part in parts])
    yield from module_findings(facts, run)
    of_agent = [each.texts for each in facts if not each.path.startswith(f"{TESTS}/")]
    of_agent.append(mentions.substituted(files.get("compose.yaml", "")))
    paths = _with_folders(frozenset(files))
    yield from _missing(parts, attrgetter("files"), [paths], "file", "there is no")
    yield from _missing(parts, attrgetter("variables"), of_agent, "variable", "nothing reads")
    words = (each.words for each in facts)
    yield from _missing(parts, attrgetter("names"), words, "name", "no Python file has")
    yield from _missing(parts, attrgetter("extras"), [extras], "extra", "there is no extra")
    modules = ({each.module} for each in facts)
    yield from _missing(parts, attrgetter("modules"), modules, "module", "there is no module")
    yield from _misplaced(parts, facts)


def _parts(files: Mapping[str, str]) -> tuple[Parts, frozenset[str]]:
    """Return what each part of the texts names, with its file, and the project's extras."""
    parts: Parts = []
    extras = NOTHING
    for path, text in files.items():
        if path.endswith(".py"):
            continue
        if path == "README.md":
            parts.extend((path, part) for part in mentions.readme(text))
        elif path == "pyproject.toml":
            tables = mentions.pyproject(text)
            parts.extend((path, table.mentions) for table in tables)
            name = next((table.name for table in tables if table.name), "")
            own = {extra for table in tables for other, extra in table.own if other == name}
            if own:
                parts.append((path, Mentions(extras=frozenset(own))))
            extras = extras.union(*(table.extras for table in tables))
        elif path == "Dockerfile":
            parts.append((path, mentions.dockerfile(text)))
        elif path == ".env.example":
            parts.append((path, mentions.example_variables(text)))
        else:
            parts.append((path, mentions.other(text)))
    return parts, extras


def _missing(
    parts: Parts, kind: Kind, there: Iterable[AbstractSet[str]], rule: str, why: str
) -> Iterator[Finding]:
    """Everything of a kind that a text names is in one of the sets that are `there`."""
    missing = NOTHING.union(*[kind(part) for _, part in parts])
    for some in there:
        if not missing:
            return
        missing = missing - some
    if missing:
        owners = {(path, name) for path, part in parts for name in kind(part) & missing}
        yield from ((path, rule, f"{why} {name}") for path, name in sorted(owners))


def _misplaced(parts: Parts, facts: Sequence[PythonFacts]) -> Iterator[Finding]:
    """Every name that a text gives to a file, or to those of a folder, is in it."""
    words = {each.path: each.words for each in facts}
    for path, part in parts:
        for name, place in part.located:
            if name not in words.get(place, NOTHING):
                inside = [some for file, some in words.items() if _is_in(file, place)]
                # A place that is missing is a finding already.
                if inside and not any(name in some for some in inside):
                    yield path, "name", f"{name} is not in {place}"


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


@cache
def _with_folders(paths: frozenset[str]) -> frozenset[str]:
    folders = (path.split("/")[:-1] for path in paths)
    return paths.union(
        "/".join(each[:count]) for each in folders for count in range(1, len(each) + 1)
    )
