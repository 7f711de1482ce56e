"""Several kinds of damage: one generator for each, and discriminators with or without a trunk.

Every kind is told from "undamaged" on its own (one versus undamaged), by a G and a D of its own as
for a single kind. What the Ds may share is their trunk: one network with three logits per kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator

LOGITS = 3


class PerKind(nn.Module):
    """One network for each kind of damage; it has no forward of its own, see ``of_kind``."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)


class SharedTrunk(nn.Module):
    """One discriminator for all kinds: ``network`` gives three logits for each, (n, 3 k)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class _Slice(nn.Module):
    """What a shared discriminator says about one kind: (n, 3, S, S) -> (n, 3)."""

    def __init__(self, network: nn.Module, kind: int) -> None:
        super().__init__()
        self.network = network
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        logits = self.network(x)
        return logits[:, LOGITS * self.kind : LOGITS * (self.kind + 1)]  # type: ignore[no-any-return]


def of_kind(network: nn.Module, kind: int) -> nn.Module:
    """The network that answers for one kind; itself where there is but one."""
    if isinstance(network, PerKind):
        return network.members[kind]
    if isinstance(network, SharedTrunk):
        return _Slice(network.network, kind).train(network.training)
    return network


def whole_networks(network: nn.Module) -> list[nn.Module]:
    """The networks as their makers made them: of all kinds, or the one behind the trunk."""
    if isinstance(network, PerKind):
        return list(network.members)
    return [network.network if isinstance(network, SharedTrunk) else network]


def make_networks(
    generator: Mapping[str, Any], discriminator: Mapping[str, Any], kinds: int
) -> tuple[nn.Module, nn.Module]:
    """G and D as metadata names them, for 0 (a plain model) or more ``kinds``."""

    def one_generator() -> nn.Module:
        return make_generator(generator["name"], **generator["kwargs"])

    def one_discriminator() -> nn.Module:
        return make_discriminator(discriminator["name"], **discriminator["kwargs"])

    if not kinds:
        return one_generator(), one_discriminator()
    generators = PerKind([one_generator() for _ in range(kinds)])
    if "classes" in discriminator["kwargs"]:
        return generators, SharedTrunk(one_discriminator())
    return generators, PerKind([one_discriminator() for _ in range(kinds)])
