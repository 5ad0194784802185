"""Traces with the providers that are not a framework's default."""

from dataclasses import replace

import pytest

from contract.projects import FRAMEWORKS, PAIRS, each
from contract.test_tracing import (
    server,
    session,
    test_a_turn_is_a_trace_with_the_calls_of_model_and_tool,
    test_a_turn_that_fails_is_told_so,
    test_no_text_is_told,
)

__all__ = [
    "server",
    "session",
    "test_a_turn_is_a_trace_with_the_calls_of_model_and_tool",
    "test_a_turn_that_fails_is_told_so",
    "test_no_text_is_told",
]

OTHERS = [
    replace(variant, tracing=True)
    for variant in PAIRS
    if variant.provider != FRAMEWORKS[variant.framework] and not variant.stream
]
pytestmark = [pytest.mark.real, each(OTHERS)]
