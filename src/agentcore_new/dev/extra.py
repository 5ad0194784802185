"""What `agentcore-new dev` needs beyond the other commands."""

import importlib.util
import os

from agentcore_new.errors import CannotServe, MissingExtra

MODULES = ("aiohttp", "google.protobuf", "markdown_it", "platformdirs", "psutil", "watchfiles")


def require_extra() -> None:
    """Refuse to go on without it.

    Raises:
        CannotServe: Not on Windows: agents are forked, and ended by signals.
        MissingExtra: It is not installed; the hint says how it is.
    """
    if os.name == "nt":
        raise CannotServe("`agentcore-new dev` runs on Linux and macOS.", hint="Use it in WSL.")
    if not all(map(_is_there, MODULES)):
        raise MissingExtra(
            "`agentcore-new dev` needs packages that are not installed.",
            hint="They are in an extra: pip install 'agentcore-new[dev]'",
        )


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False
