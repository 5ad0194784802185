"""Create session-safe agent projects for Amazon Bedrock AgentCore."""

__version__ = "0.2.0.dev0"
