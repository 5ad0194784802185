"""Mutants of the transcripts: of what is kept, for whom, and of the store that keeps it."""

from mutants.mutant import CHAT, Edit, Mutant, contract, one

JSON = "strands-bedrock-json-transcript"
MANAGER = "tests/transcript/test_manager.py"

TRANSCRIPTS = (
    one(
        "a forgotten session that stays in memory",
        f"{CHAT}/session.py",
        "        if count or not newest:\n            await self._memory.delete(session)\n",
        "",
        MANAGER,
    ),
    one(
        "the sessions of a batch locked in any order",
        f"{CHAT}/sql.py",
        "keys = sorted(said)",
        "keys = list(said)",
        "tests/transcript/test_databases.py -k same_order",
    ),
    Mutant(
        "a store that was only read stays open",
        (
            Edit(
                f"{CHAT}/session.py",
                "        self._loop = asyncio.get_running_loop()",
                "        asyncio.get_running_loop()",
            ),
            Edit(
                f"{CHAT}/session.py",
                "        await self._memory.append(messages)\n        self._sweep()\n",
                "        await self._memory.append(messages)\n"
                "        self._loop = asyncio.get_running_loop()\n"
                "        self._sweep()\n",
            ),
        ),
        MANAGER,
    ),
    one(
        "the session of one who says no name, looked for among the last used",
        f"{CHAT}/actions.py",
        "    found = await transcripts.get_sessions(*action.caller, action.limit, named)\n",
        "    found = await transcripts.get_sessions(*action.caller, action.limit)\n"
        "    found = [each for each in found if named in (None, each.session_id)]\n",
        contract("actions", f"'{JSON} and nobody'"),
    ),
    one(
        "a clean-up that the time of day says is due",
        f"{CHAT}/session.py",
        "        now = self._monotonic()\n",
        "        now = self._clock().timestamp()\n",
        MANAGER,
    ),
    one(
        "an archive that misses what memory dropped by itself",
        f"{CHAT}/session.py",
        "math.inf if archive else ",
        "",
        MANAGER,
    ),
    one(
        "a database asked for an id that it does not take",
        f"{CHAT}/session.py",
        "if before is not None and not is_message_id(before):",
        "if before == '':",
        MANAGER,
    ),
    one(
        "a batch of which all is forgotten, written",
        f"{CHAT}/sql.py",
        "        if not messages:  # all that waited may have been forgotten\n            return\n",
        "",
        MANAGER,
    ),
    one(
        "an address that no driver has seen",
        f"{CHAT}/sql.py",
        "        check(parsed, options)\n",
        "",
        "tests/transcript/test_storages.py -k address",
    ),
    one(
        "an address tried out by connecting to it",
        f"{CHAT}/drivers.py",
        "asyncio.Runner(loop_factory=_Unconnected) as runner, suppress(_WouldConnect)",
        "asyncio.Runner() as runner, suppress(OSError)",
        "tests/transcript/test_storages.py -k address",
    ),
)
