"""The zip: the same bytes each time, whole or not there, and no larger than AgentCore takes."""

import os
import stat
from pathlib import Path
from zipfile import ZipFile

import pytest

from agentcore_new.errors import CannotPackage, TargetInTheWay, WriteFailed
from agentcore_new.packaging import archive


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """What is to be packed."""
    found = {}
    for name in ("main.py", "bin/start", "model/load.py", "ä/ö.txt"):
        file = tmp_path / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name * 1_000, encoding="utf-8")
        found[name] = file
    return found


def test_the_same_files_make_the_same_bytes(tmp_path: Path, files: dict[str, Path]) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "folder" / "two.zip"
    archive.write(one, files, {})
    for file in files.values():
        os.utime(file, (1_000_000_000, 1_000_000_000))
        file.chmod(0o600)
    size = archive.write(two, dict(reversed(files.items())), {})
    assert one.read_bytes() == two.read_bytes()
    assert size == len(two.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "folder", "one.zip"]


def test_everybody_may_read_and_commands_may_be_run(tmp_path: Path, files: dict[str, Path]) -> None:
    archive.write(tmp_path / "a.zip", files, {"main.py": b"another text"})
    with ZipFile(tmp_path / "a.zip") as made:
        assert made.testzip() is None
        modes = {info.filename: info.external_attr >> 16 for info in made.infolist()}
        assert made.read("main.py") == b"another text"
        assert made.read("ä/ö.txt") == files["ä/ö.txt"].read_bytes()
    assert list(modes) == sorted(files)
    assert modes == {
        name: stat.S_IFREG | (0o755 if name == "bin/start" else 0o644) for name in files
    }


def test_a_package_is_replaced_and_nothing_else(tmp_path: Path, files: dict[str, Path]) -> None:
    file = tmp_path / "a.zip"
    archive.check_target(file)
    archive.write(file, files, {})
    archive.check_target(file)
    archive.write(file, {"main.py": files["main.py"]}, {})
    with ZipFile(file, "a") as made:
        made.comment = b"of somebody else"
    others = [file, tmp_path / "text.zip", tmp_path / "folder.zip", tmp_path / "link.zip"]
    others[1].write_text("a text", encoding="utf-8")
    others[2].mkdir()
    others[3].symlink_to("nowhere")
    for other in others:
        with pytest.raises(TargetInTheWay, match="no package that this command has made"):
            archive.check_target(other)


def test_what_is_too_large_is_refused_and_the_one_before_stays(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.zip"
    archive.write(file, files, {})
    before = file.read_bytes()
    monkeypatch.setattr(archive, "MAX_ZIP_BYTES", 300)
    with pytest.raises(CannotPackage, match=r"The zip has .* MB, and AgentCore takes"):
        archive.write(file, files, {})
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "files"]


def test_the_limits_are_those_of_the_service() -> None:
    assert (archive.MAX_ZIP_BYTES, archive.MAX_UNPACKED_BYTES) == (250_000_000, 750_000_000)
    archive.check_size("zip", 250_000_000, archive.MAX_ZIP_BYTES)
    with pytest.raises(CannotPackage, match=r"has 250\.1 MB, and AgentCore takes 250 MB\."):
        archive.check_size("zip", 250_100_000, archive.MAX_ZIP_BYTES)


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path, files: dict[str, Path]) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(WriteFailed, match="could not be written: "):
        archive.write(tmp_path / "a file" / "a.zip", files, {})
    gone = {**files, "gone.py": tmp_path / "gone.py"}
    with pytest.raises(WriteFailed, match="could not be written: No such file"):
        archive.write(tmp_path / "a.zip", gone, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "files"]
