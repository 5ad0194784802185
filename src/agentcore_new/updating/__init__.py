"""Bring a project that exists to this version, or to other answers: `agentcore-new update`."""
