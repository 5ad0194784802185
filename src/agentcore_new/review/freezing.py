"""Freeze the templates of a release, so that the projects made by it can be updated for ever.

`python -m agentcore_new.review.release` does it; by hand it is never needed.
"""

import json
from pathlib import Path
from typing import Any

from agentcore_new import render
from agentcore_new.review.optional_tools import require
from agentcore_new.updating import history
from agentcore_new.updating.edition import SETTINGS

FILE = "src/agentcore_new/updating/history.xz"
# What a frozen state has no use for: nobody is asked, and what was answered was valid.
UNUSED = ("help", "validator")


def frozen(root: Path) -> dict[str, str]:
    """Return what is kept of the templates in a checkout, by path."""
    require("yaml", "PyYAML")
    # Imported where it is used: an installed package does not have it.
    import yaml

    settings: dict[str, Any] = yaml.safe_load((root / "copier.yml").read_text(encoding="utf-8"))
    for name, row in settings.items():
        if not name.startswith("_"):
            settings[name] = {key: value for key, value in row.items() if key not in UNUSED}
    files = {
        source.relative_to(root).as_posix(): source.read_bytes().decode("utf-8")
        for source in (root / "templates").rglob("*")
        if source.is_file() and not render.is_debris(source.relative_to(root).as_posix())
    }
    return {SETTINGS: json.dumps(settings, ensure_ascii=False, indent=1), **files}


def freeze(root: Path, version: str) -> None:
    """Append the templates of a checkout, as they are, to its history as those of a version."""
    file = root / FILE
    history.write(file, history.read(file).with_release(version, frozen(root)))
