"""No project can be called like something that a project depends on, direct or not."""

import json
import subprocess

import pytest

from agentcore_new.names import reserved_names
from contract.environments import python_of
from contract.projects import ONE_EACH, Variant, each

pytestmark = [pytest.mark.real, each(ONE_EACH)]

INSTALLED = """
import json
from importlib.metadata import distributions, packages_distributions
names = {each.metadata["Name"] for each in distributions()} | set(packages_distributions())
print(json.dumps(sorted(name for name in names if not name.startswith("_"))))
"""


def test_every_installed_name_is_reserved(variant: Variant) -> None:
    python = python_of(variant.framework)
    installed = json.loads(subprocess.check_output([python, "-c", INSTALLED], text=True))
    # a name that no project can have anyway: with a dot, or starting with no letter
    names = {name.lower().replace("_", "-") for name in installed if name.isidentifier()}
    names |= {name.lower().replace("_", "-") for name in installed if "-" in name}
    assert names - reserved_names() == set()
