#only transcript
"""What holds for the transcripts of this agent, wherever its sessions are kept."""

import asyncio

import pytest

import main
import model.offline
from tests.client import act, ask

USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
PROVIDER_TEXT = "what the provider said"


async def said(session: str, headers: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Who said what."""
    history = await act("history", session, headers)
    return [(message["role"], message["message"]) for message in history["messages"]]


def test_what_was_said_is_recorded_in_order(session: str) -> None:
    async def run() -> None:
        await ask("hello", session)
        await ask("and\nagain", session)
        assert await said(session) == [
            ("user", "hello"),
            ("assistant", "Offline reply 1 to: hello"),
            ("user", "and\nagain"),
            ("assistant", "Offline reply 2 to: and\nagain"),
        ]

    asyncio.run(run())


def test_a_turn_without_a_session_is_not_recorded(session: str) -> None:
    async def run() -> None:
        nobody = {USER_HEADER: f"nobody {session}"}
        await ask("hello", None, nobody)
        assert await act("sessions", None, nobody) == {"sessions": []}
        assert "session id" in (await act("history"))["error"]

    asyncio.run(run())


def test_a_failed_turn_is_recorded_without_the_providers_words(
    session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(turn: int, prompt: str) -> str:
        raise RuntimeError(PROVIDER_TEXT)

    async def run() -> None:
        failed = await ask("lost", session)
        prompt, error = (await act("history", session))["messages"]
        assert (prompt["role"], prompt["message"]) == ("user", "lost")
        assert (error["role"], error["message"]) == ("error", failed.error)
        assert error["metadata"]["request_id"] in failed.error
        status = await act("status", session)
        assert (status["status"], status["issues"]) == ("failed", [failed.error])

    monkeypatch.setattr(model.offline, "reply", fail)
    asyncio.run(run())


def test_a_transcript_belongs_to_its_user(session: str) -> None:
    async def run() -> None:
        ann, bob = {USER_HEADER: f"ann {session}"}, {USER_HEADER: f"bob {session}"}
        await ask("mine", session, ann)
        assert await said(session, bob) == []
        assert (await act("status", session, bob))["status"] == "idle"
        assert await act("sessions", session, bob, user_id="ann") == {"sessions": []}
        assert (await act("forget", session, bob))["messages"] == 0
        assert len(await said(session, ann)) == 2
        (listed,) = (await act("sessions", None, ann))["sessions"]
        assert (listed["session_id"], listed["first_line"]) == (session, "mine")

    asyncio.run(run())


def test_history_pages_backwards(session: str) -> None:
    async def run() -> None:
        for number in range(5):
            await ask(f"prompt {number}", session)
        pages: list[list[str]] = []
        before = None
        while not pages or before:
            page = await act("history", session, limit=3, before=before)
            pages.append([message["message"] for message in page["messages"]])
            before = page["before"]
        assert [len(page) for page in pages] == [3, 3, 3, 1]
        in_order = [text for page in reversed(pages) for text in page]
        assert in_order == [text for _, text in await said(session)]

    asyncio.run(run())


def test_a_forgotten_session_starts_anew(session: str) -> None:
    async def run() -> None:
        await ask("hello", session)
        assert (await act("status", session))["status"] == "done"
        assert await act("forget", session) == {"forgotten": True, "messages": 2}
        assert await said(session) == []
        assert (await ask("hello", session)).reply == "Offline reply 1 to: hello"

    asyncio.run(run())


def test_a_session_can_begin_with_a_context(session: str) -> None:
    async def run() -> None:
        key = await main.transcripts.create_session(None, {"page": "help"}, session_id=session)
        await ask("hello", session)
        context = await main.transcripts.get_conversation_context(key)
        assert [(each["role"], each["content"]) for each in context] == [
            ("system", '{"page": "help"}'),
            ("user", "hello"),
            ("assistant", "Offline reply 1 to: hello"),
        ]

    asyncio.run(run())


@pytest.mark.parametrize("action", ["dance", "", None, 1, ["history"], {}])
def test_an_unknown_action_is_refused(session: str, action: object) -> None:
    async def run() -> None:
        error = (await act(action, session))["error"]
        assert error == "The action must be one of: history, status, sessions, forget."

    asyncio.run(run())
