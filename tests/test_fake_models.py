"""The fake model server, spoken to by the real SDKs of the providers."""

import http.client
import json
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fake_models import FakeModels, ToolCall, certificate
from fake_models.environment import KEY, REGION, identity
from fake_models.identity import UNKNOWN, key_of
from fake_models.sdks import (
    CHATS,
    Anthropic,
    AnthropicBedrock,
    BedrockConverse,
    Chat,
    Gemini,
    OpenAIChat,
    OpenAIResponses,
    boto3,
)
from fake_models.wire import REDACTED, SIGNATURE

pytestmark = [
    pytest.mark.real,
    # boto3 leaves the socket of a stream that was cut to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
both_ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
each_sdk = pytest.mark.parametrize("sdk", CHATS, ids=lambda sdk: sdk.protocol)

SECRET = "PROVIDER-SECRET-TEXT"
ADD = ToolCall("call_1", "add_numbers", {"a": 2, "b": 3})
OTHER = ToolCall("call_2", "add_numbers", {"a": 4, "b": 5})


@pytest.fixture(scope="module")
def server() -> Iterator[FakeModels]:
    """One server for all tests here, and the environment of all providers."""
    with FakeModels() as models, pytest.MonkeyPatch.context() as patch:
        for provider in ("bedrock", "anthropic", "openai", "gemini"):
            for name, value in models.env(provider).items():
                patch.setenv(name, value)
        yield models
        Chat.close_all()


@pytest.fixture(autouse=True)
def models(server: FakeModels) -> Iterator[FakeModels]:
    """The server without memory of the test before."""
    server.clear()
    yield server
    server.clear()


def said(sdk: type[Chat], prompt: str, *, streamed: bool) -> str:
    """The reply to one prompt."""
    chat = sdk()
    chat.user(prompt)
    return chat.ask(streamed=streamed)[0]


@each_sdk
@both_ways
def test_a_conversation(models: FakeModels, sdk: type[Chat], streamed: bool) -> None:
    chat = sdk()
    chat.user("hello there")
    assert chat.ask(streamed=streamed) == ("turn 1: hello there", [])
    chat.assistant("turn 1: hello there")
    chat.user("and <<delay=0.01>> now")
    assert chat.ask(streamed=streamed)[0] == "turn 2: and  now"
    first, second = models.requests
    assert (first.protocol, first.streamed, first.status) == (sdk.protocol, streamed, 200)
    assert (second.tools, second.end) == (("add_numbers",), "complete")
    assert models.transcript("and <<delay=0.01>> now") == [
        ("user", "hello there"),
        ("assistant", "turn 1: hello there"),
        ("user", "and  now"),
    ]


@each_sdk
def test_a_stream_has_many_chunks(sdk: type[Chat]) -> None:
    chat = sdk()
    chat.user("héllo\n wörld 🎉 <<chunks=20>>")
    pieces = list(chat.pieces())
    assert len(pieces) == 20
    assert "".join(map(str, pieces)).startswith("turn 1: héllo\n wörld 🎉 word6 ")


@each_sdk
@both_ways
@pytest.mark.parametrize("directive", ["tool", "tool-then-fail", "bad-tool"])
def test_a_tool_round_trip(
    models: FakeModels, sdk: type[Chat], streamed: bool, directive: str
) -> None:
    values = "" if directive == "bad-tool" else ":2:3"
    arguments = {"a": "x"} if directive == "bad-tool" else {"a": 2, "b": 3}
    chat = sdk()
    chat.user(f"please <<{directive}=add_numbers{values}>>")
    text, (call,) = chat.ask(streamed=streamed)
    assert (text, call.name, call.arguments) == ("", "add_numbers", arguments)
    chat.assistant("", call)
    chat.results((call, "5"))
    if directive == "tool-then-fail":
        with pytest.raises(Exception, match=f"500|{SECRET}"):
            chat.ask(streamed=streamed)
        assert [r.status for r in models.requests] == [200, 500]
        return
    assert chat.ask(streamed=streamed) == ("tool said 5", [])
    chat.assistant("tool said 5")
    chat.user("next")
    assert chat.ask(streamed=streamed)[0] == "turn 2: next"
    assert [role for role, _ in models.transcript("next")] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]
    asked, answered = models.requests[-1].messages[1:3]
    assert (asked.tool_calls[0].arguments, answered.tool_results[0].text) == (arguments, "5")


@each_sdk
@both_ways
def test_two_tools_at_once(sdk: type[Chat], streamed: bool) -> None:
    chat = sdk()
    chat.user("<<tool=add_numbers:2:3>> <<tool=add_numbers:4:5>>")
    _, calls = chat.ask(streamed=streamed)
    assert [call.arguments for call in calls] == [{"a": 2, "b": 3}, {"a": 4, "b": 5}]
    chat.assistant("", *calls)
    chat.results((calls[0], "5"), (calls[1], "9"))
    assert chat.ask(streamed=streamed)[0] == "tool said 5, 9"


ERRORS = {
    OpenAIChat: ("InternalServerError", "RateLimitError", "BadRequestError"),
    OpenAIResponses: ("InternalServerError", "RateLimitError", "BadRequestError"),
    Anthropic: ("InternalServerError", "RateLimitError", "BadRequestError"),
    AnthropicBedrock: ("InternalServerError", "RateLimitError", "BadRequestError"),
    BedrockConverse: ("InternalServerException", "ThrottlingException", "ValidationException"),
    Gemini: ("ServerError", "ClientError", "ClientError"),
}


@each_sdk
@both_ways
def test_errors_are_those_of_the_sdk(models: FakeModels, sdk: type[Chat], streamed: bool) -> None:
    for status, name in zip((500, 429, 400), ERRORS[sdk], strict=True):
        with pytest.raises(Exception, match=SECRET) as caught:
            said(sdk, f"<<fail={status}>> hello", streamed=streamed)
        assert type(caught.value).__name__ == name
    assert [r.status for r in models.requests] == [500, 429, 400]


@each_sdk
@both_ways
def test_a_hang_up_before_any_byte(models: FakeModels, sdk: type[Chat], streamed: bool) -> None:
    with pytest.raises(Exception, match=r"(?i)connection|disconnected"):
        said(sdk, "<<hangup>> hello", streamed=streamed)
    assert [(r.status, r.end) for r in models.requests] == [(0, "cut")]


@each_sdk
def test_a_hang_up_in_the_middle_of_a_stream(models: FakeModels, sdk: type[Chat]) -> None:
    chat = sdk()
    got: list[str | ToolCall] = []
    chat.user("<<hangup-after=2>> hello")
    with pytest.raises(Exception, match=r"(?i)connection|prematurely"):
        got.extend(chat.pieces())
    # (extend has kept what came before the error)
    assert got == ["turn", " 1:"]
    assert [(r.status, r.end) for r in models.requests] == [(200, "cut")]


@each_sdk
def test_a_hang_up_in_the_middle_of_a_body(models: FakeModels, sdk: type[Chat]) -> None:
    # boto3 takes half a body for a reply without fields: that is how it is
    with pytest.raises(Exception, match=r"(?i)connection|output"):
        said(sdk, "<<hangup-after=2>> hello", streamed=False)
    assert models.requests[-1].end == "cut"


@each_sdk
def test_an_error_in_the_stream(sdk: type[Chat]) -> None:
    chat = sdk()
    got: list[str | ToolCall] = []
    chat.user("<<error-after=2>> hello")
    with pytest.raises(Exception, match=SECRET):
        got.extend(chat.pieces())
    assert got == ["turn", " 1:"]


@each_sdk
@both_ways
def test_an_empty_and_a_blocked_reply(sdk: type[Chat], streamed: bool) -> None:
    assert said(sdk, "<<empty>> hello", streamed=streamed) == ""
    blocked = said(sdk, "<<blocked>> hello", streamed=streamed)
    assert blocked in ("", "Sorry, the model cannot answer this question.")


MESSAGES = {"messages": [{"role": "user", "content": "<<blocked>>"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "<<blocked>>"}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "<<blocked>>"}]}]}
INVOKE = {**MESSAGES, "max_tokens": 9, "anthropic_version": "bedrock-2023-05-31"}
CHAT = {**MESSAGES, "model": "m"}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v1/chat/completions", CHAT, "content_filter"),
        ("/v1beta/openai/chat/completions", CHAT, "content_filter"),
        ("/v1/responses", {"model": "m", "input": "<<blocked>>"}, "content_filter"),
        ("/v1/messages", {**MESSAGES, "model": "m", "max_tokens": 9}, "refusal"),
        ("/model/a%3A0/invoke", INVOKE, "refusal"),
        ("/model/a:b%2Fc/converse", CONVERSE, "guardrail_intervened"),
        ("/v1beta/models/gemini:generateContent", CONTENTS, "SAFETY"),
        ("/v1/models/gemini:generateContent", CONTENTS, "SAFETY"),
    ],
)
def test_each_provider_names_its_block(
    models: FakeModels, path: str, body: dict[str, object], word: str
) -> None:
    assert word in post(models, path, body)


def test_requests_without_a_key_or_sense_are_refused(models: FakeModels) -> None:
    keyless: dict[str, str] = {}
    wanted = {
        "/v1/chat/completions": 401,
        "/v1/responses": 401,
        "/v1/messages": 401,
        "/v1beta/models/gemini:generateContent": 401,
        "/model/a/converse": 403,
        "/model/a/invoke": 403,
        "/nowhere": 404,
    }
    for path, status in wanted.items():
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(models, path, CHAT, headers=keyless)
        assert caught.value.code == status
        if status != 404:
            with pytest.raises(urllib.error.HTTPError) as caught:
                post(models, path, [])
            assert caught.value.code == 400


def post(models: FakeModels, path: str, body: object, headers: dict[str, str] | None = None) -> str:
    """What comes back for a raw request with every key there is."""
    keys = {"Authorization": "Bearer x", "x-api-key": "x", "x-goog-api-key": "x"}
    given = keys if headers is None else headers
    request = urllib.request.Request(models.url + path, json.dumps(body).encode(), given)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(answer.read().decode())


def _blank(chat: Chat) -> None:
    chat.user(" ")


def _assistant_first(chat: Chat) -> None:
    chat.assistant("hi")
    chat.user("hello")


def _twice(chat: Chat) -> None:
    chat.user("hello")
    chat.user("again")


def _empty_reply_kept(chat: Chat) -> None:
    chat.user("hello")
    chat.assistant("")
    chat.user("again")


def _ends_with_the_model(chat: Chat) -> None:
    chat.user("hello")
    chat.assistant("hi")


def _unanswered(chat: Chat) -> None:
    chat.user("hello")
    chat.assistant("", ADD)
    chat.user("again")


def _half_answered(chat: Chat) -> None:
    chat.user("hello")
    chat.assistant("", ADD, OTHER)
    chat.results((ADD, "5"))


def _orphan(chat: Chat) -> None:
    chat.user("hello")
    chat.assistant("hi")
    chat.results((ADD, "5"))


def _nothing(chat: Chat) -> None:
    chat.history = []


Build = Callable[[Chat], None]
OPENAI, CLAUDE = (OpenAIChat, OpenAIResponses), (Anthropic, AnthropicBedrock)
REDACTS = (*CLAUDE, BedrockConverse)
REFUSED: list[tuple[Build, tuple[type[Chat], ...], str]] = [
    (_nothing, (*CLAUDE, BedrockConverse), "at least one message"),
    (_nothing, (OpenAIChat,), "empty array"),
    (_blank, CLAUDE, "non-whitespace text"),
    (_blank, (BedrockConverse,), "is blank"),
    (_assistant_first, CLAUDE, "first message"),
    (_assistant_first, (BedrockConverse,), "start with a user message"),
    (_twice, (BedrockConverse,), "alternate"),
    (_empty_reply_kept, CLAUDE, "non-empty content"),
    (_empty_reply_kept, (BedrockConverse,), "is empty"),
    (_empty_reply_kept, (OpenAIChat,), "got null"),
    (_empty_reply_kept, (Gemini,), "parts must not be empty"),
    (_ends_with_the_model, (*CLAUDE, BedrockConverse), "prefill"),
    (_ends_with_the_model, (Gemini,), "end with a user role"),
    (_unanswered, CLAUDE, "without `tool_result`"),
    (_unanswered, (BedrockConverse,), "Expected toolResult"),
    (_unanswered, (OpenAIChat,), "must be followed by tool messages"),
    (_unanswered, (OpenAIResponses,), "No tool output found"),
    (_unanswered, (Gemini,), "function response parts"),
    (_half_answered, CLAUDE, "without `tool_result`"),
    (_half_answered, (BedrockConverse,), "Expected toolResult"),
    (_half_answered, (OpenAIChat,), "must be followed by tool messages"),
    (_half_answered, (OpenAIResponses,), "No tool output found"),
    (_half_answered, (Gemini,), "function response parts"),
    (_orphan, CLAUDE, "unexpected `tool_use_id`"),
    (_orphan, (BedrockConverse,), "exceeds the number of toolUse"),
    (_orphan, (OpenAIChat,), "must be a response to a preceding"),
    (_orphan, (OpenAIResponses,), "No tool call found"),
    (_orphan, (Gemini,), "function response parts"),
]


@both_ways
@pytest.mark.parametrize(
    ("build", "sdk", "match"),
    [
        pytest.param(build, sdk, match, id=f"{sdk.protocol}{build.__name__}")
        for build, sdks, match in REFUSED
        for sdk in sdks
    ],
)
def test_as_strict_as_the_provider(
    models: FakeModels, sdk: type[Chat], build: Build, match: str, streamed: bool
) -> None:
    chat = sdk()
    build(chat)
    with pytest.raises(Exception, match=match):
        chat.ask(streamed=streamed)
    assert models.requests[-1].status == 400


@pytest.mark.parametrize("sdk", [*OPENAI, *CLAUDE, Gemini], ids=lambda sdk: sdk.protocol)
def test_two_user_messages_in_a_row_are_seen(models: FakeModels, sdk: type[Chat]) -> None:
    chat = sdk()
    _twice(chat)
    assert chat.ask(streamed=True)[0] == "turn 2: again"
    assert models.transcript("again") == [("user", "hello"), ("user", "again")]


def test_gemini_3_wants_its_thought_signature_back() -> None:
    chat = Gemini()
    chat.user("hello")
    chat.assistant("", ADD)
    chat.history[-1].parts[0].thought_signature = None
    chat.results((ADD, "5"))
    with pytest.raises(Exception, match="thought_signature"):
        chat.ask(streamed=True)


@pytest.mark.parametrize(
    ("content", "status", "match"),
    [([{"json": 5}], "success", "json object"), ([], "error", "cannot be empty")],
)
def test_converse_wants_objects_as_results(
    content: list[dict[str, object]], status: str, match: str
) -> None:
    chat = BedrockConverse()
    chat.user("hello")
    chat.assistant("", ADD)
    result = {"toolUseId": ADD.id, "content": content, "status": status}
    chat.history.append({"role": "user", "content": [{"toolResult": result}]})
    with pytest.raises(Exception, match=match):
        chat.ask(streamed=False)


@pytest.mark.parametrize("wrapped", ["5", '{"result": 5}', '{"result": "5"}'])
def test_a_wrapped_tool_result_is_its_value(wrapped: str) -> None:
    chat = OpenAIChat()
    chat.user("<<tool=add_numbers:2:3>>")
    chat.assistant("", ADD)
    chat.results((ADD, wrapped))
    assert chat.ask(streamed=False)[0] == "tool said 5"


@each_sdk
@both_ways
def test_a_request_is_held_until_released(
    models: FakeModels, sdk: type[Chat], streamed: bool
) -> None:
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(said, sdk, f"<<hold=a>> <<hold-after=2,b>> {n}", streamed=streamed)
            for n in range(3)
        ]
        models.wait_held("a", count=3)
        assert [r.end for r in models.requests] == ["open"] * 3
        models.release("a")
        models.wait_held("b", count=3)
        models.release("b")
        assert [a.result(10) for a in asked] == ["turn 1: 0", "turn 1: 1", "turn 1: 2"]


def test_what_is_never_held_times_out(models: FakeModels) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        models.wait_held("nobody", timeout=0.01)
    with pytest.raises(LookupError):
        models.transcript("never said")


def test_a_client_that_leaves_is_noticed(models: FakeModels) -> None:
    chat = OpenAIChat()
    chat.client = chat.client.with_options(timeout=0.2)
    chat.user("<<hold=ever>>")
    with pytest.raises(Exception, match="timed out"):
        chat.whole()
    deadline = time.monotonic() + 5
    while models.requests[-1].end != "left" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert models.requests[-1].end == "left"


def test_many_at_once_do_not_mix() -> None:
    chats = [CHATS[n % len(CHATS)]() for n in range(24)]
    for n, chat in enumerate(chats):
        chat.user(f"<<chunk-delay=0.01>> I am {n}")
    with ThreadPoolExecutor(24) as pool:
        replies = pool.map(lambda chat: chat.ask(streamed=True)[0], chats)
        assert list(replies) == [f"turn 1: I am {n}" for n in range(24)]


def test_connections_are_kept_alive(models: FakeModels) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", models.port)
    connection.connect()
    socket = connection.sock
    for streamed in (False, True, False):
        body = json.dumps({"model": "m", "input": "hi", "stream": streamed})
        connection.request("POST", "/v1/responses", body, {"Authorization": "Bearer x"})
        assert b"turn 1: hi" in connection.getresponse().read()
        assert connection.sock is socket
    connection.close()


def test_a_process_of_its_own_keeps_nothing() -> None:
    command = [sys.executable, "-m", "fake_models", "--port", "0", "--latency", "0.05"]
    with subprocess.Popen(
        [*command, "--no-record"], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    ) as process:
        assert process.stdout is not None
        models = FakeModels(port=int(process.stdout.readline()))
        started = time.monotonic()
        assert "turn 1: hi" in post(models, "/v1/responses", {"model": "m", "input": "hi"})
        assert time.monotonic() - started >= 0.05
        process.terminate()


def test_without_a_record_nothing_is_kept() -> None:
    with FakeModels(record=False) as models:
        post(models, "/v1/responses", {"model": "m", "input": "hi"})
        assert models.requests == []


@each_sdk
@both_ways
def test_one_tool_after_the_other(models: FakeModels, sdk: type[Chat], streamed: bool) -> None:
    chat = sdk()
    chat.user("<<tool=add_numbers:2:3;add_numbers:_:4>> <<say=let me see>>")
    for arguments, result in (({"a": 2, "b": 3}, "5"), ({"a": 5, "b": 4}, "9")):
        text, (call,) = chat.ask(streamed=streamed)
        assert (text, call.arguments) == ("let me see", arguments)
        chat.assistant(text, call)
        chat.results((call, result))
    assert chat.ask(streamed=streamed) == ("tool said 5, 9", [])
    assert [request.status for request in models.requests] == [200] * 3


ENDS = {
    OpenAIChat: ("length", "content_filter"),
    OpenAIResponses: ("max_output_tokens", "content_filter"),
    Anthropic: ("max_tokens", "refusal"),
    AnthropicBedrock: ("max_tokens", "refusal"),
    BedrockConverse: ("max_tokens", "content_filtered"),
    Gemini: ("FinishReason.MAX_TOKENS", "FinishReason.SAFETY"),
}


@each_sdk
@both_ways
def test_a_text_that_is_cut(sdk: type[Chat], streamed: bool) -> None:
    for cut, name in zip(("length", "filter"), ENDS[sdk], strict=True):
        chat = sdk()
        chat.user(f"hello <<cut={cut}>>")
        assert chat.ask(streamed=streamed)[0] == "turn 1: hello"
        assert chat.ended == name


@each_sdk
@both_ways
@pytest.mark.parametrize("directive", ["<<thoughts=hm hm>>", "<<tool=f:1>> <<thoughts=hm hm>>"])
def test_thoughts_are_apart(sdk: type[Chat], streamed: bool, directive: str) -> None:
    chat = sdk()
    chat.user(f"hello {directive}")
    text, calls = chat.ask(streamed=streamed)
    assert (text, len(calls)) == (("", 1) if "tool" in directive else ("turn 1: hello", 0))
    assert chat.thoughts == ("" if sdk is OpenAIChat else "hm hm")


@pytest.mark.parametrize("sdk", [Anthropic, AnthropicBedrock, BedrockConverse])
@pytest.mark.parametrize("given", [SIGNATURE, "forged"])
def test_thoughts_come_back_as_they_were(sdk: type[Chat], given: str) -> None:
    chat = sdk()
    chat.user("hello")
    chat.assistant("hi")
    block: dict[str, object] = {"type": "thinking", "thinking": "hm", "signature": given}
    if sdk is BedrockConverse:
        block = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": given}}}
    chat.history[-1]["content"].insert(0, block)
    chat.user("again")
    if given == "forged":
        with pytest.raises(Exception, match="Invalid `signature`"):
            chat.ask(streamed=False)
    else:
        assert chat.ask(streamed=False)[0] == "turn 2: again"


def redacted(sdk: type[Chat], data: str) -> dict[str, object]:
    """Thoughts that nobody may read, as they go back to the model."""
    if sdk is BedrockConverse:
        return {"reasoningContent": {"redactedContent": b64decode(data)}}
    return {"type": "redacted_thinking", "data": data}


@each_sdk
@both_ways
def test_thoughts_that_nobody_may_read(sdk: type[Chat], streamed: bool) -> None:
    chat = sdk()
    chat.user("hello <<redacted>> <<thoughts=hm hm>>")
    assert chat.ask(streamed=streamed)[0] == "turn 1: hello"
    assert chat.redacted == (b64decode(REDACTED) if sdk in REDACTS else b"")


@pytest.mark.parametrize("sdk", REDACTS)
@pytest.mark.parametrize("given", [REDACTED, "Zm9yZ2Vk"], ids=["genuine", "forged"])
def test_redacted_thoughts_come_back_as_they_were(sdk: type[Chat], given: str) -> None:
    chat = sdk()
    chat.user("hello")
    chat.assistant("hi")
    chat.history[-1]["content"].insert(0, redacted(sdk, given))
    chat.user("again")
    if given == REDACTED:
        assert chat.ask(streamed=False)[0] == "turn 2: again"
    else:
        with pytest.raises(Exception, match="Invalid `data`"):
            chat.ask(streamed=False)


def test_gemini_refuses_a_forged_signature() -> None:
    for signature in (b64decode(SIGNATURE), b"forged"):
        chat = Gemini()
        chat.user("hello")
        chat.assistant("hi")
        chat.history[-1].parts[0].thought_signature = signature
        chat.user("again")
        if signature == b"forged":
            with pytest.raises(Exception, match="signature is not valid"):
                chat.ask(streamed=False)
        else:
            assert chat.ask(streamed=False)[0] == "turn 2: again"


@both_ways
def test_gemini_signs_what_it_said_after_thoughts(models: FakeModels, streamed: bool) -> None:
    kind = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    contents = {"contents": [{"role": "user", "parts": [{"text": "hello <<thoughts=hm>>"}]}]}
    said_once = post(models, f"/v1beta/models/gemini:{kind}", contents)
    assert said_once.count(f'"thoughtSignature":"{SIGNATURE}"') == 1


@each_sdk
@both_ways
def test_what_a_bad_tool_is_given(sdk: type[Chat], streamed: bool) -> None:
    chat = sdk()
    chat.user('<<bad-tool=add_numbers>> <<arguments={"a": {"$bytes": "aGk="}}>>')
    _, (call,) = chat.ask(streamed=streamed)
    assert call.arguments == {"a": {"$bytes": "aGk="}}


PATHS = {
    "/v1/chat/completions": "chatcmpl-",
    "/v1/responses": "msg_",
    "/v1/messages": "msg_",
    "/v1beta/models/gemini:generateContent": "responseId",
    "/model/a/converse": "tooluse_",
}


@pytest.mark.parametrize("path", PATHS)
def test_ids_can_be_made_of_words(models: FakeModels, path: str) -> None:
    def answer(words: str) -> str:
        prompt = f"<<tool=f:1>> <<tool=f:2>> <<say=I see>> {words}"
        body = json.dumps({**CHAT, **CONTENTS, "max_tokens": 9, "input": "<<blocked>>"})
        if "converse" in path:
            body = json.dumps(CONVERSE)
        text = post(models, path, json.loads(body.replace("<<blocked>>", prompt)))
        return re.sub(r'"created(_at)?":\d+', "", text)

    first, again, others = (answer(f"<<ids={words}>>") for words in ("one", "one", "two"))
    assert PATHS[path] in first
    assert first == again != others
    assert answer("") != answer("")


def test_ids_of_one_conversation_differ(models: FakeModels) -> None:
    chat = Anthropic()
    seen = set()
    for _ in range(3):
        chat.user("<<tool=f:1>> <<tool=f:2>> <<ids=one>>")
        _, calls = chat.ask(streamed=True)
        seen |= {call.id for call in calls}
        chat.assistant("", *calls)
        chat.results(*((call, "done") for call in calls))
        chat.assistant("done")
    assert len(seen) == 6
    assert models.requests[-1].body.count(b'"tool_use_id"') == 4


@each_sdk
@both_ways
def test_half_a_surrogate_pair(sdk: type[Chat], streamed: bool) -> None:
    assert said(sdk, r'<<reply=["half \ud83d", " of it"]>>', streamed=streamed) == (
        "half \ud83d of it"
    )
    # the halves of one pair, in two pieces: whole where they are joined before they are read
    text = said(sdk, r'<<reply=["smile \ud83d", "\ude00"]>>', streamed=streamed)
    assert text == ("smile \ud83d\ude00" if streamed else "smile 😀")
    chat = sdk()
    chat.user(r'<<tool=shout:"half \ud83d">>')
    if streamed and sdk in CLAUDE:
        # this SDK cannot read it, and says so
        with pytest.raises(ValueError, match="Unable to parse"):
            chat.ask(streamed=True)
    else:
        _, (call,) = chat.ask(streamed=streamed)
        assert call.arguments == {"a": "half \ud83d"}


def test_half_a_surrogate_pair_is_no_prompt(models: FakeModels) -> None:
    path, body = "/v1/responses", {"model": "m", "input": "half \ud83d"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(models, path, body)
    caught.value.close()
    assert (caught.value.code, models.requests[-1].error[:9]) == (400, "malformed")
    assert "smile" in post(models, path, {"model": "m", "input": "smile 😀"})


@each_sdk
def test_the_key_the_region_and_the_model_are_recorded(models: FakeModels, sdk: type[Chat]) -> None:
    region = REGION if sdk.provider == "bedrock" else ""
    said(sdk, "hello", streamed=False)
    (request,) = models.requests
    assert (request.key, request.region) == (KEY, region)
    assert "fake" in request.model or "claude" in request.model


def test_a_bearer_token_is_a_key_without_a_region(models: FakeModels) -> None:
    post(models, "/model/a/converse", CONVERSE, {"Authorization": "Bearer token"})
    (request,) = models.requests
    assert (request.key, request.region, request.model) == ("token", "", "a")


def test_agentcore_identity_keeps_keys(models: FakeModels, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in identity(models.url).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("bedrock-agentcore", region_name=REGION)

    def key(provider: str) -> str:
        given = client.get_resource_api_key(
            resourceCredentialProviderName=provider, workloadIdentityToken="token"
        )
        return str(given["apiKey"])

    assert key("mine") == key_of("mine") != key("yours")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=UNKNOWN):
        key(UNKNOWN)
    client.close()


def test_it_speaks_tls(tmp_path: Path) -> None:
    pem = certificate.write(tmp_path)
    trusted = ssl.create_default_context(cafile=certificate.trust(pem)["SSL_CERT_FILE"])
    with FakeModels(tls=certificate.context(pem)) as models:
        connection = http.client.HTTPSConnection("127.0.0.1", models.port, context=trusted)
        body = json.dumps({"model": "m", "input": "hi"})
        connection.request("POST", "/v1/responses", body, {"Authorization": "Bearer x"})
        assert b"turn 1: hi" in connection.getresponse().read()
        connection.close()
        assert models.url.startswith("https://")
