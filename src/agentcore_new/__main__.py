"""`python -m agentcore_new` is the same command as `agentcore-new`."""

from agentcore_new.cli import run

if __name__ == "__main__":
    run()
