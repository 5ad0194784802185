"""The command line: parse, call, print."""

import inspect
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from agentcore_new import (
    __version__,
    answers,
    creation,
    errors,
    installation,
    options,
    output,
    terminal,
)
from agentcore_new.dev.cli import app as dev_commands
from agentcore_new.options import Option, Text, Value
from agentcore_new.packaging import dependencies
from agentcore_new.render import render
from agentcore_new.review.cli import app as review_commands

# The shell's convention for a command that Ctrl-C ended.
INTERRUPTED = 130


class Commands(TyperGroup):
    """The commands; every foreseen failure ends here as one line, or as one JSON object."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,  # noqa: ANN401 - as in the class above
    ) -> Any:  # noqa: ANN401
        """Run the command line; in `standalone_mode` exit, otherwise return or raise."""
        words = list(sys.argv[1:] if args is None else args)

        def parse_and_call() -> Any:  # noqa: ANN401
            return super(Commands, self).main(
                words, prog_name, complete_var, False, windows_expand_args, **extra
            )

        if not standalone_mode:
            return parse_and_call()
        code: object
        try:
            code = parse_and_call()
        except errors.Error as error:
            code = _report(error, as_json=_wants_json(words))
        except typer.TyperException as error:
            code = _report(_usage_error(error), as_json=_wants_json(words))
        except typer.Abort:
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: typer.TyperException) -> errors.UsageError:
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "agentcore-new"
    return errors.UsageError(
        error.format_message(), hint=f"`{command} --help` explains it, with examples."
    )


def _wants_json(words: Sequence[str]) -> bool:
    """Return whether an object is asked for, which is to be known of a wrong command line too."""
    given = list(takewhile(lambda word: word != "--", words))
    options = dict(
        pair
        for word, following in pairwise([*given, ""])
        for pair in ((word, following), tuple(word.split("=", 1)))
        if len(pair) == 2 and pair[0] in ("--format", "--output")
    )
    by_name = "json" if options.get("--output", "").lower().endswith(".json") else ""
    return options.get("--format", by_name).lower() == "json" or "--json" in given


def _report(error: errors.Error, *, as_json: bool) -> int:
    if as_json:
        print(output.as_json(errors.as_object(error)))
    else:
        print(errors.as_text(error), file=sys.stderr)
    return error.exit_code


app = typer.Typer(
    name="agentcore-new",
    cls=Commands,
    # Frames and colours for a reader; for a pipe plain text, without the cost of rich.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> None:
    """Run `agentcore-new` as a program of its own."""
    for stream in (sys.stdout, sys.stderr):
        # A path or character that the terminal cannot show must not end the command.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, _terminated)
    try:
        app(prog_name="agentcore-new")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # who reads has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _terminated(number: int, _frame: object) -> NoReturn:
    """End as if by the signal, but with everything tidied up on the way."""
    sys.exit(128 + number)


WHERE_REQUIRED = " It must be given where you are not asked."


def _flag(question: Option | Text, *, recorded: bool) -> inspect.Parameter:
    """Return the parameter by which a command takes an answer to `question`."""
    choices = [choice.value for choice in question.choices] if isinstance(question, Option) else []
    switch = question if isinstance(question, Option) and not choices else None
    required = isinstance(question, Option) and question.required and not recorded

    def completions(incomplete: str) -> list[str]:
        return [value for value in choices if value.startswith(incomplete.lower())]

    parameter = typer.Option(
        f"{switch.flag}/{switch.negated}" if switch else question.flag,
        help=question.help + (WHERE_REQUIRED if required else ""),
        metavar="|".join(choices) or None,
        autocompletion=completions if choices else None,
        show_default=(not recorded and answers.described_default(question)) or False,
    )
    annotation = bool | None if switch else str | None
    return inspect.Parameter(
        question.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, parameter],
    )


def with_answers(command: Callable[..., None], *, recorded: bool = False) -> Callable[..., None]:
    """Give `command`, which takes them as `**given`, a flag for each question of options.py.

    Args:
        command: What takes them.
        recorded: What is not given is as it was.
    """
    first, *rest, _given = inspect.signature(command).parameters.values()
    asked = [each for each in options.QUESTIONS if each is not options.PROJECT_NAME]
    flags = [_flag(each, recorded=recorded) for each in asked]
    command.__signature__ = inspect.Signature([first, *flags, *rest])  # type: ignore[attr-defined]
    return command


NAME_DEFAULT = answers.described_default(options.PROJECT_NAME)

CREATE_EXAMPLES = """Examples:

\b
  # Google ADK with Gemini, in ./adk-agent
  agentcore-new create --framework adk

\b
  # LangGraph with Claude from Anthropic, streaming, ready for a container
  agentcore-new create support-bot --framework langgraph \\
      --model-provider anthropic --stream --container

\b
  # List what would be written; write it and read the result in a script
  agentcore-new create my-agent --framework strands --dry-run
  agentcore-new create my-agent --framework strands --json
"""

PREVIEW_EXAMPLES = """Examples:

\b
  # The files of a project, then one of them
  agentcore-new preview --framework adk --stream
  agentcore-new preview --framework adk --stream main.py

\b
  # What another provider changes
  diff <(agentcore-new preview --framework strands model/load.py) \\
       <(agentcore-new preview --framework strands --model-provider openai model/load.py)
"""


PACKAGE_EXAMPLES = """Examples:

\b
  # The project in this folder, for Python 3.13
  agentcore-new package

\b
  # Another one, for another Python, into a file of your choice
  agentcore-new package ../support-bot --python 3.12 --output support-bot.zip
"""

UPDATE_EXAMPLES = """Examples:

\b
  # What this version would change in the project in this folder; then change it
  agentcore-new update --diff
  agentcore-new update

\b
  # Take options in, or out
  agentcore-new update --session-store postgres --stream
  agentcore-new update ../support-bot --no-transcript

\b
  # Another provider, with the default model of it, or a model of your choice
  agentcore-new update --model-provider anthropic
  agentcore-new update --model-provider openai --model-id gpt-6.1-sol
"""


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Create session-safe agent projects for Amazon Bedrock AgentCore.

    Start with: agentcore-new create my-agent --framework strands
    """
    if version:
        print(f"agentcore-new {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog=CREATE_EXAMPLES)
@with_answers
def create(
    *,
    project_name: Annotated[
        str | None,
        typer.Argument(
            metavar=output.NAME, help=options.PROJECT_NAME.help, show_default=NAME_DEFAULT
        ),
    ] = None,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", help="The folder in which the project's folder is made.")
    ] = Path(),
    git: Annotated[
        bool | None,
        typer.Option(
            "--git/--no-git",
            help="Make a git repository, with one commit of all files.",
            show_default="on, outside of any repository",
        ),
    ] = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install/--no-install",
            help="Install the dependencies: uv sync, or venv and pip where there is no uv.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the files and write nothing.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace generated files in a folder that is not empty; `update` merges them.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for errors too; ask nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; what is not given has its default.")
    ] = False,
    **given: Value | None,
) -> None:
    """Create a project: an agent on the framework and model of your choice.

    On a terminal, without --framework, you are asked for what you do not give. The project runs
    at once, without an account: AGENT_OFFLINE=1 uv run main.py
    """
    given["project_name"] = project_name
    may_ask = terminal.is_interactive() and not (yes or as_json)
    ask = may_ask and not answers.is_enough(given)
    check = creation.check_for(output_dir, force=force)
    chosen = _asked(given, check) if ask else answers.complete(given)
    created = creation.create(chosen, output_dir, repository=git, force=force, dry_run=dry_run)
    if not as_json:
        print(output.created_text(created, chosen if ask else given), flush=True)

    go_there = output.change_folder(output_dir, created.target.name)
    installed = install and not dry_run
    if installed:
        installation.install(created.target, go_there)
    commands = output.next_commands(go_there, chosen, installed=installed)
    again = output.equivalent_command(
        chosen, output_dir, {"git": git, "install": install or None, "force": force or None}
    )
    if as_json:
        print(output.as_json(output.created_object(created, commands, again)))
    elif not dry_run:
        print(output.next_text(commands))
    if ask:
        print(output.again_text(again))


def _asked(given: Mapping[str, Value | None], check: answers.Check) -> dict[str, Value]:
    # Imported where it is used: it costs as much as all the rest.
    from agentcore_new import prompts

    return answers.complete(given, partial(prompts.ask, check=check), check)


@app.command(epilog=PREVIEW_EXAMPLES)
@with_answers
def preview(
    *,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A file of the project.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help=options.PROJECT_NAME.help, show_default=NAME_DEFAULT),
    ] = None,
    **given: Value | None,
) -> None:
    """Show the files of a project, or one of them, and write nothing.

    The options are those of `create`.
    """
    chosen = answers.complete({**given, "project_name": name})
    files = render(chosen)
    if file is None:
        print(output.tree(str(chosen["project_name"]), files))
    else:
        terminal.print_file(file, creation.file_of(files, file))


@app.command(epilog=PACKAGE_EXAMPLES)
def package(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The project.", show_default="here")
    ] = Path(),
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="|".join(dependencies.PYTHONS),
            help="The Python that it runs on.",
        ),
    ] = dependencies.DEFAULT_PYTHON,
    to: Annotated[
        Path | None,
        typer.Option("--output", help="The zip.", show_default="dist/ of the project"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for errors too.")
    ] = False,
) -> None:
    """Make the zip that AgentCore takes from a project, without Node or Docker.

    It has the packages for Linux on Arm, chosen by uv, and of the project what runs.
    """
    # Imported where it is used: zip files have no part in the other commands.
    from agentcore_new.packaging.package import package as make

    if python not in dependencies.PYTHONS:
        raise errors.UnknownChoice(
            f"AgentCore runs no new agents on Python {python}.",
            hint=f"--python takes {', '.join(dependencies.PYTHONS)}.",
        )
    made = make(folder, python, to, partial(print, file=sys.stderr, flush=True))
    if as_json:
        print(output.as_json(output.package_object(made)))
    else:
        print(output.package_text(made))


@app.command(epilog=UPDATE_EXAMPLES)
@partial(with_answers, recorded=True)
def update(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="PATH", help="The project.", show_default="here")
    ] = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would change and write nothing.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show each line that would change and write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Update a project that git does not have, for good.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for errors too.")
    ] = False,
    **given: Value | None,
) -> None:
    """Bring a project to this version, or to other options, and keep what you changed in it.

    An option that is not given stays as it is.

    What both changed is left to resolve, with markers, and the exit code is 3 then. Nothing is
    committed: git shows all of it, and undoes it.
    """
    # Imported where it is used: no other command merges.
    from agentcore_new.updating import diff as differences
    from agentcore_new.updating import report
    from agentcore_new.updating.update import update as bring

    if diff and dry_run:
        raise errors.UsageError("--diff and --dry-run are two ways to look: give one.")
    with terminal.Patience() as tell:
        made = bring(folder, given, tell, preview=dry_run or diff, force=force)
    if as_json:
        shown = {"diff": "\n".join(differences.of(made.changes))} if diff else {}
        print(output.as_json(report.as_object(made.report, folder) | shown))
    elif diff and made.changes:
        terminal.print_diff(differences.of(made.changes), paged=True)
    else:
        print(report.as_text(made.report, folder))
        if said := report.warning(made.report):
            print(f"\n{said}")
    raise typer.Exit(made.report.exit_code)


@app.command()
def frameworks(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the frameworks, providers, options and pinned versions."""
    # Imported where it is used: parsing TOML has no part in the other commands.
    from agentcore_new import catalogue

    if as_json:
        print(output.as_json(catalogue.as_object()))
    else:
        terminal.print_tables(catalogue.as_tables())


app.add_typer(dev_commands)
app.add_typer(review_commands)
