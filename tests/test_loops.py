"""An async test that does not end, or leaves something behind, fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFTEST = """
import loops
from loops import anyio_backend, pytest_pyfunc_call

loops.DEADLOCK = 0.2
"""
TESTS = """
import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import settle


@pytest.fixture
async def running():
    task = asyncio.create_task(asyncio.Event().wait())
    yield task
    task.cancel()


async def test_what_a_fixture_started_may_stay(running):
    await asyncio.sleep(0)
    assert not running.done()


async def test_no_end():
    await asyncio.Event().wait()


async def test_a_task_left():
    left.append(asyncio.create_task(asyncio.Event().wait()))


async def test_an_error_that_nobody_hears():
    async def fail():
        raise ValueError("unheard")

    asyncio.create_task(fail())
    await settle()


async def test_a_complaint_without_an_error():
    asyncio.get_running_loop().call_exception_handler({"message": "a complaint"})


@given(number=st.integers(0, 9))
async def test_one_example_of_many(number):
    await asyncio.sleep(0)
    assert number != 7


@given(number=st.integers(0, 9))
async def test_all_examples(number):
    await asyncio.sleep(0)
    assert number < 10


left = []
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each of the tests above ended, and why."""
    folder = tmp_path_factory.mktemp("loops")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_them.py").write_text(TESTS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir=."),
            *("-o", f"pythonpath={ROOT / 'tests'}", "-p", "no:cacheprovider", "-rA", "--tb=line"),
            "test_them.py",
        ],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},  # reasons are cut to the width of the terminal
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    summary = done.stdout.partition("short test summary info")[2].splitlines()
    found = [line.partition(" test_them.py::") for line in summary if "::" in line]
    return {rest.split()[0]: f"{how} {rest}" for how, _, rest in found}


@pytest.mark.parametrize(
    ("test", "end"),
    [
        ("test_what_a_fixture_started_may_stay", "PASSED"),
        ("test_no_end", "TimeoutError"),
        ("test_a_task_left", "tasks left behind"),
        ("test_an_error_that_nobody_hears", "unheard"),
        ("test_a_complaint_without_an_error", "a complaint"),
        ("test_one_example_of_many", "FAILED"),
        ("test_all_examples", "PASSED"),
    ],
)
def test_an_end_is_told(ends: dict[str, str], test: str, end: str) -> None:
    assert end in ends[test]
