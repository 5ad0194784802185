#only transcript
"""Whether the driver of a database takes an address, found out without connecting to it."""

import asyncio
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from sqlalchemy import URL, NullPool
from sqlalchemy.ext.asyncio import create_async_engine


class _WouldConnect(OSError):
    """The driver has taken the address."""


class _Unconnected(asyncio.SelectorEventLoop):
    """An event loop that connects to nothing."""

    async def create_connection(self, *address: Any, **options: Any) -> Any:
        _, _, port = address
        if not 0 < port < 65_536:
            raise ValueError("the port")
        raise _WouldConnect

    async def create_unix_connection(self, *address: Any, **options: Any) -> Any:
        raise _WouldConnect


def check(url: URL, options: dict[str, Any]) -> None:
    """Have the driver read an address as it does for every connection.

    Args:
        url: The address.
        options: What else the driver gets.

    Raises:
        Exception: Whatever the driver, or SQLAlchemy, says of it.
    """
    if any(type(value) is not str for name, value in url.query.items() if name != "host"):
        raise ValueError("a parameter that comes twice")
    if url.get_backend_name() == "sqlite":
        _check_sqlite(url, options)
    else:
        with ThreadPoolExecutor(1) as thread:  # in this one a loop may run
            thread.submit(_check_server, url, options).result()


def _check_sqlite(url: URL, options: dict[str, Any]) -> None:
    with warnings.catch_warnings(action="ignore"):  # of what is refused here
        (file,), taken = url.get_dialect()().create_connect_args(url)
    name, _, parameters = file.partition("?")
    by_uri = taken.get("uri") and name.startswith("file:")
    if set(url.query) - set(taken) and not by_uri:
        raise ValueError("a parameter of a URI, which this is not")
    memory = f"file::memory:?{parameters}" if by_uri else ":memory:"
    sqlite3.connect(memory, **{**taken, **options}).close()


def _check_server(url: URL, options: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=_Unconnected) as runner, suppress(_WouldConnect):
        runner.run(_connect(url, options))


async def _connect(url: URL, options: dict[str, Any]) -> None:
    engine = create_async_engine(url, connect_args=options, poolclass=NullPool)
    async with engine.connect():
        pass
