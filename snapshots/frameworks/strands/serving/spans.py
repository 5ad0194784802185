#only tracing
"""What Strands tells OpenTelemetry of a turn: it has spans of its own."""

import os

from serving.tracing import texts_wanted

CONVENTIONS = "OTEL_SEMCONV_STABILITY_OPT_IN"


def keep_texts_out() -> None:
    """Have its spans tell texts only if asked to; it reads this at the first turn."""
    told = [os.environ.get(CONVENTIONS, ""), "gen_ai_latest_experimental"]
    if not texts_wanted():
        told.append("gen_ai_unredacted_attributes=")  # none
    os.environ[CONVENTIONS] = ",".join(filter(None, told))
