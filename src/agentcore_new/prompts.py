"""Ask on a terminal for what is not given."""

import questionary

from agentcore_new.answers import Check
from agentcore_new.errors import Error, InvalidAnswer
from agentcore_new.options import Option, Text, Value

# Of a default that is shown where nothing is typed.
FAINT = "fg:ansibrightblack"


def ask(question: Option | Text, default: Value, check: Check) -> Value:
    """Return what the user answers, who takes the default with the enter key.

    Args:
        question: What is asked.
        default: What an empty answer stands for.
        check: Raises for a text that is none; another can be typed then.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C.
        EOFError: The user pressed Ctrl-D.
    """
    prompt: questionary.Question
    if isinstance(question, Text):
        prompt = questionary.text(
            question.question,
            # Not text to edit: what is typed takes its place.
            placeholder=[(FAINT, str(default))],
            validate=lambda text: _verdict(question, text or default, check),
        )
    elif question.choices:
        prompt = questionary.select(
            question.question,
            choices=[
                questionary.Choice(choice.title, value=choice.value) for choice in question.choices
            ],
            default=str(default),
        )
    else:
        prompt = questionary.confirm(question.question, default=bool(default))
    answer: Value = prompt.unsafe_ask()
    return default if answer == "" else answer


def _verdict(question: Text, text: Value, check: Check) -> bool | str:
    # One line of the terminal is shown: what helps most comes first.
    try:
        check(question, text)
    except InvalidAnswer as error:
        return f"{error.hint} {error.message}".strip()
    except Error as error:
        return f"{error.message} {error.hint}".strip()
    return True
