"""Where the templates' repository is, for what makes sense in it alone."""

from pathlib import Path

from agentcore_new.errors import NotACheckout
from agentcore_new.package_data import template_root

SNAPSHOTS = "snapshots"


def is_here() -> bool:
    """Return whether this code runs from a checkout, not from an installed package."""
    return (template_root() / SNAPSHOTS).is_dir()


def root() -> Path:
    """Return the top of the checkout that this code runs from.

    Raises:
        NotACheckout: It runs from an installed package, which has no snapshots.
    """
    if not is_here():
        raise NotACheckout(
            "This command is for work on the templates, and this is an installed package.",
            hint="In a clone of the repository: pip install -e '.[test]', and run it there.",
        )
    return template_root()
