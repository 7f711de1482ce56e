"""Several defect classes: one G and D that name them, or a G for each and Ds that share or not.

A D that looks through the pretrained backbone finds damage of all classes together and names it.
Elsewhere every class is told from "undamaged" on its own, by a G and a D of its own as for a single
class. What these Ds may share is their backbone: one network, three logits per class.
"""

from __future__ import annotations

from torch import Tensor, nn

from cfinspect.engine.networks.backbone import Backbone
from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.names import ASSISTED, NAMED, PROJECTED
from cfinspect.engine.networks.projected import (
    AssistedDiscriminator,
    ProjectedDiscriminator,
    ProjectedGenerator,
)
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
    generator: NetworkSpec,
    discriminator: NetworkSpec,
    defect_classes: int,
    backbone: Backbone | None = None,
) -> tuple[nn.Module, nn.Module]:
    """G and D as metadata names them, for 0 (a plain model) or more ``defect_classes``.

    A D that names the classes, and its G, are one each.
    ``backbone``: needed where D is "projected" (see ``needs_backbone``); all share it.
    """
    shared = "classes" in discriminator.kwargs
    if NAMED in discriminator.kwargs:
        defect_classes = 0
    count = max(1, defect_classes)

    def make_discriminators() -> list[nn.Module]:
        return [_make_discriminator(discriminator, backbone) for _ in range(1 if shared else count)]

    if generator.name == PROJECTED:
        discriminators = make_discriminators()
        generators = [_projected_generator(generator, one, backbone) for one in discriminators]
    else:
        # Generators first: a seed gives the weights that it gave in earlier versions.
        generators = [make_generator(generator.name, **generator.kwargs) for _ in range(count)]
        discriminators = make_discriminators()
    if not defect_classes:
        return generators[0], discriminators[0]
    if shared:
        return PerDefectClass(generators), SharedBackbone(discriminators[0])
    return PerDefectClass(generators), PerDefectClass(discriminators)


def needs_backbone(discriminator: NetworkSpec) -> bool:
    """Whether this D (and a G beside it) looks through the pretrained backbone."""
    return discriminator.name == PROJECTED or ASSISTED in discriminator.kwargs


def backbone_of(discriminator: nn.Module) -> Backbone | None:
    """The pretrained backbone that a D as `make_networks` makes it looks through, if any."""
    for network in whole_networks(discriminator):
        if isinstance(network, ProjectedDiscriminator | AssistedDiscriminator):
            return network.backbone
    return None


def _make_discriminator(spec: NetworkSpec, backbone: Backbone | None) -> nn.Module:
    if not needs_backbone(spec):
        return make_discriminator(spec.name, **spec.kwargs)
    if backbone is None:
        raise ValueError("the backbone is missing")
    if spec.name == PROJECTED:
        return ProjectedDiscriminator(backbone, **spec.kwargs)
    own = {name: value for name, value in spec.kwargs.items() if name != ASSISTED}
    return AssistedDiscriminator(make_discriminator(spec.name, **own), backbone)


def _projected_generator(
    spec: NetworkSpec, discriminator: nn.Module, backbone: Backbone | None
) -> nn.Module:
    if backbone is None or not isinstance(discriminator, ProjectedDiscriminator):
        raise ValueError('a generator "projected" needs a discriminator "projected"')
    return ProjectedGenerator(backbone, discriminator.heads, **dict(spec.kwargs))  # type: ignore[arg-type]
