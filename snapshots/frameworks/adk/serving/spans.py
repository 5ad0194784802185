#only tracing
"""What ADK tells OpenTelemetry of a turn: it has spans of its own."""

import os

from serving.tracing import texts_wanted


def keep_texts_out() -> None:
    """Have its spans tell texts only if asked to; by itself it would."""
    os.environ.setdefault("ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS", str(texts_wanted()).lower())
