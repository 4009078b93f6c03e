"""The command ``osteon``: every verb is one file of this room; heavy parts load only when a verb runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from osteon import __version__
from osteon.cli import data, decide, deidentify, demo, doctor, model, plan, read, score, study
from osteon.core.errors import OsteonError

__all__ = ["app", "main", "options"]

_Refused: Any = typer.BadParameter.__mro__[2]  # the parser's own error; typer does not export it

app = typer.Typer(
    name="osteon",
    help="Bone and spine health: risk studies on real tables, spine CT read and reported. "
    "Research and evaluation software, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.add_typer(read.app, name="read")
app.command("plan")(plan.plan)
app.command("decide")(decide.decide)
app.command("score")(score.score)
app.command("deidentify")(deidentify.deidentify)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"osteon {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that come before any verb."""


def main() -> None:
    """Run the command; what osteon or the parser refuses becomes one line on stderr and exit code 2."""
    # workers import nothing from the working folder, as a rule that of an upload
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    try:
        code = app(prog_name="osteon", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except OsteonError as error:
        sys.stderr.write("osteon: " + " ".join(str(error).split()) + "\n")
        sys.exit(2)
    except _Refused as error:
        context = getattr(error, "ctx", None)
        if not error.format_message() and context is not None:  # a verb without its words
            typer.echo(context.get_help())
        else:
            verb = context.command_path if context is not None else "osteon"
            sys.stderr.write(f"osteon: {error.format_message().rstrip('.')}. See `{verb} --help`.\n")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("osteon: stopped; nothing was half-written.\n")
        sys.exit(130)
