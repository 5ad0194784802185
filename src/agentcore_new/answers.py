"""What follows from the options and given values: defaults, checks, completion, combinations."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from agentcore_new import __version__, expressions
from agentcore_new.errors import MissingAnswer, UnknownChoice
from agentcore_new.options import (
    DERIVED,
    OPTIONS,
    QUESTIONS,
    ByAnswer,
    ByExpression,
    Option,
    Text,
    Value,
)

Answers = Mapping[str, Value]
Pairs = tuple[tuple[str, Value], ...]
Ask = Callable[[Option | Text, Value], Value]
Check = Callable[[Option | Text, Value], Value]


def parse_choice(option: Option, text: str) -> str:
    """Return the value of `option` that `text` spells, in any case and with any separators.

    Raises:
        UnknownChoice: There is none; the hint lists the values.
    """
    if text in option.values:
        return text
    wanted = _folded(text)
    for choice in option.choices:
        if wanted in {_folded(name) for name in (choice.value, choice.title, *choice.aliases)}:
            return choice.value
    values = [choice.value for choice in option.choices]
    raise UnknownChoice(
        f"{text[:64]!r} is not a known {option.name.replace('_', ' ')}.",
        hint=f"Choose one of: {', '.join(values)}",
        details={"answer": option.name, "choices": values},
    )


def _folded(text: str) -> str:
    return "".join(character for character in text.lower() if character not in "-_ ")


def default(question: Option | Text, answers: Answers) -> Value:
    """Return the default of `question`, given every earlier answer."""
    match question.default:
        case ByAnswer(answer, values):
            return values[str(answers[answer])]
        case str(pattern):
            return pattern.format_map({**answers, **_derived(answers)})
        case value:
            return value


def described_default(question: Option | Text) -> str:
    """Return the default of `question` as `--help` shows it; nothing, if it must be given."""
    if isinstance(question, Option) and question.required:
        return ""
    match question.default:
        case ByAnswer(answer, _):
            return f"by {answer.replace('_', ' ')}"
        case bool(value):
            return "on" if value else "off"
        case pattern:
            return pattern.replace("{", "<").replace("}", ">").replace("_title", "")


def checked(question: Option | Text, value: Value) -> Value:
    """Return `value` as an answer to `question`.

    Raises:
        InvalidAnswer: It cannot be one.
        UnknownChoice: It is none of the choices.
    """
    if isinstance(question, Text):
        return question.check(str(value))
    return parse_choice(question, str(value)) if question.choices else bool(value)


def complete(
    given: Mapping[str, Value | None], ask: Ask | None = None, check: Check = checked
) -> dict[str, Value]:
    """Return every answer, in order: what is given, checked, and what is asked or the default.

    Args:
        given: Answers by name; None stands for one that is not given.
        ask: Is called with each question that is not answered and its default, once all that is
            given has been checked; None takes the defaults.
        check: Returns a value as the answer to a question, or raises; it is called with each that
            is given or asked.

    Raises:
        InvalidAnswer: A text is not valid.
        UnknownChoice: A value is none of the choices.
        MissingAnswer: A required answer is not given, and nobody is asked.
    """
    known = {
        question.name: check(question, value)
        for question in QUESTIONS
        if (value := given.get(question.name)) is not None
    }
    answers: dict[str, Value] = {}
    for question in QUESTIONS:
        if question.name in known:
            answers[question.name] = known[question.name]
        elif ask:
            answers[question.name] = check(question, ask(question, default(question, answers)))
        elif isinstance(question, Option) and question.required:
            raise _missing(question)
        else:
            answers[question.name] = default(question, answers)
    return answers


def is_enough(given: Mapping[str, Value | None]) -> bool:
    """Return whether `given` has every answer that has no default of its own."""
    return all(given.get(option.name) is not None for option in OPTIONS if option.required)


def _missing(option: Option) -> MissingAnswer:
    values = [str(value) for value in option.values]
    return MissingAnswer(
        f"{option.flag} is missing.",
        hint=f"Choose one of: {', '.join(values)}",
        details={"answer": option.name, "choices": values},
    )


def combinations() -> Iterator[dict[str, Value]]:
    """Yield complete answers for every combination of every option, texts at their defaults."""
    for values in product(*(option.values for option in OPTIONS)):
        yield complete({option.name: value for option, value in zip(OPTIONS, values, strict=True)})


def _derived(answers: Answers) -> dict[str, Value]:
    """Return the values that follow from the answers so far."""
    return {
        name: _follows(row, str(answers[row.answer]))
        for name, row in DERIVED.items()
        if row.answer in answers
    }


def _follows(row: ByAnswer | ByExpression, answer: str) -> Value:
    if isinstance(row, ByAnswer):
        return row.values[answer]
    return expressions.value(row.expression, **{row.answer: answer})


def template_variables(answers: Answers) -> dict[str, Value | Pairs]:
    """Return what the templates see: complete `answers` and everything derived from them.

    All of it is hashable, `answers` included, which has every answer with its name, in order.
    """
    return {
        **answers,
        **_derived(answers),
        "tool_version": __version__,
        "answers": tuple((question.name, answers[question.name]) for question in QUESTIONS),
    }
