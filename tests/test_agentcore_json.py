"""What the README's commands change in the file of the AgentCore CLI, which is as recorded."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from test_agentcore_cli import block

from agentcore_new import options
from agentcore_new.answers import complete

# what `add agent` writes of an agent
RECORDED = """{
  "runtimes": [
    {
      "name": "shop",
      "build": "CodeZip",
      "entrypoint": "main.py",
      "codeLocation": "../shop/",
      "runtimeVersion": "PYTHON_3_14",
      "networkMode": "PUBLIC",
      "protocol": "HTTP",
      "requestHeaderAllowlist": [
        "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"
      ]
    }
  ]
}
"""


@pytest.mark.parametrize("tracing", [False, True])
@pytest.mark.parametrize("framework", options.FRAMEWORK.values)
def test_a_zip_is_started_by_what_is_in_it(framework: str, tracing: bool, tmp_path: Path) -> None:
    """By default it is `opentelemetry-instrument`, which a project without traces has not."""
    file = tmp_path / "agentcore" / "agentcore.json"
    file.parent.mkdir()
    file.write_text(RECORDED)
    answers = complete({"framework": framework, "tracing": tracing})
    (change,) = [command for command in block(answers) if command.startswith("sed ")]
    subprocess.run(shlex.split(change), cwd=tmp_path, check=True)
    (before,), (after,) = (json.loads(text)["runtimes"] for text in (RECORDED, file.read_text()))
    added = {name: value for name, value in after.items() if name not in before}
    if tracing:
        variables = {each["name"]: each["value"] for each in added.pop("envVars")}
        assert variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] == "false"
        assert variables["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "*"
        assert ("OTEL_PYTHON_DISTRO" in variables) == (framework == "autogen")
    else:
        assert added.pop("instrumentation") == {"enableOtel": False}
    assert added == {}
