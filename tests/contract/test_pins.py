"""The environments of the frameworks are what is listed, and nothing else."""

import pins
import pytest

from contract.environments import installed_in, python_of
from contract.projects import ONE_EACH, Variant, each

pytestmark = [pytest.mark.real, pytest.mark.pinned, each(ONE_EACH)]


def test_the_environment_is_the_list(variant: Variant) -> None:
    environment, _ = pins.files_of(variant.framework)
    assert installed_in(python_of(variant.framework)) == pins.versions(pins.read(environment))
