"""What does not hold for a file, as all rules tell it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agentcore_new.options import Value

# The name of a rule, and what is wrong and where.
Finding = tuple[str, str]
# From path and text to what is wrong.
Rule = Callable[[str, str], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold for a file.

    Args:
        path: The file, or the template if that could not be rendered.
        combination: The first combination with this text.
        rule: The name of the rule.
        message: What is wrong, and where.
    """

    path: str
    combination: Mapping[str, Value]
    rule: str
    message: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        message = " ".join(self.message.split())
        return f"{self.path} [{label(self.combination)}] {self.rule}: {message}"


def label(combination: Mapping[str, Value]) -> str:
    """Return values as they are written in names: `framework=adk,stream=true`."""
    return ",".join(f"{name}={str(value).lower()}" for name, value in combination.items())
