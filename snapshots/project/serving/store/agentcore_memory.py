#only agentcore-memory
"""Rows as events of AgentCore Memory."""
