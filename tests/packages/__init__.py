"""`agentcore-new package`: what goes into the zip, for which machine, and what is refused."""
