"""The pretrained backbone: exact, frozen, shared, and held once by every file."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.networks.backbone import (
    CHANNELS,
    Backbone,
    load_backbone,
    shipped_backbone,
)

EPS = 1e-3  # of batch normalisations in timm's network


@pytest.fixture(scope="module")
def shipped() -> Backbone:
    return load_backbone(shipped_backbone())


@pytest.mark.parametrize("side", [64, 96, 160])
def test_its_features_are_those_of_an_independent_implementation(
    shipped: Backbone, side: int
) -> None:
    theirs = timm.create_model(
        "tf_efficientnet_lite0", features_only=True, out_indices=(0, 1, 2, 3, 4)
    )
    fill(theirs, shipped)
    images = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(side))
    with torch.no_grad():
        found = shipped(images)
        wanted = theirs.eval()((images * 255 - 127) / 128)
    # It tells the last stage of each size: 1, 2, 3, 5 and one that follows ours.
    for number, one in zip((1, 2, 3, 5), wanted[:4], strict=True):
        assert one.shape == found[number - 1].shape
        assert float((one - found[number - 1]).abs().max()) < 1e-3


def fill(network: nn.Module, backbone: Backbone) -> None:
    """Our folded weights as timm's: each batch normalisation only adds the bias."""
    layers = {
        "expand": ("conv_pw", "bn1"),
        "depthwise": ("conv_dw", "bn2"),
        "project": ("conv_pwl", "bn3"),
    }
    first = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}
    named = dict(network.named_modules())
    ours = [("stem", "conv_stem", "bn1")]
    starts = [0, 1, 3, 5, 8, 11]
    for number in range(15):
        stage = max(index for index, start in enumerate(starts) if start <= number)
        for name, (conv, norm) in (layers if number else first).items():
            there = f"blocks.{stage}.{number - starts[stage]}"
            ours.append((f"blocks.{number}.{name}", f"{there}.{conv}", f"{there}.{norm}"))
    weights = backbone.weights()
    with torch.no_grad():
        for name, conv, norm in ours:
            named[conv].weight.copy_(weights[f"{name}.weight"])
            named[norm].weight.fill_(1)
            named[norm].bias.copy_(weights[f"{name}.bias"])
            named[norm].running_mean.zero_()
            named[norm].running_var.fill_(1 - EPS)


def test_it_never_learns_and_lets_gradients_through(shipped: Backbone) -> None:
    assert not list(shipped.parameters())
    assert not shipped.state_dict()
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(stage.sum() for stage in shipped(images)).backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_copies_are_the_same_backbone(shipped: Backbone) -> None:
    assert copy.deepcopy(nn.Sequential(shipped))[0] is shipped


def test_stages_have_the_sizes_that_are_promised(shipped: Backbone) -> None:
    sides = [32, 16, 8, 4, 4, 2]
    found = [tuple(stage.shape) for stage in shipped(torch.rand(2, 3, 64, 64))]
    assert found == [(2, CHANNELS[i], s, s) for i, s in enumerate(sides, 1)]


def test_a_side_that_cannot_be_halved_so_often_is_refused(shipped: Backbone) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        shipped(torch.rand(1, 3, 40, 64))


def test_weights_that_do_not_fit_are_refused_by_name(shipped: Backbone, tmp_path: Path) -> None:
    weights = {name: value.clone() for name, value in shipped.weights().items()}
    for changed in (
        {"stem.weight": torch.zeros(1)},
        {"stem.more": torch.zeros(1)},
        {"stem.bias": torch.full((32,), torch.nan)},
        {"stem.bias": torch.full((32,), 1e5)},
    ):
        path = tmp_path / "other.safetensors"
        save_file(weights | changed, path)
        with pytest.raises(CfinspectError, match=r"other\.safetensors holds no weights .*stem"):
            load_backbone(path)
    path.write_bytes(b"no such thing")
    with pytest.raises(CfinspectError, match=r"other\.safetensors holds no weights"):
        load_backbone(path)
