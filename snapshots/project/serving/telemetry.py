#only tracing
"""`python -m serving.telemetry [COMMAND…]` starts the agent with traces, if somebody wants them.

#if not autogen
By itself it would look for a collector on this machine, and AWS's distribution of it for a cloud.
#else
By itself it would look for a collector on this machine.
#end
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import load_dotenv

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def main() -> None:
    """Become the command of the arguments, by default that which starts the agent."""
    load_dotenv(Path(__file__).parents[1] / ".env")
    command = sys.argv[1:] or ["opentelemetry-instrument", "python", "main.py"]
    try:
        os.execvpe(command[0], command, settled(os.environ))  # noqa: S606 - it is the caller's own
    except OSError as error:
        raise SystemExit(f"{command[0]} cannot be started: {error.strerror}.") from None


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment, completed by what holds where it says nothing."""
    defaults = {
#if not autogen
        "OTEL_PYTHON_DISTRO": "aws_distro",
#end
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",  # a turn has its spans already
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
#if not autogen
    }
    if environment.get("AGENT_OBSERVABILITY_ENABLED", "").lower() == "true":  # on AgentCore
        return {**defaults, "OTEL_PYTHON_CONFIGURATOR": "aws_configurator", **environment}
    defaults["OTEL_PYTHON_CONFIGURATOR"] = "configurator"  # AWS's asks where it runs
    defaults |= {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
#else
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
#end
    if not any(environment.get(name) for name in ENDPOINTS):
        defaults["OTEL_TRACES_EXPORTER"] = "none"
#if not autogen
    return {**defaults, **environment}
#else
    # AgentCore names AWS's distribution, which cannot be installed beside AutoGen.
    here = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}
    return {**defaults, **environment, **here}
#end


if __name__ == "__main__":
    main()
