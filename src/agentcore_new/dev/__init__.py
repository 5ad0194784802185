"""`agentcore-new dev`: runs an agent as AgentCore does, on this machine, with a page to talk to it."""
