"""The host that machines are started by, and another one in its place."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from agentcore_new.dev.hosting import Host
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.project import Project
from agentcore_new.errors import CannotServe


class Hosts:
    """The host there is: another one has the packages as they are by then.

    Args:
        project: Whose packages.
        variables: The environment of the agent.
        log: What it says.
    """

    def __init__(self, project: Project, variables: Mapping[str, str], log: Path) -> None:
        self._given = (project, variables, log)
        self.now = Host(*self._given)
        self._replaced = asyncio.Event()

    async def start(self) -> Host:
        """Start one, in the place of the one before.

        Raises:
            CannotServe: The project's Python does not run.
        """
        before, self.now = self.now, Host(*self._given)
        self._replaced.set()
        self._replaced = asyncio.Event()
        await before.close()
        await self.now.start()
        return self.now

    async def renew(self) -> Host:
        """The same; one whose Python does not run says so when it is asked for something."""
        with suppress(CannotServe):
            await self.start()
        return self.now

    async def replaced(self, host: Host) -> None:
        """Wait until there is another one."""
        while self.now is host:
            await self._replaced.wait()

    async def close(self) -> None:
        """End it."""
        await self.now.close()


class Restarting:
    """Starts everything anew: by hand, or when the host was lost."""

    def __init__(self, hosts: Hosts, machines: Machines) -> None:
        self._hosts = hosts
        self._machines = machines
        self._one = asyncio.Lock()

    async def restart(self) -> None:
        """End all machines and the host, and start what a new session gets."""
        async with self._one:
            await self._machines.renew(self._hosts.renew, "All were started anew.")

    async def when_lost(self) -> None:
        """Start anew whenever the host has ended by itself; until cancelled.

        One that ended at its imports would do so again: it waits for a change, or for somebody.
        """
        while True:
            host = self._hosts.now
            await host.over.wait()
            if host is self._hosts.now and host.has_loaded:
                await self.restart()
            else:
                await self._hosts.replaced(host)
