"""The CHANGELOG, in the form of Keep a Changelog."""

import re

FILE = "CHANGELOG.md"
UNRELEASED = re.compile(r"^## \[Unreleased\][^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", re.M | re.S)


def unreleased(text: str) -> str:
    """Return what stands under Unreleased, headings included; nothing if it has no entry."""
    match = UNRELEASED.search(text)
    section = match[1].strip() if match else ""
    return section if re.search(r"^[-*] ", section, re.M) else ""


def released(text: str, version: str, day: str) -> str:
    """Return the CHANGELOG with what stands under Unreleased as a release of that day."""
    heading = "## [Unreleased]\n"
    return text.replace(heading, f"{heading}\n## [{version}] - {day}\n", 1)
