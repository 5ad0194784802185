"""A front in a process of its own: it starts a machine, says so, and waits to be killed."""

import asyncio
import os
import sys
from pathlib import Path

from agentcore_new.dev.hosting import Host
from agentcore_new.dev.project import Project


async def main(folder: Path, logs: Path, port: int, grace: float) -> None:
    """Never return."""
    project = Project(folder, Path(sys.executable), actions=False, traces=False)
    host = Host(project, os.environ, logs / "host.log", grace=grace)
    await host.start()
    process = await host.fork(port, logs / "agent.log", {})
    print(process.pid, flush=True)
    await host.lost.wait()


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(Path(given[0]), Path(given[1]), int(given[2]), float(given[3])))
