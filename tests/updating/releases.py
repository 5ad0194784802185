"""What was released: the commits, their templates as files, and answers to try them with."""

import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from pathlib import Path

from agentcore_new.options import Value
from agentcore_new.updating import history
from agentcore_new.updating.edition import Edition

ROOT = Path(__file__).parents[2]
# The first release has no tag.
UNTAGGED = {"0.1.0": "6426f271c67c937ca021f5014f3eebf77d451da4"}
TEXTS = {
    "description": "Says \"hello\", 'bye' {{ framework }} \\n ${HOME} <b> Zażółć 日本 👩\u200d💻",
    "model_id": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
    "project_name": "My_Agent-2",
}


def commit_of(version: str) -> str:
    """What git knows a release by."""
    return UNTAGGED.get(version, f"v{version}")


def exported(commit: str, folder: Path) -> Path:
    """Write the templates of a commit to a folder, and return it."""
    command = ("git", "archive", commit, "copier.yml", "templates")
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def defaults(edition: Edition, given: dict[str, Value]) -> dict[str, Value]:
    """Every answer: what is given, and the default of everything else."""
    answers: dict[str, Value] = {}
    for name in edition.questions:
        answers[name] = given[name] if name in given else edition.default(name, answers)
    return answers


def combinations(edition: Edition) -> Iterator[dict[str, Value]]:
    """Answers to each question that has finitely many, all with all."""
    values = {name: edition.values(name) for name in edition.questions}
    finite = {name: known for name, known in values.items() if known}
    for chosen in product(*finite.values()):
        yield defaults(edition, dict(zip(finite, chosen, strict=True)))


def released() -> list[str]:
    """The versions that are frozen."""
    return list(history.packaged())
