"""The agent in a folder: what is known of it before it runs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Project:
    """An AgentCore HTTP agent.

    Args:
        folder: Where its `main.py` is, absolute.
        python: The interpreter of its own environment.
        actions: Whether it answers `history`, `status`, `sessions` and `forget`.
        traces: Whether it tells OpenTelemetry of its turns (`serving/telemetry.py`).
    """

    folder: Path
    python: Path
    actions: bool
    traces: bool

    @property
    def name(self) -> str:
        """What it is called: as its folder is."""
        return self.folder.name
