"""Tests of `agentcore-new update`."""
