"""What the agent does with its tools: the pattern for tests of your own.

Offline, the model calls the tool that a prompt names, and ends its reply with what that returned.
"""

import asyncio

from tests.client import ask


def test_a_tool_is_used(session: str) -> None:
    answer = asyncio.run(ask("Please add numbers 2 and 3", session))
    assert answer.reply.endswith(" add_numbers: 5")


def test_a_sum_is_added_up_by_the_tool(session: str) -> None:
    answer = asyncio.run(ask("What is 2 + 3?", session))
    assert answer.reply == "Offline reply 1 to: What is 2 + 3? add_numbers: 5"


def test_a_session_goes_on_after_a_tool(session: str) -> None:
    async def run() -> None:
        await ask("add_numbers 2 3", session)
        assert (await ask("hello", session)).reply == "Offline reply 2 to: hello"
        again = await ask("add_numbers 2.5 -1", session)
        assert again.reply == "Offline reply 3 to: add_numbers 2.5 -1 add_numbers: 1.5"

    asyncio.run(run())
