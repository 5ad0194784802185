"""What holds between the modules of a project."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache

from agentcore_new.review.project_rules.python_facts import PythonFacts

ENTRYPOINT = "main"
TESTS = "tests"

Finding = tuple[str, str, str]
Modules = Mapping[str, PythonFacts]


@cache
def module_findings(facts: tuple[PythonFacts, ...], run: frozenset[str]) -> tuple[Finding, ...]:
    """Return path, rule and message of what does not hold between modules.

    Args:
        facts: Those of each Python file.
        run: Modules that are run besides the entrypoint.
    """
    if not facts:
        return ()
    modules = {each.module: each for each in facts}
    return (*_imports(modules), *_unused(modules, run))


def _imports(modules: Modules) -> Iterator[Finding]:
    """Every module that is imported is there, and has what is taken from it."""
    for facts in modules.values():
        if missing := facts.imported.keys() - modules.keys():
            yield from _missing_modules(facts, missing, modules)
        for module, lines in facts.needed.items():
            if module in modules and (missing := lines.keys() - modules[module].defined):
                yield from _missing_names(facts, missing, modules[module], modules)


def _missing_modules(
    facts: PythonFacts, missing: AbstractSet[str], modules: Modules
) -> Iterator[Finding]:
    packages = {_package(module) for module in modules}
    for module in sorted(missing):
        if _package(module) in packages:
            why = f"there is no module {module}"
        elif _package(module) in missing - {module}:  # that says it
            continue
        else:
            why = f"{module} is no module of the project, nor of what it depends on"
        yield facts.path, "import", f"line {facts.imported[module]}: {why}"


def _missing_names(
    facts: PythonFacts, missing: AbstractSet[str], module: PythonFacts, modules: Modules
) -> Iterator[Finding]:
    for name in sorted(missing):
        if not module.is_open and f"{module.module}.{name}" not in modules:
            line = facts.needed[module.module][name]
            yield facts.path, "import", f"line {line}: {module.module} has no {name}"


def _unused(modules: Modules, run: frozenset[str]) -> Iterator[Finding]:
    """Every module is imported or run, and what only tests import is one of theirs."""
    if ENTRYPOINT not in modules:
        yield "main.py", "unused", "there is no main.py, where everything starts"
        return
    used = _reached(modules, {ENTRYPOINT, *run} & modules.keys(), frozenset())
    others = modules.keys() - used
    tested = _reached(modules, set(filter(_is_test, others)), used)
    for module in sorted(others):
        if module not in tested:
            yield modules[module].path, "unused", "nothing imports or runs it"
        elif _package(module) != TESTS:
            yield modules[module].path, "unused", "only tests import it"


def _is_test(module: str) -> bool:
    name = module.rpartition(".")[2]
    return _package(module) == TESTS and (name.startswith("test_") or name == "conftest")


def _reached(modules: Modules, starts: set[str], known: AbstractSet[str]) -> set[str]:
    """Return the modules that `starts` import, directly or not, and these; without the `known`."""
    reached: set[str] = set()
    waiting = starts - known
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= (modules[module].uses & modules.keys()) - reached - known
    return reached


def _package(module: str) -> str:
    return module.partition(".")[0]
