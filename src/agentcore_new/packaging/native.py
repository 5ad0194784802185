"""Native libraries, by the header of ELF: whether they are for the machines of AgentCore."""

import struct
from pathlib import Path

MAGIC = b"\x7fELF"
BITS_64, LITTLE_ENDIAN = 2, 1
AARCH64 = 183  # e_machine, from the ELF for the Arm 64-bit Architecture


def is_foreign(file: Path) -> bool:
    """Return whether `file` is native code that a 64-bit Arm machine with Linux cannot load."""
    with file.open("rb") as opened:
        header = opened.read(20)
    if not header.startswith(MAGIC):
        return file.suffix in (".so", ".dylib", ".dll", ".pyd")
    if len(header) < 20 or (header[4], header[5]) != (BITS_64, LITTLE_ENDIAN):
        return True
    (machine,) = struct.unpack_from("<H", header, 18)
    return bool(machine != AARCH64)
