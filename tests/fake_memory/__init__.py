"""AgentCore Memory for tests, on loopback: the real boto3 talks to it.

What a request may have in it is asked of botocore's own model of the service. What the service does
beyond that, as far as it is documented or was seen, is in `events`.
"""

from fake_memory.server import FakeMemory

__all__ = ["FakeMemory"]
