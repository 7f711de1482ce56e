"""Do the networks that a file names fit the tensors in it? Asked before memory is taken for them.

A file says by a few numbers how large its networks are, and by its tensors, too. The networks are
laid out without memory (torch's device "meta") and compared with the tensors by name and shape, so
what is made afterwards is as large as the file, whatever its numbers say.
"""

from __future__ import annotations

from collections.abc import Mapping

from cfinspect.engine.base.errors import first_line, short
from cfinspect.engine.model.card_json import shown
from cfinspect.engine.networks.spec import LARGEST_ARGUMENT, MOST_DEFECT_CLASSES, NetworkSpec

Shapes = Mapping[str, tuple[int, ...]]
_LAYERS = ("depth", "stages", "blocks")  # arguments that say how many layers there are
# What torch and Python raise for sizes that cannot be.
_IMPOSSIBLE = (
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    ArithmeticError,
    AssertionError,
    StopIteration,
)


def require_fitting(
    generator: NetworkSpec,
    discriminator: NetworkSpec,
    defect_classes: int,
    shapes: Shapes,
    segmenter: NetworkSpec | None = None,
) -> None:
    """Raise ValueError with half a sentence where networks and tensors differ.

    ``shapes``: of the file's tensors, named as in a model file ("generator.", "discriminator." and
    "segmenter.", then as in ``state_dict``).
    """
    specs = {"generator": generator, "discriminator": discriminator}
    if segmenter is not None:
        specs["segmenter"] = segmenter
    own = {part: _below(shapes, f"{part}.") for part in specs}
    if defect_classes > MOST_DEFECT_CLASSES:
        raise ValueError(f"{defect_classes} defect classes are more than {MOST_DEFECT_CLASSES}")
    for part, spec in specs.items():
        _require_possible(part, spec, len(own[part]))
    try:
        expected = _laid_out(generator, discriminator, defect_classes, segmenter)
    except _IMPOSSIBLE as error:
        raise ValueError(f"no network can be made so: {first_line(error)}") from error
    for part, wanted in expected.items():
        _require_same(part, wanted, own[part])


def _require_possible(part: str, spec: NetworkSpec, tensors: int) -> None:
    """Refuse numbers that no training writes; layers without tensors would take time to lay out."""
    for name, value in spec.kwargs.items():
        if not isinstance(value, int) or not 0 <= value <= LARGEST_ARGUMENT:
            where = f"{part}.{shown(name)}"
            raise ValueError(f"{where} must be a whole number in 0..{LARGEST_ARGUMENT}")
        if name in _LAYERS and value > tensors:
            raise ValueError(f"{part}.{name} is {value}, but it has only {tensors} tensors")


def _laid_out(
    generator: NetworkSpec,
    discriminator: NetworkSpec,
    defect_classes: int,
    segmenter: NetworkSpec | None,
) -> dict[str, Shapes]:
    """Shapes of all tensors of each network, which takes none of their memory."""
    import torch  # noqa: PLC0415  (metadata is read without it)

    from cfinspect.engine.networks.backbone import Backbone  # noqa: PLC0415
    from cfinspect.engine.networks.mask_decoder import make_mask_decoder  # noqa: PLC0415
    from cfinspect.engine.networks.multi_class import make_networks, needs_backbone  # noqa: PLC0415

    with torch.device("meta"):
        looked_through = needs_backbone(discriminator) or segmenter is not None
        backbone = Backbone() if looked_through else None
        g, d = make_networks(generator, discriminator, defect_classes, backbone)
        networks = {"generator": g, "discriminator": d}
        if segmenter is not None and backbone is not None:
            networks["segmenter"] = make_mask_decoder(segmenter, backbone)
    return {
        part: {name: tuple(value.shape) for name, value in network.state_dict().items()}
        for part, network in networks.items()
    }


def _require_same(part: str, wanted: Shapes, found: Shapes) -> None:
    different = sorted(wanted.keys() ^ found.keys())
    if different:
        what = "lacks" if different[0] in wanted else "has the unknown"
        name = short(repr(different[0]))
        raise ValueError(f"{part} {what} tensor {name}, and {len(different) - 1} others differ")
    for name, shape in wanted.items():
        if found[name] != shape:
            raise ValueError(f"{part}.{name} has the shape {found[name]}, not {shape}")


def _below(shapes: Shapes, prefix: str) -> dict[str, tuple[int, ...]]:
    return {k.removeprefix(prefix): v for k, v in shapes.items() if k.startswith(prefix)}
