"""The commands that run an agent and talk to it: parse, call, print."""

import shlex
import sys
from typing import Annotated

import typer

from agentcore_new import errors, terminal

app = typer.Typer()

URL = "http://127.0.0.1:8000"
NO_PROMPT = "Give one, or pipe one in."

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
