"""What presets, discriminators and methods set otherwise than `TrainConfig`'s defaults."""

from __future__ import annotations

from collections.abc import Mapping

from cfinspect.engine.base.setting import ConfigError, SettingValue
from cfinspect.engine.networks.names import COMPACT, PROJECTED
from cfinspect.engine.networks.settings import NO_BACKBONE

ADVERSARIAL = 2.0  # grey levels; eps 2/255 is the larger of the two that matter most
# The paper preset keeps to what the paper states (3-way loss, all weights 1, one cycle); what it
# leaves open (learning rates, schedule) is as in balanced.
BY_PRESET: dict[str, dict[str, SettingValue]] = {
    "fast": {"minutes": 4.0},
    "balanced": {"minutes": 6.0},
    "paper": {
        "discriminator": COMPACT,
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
# What a discriminator without pretrained features needs otherwise than the defaults, which are for
# the projected one. The presets come on top.
_FROM_SCRATCH: dict[str, SettingValue] = {
    "generator": "unet",
    "width": 16,
    "warmup": 400,
    "lr_warmup": 1e-3,
    "lr_discriminator": 5e-4,
    "lr_generator": 1e-3,
    "noise": 0.03,
    "mask_steps": 0,
}
# What the projected discriminator cannot take over from a preset that is made for another one.
_PROJECTED_NEEDS: dict[str, SettingValue] = {"gate": True, "warmup": 120}
# Pretrained features are easily deceived by what nobody sees. Where D learns from images perturbed
# by one grey level, G has to mend instead: more of its images flip and its masks are better.
_PROJECTED_PERTURBED: dict[str, SettingValue] = {
    "robust": 1.0,
    "robust_steps": 1,
    "robust_share": 0.25,
}
# What a method needs otherwise than the presets, which were made for CF-GAN.
_BY_METHOD: dict[str, dict[str, SettingValue]] = {
    "segmenter": {"generator": "unet", "width": 16, "lr_generator": 1e-3},
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
    },
}


def is_no_backbone(value: object) -> bool:
    """Whether a setting "backbone" asks for training from scratch."""
    return isinstance(value, str) and value.lower() == NO_BACKBONE


def without_backbone(given: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    """``given``, where "backbone none" has become a discriminator that learns from scratch.

    Raises ConfigError where the one that is asked for cannot do without.
    """
    if not is_no_backbone(given.get("backbone")):
        return dict(given)
    if given.get("discriminator") == PROJECTED:
        raise ConfigError(
            f"backbone {NO_BACKBONE} trains from scratch, and discriminator {PROJECTED} sees "
            "through the backbone: leave one of them out"
        )
    return {**given, "backbone": None, "discriminator": given.get("discriminator") or COMPACT}


def settings_for(preset: str, given: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    """What differs from the defaults by the preset and by the networks and method ``given``."""
    own = BY_PRESET[preset]
    discriminator = str(given.get("discriminator", own.get("discriminator", PROJECTED)))
    looks_through = discriminator == PROJECTED
    found = {**own, **_PROJECTED_NEEDS} if looks_through else {**_FROM_SCRATCH, **own}
    if looks_through and given.get("method", "cfgan") == "cfgan" and "robust" not in given:
        found.update(_PROJECTED_PERTURBED)
    if given.get("generator", PROJECTED) != PROJECTED:
        found["width"] = _FROM_SCRATCH["width"]
    return {**found, **_BY_METHOD.get(str(given.get("method", "")), {})}
