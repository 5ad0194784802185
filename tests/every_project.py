"""The project of every combination, rendered once for all the tests of a worker.

That each text is what `render` gives is a test of its own, in review/test_guard.py.
"""

from collections.abc import Mapping
from functools import cache

from agentcore_new.answers import Answers, combinations
from agentcore_new.review.rendering import render_all


@cache
def every_project() -> tuple[tuple[Answers, Mapping[str, str]], ...]:
    """The answers and the files of each."""
    answers = list(combinations())
    rendered = render_all(answers)
    assert not rendered.faults
    return tuple(zip(answers, [each.files for each in rendered.projects], strict=True))
