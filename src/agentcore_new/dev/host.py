"""Starts an agent's processes in no time: it has imported their packages, and forks.

It runs in the interpreter of the project, by itself and with the standard library alone. Lines of
JSON on stdin say what to do; it answers with such lines on what was its stdout. The project's own
modules are never imported here: a process imports them as they are when it starts.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # what is beside this file is none of the agent's

import ast
import builtins
import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import select
import signal
import site
import subprocess
import sysconfig
import time
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

MAIN = "main.py"
LOOPBACK = "127.0.0.1"
IMPORT_SECONDS = 60  # an import that takes longer waits for something that may never come
LOOK_SECONDS = 0.5
LINE_CHARS = 500  # that are told of a line
PR_SET_PDEATHSIG = 1
# with one of these, an agent is served by uvicorn if that is installed
SERVED_BY_UVICORN = {"bedrock_agentcore", "fastapi", "starlette", "uvicorn"}
# what is imported when uvicorn starts
STARTING = (
    *("http.client", "uvicorn", "uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
)
# what is imported when OpenTelemetry starts: modules, and entry points by group and name
TELEMETRY = (
    "opentelemetry.instrumentation.auto_instrumentation",
    "opentelemetry.sdk._configuration",
    "opentelemetry.sdk.trace.export",
)
TELEMETRY_POINTS = (
    ("opentelemetry_distro", ""),
    ("opentelemetry_configurator", ""),
    ("opentelemetry_traces_exporter", "otlp_proto_http"),
    ("opentelemetry_resource_detector", "otel"),
)


# What a project imports, as its files say.


class Step(NamedTuple):
    """Something that happens while main.py is imported.

    Args:
        kind: `import`, `set` or `default` for a variable of the environment, `dotenv`.
        name: Of the module or the variable.
        values: What is imported from the module; the value of the variable.
    """

    kind: str
    name: str = ""
    values: tuple[str, ...] = ()


class Reading:
    """Follows the imports of a project without importing anything.

    Args:
        folder: Where main.py is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()
        paths = sysconfig.get_paths()
        names = ("stdlib", "platstdlib", "purelib", "platlib")
        installed = [*map(paths.__getitem__, names), *site.getsitepackages()]
        self._installed = [Path(each).resolve() for each in [*installed, site.USER_SITE] if each]

    def steps(self) -> list[Step]:
        """Return the imports of packages in order, and between them what they may look at."""
        steps = list(self._file(self._folder / MAIN, "__main__", ()))
        while steps and steps[-1].kind != "import":
            steps.pop()
        return steps

    def _file(self, file: Path, name: str, package: tuple[str, ...]) -> Iterator[Step]:
        if file in self._seen:
            return
        self._seen.add(file)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(file.read_bytes()).body
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return  # the process will tell
        for statement in executed(body, name):
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    yield from self._import(alias.name, ())
            elif isinstance(statement, ast.ImportFrom):
                above = package[: len(package) - statement.level + 1] if statement.level else ()
                module = ".".join([*above, *([statement.module] if statement.module else [])])
                yield from self._import(module, tuple(alias.name for alias in statement.names))
            elif step := set_up(statement):
                yield step

    def _import(self, module: str, names: tuple[str, ...]) -> Iterator[Step]:
        first, *_ = parts = module.split(".")
        place = self._place_of_own(first)
        if place is None:
            yield Step("import", module, names)
            return
        modules = [tuple(parts[:end]) for end in range(1, len(parts) + 1)]
        for each in [*modules, *((*parts, name) for name in names)]:
            path = place.joinpath(*each)
            if (path / "__init__.py").is_file():
                yield from self._file(path / "__init__.py", ".".join(each), each)
            elif path.with_suffix(".py").is_file():
                yield from self._file(path.with_suffix(".py"), ".".join(each), each[:-1])

    def _place_of_own(self, first: str) -> Path | None:
        """The folder of a module that somebody may edit; None if it is installed, or is not."""
        path = self._folder / first
        if is_module(path) or path.with_suffix(".py").is_file():
            return self._folder
        try:
            spec = importlib.util.find_spec(first)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return self._folder if path.is_dir() else None
        if not (spec.has_location or spec.submodule_search_locations):
            return None
        for place in spec.submodule_search_locations or [str(spec.origin)]:
            if not any(Path(place).resolve().is_relative_to(each) for each in self._installed):
                return Path(place).parent
        return None


def is_module(path: Path) -> bool:
    """Whether it can be imported from the folder that it is in, whatever else has its name."""
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def executed(body: list[ast.stmt], name: str) -> Iterator[ast.stmt]:
    """The statements that are executed whenever the module is, one after the other."""
    for statement in body:
        if isinstance(statement, ast.Try):
            yield from executed([*statement.body, *statement.orelse, *statement.finalbody], name)
        elif isinstance(statement, ast.With):
            yield from executed(statement.body, name)
        elif isinstance(statement, ast.If):
            if ast.unparse(statement.test) == "__name__ == '__main__'" and name == "__main__":
                yield from executed(statement.body, name)
        else:
            yield statement


def set_up(statement: ast.stmt) -> Step | None:
    """What the statement does to the environment, which a package may read when it is imported."""
    match statement:
        case ast.Assign(
            targets=[ast.Subscript(value=target, slice=ast.Constant(value=str(name)))],
            value=ast.Constant(value=str(value)),
        ) if ast.unparse(target) in ("os.environ", "environ"):
            return Step("set", name, (value,))
        case ast.Expr(
            value=ast.Call(
                func=called,
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(value))],
            )
        ) if ast.unparse(called) in ("os.environ.setdefault", "environ.setdefault"):
            return Step("default", name, (value,))
        case ast.Expr(value=ast.Call(func=called)) if (
            ast.unparse(called).rpartition(".")[2] == "load_dotenv"
        ):
            return Step("dotenv")
    return None


# What is imported before there is a process, once for all of them.


class TooLong(BaseException):
    """An import does not end; no package is to handle this."""


class Packages:
    """Those that the project's processes find imported when they start.

    Args:
        folder: Of the project.
        traces: Whether OpenTelemetry is started with it.
    """

    def __init__(self, folder: Path, *, traces: bool) -> None:
        self._folder = folder
        self._traces = traces
        self.uvicorn = False  # whether that may serve the agent
        self._done: set[Step] = set()
        self._seen: list[Step] = []  # of the environment

    def load(self) -> bool:
        """Import what is not imported yet; what fails, fails again in the process that needs it.

        Returns:
            Whether that is what a process would import itself: with the environment as it was, and
            with no module of the project in front of it.
        """
        steps = Reading(self._folder).steps()
        seen = [step for step in steps if step.kind != "import"]
        if any(step.kind == "dotenv" for step in seen):
            with contextlib.suppress(OSError):
                seen.append(Step("dotenv", (self._folder / ".env").read_text(errors="replace")))
        if not self._done:
            self._seen = seen
        if not (self._done and self._done.issuperset(steps)):
            self._import(steps)
        try:
            own = {path.stem for path in self._folder.iterdir() if is_module(path)}
        except OSError:  # it has gone: the process will tell
            own = set()
        return self._seen == seen and (own - {Path(MAIN).stem}).isdisjoint(sys.modules)

    def _import(self, steps: list[Step]) -> None:
        changed: dict[str, str | None] = {}
        with contextlib.suppress(TooLong), limited():
            for step in steps:
                if step.kind != "import":
                    changed = self._set_up(step) | changed
                elif step not in self._done:
                    load(step.name, step.values)
            if SERVED_BY_UVICORN & {*sys.modules, *(step.name.partition(".")[0] for step in steps)}:
                self.uvicorn = True
                for name in STARTING:
                    load(name)
            if self._traces:
                load_telemetry()
        for name, value in changed.items():  # each process sets it up for itself
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._done |= {Step("done"), *steps}
        gc.collect()

    def _set_up(self, step: Step) -> dict[str, str | None]:
        """Do to the environment what main.py does, and return what was there before."""
        before = dict(os.environ)
        if step.kind == "dotenv":
            with contextlib.suppress(Exception):
                importlib.import_module("dotenv").load_dotenv(self._folder / ".env")
        elif step.kind == "set" or step.name not in before:
            os.environ[step.name] = step.values[0]
        changed = [name for name, value in os.environ.items() if before.get(name) != value]
        return {name: before.get(name) for name in changed}


def load(name: str, values: tuple[str, ...] = ()) -> None:
    """Import a module, and those of the values that are modules in it."""
    try:
        __import__(name, {}, {}, [value for value in values if value != "*"])
    except TooLong:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process will tell
        print(f"{name} cannot be imported yet: {error!r}", file=sys.stderr)


def load_telemetry() -> None:
    """Import what OpenTelemetry imports when it starts."""
    for name in TELEMETRY:
        load(name)
    for group, name in TELEMETRY_POINTS:
        for point in importlib.metadata.entry_points(group=group):
            if name in ("", point.name):
                load(point.module)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """End the block when it takes too long, or when nobody waits for it any more.

    Raises:
        TooLong: It does.
    """
    give_up = time.monotonic() + IMPORT_SECONDS

    def look(*_: object) -> None:
        poll = select.poll()
        poll.register(0, 0)
        if poll.poll(0) or time.monotonic() > give_up:  # nobody is at the other end
            raise TooLong

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


# A process: it becomes what `python main.py` is.


def separate(parent: int) -> None:
    """Be like a process that a shell has started, but for an end with its parent."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def write_to(log: str) -> None:
    """Have the log as stdout and stderr, and nothing as stdin."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, standard in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, standard)
    os.close(nothing)
    os.close(file)


def run(folder: Path, port: int, *, traces: bool, uvicorn: bool) -> None:
    """Run main.py as Python does."""
    sys.orig_argv = [sys.executable, MAIN]
    os.chdir(folder)
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, str(folder))
    if "numpy.random" in sys.modules:  # which has one state for all forks, unlike `random`
        sys.modules["numpy.random"].seed()
    file = folder / MAIN
    module = types.ModuleType("__main__")
    vars(module).update(
        __builtins__=builtins,
        __cached__=None,
        __file__=str(file),
        __loader__=importlib.machinery.SourceFileLoader("__main__", str(file)),
    )
    if sys.version_info < (3, 14):
        vars(module)["__annotations__"] = {}
    sys.modules["__main__"] = module
    try:
        if uvicorn:
            hold(port)
        if traces:
            start_telemetry(folder)
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), vars(module))  # noqa: S102
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - told as Python does, without this file
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        raise SystemExit(1) from None


def hold(port: int) -> None:
    """Have uvicorn listen on this port of this machine, whatever it is told."""
    try:
        config: Any = importlib.import_module("uvicorn").Config
    except ImportError:
        return
    configure = config.__init__

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: ANN401, N807
        configure(self, *arguments, **named)
        if self.uds is None and self.fd is None:
            self.host, self.port = LOOPBACK, port

    config.__init__ = __init__


def start_telemetry(folder: Path) -> None:
    """Do what `python -m serving.telemetry` does, and the command that it becomes."""
    try:
        auto = importlib.import_module("opentelemetry.instrumentation.auto_instrumentation")
        importlib.import_module("dotenv").load_dotenv(folder / ".env")
        settled = importlib.import_module("serving.telemetry").settled
    except ImportError as error:
        print(f"No traces are told: {error}", file=sys.stderr)
        return
    os.environ.update(settled(os.environ))
    auto.initialize()


# The host: what it is told to do, and what it tells.


class Host:
    """Does what stdin says until it ends, and then ends every process.

    Args:
        given: The project's `folder`, whether it has `traces`, and the seconds of `grace` that
            processes have to end.
    """

    def __init__(self, given: Json) -> None:
        self._given = given
        self._folder = Path(given["folder"])
        self._packages = Packages(self._folder, traces=given["traces"])
        self._processes: dict[int, subprocess.Popen[bytes] | None] = {}
        self._kill_at: float | None = None
        self._waiting = b""
        self._answers = os.dup(1)
        os.dup2(2, 1)  # what packages print is not for the front
        self._woken, self._wake = os.pipe()
        for descriptor in (self._woken, self._wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        for number in (signal.SIGINT, signal.SIGHUP):  # the front alone decides
            signal.signal(number, signal.SIG_IGN)

    def serve(self) -> Json | None:
        """Return the order for a process in that process, and nothing when all is over."""
        self._tell(hello=os.getpid())
        self._packages.load()
        self._tell(loaded=True)
        while self._processes or self._kill_at is None:
            for order in self._orders():
                if "check" in order:
                    self._tell(id=order["id"], problem=problem_of(map(Path, order["check"])))
                elif self._start(order):
                    return order
            self._reap()
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                self._signal(signal.SIGKILL)
        return None

    def _orders(self) -> list[Json]:
        """What has been told since; waits for that, for a signal, or for the end of the grace."""
        seconds = None if self._kill_at is None else max(0.05, self._kill_at - time.monotonic())
        open_still = [0] if self._kill_at is None else []
        ready, _, _ = select.select([*open_still, self._woken], [], [], seconds)
        if self._woken in ready:
            os.read(self._woken, 4096)
        if 0 not in ready:
            return []
        read = os.read(0, 65536)
        if not read:
            self._end()
        *lines, self._waiting = (self._waiting + read).split(b"\n")
        return [json.loads(line) for line in lines]

    def _start(self, order: Json) -> bool:
        """Start a process; True in that process itself."""
        as_today = self._packages.load()
        order["uvicorn"] = self._packages.uvicorn
        try:
            pid = self._fork(order) if as_today and can_fork() else self._spawn(order)
        except OSError as error:
            self._tell(id=order["id"], error=error.strerror or str(error))
            return False
        if pid:
            self._tell(id=order["id"], pid=pid)
        return not pid

    def _fork(self, order: Json) -> int:
        parent, (reading, writing) = os.getpid(), os.pipe()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                separate(parent)
                write_to(order["log"])
            except BaseException as error:  # noqa: BLE001 - there is one host
                print(error, file=sys.stderr)
                os._exit(1)
            os.environ.update(order["environment"])
            for descriptor in (self._answers, self._woken, self._wake, reading, writing):
                os.close(descriptor)
            return 0
        self._processes[pid] = None
        os.close(writing)
        os.read(reading, 1)  # it has a group now, that can be told something
        os.close(reading)
        return pid

    def _spawn(self, order: Json) -> int:
        wanted = {name: order[name] for name in ("port", "uvicorn", "log")}
        given = {**self._given, **wanted, "parent": os.getpid()}
        process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(given)],
            cwd=self._folder,
            env={**os.environ, **order["environment"]},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes[process.pid] = process
        return process.pid

    def _reap(self) -> None:
        """Tell of the processes that have ended; what they have started ends with them."""
        for pid in [*self._processes]:
            if sys.platform == "linux":
                if not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                    continue
                kill(pid, signal.SIGKILL)  # while the number is still its own
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            if sys.platform != "linux":
                kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            if process := self._processes.pop(pid):
                process.returncode = code
            self._tell(ended=pid, code=code)

    def _end(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._given["grace"]
            self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        for pid in self._processes:
            kill(pid, number)

    def _tell(self, **answer: Any) -> None:  # noqa: ANN401 - anything fit for JSON
        with contextlib.suppress(BrokenPipeError):  # then stdin ends too
            os.write(self._answers, json.dumps(answer).encode() + b"\n")


def can_fork() -> bool:
    """Whether a fork is whole: of several threads, it has one."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208


def kill(pid: int, number: int) -> None:
    """Send a signal to the group of a process, if there is one left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def problem_of(files: Iterator[Path]) -> Json | None:
    """Compile files and return what is wrong with the first that is not Python."""
    for file in files:
        source = b""
        try:
            source = file.read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(source, str(file), "exec", dont_inherit=True)
        except FileNotFoundError:
            continue  # it has been removed
        except OSError as error:
            message, line = f"it cannot be read: {error.strerror}", None
        except SyntaxError as error:
            message, line = error.msg, error.lineno
        except (ValueError, RecursionError, MemoryError) as error:
            message, line = str(error) or "it is too deeply nested", None
        else:
            continue
        lines = source.decode(errors="replace").splitlines()
        text = lines[line - 1] if line and line <= len(lines) else ""
        shown = text.strip()[:LINE_CHARS]
        return {"file": str(file), "line": line, "text": shown, "message": message}
    return None


def main() -> None:
    """Be the host, or a process where a fork would not be whole."""
    given = json.loads(sys.argv[1])
    sys.argv = [MAIN]
    if "parent" in given:
        separate(given["parent"])
        write_to(given["log"])
        order = given
    elif not (order := Host(given).serve()):
        return
    run(Path(given["folder"]), order["port"], traces=given["traces"], uvicorn=order["uvicorn"])


if __name__ == "__main__":
    main()
