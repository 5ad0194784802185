"""Create session-safe agent projects for Amazon Bedrock AgentCore."""

__version__ = "0.1.0"
