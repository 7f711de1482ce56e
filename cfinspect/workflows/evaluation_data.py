"""The labelled images of an evaluation: read, and without those that the model has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.data.settings import MaskValues
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Dataset, Sample

_LEFT_OUT_SHOWN = 10


def read_data(
    data: Sequence[Path],
    listener: Listener,
    undamaged: str | None = None,
    damaged: str | None = None,
    kinds: Sequence[str] = (),
    also_damaged: Sequence[str] = (),
    mask_values: MaskValues = MaskValues.AUTO,
) -> Dataset:
    """Read labelled folders; one class alone will do. Says what was left out.

    ``kinds``: defect classes that are told apart; ``also_damaged``: some that are not;
    ``mask_values``: what the values of masks are.
    """
    from cfinspect.engine.data.dataset import read_folders  # noqa: PLC0415

    with listener.task("Reading folders", "files") as progress:
        dataset = read_folders(
            data,
            undamaged=undamaged,
            damaged=damaged,
            defect_classes=kinds,
            also_damaged=also_damaged,
            mask_values=mask_values,
            allow_one_class=True,
            progress=progress,
        )
    for left_out in dataset.left_out[:_LEFT_OUT_SHOWN]:
        listener.note(f"Left out: {left_out.path}: {left_out.reason}")
    for kind, name in enumerate(kinds):
        if not any(one.label and one.defect_class == kind for one in dataset.samples):
            listener.note(
                f"WARNING: there is no {name} image: the model's figures say nothing about it."
            )
    if len(dataset.left_out) > _LEFT_OUT_SHOWN:
        listener.note(f"Left out: {len(dataset.left_out) - _LEFT_OUT_SHOWN} more")
    return dataset


def choose_samples(
    model: Path,
    dataset: Dataset,
    unseen: bool,
    listener: Listener,
    diffusion: Path | None = None,
) -> tuple[list[Sample], int]:
    """Return the samples to evaluate and how many of them the model has seen.

    What ``diffusion`` has seen is not unseen, either. Raises CfinspectError when only unseen ones
    are wanted and there is none.
    """
    from cfinspect.engine.model.file import seen_digests  # noqa: PLC0415

    known = {int(digest) for digest in seen_digests(model)}
    learned = {int(digest) for digest in seen_digests(diffusion)} if diffusion else set()
    everyone = dataset.samples
    if not unseen:
        seen = sum(sample.digest in known for sample in everyone)
        shown = sum(sample.digest in learned for sample in everyone)
        for count, who, what in (
            (seen, "the model", "the figures flatter it"),
            (shown, "the diffusion model", "ACE's figures flatter it"),
        ):
            if count:
                listener.note(
                    f"WARNING: {who} has seen {count} of these {len(everyone)} images in training "
                    f"or validation, so {what}. Use --unseen, or other images."
                )
        return list(everyone), seen
    fresh = [sample for sample in everyone if sample.digest not in known | learned]
    left = len(everyone) - len(fresh)
    has = "model or the diffusion model has" if diffusion else "model has"
    if not fresh:
        raise CfinspectError(
            f"The {has} seen all {left} images in training or validation: give others, or "
            "train with --holdout 0.2 to keep some back."
        )
    listener.note(f"Left aside {left} images that the {has} seen; {len(fresh)} are evaluated.")
    return fresh, 0
