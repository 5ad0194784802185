"""The tools that only those who work on the templates have."""

import importlib.util

from agentcore_new.errors import Error


def require(module: str, distribution: str) -> None:
    """Refuse to go on without a tool.

    Raises:
        Error: It is not installed; the hint says how it is.
    """
    if importlib.util.find_spec(module) is None:
        raise Error(
            f"{distribution} is not installed, and the templates cannot be checked without it.",
            hint="It is in an extra: pip install 'agentcore-new[test]'",
        )
