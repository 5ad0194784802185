"""Which answers a project has from now on: what is given, and what follows from that."""

from collections.abc import Mapping

from agentcore_new.answers import checked, default
from agentcore_new.errors import CannotUpdate, InvalidAnswer, MissingAnswer, UnknownChoice
from agentcore_new.options import PROJECT_NAME, QUESTIONS, ByAnswer, Option, Text, Value
from agentcore_new.updating.edition import Edition


def requested(
    recorded: Mapping[str, Value], edition: Edition, given: Mapping[str, Value | None]
) -> dict[str, Value]:
    """Return every answer of this version.

    An answer that nobody changes stays, whatever the default is by now. One that was the default
    follows those on which its default depends.

    Args:
        recorded: What the project was made with, or was last brought up to date with.
        edition: The release that it is of.
        given: Changed answers by name; None stands for one that is not given.

    Raises:
        InvalidAnswer: A text is not valid.
        UnknownChoice: A value is none of the choices.
        MissingAnswer: A text of one's own does not go with what is given.
        CannotUpdate: This version has no such choice any more.
    """
    as_it_is: dict[str, Value] = {}
    for question in QUESTIONS:
        as_it_is[question.name] = _kept(question, recorded, as_it_is)
    answers: dict[str, Value] = {}
    for question in QUESTIONS:
        name = question.name
        value = given.get(name)
        answers[name] = as_it_is[name] if value is None else checked(question, value)
        # the name is that of the folder and of what is deployed: it follows nothing
        is_free = value is None and name in recorded and question is not PROJECT_NAME
        follows = is_free and _changed(answers, as_it_is)
        if follows and _default(question, answers) != _default(question, as_it_is):
            if recorded[name] == edition.default(name, recorded):
                answers[name] = _default(question, answers)
            elif isinstance(question, Text) and isinstance(question.default, ByAnswer):
                raise _own(question, question.default, recorded[name], answers)
    for question in QUESTIONS:
        if given.get(question.name) is None and answers[question.name] == as_it_is[question.name]:
            _refuse_gone(question, answers[question.name])
    return answers


def _kept(
    question: Option | Text, recorded: Mapping[str, Value], answers: Mapping[str, Value]
) -> Value:
    if question.name in recorded:
        return recorded[question.name]
    if isinstance(question, Option) and question.before is not None:
        return question.before
    return _default(question, answers)


def _default(question: Option | Text, answers: Mapping[str, Value]) -> Value:
    """Return the default of `question`; nothing, if it followed from what is not offered now."""
    try:
        return default(question, answers)
    except KeyError:
        return ""


def _changed(answers: Mapping[str, Value], as_it_is: Mapping[str, Value]) -> bool:
    return any(answers[name] != as_it_is[name] for name in answers)


def _own(
    question: Text, row: ByAnswer, value: Value, answers: Mapping[str, Value]
) -> MissingAnswer:
    suggestion = row.values[str(answers[row.answer])]
    words = (question.name.replace("_", " "), row.answer.replace("_", " "))
    return MissingAnswer(
        f"The {words[0]} {str(value)!r} is of another {words[1]} than {answers[row.answer]}.",
        hint=f"Give one of its own: {question.flag} {suggestion}",
        details={"answer": question.name, "suggestion": suggestion},
    )


def _refuse_gone(question: Option | Text, value: Value) -> None:
    """Refuse what this version cannot make; a name may have come to be one of a package since."""
    if question is PROJECT_NAME:
        return
    try:
        checked(question, value)
    except (InvalidAnswer, UnknownChoice) as error:
        words = question.name.replace("_", " ")
        raise CannotUpdate(
            f"The project has the {words} {str(value)[:64]!r}, which this version does not take.",
            hint=f"{error.hint or error.message} ({question.flag})",
            details={"answer": question.name},
        ) from error
