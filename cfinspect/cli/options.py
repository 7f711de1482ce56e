"""Options that several commands share, and what to check before anything slow starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cfinspect.cli.listening import CommandLine
from cfinspect.cli.output import Output, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.settings import MaskValues

if TYPE_CHECKING:
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.project.project import Project

ModelArgument = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A model file (.safetensors; to inspect also .onnx)."),
]
DataArgument = Annotated[
    list[Path],
    typer.Argument(metavar="DATA", help="Folders with undamaged/ and damaged/ images."),
]
ProjectArgument = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="The folder of a project.")
]
WhoOption = Annotated[str, typer.Option("--who", help="Whose word it is; default: your login.")]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:N; for .onnx also dml.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto, fp32, bf16 or fp16 (GPU only).")
]
BatchOption = Annotated[
    int, typer.Option("--batch", min=1, help="Images (or windows) per pass of the network.")
]
UndamagedOption = Annotated[
    str | None,
    typer.Option("--undamaged", metavar="NAME", help="Name of the folder of undamaged images."),
]
MaskValuesOption = Annotated[
    str, typer.Option("--mask-values", help="Of mask files: auto, binary, labels or instances.")
]
DamagedOption = Annotated[
    str | None,
    typer.Option("--damaged", metavar="NAME", help="Name of the folder of damaged images."),
]


def who_is_it(given: str) -> str:
    """The name that verdicts are stored under: the given one, else the login."""
    if given.strip():
        return given.strip()
    from cfinspect.project.verdicts import login_name  # noqa: PLC0415

    return login_name()


def mask_values_named(value: str) -> MaskValues:
    """What --mask-values was given; CfinspectError for any other word."""
    if value not in list(MaskValues):
        raise CfinspectError(f'--mask-values is {", ".join(MaskValues)}, not "{value}".')
    return MaskValues(value)


def note_read_only(project: Project) -> None:
    """Say that a project can only be looked at, and why, where that is so."""
    if project.read_only:
        note(f"{project.paths.data} can only be looked at: {project.read_only}.")


def require_exists(*paths: Path) -> None:
    """Raise CfinspectError for the first path that is no file or folder."""
    for path in paths:
        if not path.exists():
            raise CfinspectError(f"There is no file or folder {path}; check the path.")


def require_folder_to_write(out: Path) -> None:
    """Raise CfinspectError when results cannot go to the folder ``out``; does not create it."""
    place = out
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise CfinspectError(f"{place} is a file: give a folder with --out.")


def require_other_model_file(model: Path, out: Path, suffix: str = ".safetensors") -> None:
    """Raise CfinspectError when what is made of ``model`` cannot go to the model file ``out``."""
    require_file_to_write(out, suffix)
    if out.resolve() == model.resolve():
        raise CfinspectError("--out is the model itself: give another name, so that both remain.")


def require_file_to_write(out: Path, suffix: str) -> None:
    """Raise CfinspectError when a model cannot go to the file ``out``."""
    if out.is_dir():
        raise CfinspectError(f"{out} is a folder: give a file name with --out.")
    if out.suffix.lower() != suffix:
        raise CfinspectError(f"--out {out}: such a model file's name ends in {suffix}.")
    require_folder_to_write(out.parent)


def open_inspector(model: Path, device: str, precision: str, batch: int) -> Inspector:
    """Load a model for inspection; slow, as it starts torch, but a bad file is told at once."""
    from cfinspect.workflows.opening import open_inspector as opened  # noqa: PLC0415

    return opened(model, device, precision, batch, CommandLine(Output(as_json=False)))
