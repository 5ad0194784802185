"""The code as it is at a release: between releases no project can be brought up to date."""

import subprocess
import time

import pytest

from agentcore_new import answers
from agentcore_new.updating import record, update
from updating.projects import NOW
from updating.releases import ROOT


@pytest.fixture(autouse=True)
def at_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (answers, record, update):
        monkeypatch.setattr(module, "__version__", NOW)


@pytest.fixture(scope="session")
def releases() -> None:
    """The commits of releases are here, also in a clone of the last commits alone."""
    asked = ("git", "rev-parse", "--is-shallow-repository")
    fetch = ("git", "fetch", "--quiet", "--unshallow", "--tags")
    for _ in range(60):
        if subprocess.check_output(asked, cwd=ROOT, text=True).strip() != "true":
            return
        if subprocess.run(fetch, cwd=ROOT, check=False).returncode:
            time.sleep(1)  # another worker may be at it
    raise RuntimeError("The tests of updates need the commits of releases: git fetch --unshallow.")
