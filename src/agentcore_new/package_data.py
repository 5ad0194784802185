"""Where the templates are: inside the installed package, or at the top of a checkout."""

from functools import cache
from pathlib import Path


@cache
def template_root() -> Path:
    """Return the folder that holds `copier.yml` and `templates/`."""
    package = Path(__file__).parent
    # An editable install has no copy inside the package: the sources are two levels up.
    return package if (package / "templates").is_dir() else package.parents[1]
