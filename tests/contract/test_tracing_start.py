"""Who is told of turns, and what is asked before, by how the process is started."""

import json
import re
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
from fake_models import FakeModels

from agentcore_new import render
from agentcore_new.answers import complete
from contract.environments import python_of
from contract.otlp import Receiver
from contract.projects import TRACED, Variant, each
from contract.server import serve
from contract.test_restored import Alike

pytestmark = [pytest.mark.real, each([variant for variant in TRACED if not variant.stream])]

LOCAL = ("python", "-m", "serving.telemetry")
CONTAINER = ("python", "-m", "serving.telemetry", "opentelemetry-instrument")
MAIN = ("python", "main.py")
ZIP = ("opentelemetry-instrument",)
# what the README wants to be set where it is a zip that starts
OF_A_ZIP = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
}
WITHOUT_AWS = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}
SESSION = "a-session-id-of-33-characters-or-more"


def of_agentcore(receiver: Receiver) -> dict[str, str]:
    """What AgentCore sets, with a collector in place of its own."""
    return {
        "AGENT_OBSERVABILITY_ENABLED": "true",
        "OTEL_PYTHON_DISTRO": "aws_distro",
        "OTEL_PYTHON_CONFIGURATOR": "aws_configurator",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=my-agent",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }


@pytest.mark.parametrize("by", [CONTAINER, ZIP], ids=["container", "zip"])
def test_on_agentcore_the_trace_is_the_same(
    variant: Variant,
    model_server: FakeModels,
    receiver: Receiver,
    tmp_path: Path,
    by: tuple[str, ...],
) -> None:
    environment = {**model_server.env(variant.provider), **of_agentcore(receiver)}
    if by == ZIP:
        environment |= OF_A_ZIP | (WITHOUT_AWS if variant.framework == "autogen" else {})
    session = f"{SESSION}-{variant}-{by[0]}"
    with serve(variant, tmp_path, environment, by=by) as server:
        reply = server.client.ask("unheard of <<tool=add_numbers:1234567:7654321>>", session)
        assert "8888888" in reply.text
        (trace,) = receiver.wait(session)
    assert len(trace.of("chat", "generate_content")) == 2
    assert len(trace.of("execute_tool")) == 1
    for text in ("unheard of", "1234567", "8888888"):
        assert not receiver.has(text), text


@pytest.mark.parametrize("by", [(), CONTAINER], ids=["by itself", "container"])
def test_where_nothing_is_set_nobody_is_asked_or_told(
    variant: Variant, model_server: FakeModels, tmp_path: Path, by: tuple[str, ...]
) -> None:
    # what would be sent is sent at once
    quick = {"OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_METRIC_EXPORT_INTERVAL": "20"}
    environment = {**model_server.env(variant.provider), **quick}
    with serve(variant, tmp_path, environment, by=by) as server:
        assert server.client.ask("hello", SESSION).text == "turn 1: hello"
        assert server.client.ask("again", SESSION).text == "turn 2: again"
        asked = [line.split() for line in server.connections()]
    ports = {words[2] for words in asked if words[0] in ("socket.connect", "socket.sendto")}
    assert ports == {str(model_server.port)}


def test_spans_by_older_conventions_tell_no_more(
    variant: Variant, model_server: FakeModels, receiver: Receiver, tmp_path: Path
) -> None:
    """Who asks for those of ADK gets them, and they alone would have texts by themselves."""
    older = {
        "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    session = f"{SESSION}-{variant}-older"
    environment = {**model_server.env(variant.provider), **older}
    with serve(variant, tmp_path, environment, by=CONTAINER) as server:
        assert not server.client.ask("told to nobody <<tool=add_numbers:456789:0>>", session).error
        receiver.wait(session)
    assert not receiver.has("told to nobody")
    assert not receiver.has("456789")


def test_what_the_env_file_says_counts(
    variant: Variant, model_server: FakeModels, receiver: Receiver, tmp_path: Path
) -> None:
    lines = [f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.endpoint}", "OTEL_BSP_SCHEDULE_DELAY=50"]

    class WithFile(Variant):
        def files(self) -> dict[str, str]:
            return {**super().files(), ".env": "\n".join(lines)}

    session = f"{SESSION}-{variant}-file"
    project, environment = WithFile(**asdict(variant)), model_server.env(variant.provider)
    with serve(project, tmp_path, environment, by=CONTAINER) as server:
        server.client.ask("hello", session)
        receiver.wait(session)


def test_the_image_starts_like_this(variant: Variant) -> None:
    given: dict[str, str | bool | None] = {
        "framework": variant.framework,
        "tracing": True,
        "container": True,
    }
    text = render.render(complete(given))["Dockerfile"]
    found = dict(re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", text, re.M))
    assert (*json.loads(found["ENTRYPOINT"]), *json.loads(found["CMD"])) == (*CONTAINER, *MAIN)


def test_by_hand_it_starts_the_same(
    variant: Variant, model_server: FakeModels, receiver: Receiver, tmp_path: Path
) -> None:
    """As the README says, without a word more."""
    environment = {**model_server.env(variant.provider), "OTEL_BSP_SCHEDULE_DELAY": "50"}
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.endpoint
    session = f"{SESSION}-{variant}-by-hand"
    with serve(variant, tmp_path, environment, instead=LOCAL) as server:
        server.client.ask("hello", session)
        receiver.wait(session)
        assert server.output("stderr").count("\n") == len(server.records())


def test_what_cannot_be_started_is_told_in_a_line(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path)
    command = [str(python_of(variant.framework)), *LOCAL[1:], "no-such-command"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = "no-such-command cannot be started: No such file or directory.\n"
    assert done.stderr == said


def test_machines_that_were_alike_have_other_ids(
    variant: Variant, model_server: FakeModels, receiver: Receiver, tmp_path: Path
) -> None:
    alike = Alike(**asdict(variant))
    told: Mapping[str, str] = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    session = f"{SESSION}-{variant}-alike"
    with ExitStack() as stack:
        for name in ("one", "two"):
            environment = {**model_server.env(variant.provider), **told}
            server = stack.enter_context(serve(alike, tmp_path / name, environment, by=CONTAINER))
            server.client.ask("hello", session)
        one, other = receiver.wait(session, turns=2)
    random_part = slice(8, None)  # before it, there may be the time
    assert one.turn.trace[random_part] != other.turn.trace[random_part]
    assert one.turn.id != other.turn.id
