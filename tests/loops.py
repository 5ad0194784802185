"""The loops that async tests run on: bounded in time, and left clean.

anyio's plugin runs every `async def test_…` on a loop of its own, those of Hypothesis as well: each
example on another. What stays synchronous says why.
"""

import asyncio
import functools
import gc
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from typing import Any

import pytest

# A deadlock is to fail, not to hang; no test comes near this on a machine however busy.
DEADLOCK = 300

Test = Callable[..., Coroutine[Any, Any, None]]
Complaint = dict[str, Any]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The library that generated projects run on."""
    return "asyncio"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """See that an async test ends, and leaves no task and no unheard complaint behind."""
    complaints: list[Complaint] = []
    with _replaced(pyfuncitem, lambda test: _watched(test, complaints)) as is_async:
        result = yield
    if is_async:
        # A destroyed task or an unheard exception is found when it is freed. Objects of a test are
        # young; a full collection for each test would take most of the time.
        gc.collect(1)
        assert not complaints, complaints
    return result


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(20):  # the longest chain of steps between two waits is shorter
        await asyncio.sleep(0)


@contextmanager
def _replaced(item: pytest.Function, replace: Callable[[Test], Test]) -> Iterator[bool]:
    """Call another function for the block if the one of a test is async; whether it is."""
    hypothesis = getattr(item.obj, "hypothesis", None)  # has the function that @given was given
    place, name = (hypothesis, "inner_test") if hypothesis else (item, "obj")
    test = getattr(place, name)
    if not iscoroutinefunction(test):
        yield False
        return
    setattr(place, name, replace(test))
    try:
        yield True
    finally:
        setattr(place, name, test)


def _watched(test: Test, complaints: list[Complaint]) -> Test:
    @functools.wraps(test)
    async def run(*args: Any, **kwargs: Any) -> None:
        loop = asyncio.get_running_loop()
        of_anyio = loop.get_exception_handler()
        assert of_anyio

        def complain(loop: asyncio.AbstractEventLoop, said: Complaint) -> None:
            complaints.append(said)
            of_anyio(loop, said)  # which raises what was raised

        loop.set_exception_handler(complain)
        of_others = asyncio.all_tasks()
        async with asyncio.timeout(DEADLOCK):
            await test(*args, **kwargs)
        await settle()
        left = asyncio.all_tasks() - of_others
        assert not left, f"tasks left behind: {left}"

    return run
