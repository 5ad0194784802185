"""`agentcore-new invoke` without a prompt: one line after the other, in one session."""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from agentcore_new import errors
from agentcore_new.dev.client import Address, Caller, answer, new_session, print_answer

HELP = """\
Each line goes to the agent, all in one session.
  /new    begins another session
  /help   shows this
  /exit   ends, as Ctrl-D does
Ctrl-C stops the answer that runs, the arrow keys bring back what was typed."""


def converse(address: Address, caller: Caller, how_to_go_on: Callable[[str], str]) -> None:
    """Ask for lines and print the answers, until whoever types has enough.

    Args:
        address: The agent's.
        caller: Who types, with the first session.
        how_to_go_on: Says of a session what to type to go on in it.
    """
    # Imported where it is used: one prompt needs none of it.
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory

    # in memory alone: nothing of what is said is kept on the disk
    lines: PromptSession[str] = PromptSession("> ", history=InMemoryHistory())
    _tell(f"Talking to {address.url}. /help shows what there is, Ctrl-D ends.")
    answered: str | None = None
    while True:
        try:
            typed = lines.prompt().strip()
        except KeyboardInterrupt:  # what was typed is dropped
            continue
        except EOFError:
            break
        if typed == "/exit":
            break
        if typed == "/help":
            _tell(HELP)
        elif typed == "/new":
            if answered:
                _tell(how_to_go_on(answered))
            caller, answered = replace(caller, session=new_session()), None
            _tell("A new session.")
        elif typed and _answered(address, typed, caller):
            answered = caller.session
    if answered:
        _tell(how_to_go_on(answered))


def _answered(address: Address, prompt: str, caller: Caller) -> bool:
    """Print the answer or what went wrong; return whether there is an answer."""
    try:
        with closing(answer(address, prompt, caller)) as pieces:
            print_answer(pieces, sys.stdout)
    except KeyboardInterrupt:
        _tell("Stopped.")
    except errors.Error as error:
        _tell(errors.as_text(error))
    else:
        return True
    return False


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
