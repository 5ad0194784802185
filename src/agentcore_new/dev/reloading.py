"""New code of the agent, which runs as soon as it is saved."""

import asyncio
import time
from pathlib import Path

from agentcore_new.dev.events import Events
from agentcore_new.dev.hosts import Hosts, Restarting
from agentcore_new.dev.machine import Machine, StartFailed
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.project import Project
from agentcore_new.dev.watching import changes
from agentcore_new.errors import CannotServe


class Reloading:
    """Runs the agent's new code whenever it changes.

    Args:
        project: Whose code.
        hosts: Look whether it can be read.
        machines: Run it.
        restarting: Starts all anew, where there is no host.
        events: Who is told.
    """

    def __init__(
        self,
        project: Project,
        hosts: Hosts,
        machines: Machines,
        restarting: Restarting,
        events: Events,
    ) -> None:
        self._project = project
        self._hosts = hosts
        self._machines = machines
        self._restarting = restarting
        self._events = events

    async def run(self) -> None:
        """Follow the changes, until cancelled."""
        async with asyncio.TaskGroup() as telling:
            await self._follow(telling)

    async def _follow(self, telling: asyncio.TaskGroup) -> None:
        wrong: set[Path] = set()  # what could not be read the last time
        async for files in changes(self._project.folder):
            begun = time.monotonic()
            sources = {file for file in files if file.suffix == ".py"} | wrong
            try:
                problem = await self._hosts.now.check(file for file in sources if file.exists())
            except CannotServe:
                await self._restarting.restart()
                continue
            if problem:
                wrong = sources
                self._events.tell(
                    "syntax-error",
                    file=self._name(problem.file),
                    line=problem.line,
                    text=problem.text,
                    message=problem.message,
                )
                continue
            wrong = set()
            self._events.tell("reloading", files=[self._name(file) for file in files])
            machine = await self._machines.reload()
            # The next change is not to wait for it: it may mend what does not come up.
            telling.create_task(self._tell(machine, begun))

    async def _tell(self, machine: Machine | None, begun: float) -> None:
        try:
            if machine:
                await asyncio.shield(machine.up)
        except StartFailed:
            return  # it is told already, or there is newer code
        self._events.tell("reloaded", seconds=round(time.monotonic() - begun, 3))

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._project.folder))
