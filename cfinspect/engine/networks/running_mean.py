"""The running mean of a network's weights while it learns: steadier than the weights themselves."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(mean: nn.Module, live: nn.Module, decay: float, updates: int) -> None:
    """Move ``mean`` a step towards ``live``, a network of the same kind.

    ``decay``: share of the mean that stays, 0..1; less of it in the first ``updates``.
    """
    decay = min(decay, (1 + updates) / (10 + updates))
    own, theirs = mean.state_dict(), live.state_dict()
    floats = [name for name, value in theirs.items() if value.is_floating_point()]
    if not floats:  # nothing to learn: a classifier's generator
        return
    torch._foreach_lerp_([own[n] for n in floats], [theirs[n] for n in floats], 1 - decay)
    for name in set(theirs) - set(floats):
        own[name].copy_(theirs[name])
