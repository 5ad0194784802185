"""What the tests of the session cache share."""

import pytest

from session_cache.harness import Clock, Sessions


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def clock() -> Clock:
    return Clock()
