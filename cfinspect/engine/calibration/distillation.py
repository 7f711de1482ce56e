"""Distillation: the masks of G, or of people, teach a segmenter, which then marks in G's place.

Labels of images taught G, so its masks need no human masks, and neither does what learns from them.
Such a segmenter marks better than its teacher: what G paints at random it cannot learn. Kept is one
that shows it on held-out images; see ``mask_choice``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cfinspect.engine.base.device import choose_device, tune_host
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.base.progress import Progress, Ticks
from cfinspect.engine.calibration.distillable import DistillationError
from cfinspect.engine.calibration.mask_choice import (
    FEWEST_HUMAN,
    MaskEvidence,
    Masks,
    Rows,
    agreement,
    better,
    cross_fitted,
    fit_cut,
    fit_cut_to,
    halves,
    painted_over,
)
from cfinspect.engine.calibration.mask_teacher import (
    MOST_SQUARES,
    ReadMask,
    Squares,
    Witnesses,
    cleaned,
    read_squares,
    some_of,
    teach,
    witnesses,
)
from cfinspect.engine.calibration.mask_training import TaughtImages, train_mask_decoder
from cfinspect.engine.data.dataset import DAMAGED, Dataset
from cfinspect.engine.data.splits import split_by_group
from cfinspect.engine.inference.forward import batched
from cfinspect.engine.inference.inspector import says_damaged
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model, save_model
from cfinspect.engine.model.metadata import ModelMetadata, SegmenterSpec
from cfinspect.engine.networks.backbone import (
    BACKBONE_LICENCE,
    Backbone,
    load_backbone,
    shipped_backbone,
)
from cfinspect.engine.networks.mask_decoder import MASK_DECODER, MaskDecoder
from cfinspect.engine.networks.multi_class import backbone_of
from cfinspect.engine.networks.spec import NetworkSpec

_HELD_OUT = 0.25
_FEWEST = 4  # damaged images, to learn from and held out


@dataclass(frozen=True)
class DistillationSettings:
    """``by_humans``: human masks teach as well, and decide where there are enough of them;
    ``steps`` of training on ``batch`` squares each; ``seed`` of split, weights and batches;
    ``witnesses``: held-out squares that are compared on, at most.
    """

    by_humans: bool = False
    steps: int = 500
    batch: int = 16
    seed: int = 0
    witnesses: int = 300


@dataclass(frozen=True)
class DistillationResult:
    """What came of it.

    ``accepted``: whether the new masks are better, ``reason``: why or why not. ``old``, ``new``:
    the evidence on ``held_out`` damaged squares; ``human_masks``: of so many images, some of them
    windows, there are human masks. ``mask_threshold`` is fitted on all of them, ``new`` is of masks
    of each half cut at the threshold of the other half.
    ``taught``: squares that were learned from, ``taught_damaged`` with damage, ``taught_by_humans``
    with masks of people.
    """

    accepted: bool
    reason: str
    old: MaskEvidence
    new: MaskEvidence
    mask_threshold: float
    mask_rule: str
    held_out: int
    human_masks: int
    taught: int
    taught_damaged: int
    taught_by_humans: int


class Distillation:
    """One distillation of a model; call `look`, `teach`, `compare`, `save`, `close` in turn.

    Takes the model over: its networks are moved to the device. See `distillable` for the models
    that will do. ``bad_masks``: of the human masks that `look` left out, what is wrong with each.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        read_mask: ReadMask,
        settings: DistillationSettings,
        *,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        """``dataset``: labelled images; ``read_mask``: reads their human masks, (H, W) bool."""
        tune_host()
        self.settings = settings
        self._dataset = dataset
        self._read_mask = read_mask
        self._model = model
        self._device = choose_device(device, precision)
        self._backend = TorchBackend(model, self._device)
        self.bad_masks: tuple[str, ...] = ()
        self._groups = np.zeros(0, np.int64)
        self._taught: TaughtImages | None = None
        self._witnesses: Witnesses | None = None
        self._by_humans = 0
        self._segmenter: MaskDecoder | None = None

    def look(self, progress: Progress = Progress()) -> None:
        """Read the images and let the model mark them; a quarter of them, by group, is held out.

        Raises DistillationError where too few are left to learn from or to compare on.
        """
        samples = some_of(self._dataset.samples, self.settings.seed)
        shares = {"taught": 1 - _HELD_OUT, "held_out": _HELD_OUT}
        parts = split_by_group(samples, shares, self.settings.seed)
        preprocessing = self._model.metadata.preprocessing
        ticks = Ticks(progress, 2 * len(samples))  # to read, and then to look at
        squares = {
            name: read_squares(
                part, preprocessing, self._read_mask, ticks, round(MOST_SQUARES * shares[name])
            )
            for name, part in parts.items()
        }
        taught, held_out = squares["taught"], squares["held_out"]
        self.bad_masks = taught.bad_masks + held_out.bad_masks
        names = np.unique([one.group for one in parts["held_out"]], return_inverse=True)[1]
        self._look_at(taught, held_out, names[held_out.origin], ticks, len(samples))

    def look_at(
        self,
        taught: Squares,
        held_out: Squares,
        groups: NDArray[np.int64],
        progress: Progress = Progress(),
    ) -> None:
        """As `look`, at squares at hand; ``groups``: of those held out, numbered."""
        self._look_at(taught, held_out, groups, Ticks(progress, 1), 0)

    def _look_at(
        self,
        taught: Squares,
        held_out: Squares,
        groups: NDArray[np.int64],
        ticks: Ticks,
        read: int,
    ) -> None:
        """``groups``: number of the group of each held-out square; ``read``: ticks so far."""
        ticks.total = read + len(taught.damaged) + len(held_out.damaged)
        self._taught = teach(self._backend, taught, self.settings.by_humans, ticks)
        if self.settings.by_humans:
            self._by_humans = int(_by_humans(taught).sum())
        self._witnesses = found = witnesses(self._backend, held_out, self.settings.witnesses, ticks)
        self._groups = groups[found.rows]
        ticks.reach(ticks.total)
        for number, what in (
            (int(self._taught.labels.sum()), "to learn from"),
            (len(found.images), "held out to compare on"),
        ):
            if number < _FEWEST:
                raise DistillationError(
                    f"of the damaged images {what}, the model finds and marks {number}, and it "
                    f"takes {_FEWEST}: give more images, from more groups"
                )

    def teach(self, progress: Progress = Progress()) -> None:
        """Train the segmenter on what `look` found; ``progress`` steps once a step."""
        assert self._taught is not None
        self._segmenter = train_mask_decoder(
            self._backbone(),
            self._taught,
            self._device,
            steps=self.settings.steps,
            batch=self.settings.batch,
            seed=self.settings.seed,
            progress=progress,
        )

    def compare(self, progress: Progress = Progress()) -> DistillationResult:
        """Fit the new threshold and compare the masks on the held-out images.

        The threshold is fitted on all of them. What it is worth is judged by masks of each half
        that are cut at the threshold of the other half.
        """
        assert self._taught is not None and self._witnesses is not None
        assert self._segmenter is not None
        held, segmenter = self._witnesses, self._segmenter
        # What `look` has found to fit into memory at once fits here, too.
        most = self._backend.most
        found = batched(lambda x: torch.sigmoid(segmenter(x)), held.images, self._device, most)
        everything = np.ones(len(found), np.bool_)
        own = held.has_human
        human = len(np.unique(held.origin[own]))  # windows of one photo are one mask
        by_humans = self.settings.by_humans and human >= FEWEST_HUMAN

        def fit(rows: Rows) -> tuple[float, str]:
            if by_humans:
                return fit_cut_to(found[rows & own], held.human[rows & own])
            return fit_cut(found[rows])

        threshold, rule = fit(everything)
        first = halves((self._groups, held.origin), own if by_humans else everything)
        masks = cross_fitted(found, lambda rows: fit(rows)[0], first)
        masks = cleaned(masks, self._model.metadata.decision)
        progress.check()
        old, new = (self._evidence(one) for one in (held.old, masks))
        accepted, reason = better(old, new, human if self.settings.by_humans else 0)
        return DistillationResult(
            accepted=accepted,
            reason=reason,
            old=old,
            new=new,
            mask_threshold=threshold,
            mask_rule=rule,
            held_out=len(masks),
            human_masks=human,
            taught=len(self._taught.labels),
            taught_damaged=int(self._taught.labels.sum()),
            taught_by_humans=self._by_humans,
        )

    def save(self, out: Path, result: DistillationResult) -> None:
        """Write the model with its segmenter and the figures, atomically."""
        assert self._segmenter is not None
        before: ModelMetadata = self._model.metadata
        network = NetworkSpec(MASK_DECODER, {"width": self._segmenter.width})
        known = before.data.get("fingerprint", "")
        figures = {
            **json_object(result),
            "steps": self.settings.steps,
            "seed": self.settings.seed,
            "fingerprint": self._dataset.fingerprint() if self._dataset.samples else known,
        }
        licence = before.licence_note
        metadata = dataclasses.replace(
            before,
            segmenter=SegmenterSpec(network, result.mask_threshold, result.mask_rule),
            metrics={**before.metrics, "distillation": figures},
            licence_note=licence + ("" if BACKBONE_LICENCE in licence else BACKBONE_LICENCE),
        )
        # These images have been learned from: an evaluation on them would flatter.
        digests = np.array([one.digest for one in self._dataset.samples], dtype=np.uint64)
        seen = np.unique(np.concatenate([self._model.seen, digests]))
        save_model(
            out,
            dataclasses.replace(
                self._model, metadata=metadata, seen=seen, segmenter=self._segmenter
            ),
        )

    def close(self) -> None:
        """Let everything go and hand its memory back, whatever came of it; nothing can follow."""
        self._taught = self._witnesses = self._segmenter = None
        del self._model
        self._backend.close()

    def _backbone(self) -> Backbone:
        """The model's own, or the shipped one for a model that has none."""
        found = backbone_of(self._model.discriminator)
        if found is None and self._model.segmenter is not None:
            found = self._model.segmenter.backbone
        return found or load_backbone(shipped_backbone())

    def _evidence(self, masks: Masks) -> MaskEvidence:
        assert self._witnesses is not None
        held = self._witnesses
        own = held.has_human
        return MaskEvidence(
            filled=self._turned(painted_over(held.images, masks)),
            area=float(masks.mean()),
            agreement=agreement(masks[own], held.human[own]) if own.any() else None,
        )

    def _turned(self, images: NDArray[np.uint8]) -> float:
        """Share of images (n, S, S, 3) that D no longer calls damaged."""
        network = self._model.discriminator
        logits = batched(network, images, self._device, self._backend.most)
        return 1 - float(says_damaged(logits, self._model.metadata.decision).mean())


def _by_humans(squares: Squares) -> NDArray[np.bool_]:
    return np.asarray(squares.has_human & (squares.labels == DAMAGED))
