"""`agentcore-new dev`: runs an agent as AgentCore does, with a page to talk to it."""
