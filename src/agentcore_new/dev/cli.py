"""The commands that run an agent and talk to it: parse, call, print."""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agentcore_new import errors, terminal
from agentcore_new.dev.extra import require_extra

app = typer.Typer()

URL = "http://127.0.0.1:8000"
NO_PROMPT = "Give one, or pipe one in."

DEV_EXAMPLES = """Examples:

\b
  # The agent in this folder, without an account, and its page in a browser
  agentcore-new dev --offline --open

\b
  # Take a machine after 20 seconds, to see what its session still knows
  agentcore-new dev ../support-bot --idle-seconds 20

\b
  # All sessions in one process, as in a container of your own; each event as JSON
  agentcore-new dev --one-process --json-log
"""

INVOKE_EXAMPLES = """Examples:

\b
  # Ask the agent that `agentcore-new dev` runs; then talk to it
  agentcore-new invoke "What is 2 + 3?"
  agentcore-new invoke

\b
  # Ask one that `python main.py` runs, in a session of your choice
  agentcore-new invoke "And 4 more?" --url http://127.0.0.1:8080 \\
      --session my-first-session-of-33-characters

\b
  # A prompt from a file, the answer into another
  agentcore-new invoke < question.txt > answer.txt
"""


@app.command(epilog=DEV_EXAMPLES)
def dev(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The agent's folder.", show_default="here")
    ] = Path(),
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Where it listens; 0 for any.")
    ] = 8000,
    offline: Annotated[
        bool, typer.Option("--offline", help="Answer without a model: AGENT_OFFLINE=1.")
    ] = False,
    per_session: Annotated[
        bool,
        typer.Option(
            "--machine-per-session/--one-process",
            help="A process a session, as on AgentCore, or one for all, as in a container.",
        ),
    ] = True,
    idle_seconds: Annotated[
        int,
        typer.Option("--idle-seconds", min=1, help="After so long an idle machine is taken."),
    ] = 900,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="Run changed code at once.")
    ] = True,
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
    json_log: Annotated[
        bool, typer.Option("--json-log", help="Print each event as a line of JSON.")
    ] = False,
) -> None:
    """Run an agent as AgentCore does, with a page to talk to it.

    Any agent with a main.py that serves /invocations and /ping. Each session gets a process of
    its own, which is taken when it is idle: so you see what a session still knows afterwards.
    """
    require_extra()
    # Imported where it is used: a server has no part in the other commands.
    from agentcore_new.dev.platform import Limits
    from agentcore_new.dev.run import Settings, serve

    settings = Settings(
        folder=folder,
        port=port,
        offline=offline,
        per_session=per_session,
        limits=Limits(idle_seconds=idle_seconds),
        reload=reload,
        open_page=open_page,
        json_log=json_log,
    )
    serve(settings, partial(print, file=sys.stderr, flush=True))


@app.command(epilog=INVOKE_EXAMPLES)
def invoke(
    *,
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="PROMPT",
            help="What to ask.",
            show_default="what is piped in; on a terminal, you are asked",
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="The session.", show_default="a new one"),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="ID", help="Who asks.", show_default="nobody known"),
    ] = None,
    url: Annotated[str, typer.Option("--url", help="Where the agent is.")] = URL,
) -> None:
    """Ask a running agent, and print its answer as it comes.

    Without a prompt, on a terminal, you talk to it in one session. The agent is one that
    `agentcore-new dev` or `python main.py` runs.
    """
    # Imported where it is used: HTTP has no part in the other commands.
    from agentcore_new.dev import client

    address = client.address_of(url)
    caller = client.Caller(client.new_session() if session is None else session, user)

    def how_to_go_on(session: str) -> str:
        words = ["agentcore-new", "invoke", "--session", session]
        words += ["--user", user] if user is not None else []
        words += ["--url", url] if url != URL else []
        return f"To go on in this session: {shlex.join(words)}"

    if prompt is None and terminal.is_interactive():
        from agentcore_new.dev.conversation import converse

        converse(address, caller, how_to_go_on)
        return
    asked = _piped_in() if prompt is None else prompt
    if not asked.strip():
        raise errors.UsageError("There is no prompt.", hint=NO_PROMPT)
    client.print_answer(client.answer(address, asked, caller), sys.stdout)
    if session is None and sys.stderr.isatty():
        print(how_to_go_on(caller.session), file=sys.stderr)


def _piped_in() -> str:
    """Return all that is piped in, without the end of its last line."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise errors.UsageError("What is piped in is no text in UTF-8.") from None
