"""Ask on a terminal for what is not given."""

import questionary

from agentcore_new.errors import InvalidAnswer
from agentcore_new.options import Option, Text, Value


def ask(question: Option | Text, default: Value) -> Value:
    """Return what the user answers, who takes the default with the enter key.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C.
        EOFError: The user pressed Ctrl-D.
    """
    prompt: questionary.Question
    if isinstance(question, Text):
        prompt = questionary.text(
            question.question, default=str(default), validate=lambda text: _verdict(question, text)
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
    return answer


def _verdict(question: Text, text: str) -> bool | str:
    try:
        question.check(text)
    except InvalidAnswer as error:
        # One line of the terminal is shown: what helps most comes first.
        return f"{error.hint} {error.message}".strip()
    return True
