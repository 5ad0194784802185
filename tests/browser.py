"""The browser of the tests; `python tests/browser.py` sees to it that there is one.

No package of Python has a browser in it, so Debian's is installed, which root alone may do.
"""

import os
import shutil
import subprocess
import sys

PROGRAMS = ("chromium", "google-chrome")
MISSING = f"The tests need a browser, and there is no {' or '.join(PROGRAMS)} on PATH"
INSTALL = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"),
)


def find_browser() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def main() -> str | None:
    """Install a browser where there is none, and return what went wrong."""
    if find_browser():
        return None
    if not shutil.which("apt-get"):
        return f"{MISSING}, nor apt-get to install it."
    if os.geteuid() != 0:
        return f"{MISSING}. To install it needs root: sudo apt-get install chromium"
    for command in INSTALL:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            return f"{MISSING}, and `{' '.join(command)}` failed."
    return None if find_browser() else f"{MISSING}, though apt-get has installed chromium."


if __name__ == "__main__":
    sys.exit(main())
