"""Asks an agent over HTTP, and gives its answer piece by piece as it comes."""

import codecs
import json
import socket
import ssl
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TextIO
from urllib.parse import urlsplit
from uuid import uuid4

from agentcore_new import errors
from agentcore_new.dev.reply import data_of, stopped, text_of, texts_of
from agentcore_new.dev.said import harmless, one_line, parsed, sentence_in

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
# As AgentCore takes them.
LONGEST_SESSION = 256
LONGEST_USER = 1_024

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 3_660.0  # a stream ends after an hour; whoever is silent for longer has gone
LONGEST_REFUSAL = 65_536  # bytes of it that are read
PIECE = 65_536

STARTED_BY = (
    "`agentcore-new dev` starts an agent at http://127.0.0.1:8000, `python main.py` one at"
    " http://127.0.0.1:8080, which --url names."
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an agent takes its invocations.

    Args:
        url: As it was given.
        is_safe: Whether it is asked by TLS.
        host: The machine.
        port: None is the usual one.
        path: What is asked there.
    """

    url: str
    is_safe: bool
    host: str
    port: int | None
    path: str

    def connection(self) -> HTTPConnection:
        """Return a connection that is not made yet; no proxy is asked, whatever is set."""
        kind = HTTPSConnection if self.is_safe else HTTPConnection
        return kind(self.host, self.port, timeout=CONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in which session.

    Raises:
        errors.UsageError: Neither has such an id.
    """

    session: str
    user: str | None = None

    def __post_init__(self) -> None:
        _check_id("--session", self.session, LONGEST_SESSION)
        if self.user is not None:
            _check_id("--user", self.user, LONGEST_USER)

    def headers(self) -> dict[str, bytes]:
        """Return the headers that say so."""
        named = {SESSION_HEADER: self.session}
        if self.user is not None:
            named[USER_HEADER] = self.user
        return {name: value.encode() for name, value in named.items()}


def new_session() -> str:
    """Return the id of a session that nobody has, as long as AgentCore wants one."""
    return str(uuid4())


def _check_id(flag: str, value: str, longest: int) -> None:
    if not 0 < len(value) <= longest or not value.isprintable() or value != value.strip():
        raise errors.UsageError(
            f"{flag} takes 1 to {longest:,} characters of a line, and no blank around them."
        )


def address_of(url: str) -> Address:
    """Return the address that a URL names.

    Raises:
        errors.UsageError: It names none.
    """
    wrong = errors.UsageError(
        f"--url {one_line(url, 200)!r} is no address of an agent.",
        hint="It is one like http://127.0.0.1:8000.",
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    is_plain = url.isascii() and url.isprintable() and " " not in url
    surplus = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or surplus or not is_plain:
        raise wrong
    path = parts.path.rstrip("/").removesuffix("/invocations")
    return Address(url, parts.scheme == "https", parts.hostname, port, f"{path}/invocations")


def answer(address: Address, prompt: str, caller: Caller) -> Generator[str]:
    """Ask, and give the pieces of the answer as they come.

    Raises:
        errors.InvocationFailed: There is no answer, or not all of it.
    """
    with closing(address.connection()) as connection:
        response = _ask(connection, address, prompt, caller)
        with closing(response):
            if response.status // 100 != 2:
                raise _refusal(response, address)
            kind = response.headers.get_content_type()
            pieces = _pieces(response)
            may_be_cut = not _says_its_length(response)
            if kind == "text/event-stream":
                yield from texts_of(data_of(pieces, may_be_cut=may_be_cut))
            elif kind == "text/plain" and "Content-Type" in response.headers:
                yield from pieces
            else:
                may_be_cut = may_be_cut and kind == "application/json"
                yield text_of("".join(pieces), may_be_cut=may_be_cut)


def print_answer(pieces: Iterable[str], to: TextIO) -> None:
    """Print an answer as it comes, and a newline at its end, also where it stops."""
    shown = harmless if to.isatty() else str
    last: str | None = None
    try:
        for piece in pieces:
            to.write(shown(piece))
            to.flush()
            last = piece or last or ""
    finally:
        if last is not None and not last.endswith("\n"):
            to.write("\n")
            to.flush()


def _ask(connection: HTTPConnection, address: Address, prompt: str, caller: Caller) -> HTTPResponse:
    headers: dict[str, str | bytes] = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        **caller.headers(),
    }
    try:
        connection.connect()
        connection.sock.settimeout(SILENT_SECONDS)
    except ConnectionRefusedError:
        raise errors.InvocationFailed(
            f"Nobody answers at {address.url}.", hint=STARTED_BY
        ) from None
    except (OSError, UnicodeError) as error:
        raise errors.InvocationFailed(
            f"{address.url} cannot be reached: {_reason(error)}."
        ) from error
    try:
        # Who refuses a request may do so before he has read it.
        with suppress(BrokenPipeError):
            connection.request("POST", address.path, json.dumps({"prompt": prompt}), headers)
        return connection.getresponse()
    except ConnectionError as error:
        raise errors.InvocationFailed(
            f"{address.url} closed the connection without an answer.", hint="Its log may say why."
        ) from error
    except TimeoutError as error:
        raise _silence(address) from error
    except (OSError, HTTPException) as error:
        raise errors.InvocationFailed(f"What answers at {address.url} is no HTTP agent.") from error


def _silence(address: Address) -> errors.InvocationFailed:
    return errors.InvocationFailed(f"{address.url} has been silent for an hour.")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not take the connection"
    if isinstance(error, socket.gaierror):
        return "there is no machine of that name"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return one_line(str(getattr(error, "strerror", None) or error))


def _refusal(response: HTTPResponse, address: Address) -> errors.InvocationFailed:
    """Return what a status other than success means, with the agent's own sentence."""
    body = b""
    with suppress(OSError, HTTPException):
        body = response.read(LONGEST_REFUSAL)
    text = body.decode("utf-8", "replace")
    status, said = response.status, sentence_in(text)
    if original := _original(text):
        status, said = original
    elif response.headers.get_content_type() == "text/html":
        said = ""  # a page for browsers, from whatever stands before the agent
    hint = f"Is there an agent at {address.url}?" if status == 404 else ""
    return errors.InvocationFailed(
        f"The agent answered {status}: {said}" if said else f"The agent answered {status}.", hint
    )


def _original(text: str) -> tuple[int, str] | None:
    """Return the status and the sentence of the agent itself, where the platform hides them."""
    with suppress(ValueError, TypeError, KeyError):
        original = parsed(text)["original"]
        return int(original["status"]), sentence_in(str(original["body"]))
    return None


def _says_its_length(response: HTTPResponse) -> bool:
    """Return whether HTTP itself tells a whole answer from one that is cut off."""
    return response.chunked or "Content-Length" in response.headers


def _pieces(response: HTTPResponse) -> Iterator[str]:
    """Give the text of a response as it comes."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    try:
        while data := response.read1(PIECE):
            yield decode(data)
    except TimeoutError:
        raise errors.InvocationFailed(
            "The agent's answer stopped in the middle: it has been silent for an hour."
        ) from None
    except (OSError, HTTPException) as error:
        raise stopped() from error
    if response.length:
        raise stopped()
    yield decode(b"", final=True)
