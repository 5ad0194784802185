"""Who calls, and whose session it is."""

from typing import NamedTuple, TypeGuard

# As AgentCore takes them.
MAX_ID_CHARS = 256
MAX_USER_CHARS = 1_024


class Caller(NamedTuple):
    """Who calls."""

    tenant: str | None
    user: str | None  # None is the anonymous user, whom no id can name


class SessionKey(NamedTuple):
    """Whose session it is; the same session id from another user is another session."""

    tenant: str | None
    user: str | None
    session: str


def is_id(value: object, longest: int = MAX_ID_CHARS) -> TypeGuard[str]:
    """Whether a session or a tenant can have this id, or whoever has ids of such a length."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
