"""The reference systems: plain and adversarial classifier, segmenter, no fakes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, Finished, StepDone
from cfinspect.engine.base.images import read_image, write_png
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.calibration.fit import NO_MASKS, TRAINED_MASKS, LabelledOutputs, fit_decision
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.dataset import DataError
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.inference.inspector import Inspection, Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.metadata import Decision
from cfinspect.engine.networks.adversarial import perturbed
from cfinspect.engine.networks.discriminators import make_discriminator
from cfinspect.engine.networks.generators import make_generator
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank, Step, Weights
from cfinspect.engine.training.other_steps import mask_loss
from cfinspect.engine.training.trainer import train
from cfinspect.engine.training.validation import criterion

CPU = choose_device("cpu", "fp32")
Settings = Callable[..., TrainConfig]


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=48, size=32, seed=5
    )


@pytest.fixture
def settings(walls: Path, tmp_path: Path) -> Settings:
    def made(**changes: SettingValue) -> TrainConfig:
        small: dict[str, SettingValue] = {
            "data": (str(walls),),
            "out": str(tmp_path / "run"),
            "size": 32,
            "width": 4,
            "discriminator": "compact",
            "discriminator_width": 4,
            "batch": 8,
            "steps": 6,
            "warmup": 2,
            "device": "cpu",
            "precision": "fp32",
        }
        return TrainConfig.from_preset("balanced", **{**small, **changes})

    return made


def inspected(config: TrainConfig, walls: Path) -> list[Inspection]:
    inspector = Inspector(load_backend(Path(config.out) / "model.safetensors", "cpu", "fp32"))
    files = sorted((walls / "damaged").iterdir())
    return [inspector.inspect(read_image(file)) for file in files]


@pytest.mark.parametrize("method", ["classifier", "adversarial"])
def test_a_classifier_is_a_model_that_marks_nothing(
    settings: Settings, walls: Path, method: str
) -> None:
    config = settings(method=method)
    assert config.perturbation == (2.0 if method == "adversarial" else 0.0)
    events = list(train(config))
    assert {key for e in events if isinstance(e, StepDone) for key in e.losses} == {"d"}
    backend = load_backend(Path(config.out) / "model.safetensors", "cpu", "fp32")
    assert backend.metadata.generator == NetworkSpec("identity")
    assert backend.metadata.training["method"] == method
    for found in inspected(config, walls):
        assert not found.mask.any()
        assert found.saliency.max() == 0
        assert 0 < found.score < 1


def test_a_segmenter_learns_where_from_masks(settings: Settings, tmp_path: Path) -> None:
    spots, rng = tmp_path / "spots", np.random.default_rng(1)
    for name in ("undamaged", "damaged", "masks"):
        (spots / name).mkdir(parents=True)
    for number in range(40):
        image = rng.integers(120, 180, (32, 32, 3), dtype=np.uint8)
        mask = np.zeros((32, 32), dtype=np.uint8)
        if number % 2:
            row, column = rng.integers(2, 20, 2)
            mask[row : row + 9, column : column + 9] = 255
            image[mask > 0] //= 4
            write_png(spots / "masks" / f"{number}.png", mask)
        write_png(spots / ("undamaged", "damaged")[number % 2] / f"{number}.png", image)
    config = settings(method="segmenter", data=(str(spots),), steps=120, width=8, augment="flips")
    events = [event for event in train(config) if isinstance(event, StepDone)]
    assert set(events[-1].losses) == {"d", "g", "head"}
    assert events[-1].losses["g"] < 0.5 * events[2].losses["g"]
    hits = union = 0
    for file, found in zip(
        sorted((spots / "damaged").iterdir()), inspected(config, spots), strict=True
    ):
        truth = read_mask(spots / "masks" / f"{file.stem}.png")
        likely = found.saliency >= 0.25
        hits, union = hits + int((likely & truth).sum()), union + int((likely | truth).sum())
    assert hits / union > 0.6


def test_a_segmenter_needs_masks(settings: Settings, tmp_path: Path, walls: Path) -> None:
    bare = tmp_path / "bare"
    for name in ("undamaged", "damaged"):
        (bare / name).mkdir(parents=True)
        for file in (walls / name).iterdir():
            (bare / name / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match=r"damaged images have none .*masks/"):
        list(train(settings(method="segmenter", data=(str(bare),))))


@pytest.mark.parametrize("method", ["classifier", "adversarial", "segmenter", "no-fake"])
def test_the_references_resume(settings: Settings, method: str) -> None:
    whole = list(train(settings(method=method)))
    expected = {e.step: e.losses for e in whole if isinstance(e, StepDone)}
    cut = settings(method=method, out=str(Path(settings().out).parent / "cut"), checkpoint_every=3)
    token = CancelToken()
    for event in train(cut, cancel=token):
        if isinstance(event, StepDone) and event.step == 3:
            token.cancel()
    rest = list(train(cut, resume=True))
    assert isinstance(rest[-1], Finished)
    found = {e.step: e.losses for e in rest if isinstance(e, StepDone)}
    assert sorted(found) == [4, 5, 6]
    assert all(found[step] == expected[step] for step in found)


def test_a_model_goes_on_as_what_it_is(settings: Settings) -> None:
    first = settings(method="classifier")
    list(train(first))
    model = str(Path(first.out) / "model.safetensors")
    with pytest.raises(CfinspectError, match="not trained by --method cfgan"):
        list(train(settings(init_from=model, out=first.out + "2")))
    list(train(settings(method="adversarial", init_from=model, out=first.out + "3")))


def test_without_fakes_d_learns_from_real_images_alone(settings: Settings) -> None:
    torch.manual_seed(0)
    config = settings(method="no-fake", noise=0.0)
    nets = make_generator("unet", width=4), make_discriminator("compact", width=4).eval()
    step = Step(
        *nets,
        config,
        CPU,
        NoiseBank(config, CPU.device),
        torch.amp.GradScaler("cpu", enabled=False),
    )
    x, y = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])
    found = step(x, y, Weights(rho=0.4, l1=1.0, warming=False))
    assert float(found["d"]) == pytest.approx(
        float(F.cross_entropy(nets[1](x), y).detach()), abs=1e-5
    )


def test_a_perturbation_stays_within_eps_and_makes_d_err() -> None:
    torch.manual_seed(0)
    discriminator = make_discriminator("compact", width=4)
    x, y = torch.rand(8, 3, 32, 32), torch.arange(8) % 2
    worse = perturbed(discriminator, x, y, 4.0, 5, CPU)
    assert float((worse - x).abs().max()) <= 4 / 255 + 1e-6
    assert worse.min() >= 0 and worse.max() <= 1
    discriminator.eval()
    with torch.no_grad():
        before, after = (F.cross_entropy(discriminator(z), y) for z in (x, worse))
    assert float(after) > float(before)
    assert all(weight.grad is None for weight in discriminator.parameters())
    assert all(weight.requires_grad for weight in discriminator.parameters())


def test_mask_loss_by_hand() -> None:
    masks = torch.tensor([[[[1.0, 0.0]]]])
    perfect = float(mask_loss(masks, masks))
    assert perfect == pytest.approx(0, abs=1e-4)
    half = torch.full_like(masks, 0.5)
    assert float(mask_loss(half, masks)) == pytest.approx(np.log(2) + 1 - (1 + 1) / (1 + 1 + 1))


def test_checkpoints_of_a_classifier_are_chosen_by_its_classes_alone() -> None:
    good = {"f1": 0.9, "auroc": 0.9, "flip_damaged": 0.1, "judge_damaged": 0.1}
    worse = {"f1": 0.85, "auroc": 0.9, "flip_damaged": 0.2, "judge_damaged": 0.2}
    still = {"change_damaged": 0.0}
    assert criterion(good | still, False) > criterion(worse | still, False) + 0.09


def test_a_segmenter_looks_once() -> None:
    with pytest.raises(ConfigError, match="one size only"):
        TrainConfig(method="segmenter", tta="flips+scale")


def test_calibrating_keeps_the_mask_rule_of_a_reference() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(40) % 2).astype(np.int64)
    logits = np.stack([1 - labels, labels, -9 + 0 * labels], axis=1).astype(np.float32)
    seen = LabelledOutputs(logits, rng.random((40, 4, 4), dtype=np.float32), labels)
    for rule, threshold in ((NO_MASKS, 1.0), (TRAINED_MASKS, 0.25)):
        start = Decision(mask_rule=rule, mask_threshold=threshold)
        fitted = fit_decision(seen, 0.1, start)
        assert (fitted.mask_rule, fitted.mask_threshold) == (rule, threshold)


@pytest.mark.parametrize("kind", ["flips", "strong"])
def test_a_mask_moves_with_its_image(kind: str) -> None:
    rng = np.random.default_rng(0)
    image = np.full((64, 64, 4), 40, dtype=np.uint8)
    image[10:30, 35:60, :3] = 220
    image[..., 3] = np.where(image[..., 0] > 128, 255, 0)
    moved = augment(np.stack([image] * 40), kind, rng)
    assert moved.shape == (40, 64, 64, 4)
    for one in moved:
        grey, mask = one[..., :3].mean(axis=2), one[..., 3] >= 128
        bright = grey > (grey.min() + grey.max()) / 2
        assert (bright & mask).sum() / (bright | mask).sum() > (0.99 if kind == "flips" else 0.55)
