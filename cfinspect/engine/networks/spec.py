"""Which network, and how it is made: as model files and checkpoints say it. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Argument = bool | int
# The most that files may ask for; a training takes no more.
LARGEST_ARGUMENT = 1024  # of a network: channels, layers, classes
LARGEST_SIDE = 2048  # of its square input, in px
MOST_DEFECT_CLASSES = 64


@dataclass(frozen=True)
class NetworkSpec:
    """A network by its ``name`` and the arguments it is made with, such as {"width": 16}."""

    name: str
    kwargs: Mapping[str, Argument] = field(default_factory=dict)
