"""What the free texts of a project may be: the model id and the description."""

import string

from agentcore_new.errors import InvalidAnswer

MAX_DESCRIPTION = 1_000
MAX_MODEL_ID = 256
MODEL_ID_CHARACTERS = string.ascii_letters + string.digits + "._:/@+~=,-"
# Invisible, but emoji sequences and several scripts are not written without them.
JOINERS = "\u200c\u200d"


def check_model_id(model_id: str) -> str:
    """Return `model_id`, if a model can have it; ARNs are model ids.

    Raises:
        InvalidAnswer: It has another character, is empty or too long.
    """
    foreign = [character for character in model_id if character not in MODEL_ID_CHARACTERS]
    if foreign:
        problem = f"{foreign[0]!r} is not a letter, a digit or one of . _ : / @ + ~ = , -"
    elif not 1 <= len(model_id) <= MAX_MODEL_ID:
        problem = f"it must have 1 to {MAX_MODEL_ID} characters and has {len(model_id)}"
    else:
        return model_id
    raise InvalidAnswer(f"The model id is not valid: {problem}.", details={"answer": "model_id"})


def check_description(description: str) -> str:
    """Return `description` without blanks around it, if it is one line of printable text.

    Raises:
        InvalidAnswer: It has a line break or another invisible character, is empty or too long.
    """
    text = description.strip(" ")
    hidden = [
        character for character in text if not character.isprintable() and character not in JOINERS
    ]
    if hidden:
        problem = f"it must be one line of printable characters and has {hidden[0]!r}"
    elif not 1 <= len(text) <= MAX_DESCRIPTION:
        problem = f"it must have 1 to {MAX_DESCRIPTION} characters and has {len(text)}"
    else:
        return text
    raise InvalidAnswer(
        f"The description is not valid: {problem}.", details={"answer": "description"}
    )
