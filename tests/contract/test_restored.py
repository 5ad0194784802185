"""Machines that were started from one picture of the memory do not draw the same numbers."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.projects import ONE_EACH, Variant, each
from contract.server import Server, serve

pytestmark = [pytest.mark.real, each(ONE_EACH)]

SEEDED = """
import random

random.seed(7)
"""


class Alike(Variant):
    """A project of which every process begins with the same state, and whose tool draws from it."""

    def files(self) -> dict[str, str]:
        files = super().files()
        agent = files["agent.py"]
        assert agent.count("return a + b") == 1
        return {
            **files,
            "agent.py": agent.replace("return a + b", "return random.random()") + SEEDED,
        }


@pytest.fixture
def machines(variant: Variant, model_server: FakeModels, tmp_path: Path) -> Iterator[list[Server]]:
    """Two of them."""
    alike = Alike(**asdict(variant))
    with ExitStack() as stack:
        yield [
            stack.enter_context(serve(alike, tmp_path / name, model_server.env(variant.provider)))
            for name in ("one", "two")
        ]


def test_machines_that_were_alike_draw_other_numbers(machines: list[Server]) -> None:
    drawn = [machine.client.ask("draw <<tool=add_numbers:1:2>>", "s").text for machine in machines]
    assert all(text.startswith("tool said 0.") for text in drawn), drawn
    assert drawn[0] != drawn[1]
