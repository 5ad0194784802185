"""The code under test: `sessions.py` as it stands among the templates."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from typing import Any, Protocol, TypeVar

from agentcore_new.package_data import template_root

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)

SOURCE = template_root() / "templates" / "project" / "sessions.py"


class Cache(Protocol[S_co]):
    """What a generated project uses of a `SessionCache`."""

    def __len__(self) -> int: ...

    def turn(self, key: Any) -> AbstractAsyncContextManager[S_co, None]: ...

    async def aclose(self) -> None: ...


class _CacheClass(Protocol):
    def __call__(
        self,
        open: Callable[[Any], Awaitable[S]],  # noqa: A002 - its name in the code under test
        close: Callable[[Any, S], Awaitable[None]] | None = None,
        *,
        maxsize: int = ...,
        idle_seconds: float = ...,
        clock: Callable[[], float] = ...,
    ) -> Cache[S]: ...


class _LeavesNoBytecode(SourceFileLoader):
    """A `__pycache__` among the templates would be copied into projects."""

    def set_data(self, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        pass


def _load() -> _CacheClass:
    name = "template_sessions"
    loader = _LeavesNoBytecode(name, str(SOURCE))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    cache_class: _CacheClass = module.SessionCache
    return cache_class


SessionCache = _load()


@dataclass(frozen=True)
class Inside:
    """What a cache keeps of its sessions, by key."""

    in_use: list[Hashable]
    idle: list[Hashable]  # the least recently used first
    closing: int


def inside(cache: Any) -> Inside:
    """Look inside: leaks do not show from outside, and the order not without changing it."""
    return Inside(list(cache._in_use), list(cache._idle), len(cache._closing))
