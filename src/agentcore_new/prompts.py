"""Ask on a terminal for what is not given."""

from collections.abc import Mapping

import questionary

from agentcore_new import options
from agentcore_new.errors import InvalidAnswer
from agentcore_new.options import Option, Text, Value


def ask(given: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return every answer, in order: what is given, checked, and what the user says for the rest.

    Args:
        given: Answers by name; None stands for one that is not given.

    Raises:
        InvalidAnswer: A given answer is not valid; nothing is asked then.
        KeyboardInterrupt: The user pressed Ctrl-C.
        EOFError: The user pressed Ctrl-D.
    """
    checked = {
        question.name: options.checked(question, value)
        for question in options.QUESTIONS
        if (value := given.get(question.name)) is not None
    }
    answers: dict[str, Value] = {}
    for question in options.QUESTIONS:
        if question.name in checked:
            answers[question.name] = checked[question.name]
        else:
            default = options.default(question, answers)
            answers[question.name] = options.checked(question, _asked(question, default))
    return answers


def _asked(question: Option | Text, default: Value) -> Value:
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
