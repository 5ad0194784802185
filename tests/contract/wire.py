"""What a test expects to have reached the model, in the words of the fake server."""

from fake_models import FakeModels
from fake_models.behaviour import without_directives

Wire = list[tuple[str, str]]


def exchange(turn: int, prompt: str) -> Wire:
    """A prompt and the fake model's reply to it, as the `turn`th of a session."""
    text = without_directives(prompt)
    return [("user", text), ("assistant", f"turn {turn}: {text}")]


def conversation(prompts: list[str]) -> Wire:
    """The last of these prompts, after all before it and their replies."""
    *earlier, last = prompts
    wire = [message for n, prompt in enumerate(earlier, 1) for message in exchange(n, prompt)]
    return [*wire, ("user", without_directives(last))]


def roles(models: FakeModels, prompt: str) -> list[str]:
    """The roles of the messages that came with this prompt."""
    return [role for role, _ in models.transcript(prompt)]
