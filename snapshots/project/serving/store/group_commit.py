#only sqlite
"""Changes of a file, of which SQLite makes one at a time: those that wait are committed together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from serving.store.rows import StoreError

MAX_GROUP = 32

R = TypeVar("R")
Change = Callable[[AsyncConnection], Awaitable[R]]


class GroupCommit:
    """The changes of this process, in the order of their arrival.

    To commit takes the disk as long for many as for one: a burst of turns waits once, not for each.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[tuple[Change[Any], asyncio.Future[Any]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def commit(self, change: Change[R]) -> R:
        """Return what a change returns, when it is committed; if it fails, nothing of it is kept."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, result))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        return await result

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                group = self._waiting[:MAX_GROUP]
                del self._waiting[:MAX_GROUP]
                await self._commit(group)
        finally:
            self._committing = None

    async def _commit(self, group: list[tuple[Change[Any], asyncio.Future[Any]]]) -> None:
        try:
            async with self._engine.begin() as connection:
                done = [await change(connection) for change, _ in group]
        except Exception as error:
            if len(group) > 1 and isinstance(error, StoreError | IntegrityError):
                for one in group:  # each alone: what one is refused for, is nothing to the others
                    await self._commit([one])
                return
            for _, result in group:
                if not result.done():
                    result.set_exception(error)
        else:
            for (_, result), value in zip(group, done, strict=True):
                if not result.done():
                    result.set_result(value)
