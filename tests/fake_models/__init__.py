"""A local server that speaks the protocols of the model providers to their real SDKs.

The model does what directives in the last user text say (see `behaviour`); without any it answers
`turn N: TEXT`. Nothing is kept between requests but their record.
"""

from fake_models.conversation import Message, ToolCall, ToolResult
from fake_models.recording import Recorded
from fake_models.server import FakeModels

__all__ = ["FakeModels", "Message", "Recorded", "ToolCall", "ToolResult"]
