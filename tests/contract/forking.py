"""Starts a project over and over, and imports its framework only once.

Run by the interpreter of the project's environment, in the project's folder. For each line of JSON
on stdin it forks a process that runs main.py as `python main.py` does, and writes its pid to
stdout. That process alone serves and keeps: here is no connection, no file and no thread of it. How
it ended is written to the file `exit` in its folder.
"""

import json
import os
import runpy
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def run() -> None:
    """Start whatever stdin asks for, until it ends."""
    sys.path.insert(0, str(Path.cwd()))
    folders: dict[int, Path] = {}
    signal.signal(signal.SIGCHLD, lambda *_: reap(folders))
    for line in sys.stdin:
        order = json.loads(line)
        import_all(order["modules"])
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            serve(order)
            return
        folders[pid] = Path(order["folder"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        print(pid, flush=True)


def import_all(names: list[str]) -> None:
    """Import what the process would otherwise import at its first turn."""
    for name in names:
        with suppress(Exception):  # some are made at run time only
            import_module(name)
    # only the thread that forks goes on in the new process
    assert threading.enumerate() == [threading.main_thread()]


def serve(order: dict[str, Any]) -> None:
    """Be the server, with the environment of the order and other values of some constants."""
    folder = Path(order["folder"])
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(folder / "stdout", appending), 1)
    os.dup2(os.open(folder / "stderr", appending), 2)
    os.environ.update(order["environment"])
    for name, constants in order["constants"].items():
        vars(import_module(name)).update(constants)
    # asked for after a first turn
    imported = folder / "imported"
    signal.signal(signal.SIGUSR1, lambda *_: imported.write_text(json.dumps([*sys.modules])))
    runpy.run_path("main.py", run_name="__main__")


def reap(folders: dict[int, Path]) -> None:
    """Note how those processes ended that have."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = found
            written = folders[pid] / "exit.new"
            written.write_text(str(os.waitstatus_to_exitcode(status)))
            written.rename(folders[pid] / "exit")


if __name__ == "__main__":
    run()
