"""What the end of a log tells of why an agent ended; the logs are those of real programs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from contract.projects import Variant

from agentcore_new.dev.causes import READ, last_lines, likely

STORE = "from serving.store.opening import open_store; open_store()"


def log_of(code: str, folder: Path, *options: str, **environment: str) -> list[str]:
    """The last lines of what a program writes that fails."""
    given = {"PATH": os.defpath, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env={**given, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode
    (folder / "log").write_bytes(done.stdout + done.stderr)
    return last_lines(folder / "log")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere.at_all", "The module nowhere is missing: install the package"),
        ("from agent import run", "agent has no run: it is misspelled"),
        ("from typing import Nothing", "needs a newer Python"),
        ("import asyncio; asyncio.nothing", "needs a newer Python"),
        ("import one", "one is imported while it is being imported"),
        ("import broken", "broken.py cannot be read by Python, see line 2: '(' was never closed."),
        ("import indented", "indented.py cannot be read by Python, see line 2: expected an"),
        ("from . import agent", "import without the dot."),
        ("import os; os.environ['SOME_KEY']", "The variable SOME_KEY is not set"),
        ("open('prompts/a.txt')", "There is no prompts/a.txt: the agent runs in"),
        ("raise PermissionError(13, 'Permission denied', '/a/b')", "The agent may not use /a/b:"),
        ("raise PermissionError(1, 'Not permitted')", "not allow the agent this: [Errno 1] Not"),
        ("raise OSError(28, 'No space left on device')", "The disk is full."),
        ("raise MemoryError", "The agent had not enough memory."),
        ("import socket; socket.getaddrinfo('a.invalid', 1)", "A host's name is not known"),
        ("import sqlite3; sqlite3.connect('/no/where/a.db')", "The file of the database cannot"),
        ("import sqlite3; sqlite3.connect(':memory:').execute('no')", ""),
        ("raise ValueError('something else')", ""),
        ("import sys; print('a line', flush=True); sys.exit(3)", ""),
    ],
)
def test_programs_that_fail(tmp_path: Path, code: str, told: str) -> None:
    files = {
        "agent": "",
        "one": "from two import b\na = 1\n",
        "two": "from one import a\nb = 1\n",
        "broken": "a = 1\nb = (\n",
        "indented": "def a():\nb = 1\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    said = likely(log_of(code, tmp_path))
    assert told in said
    assert bool(said) == bool(told)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        for code in (f"import socket; socket.create_server({address})", _served(address[1])):
            assert "has to listen on that of PORT" in likely(log_of(code, tmp_path))


def _served(port: int) -> str:
    return f"import uvicorn; uvicorn.run(lambda: None, host='127.0.0.1', port={port})"


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    connect = "asyncpg.connect(host='127.0.0.1', user='a', password='b', database='c', port=%d)"
    code = f"import asyncio, asyncpg; asyncio.run({connect % port})"
    assert likely(log_of(code, tmp_path)).startswith("The database does not answer: start it")


@pytest.mark.real
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import openai; openai.OpenAI()", "OPENAI_API_KEY"),
        ("from google import genai; genai.Client()", "GEMINI_API_KEY"),
        ("import boto3; boto3.client('sts', 'us-east-1').get_caller_identity()", "AWS_PROFILE"),
        ("import boto3; boto3.client('sqs').list_queues()", "AWS_REGION"),
    ],
)
def test_clients_of_models_without_a_key(tmp_path: Path, code: str, name: str) -> None:
    said = likely(log_of(code, tmp_path, "-W", "ignore"))
    assert f"set {name}" in said
    assert "--offline" not in said  # who knows whether it can


@pytest.mark.parametrize(
    ("variant", "code", "environment", "told"),
    [
        (
            Variant("langgraph", "gemini", stream=True),
            "from model.credentials import api_key; api_key()",
            {},
            "No API key: set GEMINI_API_KEY (in .env, say), or start with --offline.",
        ),
        (
            Variant("langgraph", "openai", stream=True),
            "from model.credentials import api_key; api_key()",
            {"CREDENTIAL_A_OPENAI_NAME": "1", "CREDENTIAL_B_OPENAI_NAME": "2"},
            "There is more than one API key (CREDENTIAL_A_OPENAI_NAME, CREDENTIAL_B_OPENAI_NAME):"
            " set OPENAI_API_KEY, or start with --offline.",
        ),
        (
            Variant("strands", "bedrock", stream=True),
            "from model.credentials import aws_session; aws_session()",
            {},
            "No AWS credentials: log in, or set AWS_PROFILE (in .env, say), or start with"
            " --offline.",
        ),
        (
            Variant("strands", "bedrock", stream=True),
            "from model.credentials import aws_session; aws_session()",
            {"AWS_PROFILE": "nobody"},
            "AWS_PROFILE names nobody, which the AWS configuration does not have.",
        ),
        (
            Variant("strands", "bedrock", stream=True, store="postgres"),
            STORE,
            {},
            "DATABASE_URL is not set: set it (in .env, say), or start with --offline.",
        ),
        (
            Variant("strands", "bedrock", stream=True, store="agentcore-memory"),
            STORE,
            {},
            "MEMORY_ID is not set: set it (in .env, say), or start with --offline.",
        ),
    ],
)
def test_our_projects(
    tmp_path: Path, variant: Variant, code: str, environment: dict[str, str], told: str
) -> None:
    folder = variant.write(tmp_path / "project")
    assert likely(log_of(code, folder, **environment)).startswith(told)


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL is not valid: write postgresql://USER@HOST/NAME, and what asyncpg takes.",
        "MEMORY_ID must be the id or the ARN of a memory, not 'no id'.",
        "SESSION_TTL_HOURS must be a number from 0.01, not 'never'.",
        "PORT must be a number from 1 to 65535, not 'x'.",
    ],
)
def test_what_our_projects_say_plainly_is_repeated(line: str) -> None:
    assert likely(["a line", line]) == line


def test_what_the_runtime_logs_as_json() -> None:
    failed = {
        "level": "ERROR",
        "message": "The turn failed",
        "errorType": "ModuleNotFoundError",
        "errorMessage": "No module named 'pandas'",
        "stackTrace": ["Traceback (most recent call last):\n", '  File "a.py", line 1\n'],
    }
    other = {"message": "Unavailable: ConnectionRefusedError: [Errno 111] Connect call failed"}
    missing = '{"message": "No API key: set OPENAI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on A"}'
    assert likely([json.dumps(failed)]).startswith("The module pandas is missing")
    assert likely([json.dumps(failed), json.dumps(other)]).startswith("The database does not")
    assert "set OPENAI_API_KEY" in likely([missing, '{"message": 3}', "{no JSON", "{}", "[1]"])


def test_a_client_that_takes_long_to_import() -> None:
    line = 'TypeError: "Could not resolve authentication method. Expected one of api_key, …"'
    assert "set ANTHROPIC_API_KEY" in likely([line])


def test_what_is_said_last_holds() -> None:
    key, module = "KeyError: 'A_KEY'", "ModuleNotFoundError: No module named 'a'"
    assert "A_KEY" in likely([module, key, "a line"])
    assert "module a" in likely([key, module, "a line"])
    assert likely([]) == ""
    warning = "DATABASE_URL is not set: offline, sessions are kept in memory"
    assert likely([warning]) == ""
    assert "a{0}b" in likely(["FileNotFoundError: [Errno 2] No such file or directory: 'a{0}b'"])


def test_only_the_end_of_a_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == last_lines(tmp_path) == []
    log.write_bytes(b"")
    assert last_lines(log) == []
    log.write_bytes(b"one\r\n\ntwo\nthree")
    assert last_lines(log) == ["one", "", "two", "three"]
    assert last_lines(log, 2) == ["two", "three"]
    with log.open("r+b") as file:
        file.truncate(10**10)  # it has no such size on the disk
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"x" * (READ - 20) + b"\nlast \xff\n")
    *_, before, last = last_lines(log)
    assert last == "last \N{REPLACEMENT CHARACTER}"
    assert set(before) == {"x"}
    log.write_bytes(b"y" * (READ + 100))
    assert {*"".join(last_lines(log))} == {"y"}


def test_a_terminal_obeys_nothing_in_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    written = (
        "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\tand\x07 \x1b]8;;file:a\x1b\\link \x9b2J\u202eok\r"
    )
    log.write_text(f"{written}\n\x1bcé 👩\u200d💻\n", encoding="utf-8")
    first, second = last_lines(log)
    assert first == "red     and link 2Jok"
    assert second == "cé 👩\u200d💻"
