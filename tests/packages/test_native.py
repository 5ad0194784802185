"""Whether a native library is for the machines of AgentCore."""

from pathlib import Path

import pytest

from agentcore_new.packaging.native import is_foreign
from packages.wheels import AARCH64, X86_64, library

ARM = library(AARCH64)


@pytest.mark.parametrize(
    ("name", "data", "foreign"),
    [
        ("a.so", ARM, False),
        ("a.so.1", ARM, False),
        ("no suffix", ARM, False),
        ("a.so", library(X86_64), True),
        ("no suffix", library(X86_64), True),
        ("of 32 bits.so", ARM[:4] + b"\x01" + ARM[5:], True),
        ("big endian.so", ARM[:5] + b"\x02" + ARM[6:], True),
        ("cut.so", ARM[:19], True),
        ("of a mac.so", b"\xcf\xfa\xed\xfe" + bytes(60), True),
        ("of a mac.dylib", b"\xcf\xfa\xed\xfe" + bytes(60), True),
        ("of windows.pyd", b"MZ" + bytes(60), True),
        ("empty.so", b"", True),
        ("a.py", b"import a\n", False),
        ("empty.py", b"", False),
    ],
)
def test_it_is_told_by_its_header(tmp_path: Path, name: str, data: bytes, foreign: bool) -> None:
    (tmp_path / name).write_bytes(data)
    assert is_foreign(tmp_path / name) is foreign
