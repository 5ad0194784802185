"""Mutants of the transcripts: of what is shown, to whom, and of what is archived and forgotten."""

from mutants.mutant import TRANSCRIPT, Mutant, contract, one

JSON = "strands-bedrock-json-sqlite-transcript"
STREAM = "strands-bedrock-stream-transcript"
UNIT = "tests/transcript"

TRANSCRIPTS: tuple[Mutant, ...] = (
    one(
        "a forgotten session that the agent remembers",
        f"{TRANSCRIPT}/transcripts.py",
        "        async with self._sessions.forget(session):\n",
        "        if True:\n",
        UNIT,
    ),
    one(
        "a forgotten session that stays where it is kept",
        f"{TRANSCRIPT}/transcripts.py",
        "await self._kept.in_time(self._store.delete(session), though_cancelled=True) or 0",
        "len(await self.get_messages(session))",
        contract("transcripts", f"'{JSON} and forgotten'"),
    ),
    one(
        "the sessions of all who say no name, in one list",
        f"{TRANSCRIPT}/actions.py",
        "    if action.caller.user is None:\n",
        "    if False:\n",
        contract("actions", f"'{JSON} and nobody'"),
    ),
    one(
        "the session of one who says no name, looked for among the last used",
        f"{TRANSCRIPT}/actions.py",
        "    found = await transcripts.get_sessions(action.caller, action.limit, named)\n",
        "    found = await transcripts.get_sessions(action.caller, action.limit)\n"
        "    found = [each for each in found if named in (None, each.session_id)]\n",
        contract("actions", f"'{JSON} and nobody'"),
    ),
    one(
        "half a reply in the transcript of a failed turn",
        f"{TRANSCRIPT}/recording.py",
        "message=failure.detail,",
        'message="".join(self._sent) + failure.detail,',
        contract("transcripts", f"'{STREAM} and one_sentence'"),
    ),
    one(
        "a failed turn that the transcript does not have",
        f"{TRANSCRIPT}/transcripts.py",
        "                        await turn.fail(failure)\n",
        "                        pass\n",
        contract("transcripts", f"'{JSON} and one_sentence'"),
    ),
    one(
        "a failed turn shown as an answer",
        f"{TRANSCRIPT}/recording.py",
        'role="error"',
        'role="assistant"',
        contract("transcripts", f"'{JSON} and one_sentence'"),
    ),
    one(
        "a page that starts in another life of the session",
        f"{TRANSCRIPT}/transcripts.py",
        "position.conversation == place[0] and ",
        "",
        UNIT,
    ),
    one(
        "a page without the messages of the row in which it ends",
        f"{TRANSCRIPT}/transcripts.py",
        "end = place[1] + 1 if place else None",
        "end = place[1] if place else None",
        UNIT,
    ),
    one(
        "an id of a message that is none, looked for",
        f"{TRANSCRIPT}/messages.py",
        "        raise UnknownMessageError\n",
        '        return "", 0, 0\n',
        UNIT,
    ),
    one(
        "damaged messages left out without a word",
        f"{TRANSCRIPT}/messages.py",
        '        raise Unreadable("the messages of a turn are damaged") from error\n',
        "        messages = []\n",
        UNIT,
    ),
    one(
        "transcripts that expire an hour early",
        "templates/project/serving/store/expiry.py.jinja",
        '"{{ 24 if transcript',
        '"{{ 23 if transcript',
        contract("transcripts", f"'{STREAM} and day_old'"),
    ),
    one(
        "an archive that misses what the cache lets go",
        "templates/project/serving/store/keeping.py.jinja",
        "                await self.expiry.archived(key)\n",
        "",
        UNIT,
    ),
    one(
        "a status that ends before its turn",
        f"{TRANSCRIPT}/transcripts.py",
        "        turns[:] = [turn for turn in turns if turn is not status]\n",
        "        turns.clear()\n",
        UNIT,
    ),
)
