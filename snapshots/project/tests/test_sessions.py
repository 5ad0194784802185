"""What holds for the sessions of this agent, whatever its model and its tools."""

import asyncio
import threading

import pytest

import main
import model.offline
from serving import turns
from tests.client import Answer, ask, post

USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
PROVIDER_TEXT = "what the provider said"


def offline_reply(turn: int, prompt: str) -> Answer:
    """The reply of the offline model, which counts the turns that it sees."""
    return Answer(f"Offline reply {turn} to: {prompt}")


def test_a_session_remembers_its_turns(session: str) -> None:
    async def run() -> None:
        for turn in (1, 2, 3):
            assert await ask("hello", session) == offline_reply(turn, "hello")

    asyncio.run(run())


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_turn_without_a_session_is_not_kept(missing: str | None) -> None:
    async def run() -> None:
        held = len(main.sessions)
        for _ in range(2):
            assert await ask("hello", missing) == offline_reply(1, "hello")
        assert len(main.sessions) == held

    asyncio.run(run())


def test_a_session_belongs_to_its_user(session: str) -> None:
    async def run() -> None:
        await ask("mine", session, {USER_HEADER: "ann"})
        for answer in (
            await ask("yours", session, {USER_HEADER: "bob"}),
            await ask("yours", session, {USER_HEADER: "eve"}, user_id="ann"),
            await ask("yours", session, user_id="ann", tenant_id="other"),
            await ask("yours", session),
        ):
            assert answer == offline_reply(1, "yours")
        assert await ask("mine", session, user_id="ann") == offline_reply(2, "mine")

    asyncio.run(run())


def test_the_payload_names_the_session_where_no_header_does(session: str) -> None:
    async def run() -> None:
        await ask("hello", session)
        assert await ask("hello", None, session_id=session) == offline_reply(2, "hello")
        assert await ask("hello", session, session_id=session) == offline_reply(3, "hello")
        assert (await ask("hello", session, session_id="another")).status == 400
        assert await ask("hello", session) == offline_reply(4, "hello")

    asyncio.run(run())


def test_the_least_recently_used_session_leaves_memory(session: str) -> None:
    async def run() -> None:
        for number in range(128):
            await ask("first", f"{session}-{number}")
        await ask("again", f"{session}-0")
        await ask("one too many", f"{session}-128")
        assert len(main.sessions) == 128
        assert await ask("kept", f"{session}-0") == offline_reply(3, "kept")
#if memory
        assert await ask("forgotten", f"{session}-1") == offline_reply(1, "forgotten")
#else
        assert await ask("recalled", f"{session}-1") == offline_reply(2, "recalled")
#end

    asyncio.run(run())


def test_concurrent_turns_of_a_session_run_one_at_a_time(session: str) -> None:
    async def run() -> None:
        answers = await asyncio.gather(*(ask("hello", session) for _ in range(32)))
        assert set(answers) == {offline_reply(turn, "hello") for turn in range(1, 33)}

    asyncio.run(run())


def test_a_session_in_use_stays_in_memory(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started, release = threading.Event(), threading.Event()
    offline = model.offline.reply

    async def hold(turn: int, prompt: str) -> str:
        if prompt == "hold":
            started.set()
            await asyncio.to_thread(release.wait)
        return await offline(turn, prompt)

    async def run() -> None:
        held = asyncio.create_task(ask("hold", session))
        await asyncio.to_thread(started.wait)
        for number in range(130):
            await ask("hello", f"{session}-{number}")
        release.set()
        assert await held == offline_reply(1, "hold")
        assert await ask("hello", session) == offline_reply(2, "hello")

    monkeypatch.setattr(model.offline, "reply", hold)
    asyncio.run(run())


def test_a_failed_turn_leaves_nothing(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(turn: int, prompt: str) -> str:
        raise RuntimeError(PROVIDER_TEXT)

    async def run() -> None:
        await ask("before", session)
        with monkeypatch.context() as patch:
            patch.setattr(model.offline, "reply", fail)
            failed = await ask("lost", session)
        assert failed.error.startswith("The agent could not answer. Request id: ")
        assert PROVIDER_TEXT not in failed.error
        assert await ask("after", session) == offline_reply(2, "after")

    asyncio.run(run())


def test_a_turn_over_its_time_leaves_nothing(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(turn: int, prompt: str) -> str:
        await asyncio.sleep(60)
        return "too late"

    async def run() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(model.offline, "reply", hang)
            patch.setattr(turns, "TURN_SECONDS", 0.1)
            late = await ask("lost", session)
        assert late.error.startswith("The agent took too long to answer. Request id: ")
        assert await ask("after", session) == offline_reply(1, "after")

    asyncio.run(run())


def test_a_session_keeps_its_last_turns(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_TURNS", 3)

    async def run() -> None:
        for turn in (1, 2, 3, 4, 4, 4):
            assert await ask("hello", session) == offline_reply(turn, "hello")

    asyncio.run(run())


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "hello",
        {},
        {"prompt": 1},
        {"prompt": " \n"},
        {"prompt": "x" * 100_001},
        {"prompt": "\ud800"},
        {"prompt": "hello", "user_id": ""},
        {"prompt": "hello", "user_id": "a\nb"},
        {"prompt": "hello", "tenant_id": 1},
        {"prompt": "hello", "tenant_id": "x" * 257},
        {"prompt": "hello", "session_id": None},
    ],
)
def test_a_malformed_payload_is_refused(session: str, payload: object) -> None:
    async def run() -> None:
        refused = await post(payload, session)
        assert (refused.status, refused.reply) == (400, "")
        assert refused.error.endswith(".")
        assert await ask("hello", session) == offline_reply(1, "hello")

    asyncio.run(run())
