"""Faults of the commands, and of what users and reviewers are told."""

from mutants.mutant import one

SOURCE = "src/agentcore_new"
PROJECT = f"{SOURCE}/project.py"

COMMANDS = (
    one(
        "a link followed that comes between check and write",
        PROJECT,
        'getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)',
        'getattr(os, "O_DIRECTORY", 0)',
        "tests/test_project.py",
    ),
    one(
        "a link followed that comes between check and write, on Windows",
        PROJECT,
        "elif stat.S_ISDIR(os.lstat(name).st_mode):",
        "elif stat.S_ISDIR(os.stat(name).st_mode):",
        "tests/test_project.py",
    ),
    one(
        "a project written through a link that has taken its folder's place",
        PROJECT,
        "    if plan.merges:  # before anything is made there\n        _refuse_link(plan.target)\n",
        "",
        "tests/test_project.py",
    ),
    one(
        "a folder that was no project lost with what was set aside",
        PROJECT,
        " or not stat.S_ISREG(tree.mode(old / path))",
        "",
        "tests/test_project.py",
    ),
    one(
        "a repository lost that came between check and write",
        PROJECT,
        "path.as_posix() not in replaceable or ",
        "",
        "tests/test_project.py",
    ),
    one(
        "files that stop moving at a signal",
        PROJECT,
        "        prepare(new)\n        with _uninterrupted():\n",
        "        prepare(new)\n        with suppress():\n",
        "tests/test_project.py -k signal",
    ),
    one(
        "files that stop moving when the terminal closes",
        PROJECT,
        "{signal.SIGINT, signal.SIGTERM, signal.SIGHUP}",
        "{signal.SIGINT, signal.SIGTERM}",
        "tests/test_project.py -k signal",
    ),
    one(
        "folders that stay open",
        PROJECT,
        "                os.close(folder)\n",
        "                pass\n",
        "tests/test_project.py -k open",
    ),
    one(
        "a folder called ~",
        f"{SOURCE}/creation.py",
        "output_dir.expanduser().resolve()",
        "output_dir.resolve()",
        "tests/test_cli.py -k home",
    ),
    one(
        "JSON with characters that a pipe cannot take",
        f"{SOURCE}/output.py",
        "json.dumps(content, indent=2)",
        "json.dumps(content, indent=2, ensure_ascii=False)",
        "tests/test_cli.py -k any_pipe",
    ),
    one(
        "no JSON of the errors of --format json",
        f"{SOURCE}/cli.py",
        '("--format", "json") in pairwise(words) or "--format=json" in words',
        "False",
        "tests/review/test_diff.py -k any_pipe",
    ),
    one(
        "frameworks told together by the lines that change alone",
        f"{SOURCE}/review/changes.py",
        "same = tuple((hunk.changed, hunk.where) for hunk in hunks)",
        "same = tuple(hunk.changed for hunk in hunks)",
        "tests/review/test_changes.py",
    ),
    one(
        "releases compared as text",
        f"{SOURCE}/review/release.py",
        "_numbers(version) <= _numbers(__version__)",
        "version <= __version__",
        "tests/review/test_release_version.py",
    ),
    one(
        "a workflow that comments and may write contents",
        ".github/workflows/template-diff.yml",
        "      pull-requests: write # to comment\n",
        "      contents: write # to comment\n      pull-requests: write # to comment\n",
        "tests/test_workflows.py",
    ),
    one(
        "an example in the README with a flag that there is not",
        "README.md",
        "agentcore-new create --framework adk\n",
        "agentcore-new create --framework adk --streaming\n",
        "tests/test_documented_commands.py",
    ),
    one(
        "a synopsis in the README without a flag that there is",
        "README.md",
        "[--dry-run] [--force]",
        "[--dry-run]",
        "tests/test_documented_commands.py",
    ),
    one(
        "a flag in the README's text that there is not",
        "README.md",
        "unless `--force` says so",
        "unless `--overwrite` says so",
        "tests/test_documented_commands.py",
    ),
)
