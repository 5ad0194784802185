"""Faults of `agentcore-new update`: what is lost, what is refused, what is said."""

from mutants.mutant import one

FOLDER = "src/agentcore_new/updating"
PLANNING = f"{FOLDER}/planning.py"
MERGE = f"{FOLDER}/merge.py"
JOURNAL = f"{FOLDER}/journal.py"
WORKTREE = f"{FOLDER}/worktree.py"
RECORD = f"{FOLDER}/record.py"
REQUEST = f"{FOLDER}/request.py"
DISK = f"{FOLDER}/folder.py"
LINES = f"{FOLDER}/lines.py"
UPDATE = f"{FOLDER}/update.py"
REPORT = f"{FOLDER}/report.py"
REFUSED = "tests/updating/test_refused.py"
UNIX = "tests/updating/test_on_unix.py"
BECOMES = "tests/updating/test_update.py"
KILLS = "tests/updating/test_kills.py"
COMMAND = "tests/updating/test_command.py"
ANSWERS = "tests/updating/test_request.py"

UPDATES = (
    one(
        "a project between releases updated from a guess",
        RECORD,
        "    if version.endswith(DEVELOPMENT):\n",
        "    if not version:\n",
        f"{REFUSED} -k between_releases",
    ),
    one(
        "a project of a later version taken for one that never was",
        RECORD,
        "    if _numbers(version) > _numbers(__version__):\n",
        "    if _numbers(version) < _numbers('0'):\n",
        f"{REFUSED} -k later_version",
    ),
    one(
        "answers that the release did not know",
        RECORD,
        "if name not in edition.questions]:\n",
        "if not name]:\n",
        f"{REFUSED} -k record",
    ),
    one(
        "values that the release did not have",
        RECORD,
        "        if value not in values if values else not isinstance(value, str):\n",
        "        if value is None:\n",
        f"{REFUSED} -k record",
    ),
    one(
        "the last of two answers taken",
        RECORD,
        "        if match[1] in found:\n",
        "        if not match[1]:\n",
        f"{REFUSED} -k record",
    ),
    one(
        "what its owner added to the record thrown away",
        RECORD,
        "        if line not in known and",
        "        if line in known and",
        f"{BECOMES} -k record",
    ),
    one(
        "the tag of the version before left for Copier",
        RECORD,
        "COMMIT.sub(f'_commit: \"v{__version__}\"', line)",
        "line",
        "tests/updating/test_copier_projects.py -k in_turn",
    ),
    one(
        "an update that nothing can undo",
        WORKTREE,
        "        if force:\n            return\n        raise NotCommitted(",
        "        if not force:\n            return\n        raise NotCommitted(",
        f"{REFUSED} -k git_does_not_have",
    ),
    one(
        "uncommitted changes mixed with the update's",
        WORKTREE,
        "    if changed := [entry[3:]",
        "    if not force and False and [entry[3:]",
        f"{REFUSED} -k uncommitted",
    ),
    one(
        "a file that git ignores replaced",
        WORKTREE,
        "if path not in worktree.tracked]:\n",
        "if not path]:\n",
        f"{REFUSED} -k where_a_new_one_goes",
    ),
    one(
        "a file that git was told not to look at replaced",
        WORKTREE,
        "if tag == LOOKED_AT)",
        "if tag)",
        f"{REFUSED} -k does_not_look_at",
    ),
    one(
        "markers of an earlier update taken for text",
        WORKTREE,
        "    paths = {*with_text(folder, MARKER)}\n",
        "    paths: set[str] = set()\n",
        f"{REFUSED} -k resolved",
    ),
    one(
        "what is not merged yet taken for merged",
        WORKTREE,
        '        paths |= {entry.partition("\\t")[2]',
        '        _ = {entry.partition("\\t")[2]',
        f"{REFUSED} -k git_does_not_know",
    ),
    one(
        "conflicts staged as if they were resolved",
        WORKTREE,
        "    for path, conflict in conflicts.items():\n",
        "    for path, conflict in list(conflicts.items())[:0]:\n",
        f"{BECOMES} -k left_to_resolve",
    ),
    one(
        "a conflict that git cannot undo",
        UPDATE,
        "if path not in new}\n",
        "if path}\n",
        f"{BECOMES} -k can_be_undone",
    ),
    one(
        "a symbolic link followed",
        DISK,
        "        if stat.S_ISLNK(mode):\n            raise _link(folder, path)\n        if not",
        "        if not",
        f"{UNIX} -k link",
    ),
    one(
        "a folder that is a link followed",
        DISK,
        "        _refuse_folders(folder, path)\n",
        "",
        f"{UNIX} {REFUSED} -k 'link or folder_goes'",
    ),
    one(
        "a folder in the way",
        DISK,
        '            raise _in_the_way(folder, path, "no file")\n',
        "            continue\n",
        f"{REFUSED} -k file_goes",
    ),
    one(
        "a fix that does not follow a renamed file",
        PLANNING,
        "        before |= disk.others(folder, {*old, *new})\n",
        "        pass\n",
        f"{BECOMES} -k follows",
    ),
    one(
        "a deleted file back again",
        PLANNING,
        "        if kinds.get(path) is Kind.YOU_DELETED:\n            continue\n",
        "",
        f"{BECOMES} -k stays_away",
    ),
    one(
        "dependencies that stand in each other's way",
        PLANNING,
        "    decided = requirements.resolved(data)\n",
        "    decided = data\n",
        f"{BECOMES} -k dependency",
    ),
    one(
        "of two versions of a dependency one thrown away",
        f"{FOLDER}/requirements.py",
        "        if mine != were and new not in (were, mine):\n            return hunk[0]\n",
        "",
        f"{BECOMES} -k dependency",
    ),
    one(
        "line ends of Windows lost",
        LINES,
        '        return merged.replace(b"\\n", CRLF)\n',
        "        return merged\n",
        f"{BECOMES} -k crlf",
    ),
    one(
        "line ends of a few lines given to all",
        LINES,
        "        result[new_at : new_at + count] = were[old_at : old_at + count]\n",
        "        pass\n",
        f"{BECOMES} -k own_end",
    ),
    one(
        "new files with other line ends than the project's",
        PLANNING,
        "else _with_ends(data, crlf=crlf)",
        "else _with_ends(data, crlf=False)",
        f"{BECOMES} -k crlf_that_is_committed",
    ),
    one(
        "the owner's set-up of git in the merge",
        MERGE,
        '    "merge.conflictStyle=diff3",\n',
        "",
        f"{BECOMES} -k 'same or set_up'",
    ),
    one(
        "markers that name a commit that nobody has",
        MERGE,
        'label.sub(rb"\\1 " + name, data)',
        "data",
        f"{BECOMES} -k same",
    ),
    one(
        "a git that cannot merge tried all the same",
        MERGE,
        "(int(match[1]), int(match[2])) < OLDEST_GIT",
        "(int(match[1]), int(match[2])) < (1, 0)",
        f"{UNIX} -k too_old",
    ),
    one(
        "files that change in the meantime overwritten",
        JOURNAL,
        "        if _digest_at(folder, tree, old) != step.before:\n",
        "        if not step.path:\n",
        f"{KILLS} -k between_plan_and_write",
    ),
    one(
        "a file that came in the meantime overwritten",
        JOURNAL,
        "    if step.after:\n        if tree.mode(path):\n",
        "    if step.after:\n        if not step.path:\n",
        f"{KILLS} -k between_plan_and_write",
    ),
    one(
        "half an update left where the disk refuses",
        JOURNAL,
        "        tree.move(old, path)\n    except OSError:\n",
        "        pass\n    except OSError:\n",
        f"{KILLS} -k refuses_leaves",
    ),
    one(
        "an update that was killed begun anew",
        UPDATE,
        "        if interrupted := journal.found(target):\n",
        "        if (interrupted := journal.found(target)) and preview:\n",
        f"{KILLS} -k before_each_rename",
    ),
    one(
        "a journal of what is not prepared",
        JOURNAL,
        "        for change in changes:\n            if change.after is not None:\n",
        "        for change in changes[:-1]:\n            if change.after is not None:\n",
        f"{KILLS} -k before_each_rename",
    ),
    one(
        "the record written first",
        UPDATE,
        "        (*planned.changes, change),\n",
        "        (change, *planned.changes),\n",
        f"{KILLS} -k record_is_the_last",
    ),
    one(
        "what is asked for forgotten after a kill",
        UPDATE,
        "    if made.version != __version__ or any(",
        "    if made.version != __version__ and any(",
        f"{KILLS} -k something_else",
    ),
    one(
        "two updates at once",
        JOURNAL,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{UNIX} -k two_at_once",
    ),
    one(
        "a default that changes what was chosen",
        REQUEST,
        "    if question.name in recorded:\n        return recorded[question.name]\n",
        "",
        ANSWERS,
    ),
    one(
        "answers that do not follow the others",
        REQUEST,
        "            if recorded[name] == edition.default(name, recorded):\n",
        "            if not name:\n",
        f"{BECOMES} -k option_that_is_added",
    ),
    one(
        "a model of another provider",
        REQUEST,
        "                raise _own(question, question.default, recorded[name], answers)\n",
        "                pass\n",
        f"{REFUSED} -k model_of_ones_own",
    ),
    one(
        "another name with another framework",
        REQUEST,
        "name in recorded and question is not PROJECT_NAME",
        "name in recorded",
        f"{REFUSED} {ANSWERS} -k 'ones_own or follows'",
    ),
    one(
        "an option that older projects are said to have",
        REQUEST,
        "question.before is not None:\n        return question.before\n",
        "question.before is not None:\n        return question.default\n",
        ANSWERS,
    ),
    one(
        "exit code 0 with something to resolve",
        REPORT,
        "return TO_RESOLVE if was_written and self.to_resolve else 0",
        "return 0",
        COMMAND,
    ),
    one(
        "a look that writes",
        UPDATE,
        "        if preview:\n            return Update(report",
        "        if preview and force:\n            return Update(report",
        f"{COMMAND} {BECOMES} -k 'look or preview'",
    ),
    one(
        "a diff that a terminal obeys",
        f"{FOLDER}/diff.py",
        "line if line.isprintable() else _printable(line)",
        "line",
        f"{COMMAND} -k terminal",
    ),
    one(
        "a script that is none any more",
        JOURNAL,
        "        shutil.copymode(folder / path, staged)\n",
        "        pass\n",
        f"{UNIX} -k script",
    ),
    one(
        "a secret in the record",
        "templates/project/.copier-answers.yml.jinja",
        " and not ('://' in source and '@' in source)",
        "",
        "tests/updating/test_copier_projects.py -k secret",
    ),
    one(
        "a release that forgets an earlier one",
        f"{FOLDER}/history.py",
        "{**self.releases, version: numbers}",
        "{version: numbers}",
        "tests/updating/test_history.py -k appended",
    ),
    one(
        "nothing said of what takes long",
        "src/agentcore_new/terminal.py",
        "            self._is_shown = True\n",
        "",
        f"{COMMAND} -k moment",
    ),
)
