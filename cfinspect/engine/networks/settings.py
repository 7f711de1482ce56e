"""Settings of which networks are trained, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.engine.base.setting import Range, Settings, setting
from cfinspect.engine.networks.names import COMPACT, PROJECTED
from cfinspect.engine.networks.spec import LARGEST_ARGUMENT

METHODS = ("cfgan", "classifier", "segmenter", "adversarial", "no-fake", "diffusion")
GENERATORS = (PROJECTED, "unet", "swin_unet")
NO_BACKBONE = "none"  # in place of the backbone's file
DISCRIMINATORS = (PROJECTED, COMPACT, "resnet18", "resnet50", "swin", "hybrid")


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """What is made before any training; a model that is fine-tuned keeps it."""

    method: str = setting(
        "cfgan",
        "what is trained; diffusion is for explanations by ACE, the others to measure cfgan by",
        METHODS,
        title="Method",
        option="--method",
    )
    generator: str = setting(
        PROJECTED,
        "network that makes the counterfactual; projected decodes what its discriminator sees",
        GENERATORS,
        title="Generator",
        option="--generator",
    )
    width: int = setting(
        32,
        "channels of the generator's first level; each level but projected's doubles them",
        within=Range(4, LARGEST_ARGUMENT),
        title="Generator width",
        option="--width",
    )
    generator_stem: int = setting(
        2, "side of the patches the generator starts from: 1, 2 or 4", title="Generator patch"
    )
    discriminator: str = setting(
        PROJECTED,
        "network that classifies and tells fakes; projected sees through pretrained features, the "
        "others learn from scratch",
        DISCRIMINATORS,
        title="Discriminator",
        option="--discriminator",
    )
    discriminator_width: int = setting(
        24,
        "channels of the first stage of compact and hybrid, a quarter of swin's",
        within=Range(4, LARGEST_ARGUMENT),
        title="Discriminator width",
    )
    assisted: bool = setting(
        False,
        "a discriminator from scratch judges by the pretrained features as well",
        title="Pretrained features beside D",
    )
    share_backbone: bool = setting(
        True,
        "with several defect classes: one discriminator answers for all of them",
        title="Shared backbone",
    )
    finest_stage: int = setting(
        1,
        "stage of the backbone with projected's finest evidence: 1 sees half of the side, 2 a "
        "quarter",
        within=Range(1, 3),
        title="Finest evidence",
    )
    top_percent: int = setting(
        3,
        "share of the places whose mean evidence speaks for the image, for projected",
        within=Range(1, 100),
        unit="%",
        title="Strongest evidence",
    )
    prior: bool = setting(
        True,
        "projected G changes only what D's evidence blames; off: anything",
        title="Prior on the gate",
    )
    backbone: str | None = setting(
        None,
        "file with pretrained weights of EfficientNet-Lite0, where the shipped ones are used "
        "otherwise, or of another D's own layers; none: from scratch, with D compact",
        title="Backbone",
        option="--backbone",
        metavar="FILE|none",
        is_file=True,
    )
