"""What presets, discriminators and methods set otherwise than `TrainConfig`'s defaults."""

from __future__ import annotations

from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.networks.names import PROJECTED

ADVERSARIAL = 2.0  # grey levels; eps 2/255 is the larger of the two that matter most
# The paper preset keeps to what the paper states (3-way loss, all weights 1, one cycle); what it
# leaves open (learning rates, schedule) is as in balanced.
BY_PRESET: dict[str, dict[str, SettingValue]] = {
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
# What a discriminator needs otherwise than the presets, which were made for the compact one.
BY_DISCRIMINATOR: dict[str, dict[str, SettingValue]] = {
    PROJECTED: {
        "generator": PROJECTED,
        "width": 32,
        "gate": True,
        "warmup": 120,
        "lr_warmup": 2e-3,
        "lr_discriminator": 8e-4,
        "lr_generator": 1.5e-3,
        "noise": 0.0,
    }
}
# What a method needs otherwise than the presets, which were made for CF-GAN.
BY_METHOD: dict[str, dict[str, SettingValue]] = {
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
