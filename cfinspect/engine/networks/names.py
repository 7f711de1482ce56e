"""Names of networks that are looked at without torch."""

from __future__ import annotations

COMPACT = "compact"  # the smallest D, from scratch
PROJECTED = "projected"  # D or G that looks through the pretrained backbone
ASSISTED = "assisted"  # argument of a D from scratch that judges by the backbone as well
NAMED = "named"  # argument of a D that names defect classes: how many
DDPM = "ddpm"  # the generator of a model that explains others and inspects nothing
