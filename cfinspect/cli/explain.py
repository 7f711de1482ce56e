"""``cfinspect explain``: what would change the verdict of a classifier, ours or external."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cfinspect.cli.ace_options import ace_settings, refuse
from cfinspect.cli.interrupt import cancel_on_signals
from cfinspect.cli.listening import CommandLine
from cfinspect.cli.options import (
    DeviceOption,
    PrecisionOption,
    require_exists,
    require_folder_to_write,
)
from cfinspect.cli.output import FAILED, JsonFlag, Output, guarded, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.workflows.explain_images import explain_images

if TYPE_CHECKING:
    from cfinspect.engine.explain.external import ClassifierUsage
    from cfinspect.engine.explain.protocol import Explainer
    from cfinspect.workflows.explanation_files import ExplanationSummary

EXAMPLES = """
Leaves explanations.csv (a row per image), counterfactuals/, saliency/ and masks/ at the images' own
resolution and overview.png in the folder OUT. Methods: ace makes counterfactuals for any
classifier, by attacking it through a diffusion model; it takes seconds to minutes an image.
cfgan is a cfinspect model's own generator. evidence (of a model with a discriminator projected),
gradcam, layercam, rise and occlusion only say where.

CLASSIFIER is a cfinspect model, or another program's: torch.export, ONNX or TorchScript. The last
is a program that can read and write your files: it needs --trust. Pickles are refused.

Examples:

  cfinspect train data/ --method diffusion --out runs/ddpm

  cfinspect explain model.safetensors photos/ --method ace --diffusion runs/ddpm/model.safetensors
  --out why

  cfinspect explain resnet.onnx photos/ --input-size 224 --mean 0.485,0.456,0.406
  --std 0.229,0.224,0.225 --method rise --out why

  cfinspect explain model.safetensors photos/ --method cfgan --out why
"""


@guarded
def explain(
    *,
    classifier: Annotated[
        Path, typer.Argument(metavar="CLASSIFIER", help="A cfinspect model, or an external file.")
    ],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Image files, or folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="ace, cfgan, evidence, gradcam, layercam, rise, occlusion, or a plug-in's.",
        ),
    ] = "ace",
    diffusion: Annotated[
        Path | None,
        typer.Option("--diffusion", metavar="MODEL", help="For ace: of train --method diffusion."),
    ] = None,
    target: Annotated[
        str,
        typer.Option("--target", help="Class to reach: other, undamaged or damaged."),
    ] = "other",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="The first so many images only.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="Settings of ace: default, celeba, celeba-hq, bdd or imagenet."
        ),
    ] = None,
    attack: Annotated[
        str | None, typer.Option("--attack", help="pgd, gd, or cw by --weight.")
    ] = None,
    distance: Annotated[
        str | None, typer.Option("--distance", help="l1, or l2 by --weight.")
    ] = None,
    tau: Annotated[int | None, typer.Option("--tau", help="Steps of the filter.")] = None,
    respacing: Annotated[
        int | None, typer.Option("--respacing", help="Steps from noise to image, of which tau.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", help="Steps of the attack at most.")
    ] = None,
    step: Annotated[
        float | None, typer.Option("--step", help="Their length, in grey levels of 255.")
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option("--weight", help="Instead of --quantile: of the distance (lambda_d)."),
    ] = None,
    quantile: Annotated[
        float | None,
        typer.Option(
            "--quantile",
            help="Share of the values that each step holds back. [default preset: 0.7]",
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option("--margin", help="Log-odds beyond the threshold at which an image is done."),
    ] = None,
    dilation: Annotated[
        int | None, typer.Option("--dilation", help="What the mask grows by, an odd side in px.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Of the mask, share of the largest change.")
    ] = None,
    refine: Annotated[
        bool | None,
        typer.Option("--refine/--no-refine", help="Keep the image outside of the mask (ace)."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Another, another explanation (ace).")
    ] = None,
    spare_memory: Annotated[
        bool, typer.Option("--spare-memory", help="Compute twice what would be kept (ace).")
    ] = False,
    rise_masks: Annotated[
        int | None, typer.Option("--rise-masks", min=1, help="Of rise. [default: 400]")
    ] = None,
    input_size: Annotated[
        int | None, typer.Option("--input-size", help="External: side of its input in px.")
    ] = None,
    index: Annotated[
        int | None,
        typer.Option("--index", help="External: place of damaged in its outputs. [default: 1]"),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option("--mean", help="External: subtracted from RGB. [default: 0,0,0]"),
    ] = None,
    std: Annotated[
        str | None, typer.Option("--std", help="External: divided by. [default: 1,1,1]")
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option("--outputs", help="External: probabilities or logits. [default: logits]"),
    ] = None,
    score_threshold: Annotated[
        float | None,
        typer.Option("--score-threshold", help="External: damaged from there. [default: 0.5]"),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="External: open TorchScript, a program that can do anything."),
    ] = False,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images at once.")] = 16,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Explain a classifier's verdicts: by counterfactuals, or by where it looks."""
    require_exists(classifier, *paths, *([diffusion] if diffusion else []))
    require_folder_to_write(out)
    from cfinspect.engine.inference.stream import find_sources  # noqa: PLC0415

    sources, masks = find_sources(paths, leave_out=out)
    if masks:
        note(f"Passed over {masks} files in masks/ folders.")
    theirs = {
        "index": index,
        "mean": mean,
        "std": std,
        "outputs": outputs,
        "score-threshold": score_threshold,
    }
    from cfinspect.engine.explain.factory import refuse_usage  # noqa: PLC0415

    if input_size is not None:
        refuse_usage(classifier)
    if (method == "ace") != (diffusion is not None):
        raise CfinspectError(
            "--method ace and --diffusion MODEL belong together: train one with 'cfinspect train "
            "DATA --method diffusion --out RUN', or give another --method, such as rise."
        )
    usage = _usage(input_size, theirs)
    given = {
        "preset": preset,
        "attack": attack,
        "distance": distance,
        "tau": tau,
        "respacing": respacing,
        "iterations": iterations,
        "step": step,
        "weight": weight,
        "quantile": quantile,
        "margin": margin,
        "dilation": dilation,
        "threshold": threshold,
        "refine": refine,
        "seed": seed,
        "spare-memory": spare_memory or None,
    }
    if method != "ace":
        refuse(given, f"--method {method}")
    if method != "rise":
        refuse({"rise-masks": rise_masks}, f"--method {method}")
    settings = ace_settings(given) if method == "ace" else None
    if target not in ("other", "undamaged", "damaged"):
        raise CfinspectError(f"--target {target}: give other, undamaged or damaged.")
    from cfinspect.engine.explain.factory import (  # noqa: PLC0415
        make_explainer,
        open_classifier,
        open_denoiser,
        require_layers,
    )
    from cfinspect.engine.explain.plugins import method_names  # noqa: PLC0415
    from cfinspect.engine.explain.protocol import probability  # noqa: PLC0415
    from cfinspect.workflows.explanation_files import AboutExplanations  # noqa: PLC0415

    if method not in method_names():
        raise CfinspectError(f"--method {method}: give one of {', '.join(method_names())}.")
    with cancel_on_signals("Stopping; the explanations so far are kept") as cancel:
        opened = open_classifier(classifier, device, precision, usage, trust=trust)
        note(f"Device: {opened.device}")
        explainer: Explainer
        if diffusion is not None:
            assert settings is not None
            looked_into = require_layers(opened.classifier, "ace")
            from cfinspect.engine.explain.ace import Ace  # noqa: PLC0415

            denoiser, size = open_denoiser(
                diffusion, device, precision, settings, sparing=spare_memory
            )
            if size != opened.classifier.size:
                note(
                    f"Note: the classifier sees {opened.classifier.size} px, the diffusion model "
                    f"makes {size} px: what is smaller than its pixels is not explained."
                )
            explainer = Ace(looked_into, denoiser, size, settings)
        else:
            explainer = make_explainer(method, opened, rise_masks or 400)
        about = AboutExplanations(
            method=method,
            classifier=classifier.name,
            threshold=probability(opened.classifier.limit),
            settings=settings,
        )
        output = Output(as_json)
        summary = explain_images(
            explainer,
            opened,
            sources[:limit],
            out,
            target=target,  # type: ignore[arg-type]  # checked above
            batch=batch,
            about=about,
            listener=CommandLine(output, cancel),
        )
    _show(summary, out, output)
    if summary.errors == summary.images:
        raise typer.Exit(FAILED)


def _show(summary: ExplanationSummary, out: Path, output: Output) -> None:
    from cfinspect.cli.progress import duration  # noqa: PLC0415

    output.emit("done", {**summary.to_json(), "out": out})
    flips = ""
    if summary.flipped is not None:
        flips = f" {summary.flipped} of {summary.explained} flipped;"
        if summary.kept is not None:
            doubt = "; explanations of the others are to be doubted"
            note(
                f"The diffusion model's filter alone keeps {summary.kept} of "
                f"{summary.explained} verdicts{doubt if summary.kept < summary.explained else ''}."
            )
    output.say(
        f"{summary.images} images in {duration(summary.seconds)}:{flips} {summary.already} already "
        f"of that class, {summary.errors} left out. Results: {out}"
    )


def _usage(size: int | None, given: dict[str, Any]) -> ClassifierUsage | None:
    if size is None:
        refuse(given, "a cfinspect model (an external one needs --input-size)")
        return None
    from cfinspect.engine.explain.external import ClassifierUsage  # noqa: PLC0415

    outputs = given["outputs"] or "logits"
    if outputs not in ("logits", "probabilities"):
        raise CfinspectError(f"--outputs {outputs}: give logits or probabilities.")
    usual = ClassifierUsage(size=size)
    known = {
        "mean": None if given["mean"] is None else _three("--mean", given["mean"]),
        "std": None if given["std"] is None else _three("--std", given["std"]),
        "damaged": given["index"],
        "threshold": given["score-threshold"],
    }
    changes = {name: value for name, value in known.items() if value is not None}
    return dataclasses.replace(usual, outputs=cast("Any", outputs), **changes)


def _three(option: str, text: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(value) for value in text.split(","))
    except ValueError as error:
        raise CfinspectError(
            f"{option} {text}: give three numbers with commas, as 0.485,0.456,0.406."
        ) from error
    return red, green, blue
