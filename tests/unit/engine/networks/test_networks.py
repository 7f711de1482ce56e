"""Generators, discriminators and the layers they share."""

import os
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone
from cfinspect.engine.networks.discriminators import WITH_WIDTH, load_pretrained, make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.layers import Patches, Unpatches
from cfinspect.engine.networks.names import PROJECTED
from cfinspect.engine.networks.projected import ProjectedDiscriminator
from cfinspect.engine.networks.settings import DISCRIMINATORS


def test_patches_hold_the_pixels_of_pixel_unshuffle_in_channels_last() -> None:
    x = torch.rand(2, 3, 8, 8)
    ours = Patches(2)(x)
    theirs = F.pixel_unshuffle(x, 2)
    assert sorted(ours[0, :, 1, 2].tolist()) == sorted(theirs[0, :, 1, 2].tolist())
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_unpatches_undoes_patches() -> None:
    x = torch.rand(2, 5, 16, 8)
    assert torch.equal(Unpatches(4)(Patches(4)(x)), x)


@pytest.mark.parametrize(
    ("name", "stem"), [("unet", 1), ("unet", 2), ("unet", 4), ("swin_unet", 1), ("swin_unet", 2)]
)
def test_generator_starts_near_identity_and_in_range(name: str, stem: int) -> None:
    torch.manual_seed(0)
    generator = make_generator(name, width=8, stem=stem).eval()
    x = torch.rand(2, 3, 64, 64)
    output = generator(x)
    assert output.image.shape == x.shape
    assert output.gate.shape == (2, 1, 64, 64)
    assert output.head.shape == (2,)
    assert (output.image - x).abs().mean() < 0.02
    assert output.image.min() >= 0 and output.image.max() <= 1
    assert 0.05 < float(output.gate.detach().mean()) < 0.2


def test_generator_without_gate_changes_everywhere_it_likes() -> None:
    generator = make_generator("unet", width=8, gate=False).eval()
    assert torch.all(generator(torch.rand(1, 3, 32, 32)).gate == 1)


def test_generator_says_which_sides_it_takes() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        make_generator("unet", width=8)(torch.rand(1, 3, 48, 48))


@pytest.mark.parametrize("name", ["unet", "swin_unet"])
def test_generators_learn_what_they_are_asked_for(name: str) -> None:
    torch.manual_seed(0)
    generator = make_generator(name, width=8)
    x = torch.rand(4, 3, 32, 32) * 0.5 + 0.25
    target = x.clone()
    target[..., 8:24, 8:24] = 0.9
    optimiser = torch.optim.Adam(generator.parameters(), 3e-3)
    for _ in range(60):
        loss = F.mse_loss(generator(x).image, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss) < 0.2 * float(F.mse_loss(x, target))


@pytest.mark.parametrize("name", ["unet", "swin_unet"])
def test_every_weight_of_a_generator_receives_a_gradient(name: str) -> None:
    generator = make_generator(name, width=8)
    output = generator(torch.rand(2, 3, 64, 64))
    (output.image.mean() + output.head.sum()).backward()
    without = [key for key, weight in generator.named_parameters() if weight.grad is None]
    assert without == []


def discriminator_of(name: str) -> nn.Module:
    if name == PROJECTED:
        return ProjectedDiscriminator(load_backbone(shipped_backbone()))
    return make_discriminator(name, **({"width": 8} if name in WITH_WIDTH else {}))


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_gives_three_logits_and_learns(name: str) -> None:
    torch.manual_seed(0)
    discriminator = discriminator_of(name)
    dark, light = torch.rand(4, 3, 64, 64) * 0.4, 1 - torch.rand(4, 3, 64, 64) * 0.4
    x, y = torch.cat([dark, light]), torch.tensor([0] * 4 + [1] * 4)
    optimiser = torch.optim.Adam(discriminator.parameters(), 1e-3)
    first = float(F.cross_entropy(discriminator(x), y))
    for _ in range(12):
        loss = F.cross_entropy(discriminator(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert discriminator(x).shape == (8, 3)
    assert float(loss) < 0.5 * first


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown generator"):
        make_generator("vae")
    with pytest.raises(ValueError, match="unknown discriminator"):
        make_discriminator("vgg")


def test_backbone_weights_fill_all_but_the_classification(tmp_path: Path) -> None:
    source, target = make_discriminator("compact", width=8), make_discriminator("compact", width=8)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    before = {name: value.clone() for name, value in target.state_dict().items()}
    assert load_pretrained(target, tmp_path / "weights.safetensors") == 18
    for name, value in target.state_dict().items():
        expected = before if name.startswith("classify") else source.state_dict()
        assert torch.equal(value, expected[name]), name


def test_torch_files_are_read_without_running_code(tmp_path: Path) -> None:
    source = make_discriminator("resnet18").state_dict()
    weights = {k.removeprefix("body."): v for k, v in source.items() if k.startswith("body.")}
    torch.save(weights, tmp_path / "weights.pth")
    target = make_discriminator("resnet18")
    load_pretrained(target, tmp_path / "weights.pth")
    assert torch.equal(target.state_dict()["body.conv1.weight"], source["body.conv1.weight"])
    torch.save({"conv1.weight": Path("/tmp")}, tmp_path / "code.pth")
    with pytest.raises(CfinspectError, match="cannot be read"):
        load_pretrained(target, tmp_path / "code.pth")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("name", ["pipe.safetensors", "pipe.pth"])
def test_weights_from_a_pipe_are_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(CfinspectError, match="no such file"):
        load_pretrained(make_discriminator("compact"), tmp_path / name)


def test_torchvisions_swin_weights_fit_the_standard_width(tmp_path: Path) -> None:
    theirs = torchvision.models.swin_t().state_dict()
    save_file(theirs, tmp_path / "swin_t.safetensors")
    target = make_discriminator("swin")
    assert load_pretrained(target, tmp_path / "swin_t.safetensors") == len(theirs) - 2
    assert target.state_dict()["body.head.weight"].shape == (3, 768)


def test_weights_that_fit_nothing_are_an_error(tmp_path: Path) -> None:
    save_file({"other.weight": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(CfinspectError, match="fit no layer"):
        load_pretrained(make_discriminator("compact"), tmp_path / "weights.safetensors")
