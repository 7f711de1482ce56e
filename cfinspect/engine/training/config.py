"""Every setting of a training, with its default and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cfinspect.engine.base.setting import ConfigError, Range, SettingValue, setting
from cfinspect.engine.data.settings import DataSettings, plain_defect_classes
from cfinspect.engine.model.metadata import defect_class_problem, makes_counterfactuals
from cfinspect.engine.model.renamed_settings import with_new_names
from cfinspect.engine.networks.names import PROJECTED
from cfinspect.engine.networks.settings import NetworkSettings
from cfinspect.engine.networks.spec import LARGEST_SIDE, MOST_DEFECT_CLASSES
from cfinspect.engine.training.presets import (
    ADVERSARIAL,
    BY_PRESET,
    settings_for,
    without_backbone,
)

TTA = ("flips", "flips+scale", "none")
CALIBRATE_ON = ("clean", "augmented")
PRESETS = tuple(BY_PRESET)
SCOPES = ("auto", "whole", "tiles")
AUGMENTS = ("none", "flips", "strong")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
__all__ = ["PRESETS", "ConfigError", "TrainConfig"]
OLDER = {"mask_steps": 0}  # what settings mean in files that are older than they are
_SEEDS = Range(0, 2**31, open_high=True)


@dataclass(frozen=True)
class TrainConfig(NetworkSettings, DataSettings):
    """Settings of one training; frozen, validated, JSON-able.

    Symbols in the help texts are those of the loss equations in ``losses.py``.
    """

    out: str = setting("", "folder for the run's files")
    preset: str = setting("balanced", "starting point of all others", PRESETS, option="--preset")

    init_from: str | None = setting(
        None,
        "cfinspect model to fine-tune instead of starting fresh",
        title="Start from model",
        option="--from",
        metavar="MODEL",
        is_file=True,
    )

    size: int = setting(
        96,
        "side of the network's input in pixels, a multiple of 32",
        within=Range(32, LARGEST_SIDE),
        unit="px",
        title="Input size",
        option="--size",
    )
    scope: str = setting(
        "auto",
        "whole: an image is resized to size; tiles: photos go by windows",
        SCOPES,
        title="Whole or tiles",
        option="--scope",
    )
    augment: str = setting(
        "strong",
        "label-preserving changes of the training images",
        AUGMENTS,
        title="Augmentation",
        option="--augment",
    )

    calibrate_on: str = setting(
        "clean",
        "what decisions are fitted on; augmented: images changed as by other cameras",
        CALIBRATE_ON,
        title="Calibrate on",
    )
    tta: str = setting(
        "flips",
        "what inspections average D over; flips: four mirror images; flips+scale: also two thirds "
        "of the size, twice as slow; none: the image alone, the fastest",
        TTA,
        title="Test-time augmentation",
    )

    rho: float = setting(
        0.4,
        "weight of fakes in D's loss; 1 makes real images tie with fake",
        within=Range(0),
        title="Weight of fakes (rho)",
        option="--rho",
    )
    l1: float = setting(
        8.0,
        "weight of the sparsity term mean|x - x'|",
        within=Range(0),
        title="Weight of sparsity (L1)",
        option="--l1",
    )
    l1_ramp: int = setting(
        300,
        "generator steps over which l1 grows to its full weight",
        within=Range(0),
        title="Steps of L1's ramp",
    )
    aux: float = setting(
        0.5,
        "weight of the generator's own classification head",
        within=Range(0),
        title="Weight of G's own head",
    )
    noise: float = setting(
        0.0,
        "sigma of the noise on what D and further cycles see, range [0,1]",
        within=Range(0, 1),
        title="Noise (sigma)",
    )
    cycles: int = setting(
        0,
        "c: nested counterfactuals G(G(x)), ...; each costs one more pass",
        within=Range(0, 16),
        title="Cycles",
        option="--cycles",
    )
    cycle_weight: float = setting(
        0.5, "lambda_c: weight of each further pass, to its power", title="Weight of cycles"
    )
    damaged_weight: float = setting(
        1.5,
        "weight of damaged -> undamaged; undamaged gets 2 - it",
        within=Range(0, 2),
        title="Weight of damaged",
    )
    gate: bool = setting(True, "gated residual output; off: plain residual", title="Gated output")

    diffusion_steps: int = setting(
        1000,
        "T: steps from an image to noise, for the method diffusion",
        within=Range(50, 1000),
        title="Diffusion steps",
    )
    diffusion_near: float = setting(
        0.5,
        "share of the images noised within the first tenth of T, where ACE's filter works by "
        "default; the others anywhere",
        within=Range(0, 1),
        title="Little noise",
    )

    robust: float = setting(
        0.0,
        "D learns on images perturbed against it by so many grey levels of 255; 0: off, and 2 for "
        "the method adversarial",
        within=Range(0, 255),
        title="Perturbation (robust)",
        option="--robust",
    )
    robust_steps: int = setting(
        3,
        "gradient steps of that perturbation; each costs a pass of D",
        within=Range(1, 100),
        title="Its steps",
    )
    robust_share: float = setting(
        0.5,
        "share of the batch that is perturbed",
        within=Range(0, 1, open_low=True),
        title="Its share",
    )

    batch: int = setting(
        16,
        "real images per step, half of each class",
        within=Range(2, 4096),
        title="Batch",
        option="--batch",
    )
    steps: int | None = setting(
        None, "training steps, warm-up included", within=Range(1), option="--steps"
    )
    minutes: float | None = setting(
        None,
        "training time instead of steps",
        within=Range(0, open_low=True),
        unit="min",
        option="--minutes",
    )
    warmup: int = setting(
        120,
        "first steps in which D learns as a plain classifier",
        within=Range(0),
        title="Warm-up steps",
    )
    lr_warmup: float = setting(
        2e-3,
        "AdamW's rate for D while it learns as a plain classifier",
        within=Range(0, open_low=True),
        title="Rate of D, warm-up",
    )
    lr_generator: float = setting(
        1.5e-3,
        "AdamW's rate for G, decayed by a cosine",
        within=Range(0, open_low=True),
        title="Rate of G",
    )
    lr_discriminator: float = setting(
        4e-4,
        "AdamW's rate for D, decayed by a cosine",
        within=Range(0, open_low=True),
        title="Rate of D",
    )
    mask_steps: int = setting(
        300,
        "steps after the training in which G's masks teach a segmenter; 0: masks by G",
        within=Range(0),
        title="Steps of the segmenter",
    )
    ema: float = setting(
        0.99,
        "decay of the running mean of weights used for inspection",
        within=Range(0, 1, open_high=True),
        title="Averaged weights (EMA)",
    )
    seed: int = setting(
        0,
        "seed of split, weights, order and augmentation",
        within=_SEEDS,
        title="Seed",
        option="--seed",
    )

    validation: float = setting(
        0.15,
        "share of groups kept for validation",
        within=Range(0, 1, open_low=True, open_high=True),
        title="Share for validation",
    )
    holdout: float = setting(
        0.0,
        "share of groups never looked at; see 'evaluate --unseen'",
        within=Range(0, 1, open_high=True),
        title="Share held out",
        option="--holdout",
    )
    holdout_seed: int = setting(
        0,
        "seed of the held-out share alone, so that seeds compare",
        within=_SEEDS,
        title="Seed of that share",
    )
    review_rate: float = setting(
        0.1,
        "share of images that a human should see",
        within=Range(0, 1, open_low=True, open_high=True),
        title="Share for review",
    )

    device: str = setting("auto", "what computes: auto, cpu, cuda or cuda:N", option="--device")
    precision: str = setting(
        "auto",
        "how numbers are kept while the networks compute",
        PRECISIONS,
        title="Precision",
        option="--precision",
    )
    validate_every: int = setting(
        100,
        "steps between two looks at the validation images; before the last fifth, thrice that",
        within=Range(1),
        title="Steps between checks",
    )
    checkpoint_every: int = setting(
        200, "steps between two checkpoints", within=Range(1), title="Steps between checkpoints"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.defect_classes is not None:
            object.__setattr__(
                self, "defect_classes", plain_defect_classes(self.defect_classes) or None
            )
        self._check_together()

    def _check_together(self) -> None:
        """What one setting alone does not show."""
        names = self.defect_class_names
        rules = (
            (self.size % 32 == 0, "size must be a multiple of 32, at least 32"),
            (self.generator_stem in (1, 2, 4), "generator_stem must be 1, 2 or 4"),
            (
                self.size % (16 * self.generator_stem) == 0,
                "size must be a multiple of 16 * generator_stem",
            ),
            (self.batch % 2 == 0, "batch must be even, at least 2"),
            (self.validation + self.holdout < 0.9, "validation and holdout leave too little"),
            (
                self.method != "segmenter" or self.tta != "flips+scale",
                "method segmenter looks at one size only: take tta 'flips' or 'none'",
            ),
            (
                not names or len(names) >= 2,
                "defect_classes needs the names of two or more folders, with commas between them",
            ),
            (
                self.generator != PROJECTED or self.discriminator == PROJECTED,
                "generator projected changes what a discriminator projected blames: give both",
            ),
            (
                not self.assisted or not (names or self.discriminator == PROJECTED),
                "assisted is for one kind of damage and a discriminator from scratch (projected "
                "sees the pretrained features already)",
            ),
            (
                self.generator != PROJECTED or self.gate,
                "generator projected has a gate: leave gate on",
            ),
            (len(names) <= MOST_DEFECT_CLASSES, "defect_classes can be 64 at most"),
            *(
                (not problem, f"defect_classes: the name {name!r} {problem}")
                for name in names
                for problem in [defect_class_problem(name)]
            ),
            (
                self.method != "diffusion" or not names,
                "method diffusion learns what images look like and knows no classes: leave "
                "defect_classes out",
            ),
            (
                self.method != "diffusion" or self.warmup == 0,
                "method diffusion has no discriminator to warm up: leave warmup at 0",
            ),
            (
                self.method != "diffusion" or self.width % 8 == 0,
                "method diffusion needs a width that is a multiple of 8",
            ),
        )
        for ok, sentence in rules:
            if not ok:
                raise ConfigError(sentence)

    @classmethod
    def from_preset(cls, preset: str, **changes: SettingValue) -> TrainConfig:
        """The preset's settings with ``changes`` on top; a change of None means "as the preset".

        Raises ConfigError for an unknown preset and for values that cannot work.
        """
        if preset not in PRESETS:
            raise ConfigError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}")
        named: dict[str, Any] = with_new_names(changes)
        given = {n: value for n, value in without_backbone(named).items() if value is not None}
        settings: dict[str, Any] = {**settings_for(preset, given), **given, "preset": preset}
        if "steps" in given and "minutes" not in given:
            settings["minutes"] = None
        if "minutes" in given and "steps" not in given:
            settings["steps"] = None
        return cls(**settings)

    @property
    def counterfactual(self) -> bool:
        """Whether a generator learns to deceive D; not so in some of the reference systems."""
        return makes_counterfactuals(self.method)

    @property
    def teaches_masks(self) -> bool:
        """Whether G's masks are to teach a segmenter at the end."""
        return self.counterfactual and self.mask_steps > 0

    @property
    def names_classes(self) -> bool:
        """Whether one D finds damage of all defect classes and names it; else they take turns."""
        return self.discriminator == PROJECTED and self.share_backbone and bool(self.defect_classes)

    @property
    def needs_classes(self) -> bool:
        """Whether it learns from labels; a diffusion model only learns what images look like."""
        return self.method != "diffusion"

    @property
    def backbone_file(self) -> Path | None:
        """The file with pretrained weights that was asked for, if any."""
        return Path(self.backbone) if self.backbone else None

    @property
    def perturbation(self) -> float:
        """Grey levels by which D's training images are perturbed; 0 for none."""
        return self.robust or (ADVERSARIAL if self.method == "adversarial" else 0.0)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The inverse of to_dict, also by the names of earlier versions; see `Settings`."""
        named = {**OLDER, **with_new_names(values)}
        data = named.get("data", ())
        return super().from_dict({**named, "data": tuple(data) if isinstance(data, list) else data})
