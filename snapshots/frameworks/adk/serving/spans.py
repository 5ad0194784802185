#only tracing
"""What ADK tells OpenTelemetry of a turn: it has spans of its own."""

import os

from serving.tracing import texts_wanted


def keep_texts_out() -> None:
    """Have its spans follow the conventions, and tell texts only if asked to."""
    os.environ.setdefault("ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN", "2")  # before ADK 2.13 it is 1
    os.environ.setdefault("ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS", str(texts_wanted()).lower())
