"""What AgentCore Runtime does with an agent: its figures, and which headers reach it.

Sources: AWS's developer guide and service model; and agents that were seen to fail there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
TENANT_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"

MIN_SESSION_CHARS = 33
MAX_SESSION_CHARS = 256
MAX_USER_CHARS = 1024
MAX_PAYLOAD_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a machine and a call are given; all but the number of machines in seconds.

    Args:
        machines: How many there are at a time; AgentCore has hundreds, one computer has not.
        idle_seconds: Without a turn and without HealthyBusy, then the machine is taken.
        life_seconds: Then it is taken in any case.
        start_seconds: From its start to its first answer to /ping.
        stop_seconds: From SIGTERM to SIGKILL.
        call_seconds: For an answer to be whole, when it is not a stream.
        stream_seconds: For a stream to end.
        ping_seconds: Between two questions how it is.
    """

    machines: int = 16
    idle_seconds: float = 900
    life_seconds: float = 28_800
    start_seconds: float = 30
    stop_seconds: float = 15
    call_seconds: float = 900
    stream_seconds: float = 3_600
    ping_seconds: float = 2


Header = tuple[str, str]
Headers = list[Header]

# What belongs to one connection (RFC 9110), and what the front says anew.
_OF_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OWN = "x-amzn-bedrock-agentcore-runtime-"
_PASS = frozenset({f"{_OWN}session-id", f"{_OWN}user-id"})
# By its name, or by how that starts.
_WHY = {
    "authorization": "reaches an agent only behind a JWT authorizer",
    "x-amz-": "AgentCore keeps it to itself",
    "x-amzn-": f"of these only {_OWN}custom-… reach an agent",
    "cookie": "AgentCore's API has none",
    # What browsers say of the page that asks.
    "sec-": "AgentCore's API has none",
    "origin": "AgentCore's API has none",
    "referer": "AgentCore's API has none",
}


def reaching(headers: Iterable[Header]) -> tuple[Headers, Headers]:
    """Divide the headers of a request: those that reach the agent, and those that do not, with why.

    Whether one that an allow list must name is on it is known on AgentCore alone: here it passes.
    """
    passed: Headers = []
    dropped: Headers = []
    for name, value in headers:
        lower = name.lower()
        if lower in _OF_CONNECTION:
            continue
        why = _why_not(lower) or (None if _is_text(value) else "it is no text in UTF-8")
        if why:
            dropped.append((name, why))
        else:
            passed.append((name, value))
    return passed, dropped


def _why_not(name: str) -> str | None:
    if name in _PASS or name.startswith(f"{_OWN}custom-"):
        return None
    starts = (start for start in _WHY if start.endswith("-") and name.startswith(start))
    return _WHY.get(name) or _WHY.get(next(starts, ""))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def session_fault(session: str) -> str | None:
    """What AgentCore says of a session id that it does not take; None of one that it takes."""
    if MIN_SESSION_CHARS <= len(session) <= MAX_SESSION_CHARS:
        return None
    return (
        f"The session id has {len(session)} characters;"
        f" AgentCore takes {MIN_SESSION_CHARS} to {MAX_SESSION_CHARS}."
    )


def user_fault(user: str) -> str | None:
    """The same of a user id."""
    if len(user) <= MAX_USER_CHARS:
        return None
    return f"The user id has {len(user)} characters; AgentCore takes {MAX_USER_CHARS}."
