"""The command line: one typer app. Torch is imported inside the commands that need it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cfinspect.cli import (
    ablate,
    audit,
    calibrate,
    demo,
    distill,
    doctor,
    evaluate,
    exchange,
    explain,
    gui,
    inspect,
    models,
    project,
    review,
    synth,
    tile,
    train,
)
from cfinspect.cli.output import FAILED, close_stdout, note
from cfinspect.resources import version_in_words
from cfinspect.visible import VisibleFormatter, visible


class _Commands(TyperGroup):
    """The commands; what typer says of wrong words holds nothing that acts on the terminal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # the help, on a full disk; the commands say theirs
            close_stdout()
            note(f"Error: {error.strerror}.")
            sys.exit(FAILED)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _visible_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _visible_errors():
            return super().invoke(ctx)


@contextmanager
def _visible_errors() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        # Typer prints its ``message``, in which it repeats words of the command line.
        error.message = visible(getattr(error, "message", ""))
        raise


app = typer.Typer(
    cls=_Commands,
    name="cfinspect",
    help="Visual quality control that learns from good/bad labels and shows why.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="Look at model files, verify and convert them.", no_args_is_help=True)
app.command("train", epilog=train.EXAMPLES)(train.train)
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.inspect)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("ablate", epilog=ablate.EXAMPLES)(ablate.ablate)
app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate)
app.command("distill", epilog=distill.EXAMPLES)(distill.distill)
app.add_typer(models_app, name="models")
models_app.command("show", epilog=models.EXAMPLES)(models.show)
models_app.command("verify", epilog=models.VERIFY_EXAMPLES)(models.verify)
models_app.command("convert", epilog=models.CONVERT_EXAMPLES)(models.convert)
project_app = typer.Typer(
    help="Projects: images, verdicts and masks that outlive every model.", no_args_is_help=True
)
app.add_typer(project_app, name="project")
project_app.command("init", epilog=project.INIT_EXAMPLES)(project.init)
project_app.command("status", epilog=project.STATUS_EXAMPLES)(project.status)
project_app.command("scan", epilog=project.SCAN_EXAMPLES)(project.scan)
project_app.command("folders", epilog=project.FOLDERS_EXAMPLES)(project.folders)
project_app.command("restore", epilog=project.RESTORE_EXAMPLES)(project.restore)
app.command("review", epilog=review.EXAMPLES)(review.review)
app.command("export", epilog=exchange.EXPORT_EXAMPLES)(exchange.export)
app.command("import", epilog=exchange.IMPORT_EXAMPLES)(exchange.import_)
app.command("tile", epilog=tile.EXAMPLES)(tile.tile)
app.command("audit", epilog=audit.EXAMPLES)(audit.audit)
app.command("gui", epilog=gui.EXAMPLES)(gui.gui)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.command("synth", epilog=synth.EXAMPLES)(synth.synth)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cfinspect {version_in_words()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def prepare(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Visual quality control that learns from good/bad labels and shows why.

    Without a command the window opens. Train on folders of undamaged and damaged images, then
    inspect others: each gets a score, the counterfactual (what it would look like undamaged) and a
    mask of the damage.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names may hold what the terminal's encoding lacks; that must not end the work.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    if logging.lastResort is not None:  # where warnings of the libraries go
        logging.lastResort.setFormatter(VisibleFormatter())
    if context.invoked_subcommand is None:
        gui.gui(path=None, log_file=None)
