"""Runs the agent's tools: in threads of their own, so that one that blocks holds up nobody."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

#if transcript
from serving.transcript.recording import shown
#end
from serving.values import mended

MAX_THREADS = 128  # one tool more waits; a tool that hangs keeps its thread

P = ParamSpec("P")
R = TypeVar("R")
Tool = Callable[..., Any]  # a function or a coroutine function

_free = asyncio.Semaphore(MAX_THREADS)


def prepared(function: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
    """Make a tool of a function, to be awaited; a coroutine function stays on the event loop."""

    @wraps(function)
    async def tool(*args: P.args, **kwargs: P.kwargs) -> Any:
        if inspect.iscoroutinefunction(function):
            return mended(await function(*args, **kwargs))
        return mended(await in_thread(partial(function, *args, **kwargs)))

#if transcript
    return shown(tool)
#else
    return tool
#end


async def in_thread(call: Callable[[], R]) -> R:
    """Call it in a thread that neither a cancelled turn nor the end of the process waits for."""
    await _free.acquire()
    loop, context = asyncio.get_running_loop(), copy_context()
    called: Future[R] = Future()
    called.set_running_or_notify_cancel()  # from now on nobody can cancel it

    def run() -> None:
        try:
            called.set_result(context.run(call))
        except BaseException as error:
            called.set_exception(error)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_free.release)

    threading.Thread(target=run, daemon=True, name=f"tool {call}").start()
    return await asyncio.wrap_future(called)
