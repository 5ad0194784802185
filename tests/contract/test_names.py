"""No project can be called like something that a project depends on, direct or not."""

import pytest

from agentcore_new.names import reserved_names
from contract.environments import names_in, python_of
from contract.projects import ONE_EACH, Variant, each

pytestmark = [pytest.mark.real, each(ONE_EACH)]


def test_every_installed_name_is_reserved(variant: Variant) -> None:
    assert names_in(python_of(variant.framework)) - reserved_names() == set()
