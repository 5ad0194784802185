"""Why an agent has ended or failed, as far as the end of its log tells."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

READ = 65_536  # bytes of a log's end
LONGEST = 2_000  # characters of a line
# What a terminal would obey, and what turns a text around.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

OFFLINE = ", or start with --offline"
OLD_PYTHON = (
    "The agent needs a newer Python than its environment has: remove its .venv, and make it anew"
    " with a newer one"
)
NO_DATABASE = "The database does not answer: start it, or see whether DATABASE_URL leads to it"
# What a log says, and what that means. Of two that are found the one that ends later holds, and of
# those that end together the first of this list.
CAUSES = tuple(
    (re.compile(pattern, re.MULTILINE), sentence)
    for pattern, sentence in (
        # Python
        (
            r'^ *File "(?P<file>[^"\n]+)", line (?P<line>\d+).*\n(?:(?! *File ).*\n){0,3}?'
            r"(?P<what>SyntaxError|IndentationError|TabError): (?P<why>.+)$",
            "{file} cannot be read by Python, see line {line}: {why}",
        ),
        (r"No module named '(?P<name>tomllib)'", OLD_PYTHON),
        (r"cannot import name '\w+' from '(?:typing|datetime|enum|asyncio)'", OLD_PYTHON),
        (r"module '(?:asyncio|datetime|typing|itertools)' has no attribute", OLD_PYTHON),
        (r"unsupported operand type\(s\) for \|: '(?:type|NoneType)' and", OLD_PYTHON),
        (r"requires a different Python|does not satisfy Python", OLD_PYTHON),
        (
            r"attempted relative import with no known parent package",
            "The agent runs by itself, and not as part of a package: import without the dot",
        ),
        (
            r"partially initialized module '(?P<name>[\w.]+)'.*$",
            "{name} is imported while it is being imported: two modules need each other, or"
            " a file of the project has the name of a package",
        ),
        (
            r"No module named '?(?P<name>[\w.]+)'?",
            "The module {name} is missing: install the package that has it in the project's"
            " environment, by `uv sync` if the project requires it, else by `uv add`",
        ),
        (
            r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
            "{module} has no {name}: it is misspelled, or the environment has another version than"
            " the project needs, which `uv sync` mends",
        ),
        (
            r"ImportError: (?P<why>.*(?:undefined symbol|shared object|ELF|GLIBC|dlopen|DLL).*)$",
            "A package of the environment was made for another machine or Python ({why}): remove"
            " the .venv, and make it anew",
        ),
        # models, as our projects and as their clients say it
        (r"No API key: set (?P<name>[A-Z_]+)", "No API key: set {name} (in .env, say)" + OFFLINE),
        (
            r"More than one API key to choose from \((?P<names>[^)]*)\): set (?P<name>[A-Z_]+)",
            "There is more than one API key ({names}): set {name}" + OFFLINE,
        ),
        (
            r"No AWS credentials: set AWS_PROFILE",
            "No AWS credentials: log in, or set AWS_PROFILE (in .env, say)" + OFFLINE,
        ),
        (
            r"The config profile \((?P<name>[^)\n]*)\) could not be found.*$",
            "AWS_PROFILE names {name}, which the AWS configuration does not have",
        ),
        (
            r"The AWS credentials cannot be read: (?P<why>[^\"\n]*[^\"\n.])",
            "The AWS credentials cannot be read ({why}): mend them" + OFFLINE,
        ),
        (
            r"AgentCore Identity gave no key for (?P<name>[A-Z_]+)",
            "AgentCore Identity gave no key: set {name} itself (in .env, say)" + OFFLINE,
        ),
        (
            r"NoCredentialsError|Unable to locate credentials",
            "No AWS credentials: log in, or set AWS_PROFILE (in .env, say)",
        ),
        (r"NoRegionError|You must specify a region", "No AWS region: set AWS_REGION"),
        (
            r"ExpiredToken|security token included in the request is (?:expired|invalid)"
            r"|Token has expired|UnrecognizedClientException|SSOTokenLoadError",
            "The AWS credentials have expired or are not valid: log in again",
        ),
        (
            r"AccessDenied(?:Exception)?\b",
            "AWS refuses this: the credentials may not do it, or the account has not enabled the"
            " model",
        ),
        (
            r"Could not resolve authentication method|invalid x-api-key",
            "No valid API key of Anthropic: set ANTHROPIC_API_KEY (in .env, say)",
        ),
        (
            r"(?:set(?:ting)?|provide)\b.{0,40}\bthe `?OPENAI_API_KEY`?|Incorrect API key provided",
            "No valid API key of OpenAI: set OPENAI_API_KEY (in .env, say)",
        ),
        (
            r"Missing key inputs argument|No API key was provided|API_KEY_INVALID"
            r"|API key not valid",
            "No valid API key of Google: set GEMINI_API_KEY (in .env, say)",
        ),
        # where sessions are
        (
            r"DATABASE_URL is not set: write",
            "DATABASE_URL is not set: set it (in .env, say)" + OFFLINE,
        ),
        (r"(?P<why>DATABASE_URL is not valid: [^\"\n]*[^\"\n.])", "{why}"),
        (r"MEMORY_ID is not set", "MEMORY_ID is not set: set it (in .env, say)" + OFFLINE),
        (r"(?P<why>(?:MEMORY_ID|SESSION_TTL_HOURS|PORT) must [^\"\n]*[^\"\n.])", "{why}"),
        (
            r"password authentication failed|InvalidPasswordError"
            r"|InvalidAuthorizationSpecificationError",
            "The database refuses the name or the password: see DATABASE_URL",
        ),
        (
            r"InvalidCatalogNameError|database \"(?P<name>[^\"\n]+)\" does not exist",
            "There is no such database: make it, or see DATABASE_URL",
        ),
        (
            r"Connect call failed|[Cc]onnection refused|ConnectionRefusedError"
            r"|Unavailable: (?:no answer|TimeoutError|OSError|gaierror)",
            NO_DATABASE,
        ),
        (
            r"Name or service not known|Temporary failure in name resolution|gaierror"
            r"|nodename nor servname",
            "A host's name is not known: see the addresses in .env, and the network",
        ),
        (
            r"unable to open database file|attempt to write a readonly database",
            "The file of the database cannot be written: see SESSION_DB, and who may write there",
        ),
        # the machine
        (
            r"[Aa]ddress already in use|Port \d+ cannot be used|WinError 10048",
            "The agent wants a port that is taken: it has to listen on that of PORT, in its"
            " environment",
        ),
        (
            r"PermissionError: .*: '(?P<file>[^'\n]+)'$",
            "The agent may not use {file}: see whose it is, and who may read and write it",
        ),
        (r"PermissionError: (?P<why>.+)$", "The system does not allow the agent this: {why}"),
        (
            r"FileNotFoundError: .*?: '(?P<file>[^'\n]+)'",
            "There is no {file}: the agent runs in the project's folder, where a relative path"
            " begins",
        ),
        (r"No space left on device", "The disk is full"),
        (r"Too many open files", "The agent has too many files or connections open"),
        (r"MemoryError\b", "The agent had not enough memory"),
        # of one's own, read by os.environ[…]
        (
            r"KeyError: '(?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+)'",
            "The variable {name} is not set: set it (in .env, say)",
        ),
    )
)


def likely(lines: Sequence[str]) -> str:
    """Return the likely cause of the end or the failure, and what to do, as one sentence.

    Args:
        lines: The last of the log.

    Returns:
        Nothing, if none is known.
    """
    text = "\n".join(_told(lines))
    last, told = -1, ""
    for pattern, sentence in CAUSES:
        for found in pattern.finditer(text):
            if found.end() > last:
                last, told = found.end(), sentence.format(**found.groupdict(default=""))
    return f"{told.strip().rstrip('.')}." if told else ""


def last_lines(path: Path, count: int = 20) -> list[str]:
    """Return the last lines of a log, with nothing in them that a terminal obeys.

    Of a large file only the end is read; one that cannot be read has none.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ))
            data = file.read(READ)
    except OSError:
        return []
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if size > READ and len(lines) > 1:
        del lines[0]  # the end of one
    if not lines[-1]:
        del lines[-1]
    return [plain(line)[:LONGEST] for line in lines[-count:]]


def plain(line: str) -> str:
    """Return a line with nothing in it that a terminal obeys."""
    return _CONTROLS.sub("", _ESCAPES.sub("", line)).expandtabs(4)


def _told(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a log; those that are JSON, as what they tell."""
    for line in lines:
        record = _record(line)
        if record is None:
            yield line
            continue
        trace = record.get("stackTrace")
        for part in (*(trace if isinstance(trace, list) else ()), record.get("message")):
            yield from str(part or "").splitlines()
        if record.get("errorType"):
            yield f"{record['errorType']}: {record.get('errorMessage')}"


def _record(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
