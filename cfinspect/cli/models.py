"""``cfinspect models``: what a model file says of itself, whether it is whole, and as ONNX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cfinspect.cli.options import ModelArgument, require_exists, require_file_to_write
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.model.plugins import ONNX_SUFFIX

EXAMPLES = """
Examples:

  cfinspect models show runs/first/model.safetensors

  cfinspect models show model.safetensors --json
"""
VERIFY_EXAMPLES = """
Without MODEL the models that come with cfinspect are compared with their published SHA-256 sums
(models/SHA256SUMS). For other files give a list of sums, in the format of sha256sum; without one
each file is read, its metadata checked, and its sum printed. Exit code 1 when a file is not what it
should be.

Examples:

  cfinspect models verify

  cfinspect models verify model.safetensors

  cfinspect models verify model.safetensors --sums SHA256SUMS
"""
CONVERT_EXAMPLES = """
Makes one ONNX file with all networks and the metadata of a model. It inspects with onnxruntime,
without torch: as fast on a CPU, started in a quarter of the time. Before it is written it answers
for drawn images; where its scores differ from torch's by more than 0.001, nothing is written. It
takes about a minute, and the packages onnx and onnxscript (pip install 'cfinspect[convert]').

Examples:

  cfinspect models convert runs/first/model.safetensors --out model.onnx

  cfinspect inspect model.onnx images/ --out results/
"""


@guarded
def show(model: ModelArgument, as_json: JsonFlag = False) -> None:
    """Show a model's metadata: networks, input, thresholds, figures, data, licence note."""
    from cfinspect.engine.model.file import file_digest, load_metadata, seen_digests  # noqa: PLC0415

    require_exists(model)
    metadata = json_object(load_metadata(model))
    facts = {
        "file": model.name,
        "bytes": model.stat().st_size,
        "digest": file_digest(model),
        "seen_images": len(seen_digests(model)),
    }
    output = Output(as_json)
    output.emit("model", {**facts, "card": metadata})
    output.table(str(model), list(flat({**facts, **metadata})))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) for every value of nested mappings; empty texts are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value not in ("", []):
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "-" if value is None else str(value)


@guarded
def verify(
    models: Annotated[
        list[Path] | None, typer.Argument(metavar="[MODEL]...", help="Default: the shipped ones.")
    ] = None,
    sums: Annotated[
        Path | None, typer.Option("--sums", metavar="FILE", help="SHA-256 sums to compare with.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that model files are whole and unchanged."""
    from cfinspect.engine.model.checksums import check_models, read_sums  # noqa: PLC0415
    from cfinspect.resources import models_path  # noqa: PLC0415

    paths = list(models or ())
    require_exists(*paths)
    if sums is None and not paths:
        sums = models_path() / "SHA256SUMS"
    known = read_sums(sums) if sums is not None else None
    if not paths and known is not None and sums is not None:
        paths = [sums.parent / name for name in known]  # one that is missing is told as well
    output = Output(as_json)
    bad = 0
    for found in check_models(paths, known):
        output.emit("model", json_object(found))
        bad += not found.ok
        output.say(f"{'ok  ' if found.ok else 'FAIL'}  {found.path}: {found.detail}")
        output.say(f"      sha256 {found.sha256}")
    output.emit("done", {"models": len(paths), "failed": bad})
    if bad:
        raise typer.Exit(FAILED)


@guarded
def convert(
    *,
    model: ModelArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="ONNX file to write (.onnx).")],
    half: Annotated[
        bool, typer.Option("--half", help="All weights in 16 bit: half the size, almost the same.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Convert a model to ONNX, to inspect without torch."""
    require_exists(model)
    require_file_to_write(out, ONNX_SUFFIX)
    from cfinspect.engine.model.file import load_metadata, require_inspecting  # noqa: PLC0415

    require_inspecting(model, load_metadata(model))
    from cfinspect.engine.inference.onnx_export import convert_model  # noqa: PLC0415  (torch)

    output = Output(as_json)
    note("Converting; this takes about a minute.")
    facts = json_object(convert_model(model, out, half=half))
    output.emit("converted", {**facts, "out": out})
    output.table("Conversion", list(flat(facts)))
    output.say(f"Model: {out}")
