"""The filter F_tau and the training of diffusion models."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken, Finished, SamplesWritten, StepDone, Validated
from cfinspect.engine.base.images import read_image
from cfinspect.engine.explain.ace import AceSettings
from cfinspect.engine.explain.factory import open_classifier, open_denoiser
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.model.file import ModelFileError, load_metadata, load_model
from cfinspect.engine.networks.diffusion import Ddpm, Denoiser, schedule
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank, Weights
from cfinspect.engine.training.other_steps import DiffusionStep
from cfinspect.engine.training.trainer import train

CPU = choose_device("cpu", "fp32")
STEPS = 100


class Gaussian(nn.Module):
    """What a perfect network says of images whose pixels are all N(mean, sd^2) in [-1, 1]."""

    mean, sd = 0.1, 0.2

    def forward(self, noised: Tensor, steps: Tensor) -> Tensor:
        kept = schedule(STEPS).alphas_cumprod[steps][:, None, None, None]
        away = noised - kept.sqrt() * self.mean
        noise: Tensor = (1 - kept).sqrt() * away / (kept * self.sd**2 + 1 - kept)
        return noise


@pytest.mark.parametrize("tau", [1, 5, 20])
def test_the_filters_mean_is_the_closed_form_on_gaussian_data(tau: int) -> None:
    # The tower rule: whatever the levels between, the mean of what comes out is E[x0 | z_tau], and
    # over the noise of z_tau that pulls x to the data's mean by a known share.
    denoiser = Denoiser(Gaussian(), STEPS, CPU, respaced=50, tau=tau)
    pixel = 0.7
    draws = 64
    x = torch.full((draws, 3, 16, 16), pixel)
    found = denoiser.filtered(x, range(draws)) * 2 - 1
    kept = float(schedule(STEPS).alphas_cumprod[denoiser.levels[0]])
    pull = kept * Gaussian.sd**2 / (kept * Gaussian.sd**2 + 1 - kept)
    expected = Gaussian.mean + pull * (2 * pixel - 1 - Gaussian.mean)
    error = float(found.std()) / np.sqrt(found.numel())
    assert float(found.mean()) == pytest.approx(expected, abs=4 * error)
    assert error < 0.01


def test_the_levels_are_the_last_of_the_respaced_ones() -> None:
    assert Denoiser(Gaussian(), STEPS, CPU, respaced=50, tau=3).levels == [4, 2, 0]
    assert Denoiser(Gaussian(), STEPS, CPU, respaced=STEPS, tau=2).levels == [1, 0]
    with pytest.raises(CfinspectError, match="tau 6"):
        Denoiser(Gaussian(), STEPS, CPU, respaced=5, tau=6)


def test_an_images_noise_is_its_own() -> None:
    denoiser = Denoiser(Gaussian(), STEPS, CPU)
    x = torch.rand(3, 3, 16, 16)
    whole = denoiser.filtered(x, [5, 6, 7])
    assert torch.equal(whole, denoiser.filtered(x, [5, 6, 7]))
    assert torch.equal(whole[1:2], denoiser.filtered(x[1:2], [6]))
    assert not torch.equal(whole, denoiser.filtered(x, [8, 9, 10]))


def tiny() -> Ddpm:
    torch.manual_seed(0)
    return Ddpm(width=8, stem=2, steps=STEPS)


def test_gradients_pass_and_sparing_memory_changes_none() -> None:
    slopes = []
    for sparing in (False, True):
        denoiser = Denoiser(tiny(), STEPS, CPU, tau=2, sparing=sparing)
        x = torch.full((2, 3, 32, 32), 0.4).requires_grad_(True)
        denoiser.filtered(x, [0, 1]).mean().backward()
        assert x.grad is not None and float(x.grad.abs().sum()) > 0
        slopes.append(x.grad)
    assert torch.allclose(slopes[0], slopes[1], atol=1e-7)


def test_new_images_are_drawn_from_noise() -> None:
    denoiser = Denoiser(Gaussian(), STEPS, CPU, respaced=50)
    new = denoiser.drawn(16, 16) * 2 - 1
    assert new.shape == (16, 3, 16, 16)
    assert float(new.mean()) == pytest.approx(Gaussian.mean, abs=0.02)
    # The smaller of the two usual variances is exact for images that do not vary at all.
    assert 0.7 * Gaussian.sd < float(new.std()) < 1.05 * Gaussian.sd


def test_without_diffusers_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "diffusers" else real(name)
    )
    with pytest.raises(CfinspectError, match=r"pip install 'cfinspect\[ace\]'"):
        Ddpm()


def settings(folder: Path, out: Path, **changes: Any) -> TrainConfig:
    usual: dict[str, Any] = {
        "method": "diffusion",
        "size": 32,
        "width": 8,
        "batch": 4,
        "steps": 6,
        "diffusion_steps": STEPS,
        "validate_every": 3,
        "checkpoint_every": 3,
        "device": "cpu",
        "precision": "fp32",
    }
    return TrainConfig.from_preset(
        "balanced", data=(str(folder),), out=str(out), **{**usual, **changes}
    )


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("diffusion") / "walls", "crack", count=24, size=32, seed=3
    )


@pytest.fixture(scope="module")
def trained(walls: Path) -> Path:
    events = list(train(settings(walls, walls.parent / "run")))
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.model is not None
    looks = [event for event in events if isinstance(event, Validated)]
    assert [event.step for event in looks] == [6]
    assert all(0 < event.metrics["noise"] < 10 for event in looks)
    pictures = [event.path for event in events if isinstance(event, SamplesWritten)]
    assert read_image(pictures[-1]).shape[1] > 4 * 128
    return finished.model


def test_a_diffusion_model_is_a_model_file_like_others(trained: Path) -> None:
    metadata = load_metadata(trained)
    assert metadata.generator == NetworkSpec("ddpm", {"width": 8, "stem": 2, "steps": STEPS})
    assert metadata.training["method"] == "diffusion"
    assert metadata.validation_metrics["noise"] > 0
    assert len(load_model(trained).seen) == 24
    denoiser, size = open_denoiser(trained, "cpu", "fp32", AceSettings())
    assert size == 32
    with torch.no_grad():
        assert denoiser.filtered(torch.rand(1, 3, 32, 32), [0]).shape == (1, 3, 32, 32)


def test_it_inspects_nothing(trained: Path) -> None:
    for opened in (
        lambda: load_inspector(trained, "cpu"),
        lambda: open_classifier(trained, "cpu", "fp32", None),
    ):
        with pytest.raises(ModelFileError, match="is a diffusion model"):
            opened()


def test_a_classifier_is_no_diffusion_model() -> None:
    from cfinspect.resources import shipped_models

    with pytest.raises(CfinspectError, match="is no diffusion model: train one"):
        open_denoiser(shipped_models()["crack"], "cpu", "fp32", AceSettings())


def test_a_break_changes_no_loss(walls: Path, tmp_path: Path) -> None:
    def losses(out: Path, stop_after: int | None) -> list[float]:
        found = []
        cancel = CancelToken()
        for event in train(settings(walls, out), cancel=cancel, resume=True):
            if isinstance(event, StepDone):
                found.append(event.losses["g"])
                if event.step == stop_after:
                    cancel.cancel()
        return found

    whole = losses(tmp_path / "whole", None)
    first = losses(tmp_path / "broken", 3)
    assert whole == first + losses(tmp_path / "broken", None)
    assert len(whole) == 6


def test_it_learns(walls: Path, tmp_path: Path) -> None:
    config = settings(walls, tmp_path / "run", steps=120, validate_every=10, lr_generator=2e-3)
    looks = [event.metrics for event in train(config) if isinstance(event, Validated)]
    assert looks[-1]["noise"] < 0.8 * looks[0]["noise"]


def test_settings_of_the_method(walls: Path) -> None:
    config = TrainConfig.from_preset("balanced", method="diffusion", width=32)
    assert (config.size, config.warmup, config.width, config.minutes) == (64, 0, 32, 30.0)
    with pytest.raises(ConfigError, match="knows no classes"):
        config.replace(defect_classes="rot,scab")
    with pytest.raises(ConfigError, match=r"must be in \[50"):
        config.replace(diffusion_steps=5)
    with pytest.raises(ConfigError, match="multiple of 8"):
        config.replace(width=20)


class Listening(nn.Module):
    """Keeps what it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))
        self.asked = torch.zeros(0, dtype=torch.int64)

    def forward(self, noised: Tensor, steps: Tensor) -> Tensor:
        self.asked = torch.cat([self.asked, steps])
        return noised * self.factor


@pytest.mark.parametrize(("near", "share"), [(0.0, 0.1), (0.5, 0.55), (1.0, 1.0)])
def test_more_is_learned_where_the_filter_works(near: float, share: float) -> None:
    config = TrainConfig.from_preset("fast", method="diffusion").replace(diffusion_near=near)
    network = Listening()
    step = DiffusionStep(
        network,
        nn.Identity(),
        config,
        CPU,
        NoiseBank(config, CPU.device),
        torch.amp.GradScaler(enabled=False),
    )
    torch.manual_seed(0)
    images, labels = torch.rand(4000, 3, 2, 2), torch.zeros(4000, dtype=torch.int64)
    loss = step(images, labels, Weights(0.0, 0.0, False))["g"]
    assert loss > 0 and network.factor.grad is not None
    asked = network.asked
    tenth = config.diffusion_steps // 10
    assert float((asked < tenth).float().mean()) == pytest.approx(share, abs=0.03)
    assert int(asked.min()) < tenth // 10 and int(asked.max()) < config.diffusion_steps
    if near < 1:
        assert int(asked.max()) > config.diffusion_steps * 0.9


def test_it_learns_from_images_without_any_label(walls: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    (plain / "inner").mkdir(parents=True)
    (plain / "masks").mkdir()
    for number, path in enumerate(sorted((walls / "damaged").iterdir())):
        folder = plain / "inner" if number % 2 else plain
        (folder / path.name).write_bytes(path.read_bytes())
    (plain / "masks" / "one.png").write_bytes((plain / "inner").iterdir().__next__().read_bytes())
    *_, last = train(settings(plain, tmp_path / "run"))
    assert isinstance(last, Finished) and last.model is not None
    counts = load_metadata(last.model).image_counts
    assert counts["undamaged"] == 12 and counts["damaged"] == 0
    one_class = tmp_path / "one" / "damaged"
    one_class.mkdir(parents=True)
    for path in (walls / "damaged").iterdir():
        (one_class / path.name).write_bytes(path.read_bytes())
    *_, last = train(settings(one_class.parent, tmp_path / "other"))
    assert isinstance(last, Finished) and last.model is not None
    with pytest.raises(CfinspectError, match="There is no"):
        list(train(settings(plain, tmp_path / "third", method="cfgan", width=4)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CfinspectError, match="There are no images in"):
        list(train(settings(tmp_path / "empty", tmp_path / "fourth")))
