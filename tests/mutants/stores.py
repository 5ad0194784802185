"""Mutants of the stores: what is kept, when, for whom, and what of it is read back."""

from mutants.mutant import LANGGRAPH, MAIN, Edit, Mutant, contract, one

KEEPING = "templates/project/serving/store/keeping.py.jinja"
SQL = "templates/project/serving/store/sql.py.jinja"
EXPIRY = "templates/project/serving/store/expiry.py.jinja"
GROUP = "templates/project/serving/store/group_commit.py"
CODEC = "templates/project/serving/store/codec.py"
ADK = "templates/frameworks/adk/agent.py.jinja"
ROWS = "tests/store/test_rows.py"
SQLITE, POSTGRES = "json-sqlite", "json-postgres"

STORES = (
    one(
        "a turn answered before it is kept",
        MAIN,
        "\n        await kept.keep(session, done)\n",
        "\n        _ = __import__('asyncio').ensure_future(kept.keep(session, done))\n",
        contract("outages", SQLITE),
    ),
    one(
        "a turn that reads nothing before it",
        KEEPING,
        "        if session.key is None:\n            return\n        known",
        "        if session.key is None or True:\n            return\n        known",
        contract("kept", "cap"),
    ),
    one(
        "a turn kept wherever its session has come to",
        SQL,
        "    WHERE session_key = :key AND conversation = :conversation AND turns = :turns",
        "    WHERE session_key = :key",
        ROWS,
    ),
    one(
        "a turn that brings back the session that was forgotten meanwhile",
        SQL,
        '                raise Conflict("the session has changed")\n'
        "            await connection.execute(ADD, turn)\n",
        "                await connection.execute(BEGIN, session | ids | of_user)\n"
        "            await connection.execute(ADD, turn)\n",
        ROWS,
    ),
    one(
        "a turn kept in a transaction of its own",
        SQL,
        "            await connection.execute(ADD, turn)\n\n"
        "        try:\n"
        "            await self._change(change)\n",
        "\n"
        "        try:\n"
        "            await self._change(change)\n"
        "            await self._change(lambda connection: connection.execute(ADD, turn))\n",
        contract("kills", "json-sqlite-transcript"),
    ),
    one(
        "a session that has the turn before it is kept",
        KEEPING,
        '        row = Row(uuid4().hex, body{{ ", said" if transcript }})\n',
        "        session.keep(kept)  # type: ignore[arg-type]\n"
        '        row = Row(uuid4().hex, body{{ ", said" if transcript }})\n',
        contract("outages", SQLITE),
    ),
    one(
        "a collision that is kept all the same",
        KEEPING,
        "        adding = self.store.add(session.key, session.position, row)\n",
        "        session.position, _ = await self.store.since(session.key, session.position, 1)\n"
        "        adding = self.store.add(session.key, session.position, row)\n",
        contract("replicas", SQLITE),
    ),
    one(
        "a turn whose commit was not answered, called a collision",
        SQL,
        "                if await connection.scalar(FIND, turn) != row.row_id:\n",
        "                if await connection.scalar(FIND, turn):\n",
        ROWS,
    ),
    one(
        "turns written as plain JSON",
        CODEC,
        '"turn": _tagged(self.dump(turn))})',
        '"turn": self.dump(turn)}, default=str)',
        "tests/store/test_codec.py",
    ),
    one(
        "a dict that looks like bytes, read as bytes",
        CODEC,
        'mark = "$" if _is_tag(value) else ""',
        'mark = ""',
        "tests/store/test_codec.py",
    ),
    one(
        "the state of ADK not kept",
        ADK,
        '"state": turn.state}',
        '"state": {}}',
        contract("adk", "outlives"),
    ),
    one(
        "the state of LangGraph not kept",
        LANGGRAPH,
        'return {**turn, "messages": messages_to_dict(turn["messages"])}',
        'return {"messages": messages_to_dict(turn["messages"])}',
        contract("langgraph", "outlives"),
    ),
    one(
        "the last turn read twice",
        SQL,
        "number > :known AND body",
        "number >= :known AND body",
        ROWS,
    ),
    Mutant(
        "a session forgotten after its turns",
        (
            Edit(
                SQL,
                "            # The session first: who adds a turn to it meanwhile waits, and finds"
                " it gone.\n",
                "            await connection.execute(DELETE_TURNS, session)\n",
            ),
            Edit(
                SQL,
                "            if count is not None:\n"
                "                await connection.execute(DELETE_TURNS, session)\n",
                "",
            ),
        ),
        "tests/store/test_databases.py",
    ),
    one(
        "a session deleted though it was used meanwhile",
        SQL,
        "WHERE session_key = :key AND last_used < :before",
        "WHERE session_key = :key AND :before > 0",
        "tests/store/test_expiry.py",
    ),
    Mutant(
        "a session deleted by a clock that was set back meanwhile",
        (
            Edit(
                EXPIRY,
                "        stay: set[SessionKey] = set()",
                "        since = _since(hours)\n        stay: set[SessionKey] = set()",
            ),
            Edit(
                EXPIRY,
                "or await self._store.delete(key, _since(hours)) is None",
                "or await self._store.delete(key, since) is None",
            ),
        ),
        "tests/store/test_expiry.py",
    ),
    one(
        "a session that is used but not marked so",
        SQL,
        "if first.last_used < time.time() - self._fresh:",
        "if first.last_used < 0:",
        ROWS,
    ),
    one(
        "a connection of before a restart that ends a turn",
        SQL,
        "            if not error.connection_invalidated:\n                raise\n",
        "            raise\n",
        "tests/store/test_databases.py",
    ),
    one(
        "a file that another process has, looked for once",
        SQL,
        'if "locked" not in str(error.orig) or',
        'if "locked" in str(error.orig) or',
        "tests/store/test_group_commit.py",
    ),
    one(
        "one that is refused, and all that are committed with it",
        GROUP,
        "if len(group) > 1 and",
        "if not group and",
        "tests/store/test_group_commit.py",
    ),
    one(
        "a commit for each turn",
        GROUP,
        "MAX_GROUP = 32",
        "MAX_GROUP = 1",
        "tests/store/test_group_commit.py",
    ),
    one(
        "turns of a group answered before its commit",
        GROUP,
        "                done = [await change(connection) for change, _ in group]\n",
        "                done = [await change(connection) for change, _ in group]\n"
        "                [result.set_result(value) for (_, result), value in zip(group, done)]\n"
        "                await asyncio.sleep(0.05)\n",
        contract("kills", "json-sqlite-transcript"),
    ),
    one(
        "a busy process that calls its store late",
        "templates/project/serving/store/patience.py",
        "        self.left -= tick\n        await asyncio.wait([task], timeout=tick)\n",
        "        await asyncio.wait([task], timeout=self.left)\n        self.left = 0\n",
        "tests/store/test_keeping.py",
    ),
    one(
        "a key of ids put together",
        SQL,
        "hashlib.sha256(json.dumps(ids).encode())",
        "hashlib.sha256(''.join(map(str, ids)).encode())",
        ROWS,
    ),
    one(
        "a turn kept after its caller was told that it is not",
        SQL,
        "            if asking and asking.is_late:\n",
        "            if asking and asking.left < -1:\n",
        "tests/store/test_keeping.py",
    ),
    one(
        "what another agent wrote, read as one's own",
        CODEC,
        "            if name == self.name:\n",
        "            if name:\n",
        "tests/store/test_codec.py",
    ),
)
