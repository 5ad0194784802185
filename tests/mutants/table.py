"""The mutants: each a fault, the text that makes it, and the tests that should notice."""

from mutants.agents import AGENTS
from mutants.commands import COMMANDS
from mutants.dev import DEV
from mutants.frameworks import FRAMEWORKS
from mutants.machinery import MACHINERY
from mutants.mutant import (
    CACHE,
    INVOCATION,
    JSON,
    LANGGRAPH,
    MAIN,
    REPLIES,
    STRANDS,
    STREAM,
    TURNS,
    UNIT,
    Edit,
    Mutant,
    contract,
    one,
)
from mutants.offline import OFFLINE
from mutants.packages import PACKAGES
from mutants.review import REVIEW
from mutants.stores import STORES
from mutants.tracing import TRACES
from mutants.transcripts import TRANSCRIPTS
from mutants.updates import UPDATES

HISTORY = (
    Mutant(
        "one agent for everybody",
        (
            Edit(STRANDS, "    return Agent(\n", "    one = globals().get('ONE') or Agent(\n"),
            Edit(
                STRANDS,
                "callback_handler=None,  # the default prints replies\n    )\n",
                "callback_handler=None,  # the default prints replies\n    )\n"
                "    globals()['ONE'] = one\n    return one\n",
            ),
        ),
        contract("identity recall", f"'{JSON}'"),
    ),
    one(
        "a default session that callers without one share",
        INVOCATION,
        "SessionKey(*caller, session) if session else None",
        'SessionKey(*caller, session or "default")',
        contract("identity", f"'{JSON}'"),
    ),
    Mutant(
        "first in, first out",
        (
            Edit(
                CACHE,
                "    last_used: float = 0.0\n",
                "    last_used: float = 0.0\n"
                "    born: float = field(default_factory=time.perf_counter)\n",
            ),
            Edit(
                CACHE,
                "        while self._idle and len(self) > self._maxsize:\n"
                "            self._evict(*self._idle.popitem(last=False))\n",
                "        while self._idle and len(self) > self._maxsize:\n"
                "            key = min(self._idle, key=lambda each: self._idle[each].born)\n"
                "            self._evict(key, self._idle.pop(key))\n",
            ),
        ),
        UNIT,
    ),
    one(
        "popitem() unpacked the wrong way round",
        CACHE,
        "len(self) > self._maxsize:\n            self._evict(*self._idle.popitem(last=False))\n",
        "len(self) > self._maxsize:\n            entry, key = self._idle.popitem(last=False)\n"
        "            self._evict(key, entry)\n",
        UNIT,
    ),
    one(
        "no bound",
        CACHE,
        "while self._idle and len(self) > self._maxsize:",
        "while self._idle and len(self) > 1_000_000:",
        UNIT,
    ),
    one(
        "one eviction an insert",
        CACHE,
        "while self._idle and len(self) > self._maxsize:",
        "if self._idle and len(self) > self._maxsize:",
        UNIT,
    ),
    one(
        "eviction of what is in use",
        CACHE,
        "self._in_use.get(key) or self._idle.pop(key, None) or _Entry()",
        "self._in_use.get(key) or self._idle.get(key) or _Entry()",
        UNIT,
    ),
    one(
        "no lock",
        CACHE,
        "            async with entry.lock:\n                if not entry.opened:\n",
        "            if True:\n                if not entry.opened:\n",
        UNIT,
    ),
    Mutant(
        "one lock for all, held while a turn runs",
        (
            Edit(
                CACHE,
                "            async with entry.lock:\n                if not entry.opened:\n",
                "            async with self._lock:\n                if not entry.opened:\n",
            ),
            Edit(
                CACHE,
                "        self._maxsize = maxsize\n",
                "        self._maxsize = maxsize\n        self._lock = asyncio.Lock()\n",
            ),
        ),
        UNIT,
    ),
    one(
        "an insert after an await",
        CACHE,
        "        self._expire()\n        entry = self._enter(key)\n",
        "        self._expire()\n"
        "        entry = self._in_use.get(key) or self._idle.pop(key, None) or _Entry()\n"
        "        await asyncio.sleep(0)\n"
        "        entry.turns += 1\n"
        "        if key is not None:\n"
        "            self._in_use[key] = entry\n",
        UNIT,
    ),
    one(
        "the wrong session closed",
        CACHE,
        "closing = _closed(self._close, key, entry.state)",
        "closing = _closed(self._close, next(iter(self._idle), key), entry.state)",
        UNIT,
    ),
    one(
        "a failed turn kept",
        LANGGRAPH,
        '    return {**last, "messages": [*messages, HumanMessage(prompt, id=uuid4().hex)]}\n',
        "    asked = HumanMessage(prompt, id=uuid4().hex)\n"
        '    session.turns.append({"messages": [asked]})\n'
        '    return {**last, "messages": [*messages, asked]}\n',
        contract("atomicity", "langgraph-bedrock-json"),
    ),
    Mutant(
        "a refused request touches the cache",
        (
            Edit(
                MAIN,
                "    prompt, key = read_invocation(payload, context)\n",
                "    async with sessions.turn(SessionKey(None, None, context.session_id or '')):\n"
                "        pass\n"
                "    prompt, key = read_invocation(payload, context)\n",
            ),
        ),
        contract("input", JSON),
    ),
    one(
        "exception text shown to the caller",
        TURNS,
        'return _failure(502, "The agent could not answer.")',
        "return _failure(502, str(error))",
        contract("failures", JSON),
    ),
    one(
        "one session too few",
        CACHE,
        "while self._idle and len(self) > self._maxsize:",
        "while self._idle and len(self) >= self._maxsize:",
        UNIT,
    ),
    one(
        "the bare session id as the key",
        INVOCATION,
        "return SessionKey(*caller, session)",
        "return SessionKey(None, None, session)",
        contract("identity", JSON),
    ),
    one(
        "expiry counted from the beginning",
        CACHE,
        "        entry.last_used = self._clock()\n",
        "        entry.last_used = entry.last_used or self._clock()\n",
        UNIT,
    ),
    one(
        "a client of the model for each turn",
        "templates/project/model/load.py.jinja",
        "@functools.cache\ndef load_model",
        "def load_model",
        contract("lifecycle", JSON),
    ),
)

OWN = (
    one(
        "an empty reply kept",
        TURNS,
        "    if not reply.strip():\n        raise EmptyReplyError\n",
        "",
        contract("atomicity", JSON),
    ),
    one(
        "sessions that never expire",
        CACHE,
        "while self._idle and now - next",
        "while False and now - next",
        UNIT,
    ),
    one(
        "the payload overrides the header",
        INVOCATION,
        "    if header is not None:\n",
        "    if header is not None and field not in payload:\n",
        contract("identity", JSON),
    ),
    one(
        "a stream that ends with its first words",
        REPLIES,
        "            else:\n                await self._news.wait()\n"
        "                self._news.clear()\n",
        "            else:\n                return\n",
        contract("streaming", STREAM),
    ),
    one(
        "a test tool that constraints.txt does not pin",
        "pyproject.toml",
        '    "httpx>=0.28,<1",\n',
        '    "httpx>=0.28,<1",\n    "humanize>=4",\n',
        "tests/test_pins.py -k pyproject_asks",
    ),
)

MUTANTS = (
    *HISTORY,
    *OWN,
    *MACHINERY,
    *AGENTS,
    *FRAMEWORKS,
    *OFFLINE,
    *COMMANDS,
    *PACKAGES,
    *REVIEW,
    *STORES,
    *TRANSCRIPTS,
    *TRACES,
    *UPDATES,
    *DEV,
)
