"""Every setting of a training, with its default and the reason for it."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.metadata import kind_problem, makes_counterfactuals

VIEWS = ("near", "near and far")
METHODS = ("cfgan", "classifier", "segmenter", "adversarial", "no-fake", "diffusion")
CAMERAS = ("same", "other")
PRESETS = ("fast", "balanced", "paper")
GENERATORS = ("unet", "swin_unet")
DISCRIMINATORS = ("compact", "resnet18", "resnet50", "swin", "hybrid")
TRUNKS = ("shared", "alone")
SCOPES = ("auto", "whole", "tiles")
AUGMENTS = ("none", "flips", "strong")


class ConfigError(CfinspectError):
    """A setting has a value that cannot work."""


def _setting(default: Any, why: str, choices: tuple[str, ...] = (), *, title: str = "") -> Any:
    """A dataclass field whose meaning travels with it (used by ``--help`` and the window).

    ``title``: what a form calls it; "": a form has no line for it.
    """
    return field(default=default, metadata={"help": why, "choices": choices, "title": title})


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training; frozen, validated, JSON-able.

    Symbols in the help texts are those of the loss equations in ``losses.py``.
    """

    data: tuple[str, ...] = _setting((), "folders with undamaged/ and damaged/ images")
    out: str = _setting("", "folder for the run's files")
    undamaged: str | None = _setting(
        None, "name of the folder of undamaged images", title="Undamaged folder"
    )
    damaged: str | None = _setting(
        None, "name of the folder of damaged images", title="Damaged folder"
    )
    kinds: str | None = _setting(
        None,
        "names of the folders of several kinds of damage, with commas between them",
        title="Kinds of damage",
    )
    preset: str = _setting(
        "balanced", "fast, balanced or paper: the starting point of all others", PRESETS
    )

    method: str = _setting(
        "cfgan",
        "what is trained; diffusion is for explanations by ACE, the others to measure cfgan by",
        METHODS,
        title="Method",
    )
    generator: str = _setting(
        "unet", "network that makes the counterfactual", GENERATORS, title="Generator"
    )
    width: int = _setting(
        16,
        "channels of the generator's first level; each level doubles them",
        title="Generator width",
    )
    generator_stem: int = _setting(
        2, "side of the patches the generator starts from: 1, 2 or 4", title="Generator patch"
    )
    discriminator: str = _setting(
        "compact", "network that classifies and tells fakes", DISCRIMINATORS, title="Discriminator"
    )
    discriminator_width: int = _setting(
        24,
        "channels of the first stage of compact and hybrid, a quarter of swin's",
        title="Discriminator width",
    )
    trunk: str = _setting(
        "shared",
        "with several kinds of damage; shared: one discriminator answers for all of them",
        TRUNKS,
        title="Trunk",
    )
    backbone_weights: str | None = _setting(
        None, "local file with pretrained backbone weights", title="Backbone weights"
    )
    init_from: str | None = _setting(
        None, "cfinspect model to fine-tune instead of starting fresh", title="Start from model"
    )

    size: int = _setting(
        96, "side of the network's input in pixels, a multiple of 32", title="Input size (px)"
    )
    scope: str = _setting(
        "auto",
        "whole: an image is resized to size; tiles: photos go by windows",
        SCOPES,
        title="Whole or tiles",
    )
    augment: str = _setting(
        "strong", "label-preserving changes of the training images", AUGMENTS, title="Augmentation"
    )

    cameras: str = _setting(
        "same",
        "where the model will work; other: decisions are fitted on images changed as by others",
        CAMERAS,
        title="Cameras",
    )
    views: str = _setting(
        "near",
        "how inspections look; 'near and far': also at some two thirds of the size, twice as slow",
        VIEWS,
        title="Views",
    )

    rho: float = _setting(
        0.4,
        "weight of fakes in D's loss; 1 makes real images tie with fake",
        title="Weight of fakes (rho)",
    )
    l1: float = _setting(
        8.0, "weight of the sparsity term mean|x - x'|", title="Weight of sparsity (L1)"
    )
    l1_ramp: int = _setting(
        300, "generator steps over which l1 grows to its full weight", title="Steps of L1's ramp"
    )
    aux: float = _setting(
        0.5, "weight of the generator's own classification head", title="Weight of G's own head"
    )
    noise: float = _setting(
        0.03,
        "sigma of the noise on what D and further cycles see, range [0,1]",
        title="Noise (sigma)",
    )
    cycles: int = _setting(
        0, "c: nested counterfactuals G(G(x)), ...; each costs one more pass", title="Cycles"
    )
    cycle_weight: float = _setting(
        0.5, "lambda_c: weight of each further pass, to its power", title="Weight of cycles"
    )
    damaged_weight: float = _setting(
        1.5, "weight of damaged -> undamaged; undamaged gets 2 - it", title="Weight of damaged"
    )
    gate: bool = _setting(True, "gated residual output; off: plain residual", title="Gated output")

    diffusion_steps: int = _setting(
        1000,
        "T: steps from an image to noise, for the method diffusion",
        title="Diffusion steps",
    )
    diffusion_near: float = _setting(
        0.5,
        "share of the images noised within the first tenth of T, where ACE's filter works by "
        "default; the others anywhere",
        title="Little noise",
    )

    robust: float = _setting(
        0.0,
        "D learns on images perturbed against it by so many grey levels of 255; 0: off, and 2 for "
        "the method adversarial",
        title="Perturbation (robust)",
    )
    robust_steps: int = _setting(
        3, "gradient steps of that perturbation; each costs a pass of D", title="Its steps"
    )

    batch: int = _setting(16, "real images per step, half of each class", title="Batch")
    steps: int | None = _setting(None, "training steps, warm-up included")
    minutes: float | None = _setting(None, "training time instead of steps")
    warmup: int = _setting(
        400, "first steps in which D learns as a plain classifier", title="Warm-up steps"
    )
    lr_warmup: float = _setting(
        1e-3, "AdamW's rate for D while it learns as a plain classifier", title="Rate of D, warm-up"
    )
    lr_generator: float = _setting(
        1e-3, "AdamW's rate for G, decayed by a cosine", title="Rate of G"
    )
    lr_discriminator: float = _setting(
        5e-4, "AdamW's rate for D, decayed by a cosine", title="Rate of D"
    )
    ema: float = _setting(
        0.99,
        "decay of the running mean of weights used for inspection",
        title="Averaged weights (EMA)",
    )
    seed: int = _setting(0, "seed of split, weights, order and augmentation", title="Seed")

    validation: float = _setting(
        0.15, "share of groups kept for validation", title="Share for validation"
    )
    holdout: float = _setting(
        0.0, "share of groups never looked at; see 'evaluate --unseen'", title="Share held out"
    )
    holdout_seed: int = _setting(
        0, "seed of the held-out share alone, so that seeds compare", title="Seed of that share"
    )
    review_rate: float = _setting(
        0.1, "share of images that a human should see", title="Share for review"
    )

    device: str = _setting("auto", "auto, cpu, cuda or cuda:N")
    precision: str = _setting(
        "auto", "auto, fp32, bf16 or fp16", ("auto", "fp32", "bf16", "fp16"), title="Precision"
    )
    validate_every: int = _setting(
        100,
        "steps between two looks at the validation images; before the last fifth, thrice that",
        title="Steps between checks",
    )
    checkpoint_every: int = _setting(
        200, "steps between two checkpoints", title="Steps between checkpoints"
    )
    memory_gb: float = _setting(
        2.0, "decoded images kept in memory up to this many GiB", title="Memory for images (GiB)"
    )

    def __post_init__(self) -> None:
        if self.kinds is not None:
            object.__setattr__(self, "kinds", plain_kinds(self.kinds) or None)
        for setting in dataclasses.fields(self):
            name, allowed = setting.name, setting.metadata["choices"]
            if allowed and name != "precision" and getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} {getattr(self, name)!r} is unknown: choose one of {', '.join(allowed)}"
                )
        self._check_numbers()

    def _check_numbers(self) -> None:
        rules = (
            (self.size >= 32 and self.size % 32 == 0, "size must be a multiple of 32, at least 32"),
            (self.generator_stem in (1, 2, 4), "generator_stem must be 1, 2 or 4"),
            (
                self.size % (16 * self.generator_stem) == 0,
                "size must be a multiple of 16 * generator_stem",
            ),
            (min(self.seed, self.holdout_seed) >= 0, "seeds must not be negative"),
            (max(self.seed, self.holdout_seed) < 2**31, "seeds must be below 2**31"),
            (self.batch >= 2 and self.batch % 2 == 0, "batch must be even, at least 2"),
            (self.width >= 4, "width must be at least 4"),
            (self.discriminator_width >= 4, "discriminator_width must be at least 4"),
            (self.cycles >= 0, "cycles must be 0 or more"),
            (self.steps is None or self.steps > 0, "steps must be positive"),
            (self.minutes is None or self.minutes > 0, "minutes must be positive"),
            (self.warmup >= 0, "warmup must be 0 or more"),
            (0 <= self.ema < 1, "ema must be in [0, 1)"),
            (0 < self.validation < 1, "validation must be between 0 and 1"),
            (0 <= self.holdout < 1, "holdout must be in [0, 1)"),
            (self.validation + self.holdout < 0.9, "validation and holdout leave too little"),
            (0 <= self.damaged_weight <= 2, "damaged_weight must be in [0, 2]"),
            (0 < self.review_rate < 1, "review_rate must be between 0 and 1"),
            (
                min(self.rho, self.l1, self.aux, self.noise) >= 0,
                "loss weights must not be negative",
            ),
            (min(self.validate_every, self.checkpoint_every) > 0, "intervals must be positive"),
            (
                min(self.lr_generator, self.lr_discriminator, self.lr_warmup) > 0,
                "learning rates must be positive",
            ),
            (
                self.method != "segmenter" or self.views == "near",
                "method segmenter looks at one size only: leave views at 'near'",
            ),
            (
                not self.kinds or len(self.kind_names) >= 2,
                "kinds needs the names of two or more folders, with commas between them",
            ),
            (len(self.kind_names) <= 64, "kinds can be 64 at most"),
            *(
                (not kind_problem(name), f"kinds: the name {name!r} {kind_problem(name)}")
                for name in self.kind_names
            ),
            (
                self.method != "diffusion" or not self.kinds,
                "method diffusion learns what images look like and knows no kinds: leave kinds out",
            ),
            (
                self.method != "diffusion" or self.width % 8 == 0,
                "method diffusion needs a width that is a multiple of 8",
            ),
            (0 <= self.diffusion_near <= 1, "diffusion_near must be in [0, 1]"),
            (50 <= self.diffusion_steps <= 1000, "diffusion_steps must be in 50..1000"),
            (self.robust >= 0, "robust must be 0 or more"),
            (self.robust_steps > 0, "robust_steps must be positive"),
            (self.memory_gb > 0, "memory_gb must be positive"),
        )
        for ok, sentence in rules:
            if not ok:
                raise ConfigError(sentence)

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> TrainConfig:
        """The preset's settings with ``changes`` on top; a change of None means "as the preset"."""
        if preset not in PRESETS:
            raise ConfigError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}")
        given = {name: value for name, value in changes.items() if value is not None}
        usual = _METHOD_SETTINGS.get(given.get("method", ""), {})
        settings: dict[str, Any] = {**_PRESETS[preset], **usual, **given, "preset": preset}
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
    def needs_classes(self) -> bool:
        """Whether it learns from labels; a diffusion model only learns what images look like."""
        return self.method != "diffusion"

    @property
    def kind_names(self) -> tuple[str, ...]:
        """Names of the kinds of damage; empty for a model that knows but one."""
        return tuple(self.kinds.split(",")) if self.kinds else ()

    @property
    def perturbation(self) -> float:
        """Grey levels by which D's training images are perturbed; 0 for none."""
        return self.robust or (_ADVERSARIAL if self.method == "adversarial" else 0.0)

    def replace(self, **changes: Any) -> TrainConfig:
        """A copy with other values, validated again."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """The inverse of to_dict; unknown names and wrong types raise ConfigError."""
        hints = typing.get_type_hints(cls)
        unknown = set(values) - set(hints)
        if unknown:
            raise ConfigError(f"unknown setting {sorted(unknown)[0]!r}: made by a newer cfinspect?")
        fixed = {**values, "data": tuple(values.get("data", ()))}
        for name, value in fixed.items():
            if not _fits(value, hints[name]):
                raise ConfigError(f"setting {name!r} has the wrong type: {value!r}")
        return cls(**fixed)


def plain_kinds(text: str) -> str:
    """Names of kinds as they are kept: no spaces or slashes around them, commas between."""
    names = (name.strip().rstrip("/\\").strip() for name in text.split(","))
    return ",".join(name for name in names if name)


def _fits(value: object, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    kind = typing.get_origin(hint) or hint
    return isinstance(value, kind)


# The paper preset keeps to what the paper states (3-way loss, all weights 1, one cycle); what it
# leaves open (learning rates, schedule) is as in balanced.
_ADVERSARIAL = 2.0  # grey levels; eps 2/255 is the larger of the two that matter most
_PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"minutes": 4.0},
    "balanced": {"minutes": 6.0},
    "paper": {
        "minutes": 20.0,
        "rho": 1.0,
        "l1": 1.0,
        "l1_ramp": 0,
        "aux": 1.0,
        "cycles": 1,
        "cycle_weight": 1.0,
        "damaged_weight": 1.0,
        "gate": False,
        "warmup": 0,
        "augment": "flips",
    },
}
# What a method needs otherwise than the presets, which were made for CF-GAN.
_METHOD_SETTINGS: dict[str, dict[str, Any]] = {
    "diffusion": {
        "minutes": 30.0,
        "size": 64,
        "width": 48,
        "batch": 32,
        "warmup": 0,
        "lr_generator": 5e-4,
        "ema": 0.999,
        "augment": "flips",
        "validate_every": 250,
        "checkpoint_every": 250,
    }
}
