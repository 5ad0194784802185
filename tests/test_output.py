"""What is printed for programs is one JSON object, whatever is in it and whatever takes it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agentcore_new import output

# Paths can have bytes that are no text; Python has half a surrogate pair for each.
BYTES = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
TEXTS = st.text(st.characters(codec="utf-8") | BYTES, max_size=20)


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_is_ascii_alone_and_says_the_same(content: dict[str, str]) -> None:
    text = output.as_json(content)
    assert text.isascii()
    assert json.loads(text) == content
