"""An empty handler of the runtime: what a request costs before any framework is called.

Run by a framework's own interpreter: `empty.py json|stream` serves on PORT.
"""

# mypy: disable-error-code="import-not-found,untyped-decorator,unused-ignore"

import os
import sys
from collections.abc import AsyncIterator

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext

app = BedrockAgentCoreApp()


async def answer(payload: object, context: RequestContext) -> dict[str, str]:
    return {"result": "turn 1: Hello number 1"}


async def stream(payload: object, context: RequestContext) -> AsyncIterator[str]:
    for delta in ("turn", " 1:", " Hello", " number", " 1"):
        yield delta


if __name__ == "__main__":
    app.entrypoint(stream if sys.argv[1] == "stream" else answer)
    app.run(port=int(os.environ["PORT"]))
