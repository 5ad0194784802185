"""The code under test: `sessions.py` of a generated project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar

import generated

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)

SOURCE = generated.FOLDER / "serving/sessions.py"


class Cache(Protocol[S_co]):
    """What a generated project uses of a `SessionCache`."""

    def __len__(self) -> int: ...

    def turn(self, key: Any) -> AbstractAsyncContextManager[S_co, None]: ...

    def forget(self, key: Any) -> AbstractAsyncContextManager[None, None]: ...

    async def aclose(self) -> None: ...


class _CacheClass(Protocol):
    def __call__(
        self,
        open: Callable[[Any], Awaitable[S]],  # noqa: A002 - its name in the code under test
        close: Callable[[Any, S], Awaitable[None]] | None = None,
        *,
        maxsize: int = ...,
        maxbytes: int = ...,
        sizeof: Callable[[S], int] = ...,
        maxline: int = ...,
        idle_seconds: float = ...,
        clock: Callable[[], float] = ...,
    ) -> Cache[S]: ...


SessionCache: _CacheClass = import_module("serving.sessions").SessionCache
SessionBusyError: type[Exception] = import_module("serving.sessions").SessionBusyError


@dataclass(frozen=True)
class Inside:
    """What a cache keeps of its sessions, by key."""

    in_use: list[Hashable]
    idle: list[Hashable]  # the least recently used first
    closing: int
    size: int  # in bytes


def inside(cache: Any) -> Inside:
    """Look inside: leaks do not show from outside, and the order not without changing it."""
    return Inside(list(cache._in_use), list(cache._idle), len(cache._closing), cache._bytes)
