"""Saliencies of other methods, and their comparison with the counterfactual's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy_backend import make_card
from recorded_progress import Recorded
from report_parts import there
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.evaluation import localisation_baselines
from cfinspect.engine.evaluation.localisation_baselines import (
    baselines,
    black_hat,
    darkness,
    explainers,
)
from cfinspect.engine.explain.classifier import OwnClassifier
from cfinspect.engine.explain.protocol import BlackBox, Explainer
from cfinspect.engine.explain.saliency import (
    evidence,
    occlusion,
    rise,
)
from cfinspect.engine.inference.torch_backend import TorchBackend, load_backend
from cfinspect.engine.model.file import Model
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone
from cfinspect.engine.networks.discriminators import WITH_WIDTH, make_discriminator
from cfinspect.engine.networks.generators import Identity
from cfinspect.engine.networks.projected import ProjectedDiscriminator
from cfinspect.engine.synth import write_folder
from cfinspect.resources import shipped_models

CPU = choose_device("cpu", "fp32")


def backend_of(discriminator: nn.Module, size: int = 64) -> TorchBackend:
    model = Model(Identity(), discriminator, make_card(size=size), np.zeros(0, np.uint64))
    return TorchBackend(model, CPU)


def all_of(backend: TorchBackend, rise_masks: int = 400) -> dict[str, Explainer]:
    return explainers(backend, OwnClassifier(backend, "own"), rise_masks)


def maps_of(explainer: Explainer, images: np.ndarray) -> np.ndarray:
    """What speaks for "damaged"."""
    return explainer.explain(images, np.zeros(len(images), dtype=np.int64)).saliency


def images(n: int = 2, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n, size, size, 3), dtype=np.uint8)


def discriminator_of(name: str) -> nn.Module:
    if name == "projected":
        return ProjectedDiscriminator(load_backbone(shipped_backbone()))
    return make_discriminator(name, **({"width": 8} if name in WITH_WIDTH else {}))


@pytest.mark.parametrize("name", ["compact", "hybrid", "projected", "resnet18", "swin"])
def test_class_activation_maps_of_every_network_that_has_them(name: str) -> None:
    found = all_of(backend_of(discriminator_of(name)), rise_masks=4)
    assert ("evidence" in found) == (name == "projected")
    cams = [key for key in found if "cam" in key]
    assert len(cams) == (0 if name == "swin" else 3)
    for key in found:
        maps = maps_of(found[key], images())
        assert maps.shape == (2, 64, 64), key
        assert maps.dtype == np.float32, key
        assert 0 <= maps.min() <= maps.max() <= 1, key


def test_without_torchcam_the_others_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localisation_baselines, "have_cams", lambda: False)
    found = all_of(backend_of(make_discriminator("compact", width=8)))
    assert list(found) == ["cfgan", "rise", "occlusion", "black-hat", "darkness"]


def test_evidence_is_what_d_says_of_each_place() -> None:
    discriminator = discriminator_of("projected").eval()
    assert isinstance(discriminator, ProjectedDiscriminator)
    explainer = evidence(backend_of(discriminator), "own")
    one = images(1)
    for target in (0, 1):
        found = explainer.explain(one, np.array([target])).saliency[0]
        with torch.no_grad():
            said = discriminator.judge(torch.from_numpy(one).permute(0, 3, 1, 2) / 255).evidence[0]
        wanted = torch.sigmoid(said if target == 0 else -said).numpy()
        coarse = found.reshape(32, 2, 32, 2).mean(axis=(1, 3))
        assert float(np.abs(coarse - wanted).mean()) < 0.02


def test_other_networks_have_no_evidence_to_show() -> None:
    with pytest.raises(CfinspectError, match="own has no map of evidence"):
        evidence(backend_of(discriminator_of("compact")), "own")


class Corner(nn.Module):
    """Damaged is what is bright in the upper left quarter."""

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        bright = x[:, :, :half, :half].mean(dim=(1, 2, 3))
        zero = torch.zeros_like(bright)
        return torch.stack([zero, 40 * (bright - 0.55), zero - 9], dim=1)


def test_rise_finds_what_the_network_looks_at() -> None:
    one = np.full((1, 64, 64, 3), 90, dtype=np.uint8)
    one[0, 8:24, 8:24] = 255
    looked = OwnClassifier(backend_of(Corner()), "corner")
    found = maps_of(rise(looked, 300), one)[0]
    assert found[:32, :32].mean() > found[32:, 32:].mean() + 0.2
    assert np.array_equal(found, maps_of(rise(looked, 300), one)[0])


def test_occlusion_finds_what_the_network_looks_at() -> None:
    one = np.full((1, 64, 64, 3), 90, dtype=np.uint8)
    one[0, 8:16, 8:16] = 255
    found = maps_of(occlusion(OwnClassifier(backend_of(Corner()), "corner")), one)[0]
    assert found[8:16, 8:16].min() > 0.3
    assert found[40:, 40:].max() < 0.1
    assert found.max() == 1


def test_dark_and_thin_by_hand() -> None:
    one = np.full((1, 64, 64, 3), 200, dtype=np.uint8)
    one[0, 30:33] = 50
    assert maps_of(black_hat(64), one)[0, 31, 10] == pytest.approx(150 / 255)
    assert maps_of(black_hat(64), one)[0, 10, 10] == 0
    assert maps_of(darkness(64), one)[0, 31, 10] == pytest.approx(1 - 50 / 255, abs=1e-5)


def test_the_counterfactual_beats_grad_cam_on_drawn_cracks(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "walls", "crack", count=24, size=96, seed=12)
    backend = load_backend(shipped_models()["crack"], "cpu", "fp32")
    samples = read_folders([folder]).samples
    progress = Recorded()
    found = baselines(backend, samples, 8, rise_masks=20, progress=progress)
    assert found["cfgan"].figures.n == 8
    ours = there(found["cfgan"].figures.iou)
    assert ours > 2 * there(found["gradcam"].figures.iou)
    assert ours > 0.2
    assert all(0 < one.threshold < 1 and one.seconds > 0 for one in found.values())
    assert progress.seen[-1] == (len(found), len(found))
    with pytest.raises(Cancelled):
        baselines(backend, samples, 8, progress=Recorded(after=0))
    for mask in (folder / "masks").iterdir():
        mask.unlink()
    with pytest.raises(CfinspectError, match="has a mask"):
        baselines(backend, read_folders([folder]).samples, 8)


class Nowhere:
    """A black box whose answers are no numbers."""

    name, size, limit = "nowhere", 64, 0.0

    def ask(self, images: np.ndarray) -> np.ndarray:
        return np.full(len(images), np.nan, dtype=np.float32)

    def free_memory(self) -> None:
        """It keeps nothing."""


@pytest.mark.parametrize("maker", [rise, occlusion])
def test_answers_that_are_no_numbers_are_a_sentence(
    maker: Callable[[BlackBox], Explainer],
) -> None:
    with pytest.raises(CfinspectError, match="nowhere answers with what is no number"):
        maps_of(maker(Nowhere()), images(1))
