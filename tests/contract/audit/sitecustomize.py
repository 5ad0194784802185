"""On the path of a server under test: notes every address that it looks up or talks to.

Python imports a module of this name by itself at start, before anything of the project.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

# which of a call's arguments holds the address; the socket itself comes first in some
_ADDRESS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_file = os.open(os.environ["CONTRACT_AUDIT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _ADDRESS:
        address = arguments[_ADDRESS[event]]
        host = address[0] if isinstance(address, tuple) else address
        port = address[1] if isinstance(address, tuple) else ""
        os.write(_file, f"{event} {host!r} {port}\n".encode())


sys.addaudithook(_note)

# Whichever would have been imported instead, such as OpenTelemetry's.
_here = __file__.removesuffix("/sitecustomize.py")
_next = PathFinder.find_spec("sitecustomize", [each for each in sys.path if each != _here])
if _next and _next.loader:
    _next.loader.exec_module(module_from_spec(_next))
