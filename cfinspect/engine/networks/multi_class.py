"""Several defect classes: a generator for each, and discriminators that share a backbone or not.

Every class is told from "undamaged" on its own (one versus undamaged), by a G and a D of its own as
for a single class. What the Ds may share is their backbone: one network, three logits per class.
"""

from __future__ import annotations

from torch import Tensor, nn

from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.spec import NetworkSpec

LOGITS = 3


class PerDefectClass(nn.Module):
    """One network for each defect class; it has no forward of its own, see ``of_defect_class``."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)


class SharedBackbone(nn.Module):
    """One discriminator for all classes: ``network`` gives three logits for each, (n, 3 k)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class _Slice(nn.Module):
    """What a shared discriminator says about one class: (n, 3, S, S) -> (n, 3)."""

    def __init__(self, network: nn.Module, defect_class: int) -> None:
        super().__init__()
        self.network = network
        self.defect_class = defect_class

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        logits = self.network(x)
        return logits[:, LOGITS * self.defect_class : LOGITS * (self.defect_class + 1)]  # type: ignore[no-any-return]


def of_defect_class(network: nn.Module, defect_class: int) -> nn.Module:
    """The network that answers for one class; itself where there is but one."""
    if isinstance(network, PerDefectClass):
        return network.members[defect_class]
    if isinstance(network, SharedBackbone):
        return _Slice(network.network, defect_class).train(network.training)
    return network


def whole_networks(network: nn.Module) -> list[nn.Module]:
    """The networks as their makers made them: of all classes, or the one that is shared."""
    if isinstance(network, PerDefectClass):
        return list(network.members)
    return [network.network if isinstance(network, SharedBackbone) else network]


def make_networks(
    generator: NetworkSpec, discriminator: NetworkSpec, defect_classes: int
) -> tuple[nn.Module, nn.Module]:
    """G and D as metadata names them, for 0 (a plain model) or more ``defect_classes``."""

    def one_generator() -> nn.Module:
        return make_generator(generator.name, **generator.kwargs)

    def one_discriminator() -> nn.Module:
        return make_discriminator(discriminator.name, **discriminator.kwargs)

    if not defect_classes:
        return one_generator(), one_discriminator()
    generators = PerDefectClass([one_generator() for _ in range(defect_classes)])
    if "classes" in discriminator.kwargs:
        return generators, SharedBackbone(one_discriminator())
    return generators, PerDefectClass([one_discriminator() for _ in range(defect_classes)])
