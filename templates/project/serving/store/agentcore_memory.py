"""Rows as events of AgentCore Memory."""
