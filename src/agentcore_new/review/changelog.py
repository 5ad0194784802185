"""The CHANGELOG, in the form of Keep a Changelog."""

import re

FILE = "CHANGELOG.md"
UNRELEASED = re.compile(r"^## \[Unreleased\][^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", re.M | re.S)

RELEASE = re.compile(r"^## \[(?!Unreleased)([^\]]+)\]", re.M)


def unreleased(text: str) -> str:
    """Return what stands under Unreleased, headings included; nothing if it has no entry."""
    match = UNRELEASED.search(text)
    section = match[1].strip() if match else ""
    return section if re.search(r"^[-*] ", section, re.M) else ""


def tells_more(text: str, before: str) -> bool:
    """Return whether `text` has an entry that is not in `before`, or a release of such entries."""
    new_releases = set(RELEASE.findall(text)) - set(RELEASE.findall(before))
    return bool(new_releases) or unreleased(text) != unreleased(before)


def released(text: str, version: str, day: str) -> str:
    """Return the CHANGELOG with what stands under Unreleased as a release of that day."""
    heading = "## [Unreleased]\n"
    return text.replace(heading, f"{heading}\n## [{version}] - {day}\n", 1)
