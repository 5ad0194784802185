"""The start of the server: on which port, and what it says of itself."""

import os
import socket

from model.settings import described
from serving.invocation import SESSION_HEADER

SESSION = "my-first-session-of-33-characters"  # fewer, AgentCore does not take
PAYLOAD = '{"prompt": "What is 2 + 3?"}'


def free_port() -> int:
    """Return the port that PORT names, on which nobody else listens.

    Raises:
        SystemExit: There is no such port; uncaught, it ends the program with one line.
    """
    text = os.environ.get("PORT") or "8080"
    if not (text.isdecimal() and len(text) < 6 and 0 < int(text) < 65_536):
        raise SystemExit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    try:
        socket.create_server(("127.0.0.1", int(text))).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise SystemExit(f"Port {text} cannot be used: {reason}. Set PORT to another.") from None
    return int(text)


def greeting(address: str | None) -> str:
    """Say what answers, where it does, and how to try it.

    Args:
        address: Where the server is; None if it says so itself.
    """
    if address is None:
        return f"Answered by {described()}."
    return (
        f"Serving on {address}, answered by {described()}. Try it, twice:\n"
#if stream
        f"curl -N {address}/invocations -H '{SESSION_HEADER}: {SESSION}' -d '{PAYLOAD}'"
#else
        f"curl {address}/invocations -H '{SESSION_HEADER}: {SESSION}' -d '{PAYLOAD}'"
#end
    )
