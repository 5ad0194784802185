"""Makes the zip that AgentCore takes: a project's code, and its packages for Linux on Arm."""
