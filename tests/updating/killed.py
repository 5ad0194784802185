"""`python killed.py NUMBER FOLDER …`: an update that is killed before its rename of that number."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from agentcore_new.cli import run


def main() -> None:
    left = int(sys.argv.pop(1))

    def counted(do: Callable[..., Any]) -> Callable[..., Any]:
        def rename(*paths: Any, **folders: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*paths, **folders)

        return rename

    os.rename, os.replace = counted(os.rename), counted(os.replace)
    run()


if __name__ == "__main__":
    main()
