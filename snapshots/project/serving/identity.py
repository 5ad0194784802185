"""Who calls, and whose session it is."""

from typing import NamedTuple, TypeGuard

MAX_ID_CHARS = 256


class Caller(NamedTuple):
    """Who calls."""

    tenant: str | None
    user: str | None  # None is the anonymous user, whom no id can name


class SessionKey(NamedTuple):
    """Whose session it is; the same session id from another user is another session."""

    tenant: str | None
    user: str | None
    session: str


def is_id(value: object) -> TypeGuard[str]:
    """Whether a session, a user or a tenant can have this id."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS and value.isprintable()
