"""The binary event stream of AWS: length, headers and payload, each with a CRC."""

import struct
from binascii import crc32
from typing import Any

from fake_models.wire import dump

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def event(kind: str, payload: Any) -> bytes:
    """One event."""
    return _message({":event-type": kind, ":message-type": "event"}, dump(payload))


def exception(kind: str, message: str) -> bytes:
    """An error in the middle of the stream."""
    headers = {":exception-type": kind, ":message-type": "exception"}
    return _message(headers, dump({"message": message}))


def _message(headers: dict[str, str], payload: bytes) -> bytes:
    block = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", _STRING, len(value))
        + value.encode()
        for name, value in {**headers, ":content-type": "application/json"}.items()
    )
    # 16 bytes: two lengths and two checksums
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack("!I", crc32(prelude)) + block + payload
    return message + struct.pack("!I", crc32(message))
