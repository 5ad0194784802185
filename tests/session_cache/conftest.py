"""What the tests of the session cache share."""

from collections.abc import Iterator

import pytest

from session_cache.harness import Clock, Sessions


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    made = Sessions()
    yield made
    assert not made.faults


@pytest.fixture
def clock() -> Clock:
    return Clock()
