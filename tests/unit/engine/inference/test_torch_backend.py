import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from numpy_backend import make_card
from torch import Tensor, nn

from cfinspect.engine.base.device import DeviceError, choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.inference.backend import Backend, InspectionError
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import (
    TorchBackend,
    load_backend,
    load_torch_inspector,
)
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.file import Model, save_model
from cfinspect.engine.model.metadata import Decision, Tta
from cfinspect.engine.networks.backbone import appearance, load_backbone, shipped_backbone
from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import GeneratorOutput, make_generator
from cfinspect.engine.networks.mask_decoder import MaskDecoder
from cfinspect.engine.networks.multi_class import make_networks
from cfinspect.engine.networks.projected import ProjectedDiscriminator, ProjectedGenerator
from cfinspect.engine.networks.spec import NetworkSpec

CPU = choose_device("cpu", "fp32")


class Brighter(nn.Module):
    """Adds a quarter; its head says logit 2. Has memory for ``room`` squares."""

    def __init__(self, room: int = 1000) -> None:
        super().__init__()
        self.room = room
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> GeneratorOutput:
        if len(x) > self.room:
            raise torch.OutOfMemoryError("no room")
        self.seen.append(len(x))
        return GeneratorOutput(
            (x + 0.25).clamp(0, 1), torch.ones_like(x[:, :1]), torch.full((len(x),), 2.0)
        )


class Means(nn.Module):
    """Logits: mean red, mean green, mean blue."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


def model(generator: nn.Module, discriminator: nn.Module, **metadata: Any) -> Model:
    return Model(generator, discriminator, make_card(**metadata), np.zeros(0, dtype=np.uint64))


def colours(n: int) -> NDArray[np.uint8]:
    """Squares of 8 px: red 51 (0.2), green 102 (0.4), blue 10 more in each square."""
    batch = np.zeros((n, 8, 8, 3), dtype=np.uint8)
    batch[..., 0], batch[..., 1] = 51, 102
    batch[..., 2] = 10 * np.arange(n)[:, None, None]
    return batch


def test_answers_by_hand() -> None:
    backend: Backend = TorchBackend(model(Brighter(), Means()), CPU)
    raw = backend.run(colours(3))
    expected = np.array([[0.2, 0.4, 10 * k / 255] for k in range(3)])
    np.testing.assert_allclose(raw.logits, expected, atol=1e-6)
    np.testing.assert_allclose(raw.flipped_logits, expected + 0.25, atol=1e-6)
    np.testing.assert_allclose(raw.counterfactual[2, 5, 3], expected[2] + 0.25, atol=1e-6)
    np.testing.assert_allclose(raw.head, np.full(3, 1 / (1 + np.exp(-2))), atol=1e-6)
    assert raw.counterfactual.shape == (3, 8, 8, 3)
    for values in (raw.logits, raw.flipped_logits, raw.counterfactual, raw.head):
        assert values.dtype == np.float32


class SecondLook(nn.Module):
    """Changes nothing in squares of 96 px at the first look and adds 0.2 at the second."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def forward(self, x: Tensor) -> GeneratorOutput:
        self.looks += 1
        added = 0.2 * (self.looks == 2)
        return GeneratorOutput(x + added, torch.ones_like(x[:, :1]), torch.zeros(len(x)))


class Sides(nn.Module):
    """Logits: side of the squares, mean of the first column, mean of all."""

    def forward(self, x: Tensor) -> Tensor:
        side = torch.full((len(x),), float(x.shape[-1]))
        return torch.stack([side, x[..., 0].mean(dim=(1, 2)), x.mean(dim=(1, 2, 3))], dim=1)


def test_near_and_far_take_the_mean_of_both_sizes() -> None:
    batch = np.random.default_rng(2).integers(0, 200, (2, 96, 96, 3), dtype=np.uint8)
    backend = TorchBackend(model(SecondLook(), Sides(), size=96, tta="flips+scale"), CPU)
    raw = backend.run(batch)
    np.testing.assert_allclose(raw.logits[:, 0], (96 + 64) / 2)
    np.testing.assert_allclose(raw.flipped_logits[:, 0], 96)
    # the first column of two views, the last one of the other two
    ends = batch[:, :, [0, -1]].mean(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(raw.logits[:, 1], ends, atol=0.05)
    # half of the change that only one of the looks made, and every pixel of x as it was
    np.testing.assert_allclose(raw.counterfactual, batch / 255 + 0.1, atol=1e-6)


def test_without_augmentation_the_square_alone_is_asked() -> None:
    batch = np.random.default_rng(2).integers(0, 200, (2, 96, 96, 3), dtype=np.uint8)
    raw = TorchBackend(model(Brighter(), Sides(), size=96, tta="none"), CPU).run(batch)
    np.testing.assert_allclose(raw.logits[:, 0], 96)
    first = batch[:, :, 0].mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(raw.logits[:, 1], first, atol=1e-6)


@pytest.mark.parametrize("tta", ["none", "flips", "flips+scale"])
def test_one_pass_of_a_shared_backbone_says_what_two_would(tta: Tta) -> None:
    torch.manual_seed(0)
    backbone = load_backbone(shipped_backbone())
    discriminator = ProjectedDiscriminator(backbone)
    generator = ProjectedGenerator(backbone, discriminator.heads, width=8)
    batch = np.random.default_rng(2).integers(0, 255, (3, 96, 96, 3), dtype=np.uint8)
    shared = TorchBackend(model(generator, discriminator, size=96, tta=tta), CPU).run(batch)
    generator.backbone = load_backbone(shipped_backbone())
    apart = TorchBackend(model(generator, discriminator, size=96, tta=tta), CPU).run(batch)
    for name in ("logits", "counterfactual", "flipped_logits", "head"):
        one, two = getattr(shared, name), getattr(apart, name)
        np.testing.assert_allclose(one, two, atol=1e-4, err_msg=name)


def test_what_is_seen_from_far_lies_where_it_is() -> None:
    class Darker(nn.Module):
        def forward(self, x: Tensor) -> GeneratorOutput:
            bright = x > 0.5
            return GeneratorOutput(
                torch.where(bright, x - 0.4, x), torch.ones_like(x[:, :1]), torch.zeros(len(x))
            )

    batch = np.full((1, 96, 96, 3), 51, dtype=np.uint8)
    batch[0, 12:36, 60:90] = 204
    raw = TorchBackend(model(Darker(), Means(), size=96, tta="flips+scale"), CPU).run(batch)
    change = batch[0, ..., 0] / 255 - raw.counterfactual[0, ..., 0]
    np.testing.assert_allclose(change[15:33, 63:87], 0.4, atol=1e-5)
    away = np.ones((96, 96), dtype=bool)
    away[9:39, 57:93] = False
    assert np.abs(change[away]).max() < 1e-6


def test_less_goes_through_at_once_when_memory_runs_out() -> None:
    generator = Brighter(room=3)
    backend = TorchBackend(model(generator, Means()), CPU)
    raw = backend.run(colours(7))
    assert generator.seen == [3, 3, 1]
    assert backend.most == 3
    np.testing.assert_allclose(raw.logits[:, 2], 10 * np.arange(7) / 255, atol=1e-6)
    backend.run(colours(4))
    assert generator.seen == [3, 3, 1, 3, 1]
    with pytest.raises(InspectionError, match="Not enough memory on cpu for one image of 8 px"):
        TorchBackend(model(Brighter(room=0), Means()), CPU).run(colours(2))


def test_other_shapes_are_refused() -> None:
    backend = TorchBackend(model(Brighter(), Means()), CPU)
    for batch in (colours(0), colours(1)[:, :7], colours(1)[..., :2], colours(1).astype(np.uint16)):
        with pytest.raises(ValueError, match="expected"):
            backend.run(batch)  # type: ignore[arg-type]


def real_model() -> Model:
    torch.manual_seed(0)
    metadata = dataclasses.replace(
        make_card(size=64, scope="tiles", tile=64),
        generator=NetworkSpec("unet", {"width": 4}),
        discriminator=NetworkSpec("compact", {"width": 4}),
    )
    return Model(
        make_generator("unet", width=4),
        make_discriminator("compact", width=4),
        metadata,
        np.array([5], dtype=np.uint64),
    )


def test_a_model_file_inspects_as_the_model_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "modèle.safetensors"
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (150, 140, 3), dtype=np.uint8)
    made = real_model()
    save_model(path, made)
    fresh = Inspector(TorchBackend(made, CPU)).inspect(image)
    loaded = Inspector(load_backend(path, "cpu", "fp32")).inspect(image)
    assert loaded.score == pytest.approx(fresh.score, abs=1e-6)
    np.testing.assert_allclose(loaded.saliency, fresh.saliency, atol=1e-5)
    assert fresh.saliency.max() > 0


@pytest.mark.parametrize("generator", ["projected", "unet"])
def test_appearance_is_that_of_the_image_itself(generator: str) -> None:
    """Not of its mirror images, its counterfactual or D's learned layers."""
    backbone = load_backbone(shipped_backbone())
    networks = make_networks(
        NetworkSpec(generator, {"width": 4}), NetworkSpec("projected"), 0, backbone
    )
    images = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = appearance(backbone(to_tensor(images, CPU.device))).numpy()
    assert expected.shape == (3, 384)
    for tta in ("none", "flips+scale"):
        raw = TorchBackend(model(*networks, size=64, tta=tta), CPU, most=2).run(images)
        assert raw.appearance is not None
        np.testing.assert_allclose(raw.appearance, expected, atol=1e-3)


def test_several_defect_classes_tell_one_unlikeness(tmp_path: Path) -> None:
    spec = NetworkSpec("projected")
    networks = make_networks(
        NetworkSpec("projected", {"width": 4}), spec, 2, load_backbone(shipped_backbone())
    )
    metadata = dataclasses.replace(
        make_card(size=64, tta="none"),
        generator=NetworkSpec("projected", {"width": 4}),
        discriminator=spec,
        defect_classes={"rot": Decision(), "scab": Decision()},
    )
    look = np.random.default_rng(0).normal(size=(40, 384)).astype(np.float32)
    familiar = FamiliarImages.of(look[:20], look[20:])
    path = tmp_path / "model.safetensors"
    save_model(path, Model(*networks, metadata, np.zeros(0, np.uint64), familiar))
    image = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    found = load_torch_inspector(path, "cpu", "fp32").inspect(image)
    assert set(found.defect_classes) == {"rot", "scab"}
    assert found.unlikeness is not None
    assert found.unlikeness > 1


def test_batches_and_single_images_agree() -> None:
    backend = TorchBackend(real_model(), CPU)
    batch = np.random.default_rng(1).integers(0, 255, (5, 64, 64, 3), dtype=np.uint8)
    together = backend.run(batch)
    for k in range(5):
        alone = backend.run(batch[k : k + 1])
        np.testing.assert_allclose(alone.logits[0], together.logits[k], atol=1e-4)
        np.testing.assert_allclose(alone.counterfactual[0], together.counterfactual[k], atol=1e-4)


def test_wrong_files_and_devices_give_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(CfinspectError, match="does not exist"):
        load_backend(path)
    path.write_bytes(b"not a model")
    with pytest.raises(CfinspectError, match=r"model\.safetensors"):
        load_backend(path)
    save_model(path, real_model())
    with pytest.raises(DeviceError):
        load_backend(path, device="abacus")


@pytest.mark.parametrize("shared", [False, True])
def test_a_segmenter_answers_beside_g_and_d(shared: bool) -> None:
    torch.manual_seed(0)
    backbone = load_backbone(shipped_backbone())
    segmenter = MaskDecoder(backbone, 8)
    own = model(Brighter(), Means(), size=32)
    if shared:
        looking = ProjectedDiscriminator(backbone)
        own = model(ProjectedGenerator(backbone, looking.heads, 8), looking, size=32)
    batch = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    without = TorchBackend(own, CPU).run(batch)
    assert without.mask_probability is None
    found = TorchBackend(dataclasses.replace(own, segmenter=segmenter), CPU, most=2).run(batch)
    x = torch.from_numpy(batch).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        expected = torch.sigmoid(segmenter(x)).numpy()
    assert found.mask_probability is not None
    np.testing.assert_allclose(found.mask_probability, expected, atol=1e-4)
    np.testing.assert_allclose(found.logits, without.logits, atol=1e-4)
    np.testing.assert_allclose(found.counterfactual, without.counterfactual, atol=1e-4)
