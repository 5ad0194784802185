"""The least that a Typer app can do for a project: render every template and write every file."""

import json
from pathlib import Path
from typing import Annotated

import jinja2
import typer

SUFFIX = ".jinja"

app = typer.Typer()


@app.command()
def create(
    target: Path,
    templates: Annotated[Path, typer.Option(help="What templates include is relative to this.")],
    project: Annotated[str, typer.Option(help="The folder in it with the project's files.")],
    variables: Annotated[Path, typer.Option(help="A JSON object.")],
) -> None:
    """Create a project."""
    values = json.loads(variables.read_text(encoding="utf-8"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for source in (templates / project).rglob("*"):
        if source.is_dir() or "__pycache__" in source.parts:
            continue
        if source.suffix == SUFFIX:
            name = source.relative_to(templates).as_posix()
            text = environment.get_template(name).render(values)
        else:
            text = source.read_text(encoding="utf-8")
        file = target / source.relative_to(templates / project).as_posix().removesuffix(SUFFIX)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"Created {target}")
