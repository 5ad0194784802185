"""A release is newer than what was released, by its numbers."""

from pathlib import Path

import pytest

from agentcore_new.review import release


@pytest.mark.parametrize(
    ("is_released", "newer"),
    [("0.9.0", "0.10.0"), ("0.1.9", "0.1.10"), ("9.9.9", "10.0.0"), ("0.10.0", "0.11.0")],
)
def test_versions_are_compared_by_their_numbers(
    is_released: str, newer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(version: str, after: str) -> str:
        monkeypatch.setattr(release, "__version__", after)
        with pytest.raises(release.ReleaseRefused) as refused:
            release.release(tmp_path, version, "2026-11-24")
        return refused.value.message

    # the version is good, and what is looked at next is the repository, which is none
    assert refusal(newer, after=is_released) == f"{tmp_path} is no repository of git."
    assert refusal(is_released, after=newer) == f"{is_released} is not newer than {newer}."
    assert refusal(newer, after=f"{newer}.dev0") == f"{tmp_path} is no repository of git."
    assert refusal(newer, after=f"{is_released}.dev0") == f"{tmp_path} is no repository of git."
    assert refusal(is_released, after=f"{newer}.dev0") == (
        f"{is_released} is not newer than {newer}.dev0."
    )
    assert refusal(newer, after=newer) == f"{newer} is not newer than {newer}."
