"""Faults of `agentcore-new dev`: what AgentCore enforces, whose machine it is, what is left."""

from mutants.mutant import one

FOLDER = "src/agentcore_new/dev"
PLATFORM = f"{FOLDER}/platform.py"
FRONT = f"{FOLDER}/front.py"
INVOCATION = f"{FOLDER}/invocation.py"
MACHINE = f"{FOLDER}/machine.py"
MACHINES = f"{FOLDER}/machines.py"
RUN = f"{FOLDER}/run.py"
LOGS = f"{FOLDER}/logs.py"
API = f"{FOLDER}/page_api.py"
OF_FRONT = "tests/dev/test_front.py"
OF_MACHINES = "tests/dev/test_machines.py"
OF_RUN = "tests/dev/test_run.py"
OF_REAL = "tests/dev/test_frameworks.py"

DEV = (
    one(
        "a session id of 32 characters taken",
        PLATFORM,
        "MIN_SESSION_CHARS = 33\n",
        "MIN_SESSION_CHARS = 32\n",
        f"{OF_FRONT} -k does_not_take",
    ),
    one(
        "a user id of any length taken",
        PLATFORM,
        "    if len(user) <= MAX_USER_CHARS:\n",
        "    if user is not None:\n",
        f"{OF_FRONT} -k user_id",
    ),
    one(
        "a payload of any size taken",
        PLATFORM,
        "MAX_PAYLOAD_BYTES = 100_000_000\n",
        "MAX_PAYLOAD_BYTES = 200_000_000\n",
        f"{OF_FRONT} -k 100_mb",
    ),
    one(
        "Authorization reaches the agent",
        PLATFORM,
        '    "authorization": "reaches',
        '    "authorisation": "reaches',
        f"{OF_FRONT} -k those_headers",
    ),
    one(
        "custom headers dropped",
        PLATFORM,
        'name.startswith(f"{_OWN}custom-")',
        'name == f"{_OWN}custom-"',
        f"{OF_FRONT} -k those_headers",
    ),
    one(
        "pages of other origins may ask",
        FRONT,
        "    if origin is not None and",
        "    if origin is None and",
        f"{OF_FRONT} -k other_origins",
    ),
    one(
        "any name for this address",
        FRONT,
        "    if _name_of(host) not in LOOPBACK:\n",
        "    if not host:\n",
        f"{OF_FRONT} -k other_origins",
    ),
    one(
        "what other pages load without an origin",
        FRONT,
        '    if site not in (None, "same-origin", "none")',
        '    if site == "other"',
        f"{OF_FRONT} -k other_origins",
    ),
    one(
        "a form of another page",
        API,
        'request.content_type != "application/json"',
        'request.content_type == "x/y"',
        f"{OF_FRONT} -k form",
    ),
    one(
        "an error of the agent passed on as it is",
        INVOCATION,
        "    return Refused(424, why,",
        "    return Refused(response.status, why,",
        f"{OF_FRONT} -k is_a_424",
    ),
    one(
        "a stream that breaks off looks whole",
        FRONT,
        "                _break_off(request)\n",
        "                await client.end()\n",
        f"{OF_FRONT} -k breaks_off",
    ),
    one(
        "a stream has no time limit of its own",
        INVOCATION,
        "                    limit.reschedule(begun + self._limits.stream_seconds)\n",
        "                    limit.reschedule(None)\n",
        f"{OF_MACHINES} -k too_long",
    ),
    one(
        "HealthyBusy counts as idle",
        MACHINE,
        '    if machine.health == "HealthyBusy":\n        machine.used',
        '    if machine.health == "Busy":\n        machine.used',
        f"{OF_MACHINES} -k busy",
    ),
    one(
        "a machine with a turn is idle",
        MACHINE,
        'self.state == "ready" and not self.turns and',
        'self.state == "ready" and',
        f"{OF_MACHINES} -k however_long",
    ),
    one(
        "no machine is ever too old",
        MACHINES,
        ">= self.limits.life_seconds:",
        ">= 10 * self.limits.life_seconds + 1e6:",
        f"{OF_MACHINES} -k no_longer",
    ),
    one(
        "one machine too many",
        MACHINES,
        ") >= limit:",
        ") > limit:",
        f"{OF_MACHINES} -k longest_idle",
    ),
    one(
        "the last used leaves first",
        MACHINES,
        "            first = min(idle, key",
        "            first = max(idle, key",
        f"{OF_MACHINES} -k longest_idle",
    ),
    one(
        "new code ends the turns of the old",
        MACHINES,
        "            if not machine.turns:\n                self._soon(self.stop(",
        "            if machine:\n                self._soon(self.stop(",
        f"{OF_MACHINES} -k waits_for_the_turns",
    ),
    one(
        "the one process is taken when it is idle",
        MACHINES,
        'if machine.state != "ready" or not self.per_session:',
        'if machine.state != "ready":',
        f"{OF_MACHINES} -k have_all",
    ),
    one(
        "all addresses of the machine",
        RUN,
        'create_server(("127.0.0.1", port))',
        'create_server(("0.0.0.0", port))',
        f"{OF_FRONT} -k loopback",
    ),
    one(
        "agents that do not end are waited for, however often one says it",
        RUN,
        "        await machines.close(kill=True)\n",
        "        await machines.close()\n",
        f"{OF_RUN} -k told_twice",
    ),
    one(
        "traces of a turn sent to nobody",
        RUN,
        "        given |= {OTLP: url,",
        "        given |= {OTLP.lower(): url,",
        f"{OF_REAL} -k 'tools_are_told and adk'",
    ),
    one(
        "--offline asks the model",
        RUN,
        '        given["AGENT_OFFLINE"] = "1"\n',
        '        given["AGENT_OFFLINE"] = "0"\n',
        f"{OF_REAL} -k 'forgets and strands'",
    ),
    one(
        "logs of earlier runs stay",
        LOGS,
        "                shutil.rmtree(old, ignore_errors=True)\n",
        "                pass\n",
        f"{OF_RUN} -k pile_up",
    ),
)
