"""Which network, and how it is made: as model files and checkpoints say it. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Argument = bool | int


@dataclass(frozen=True)
class NetworkSpec:
    """A network by its ``name`` and the arguments it is made with, such as {"width": 16}."""

    name: str
    kwargs: Mapping[str, Argument] = field(default_factory=dict)
