"""The code as it is at a release: between releases no project can be brought up to date."""

import pytest

from agentcore_new import answers
from agentcore_new.updating import record, update
from updating.projects import NOW


@pytest.fixture(autouse=True)
def at_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (answers, record, update):
        monkeypatch.setattr(module, "__version__", NOW)
