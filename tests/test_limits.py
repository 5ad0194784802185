"""The limits that a project's README names are those that it has, and fit the platform's."""

import inspect
import re
from importlib import import_module

import generated
import pytest

from agentcore_new import render
from agentcore_new.answers import complete

UNITS = {"MiB": 1024 * 1024}
ROW = re.compile(r"^\| .+ \| ([\d,]+)(?: (\w+))? \| `(\w+)` in `serving/([\w/]+)\.py` \|$", re.M)
SECTION = generated.FILES["README.md"].partition("## Limits")[2].partition("\n## ")[0]
LIMITS = {
    (module, name): int(number.replace(",", "")) * UNITS.get(unit, 1)
    for number, unit, name, module in ROW.findall(SECTION)
}


def actual(module: str, name: str) -> object:
    """The constant, or the default of the argument of SessionCache."""
    found = import_module(f"serving.{module.replace('/', '.')}")
    if module == "sessions":
        return inspect.signature(found.SessionCache).parameters[name].default
    return vars(found)[name]


def test_every_row_of_the_table_is_read() -> None:
    assert len(LIMITS) == SECTION.count("\n| ") - 2 == 17


@pytest.mark.parametrize(("module", "name"), LIMITS)
def test_a_limit_is_what_the_readme_says(module: str, name: str) -> None:
    assert actual(module, name) == LIMITS[module, name]


def test_limits_fit_those_of_the_platform() -> None:
    # a process is to be gone 12 seconds after a SIGTERM, and Python may take one of them
    assert LIMITS["server", "GRACE_SECONDS"] < LIMITS["server", "CLOSE_SECONDS"] <= 11
    assert LIMITS["body", "MAX_BODY_BYTES"] <= 100_000_000


@pytest.mark.parametrize(("stream", "minutes"), [(False, 15), (True, 60)])
def test_a_turn_ends_before_the_platform_ends_it(stream: bool, minutes: int) -> None:
    given = complete({"project_name": "my-agent", "framework": "strands", "stream": stream})
    files = render.render(given)
    (row,) = re.findall(r"\| ([\d,]+) seconds \| `TURN_SECONDS`", files["README.md"])
    (constant,) = re.findall(r"^TURN_SECONDS = ([\d_.]+)$", files["serving/turns.py"], re.M)
    assert float(constant) == float(row.replace(",", ""))
    # its caller is still to be told
    assert 60 * (minutes - 1) <= float(constant) <= 60 * minutes - 30
