"""A refitted D answers as the refit says."""

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.calibration.head_refit import HeadRefit
from cfinspect.engine.calibration.refit_model import refitted
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model, load_model, save_model
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refit")
    data = write_folder(folder / "walls", "crack", count=20, size=32, seed=1)
    config = TrainConfig(
        data=(str(data),),
        out=str(folder / "run"),
        discriminator="projected",
        generator="projected",
        size=32,
        width=8,
        batch=8,
        steps=4,
        warmup=2,
        device="cpu",
        precision="fp32",
    )
    list(train(config))
    return folder / "run" / "model.safetensors"


def backend(model: Model) -> TorchBackend:
    return TorchBackend(model, choose_device("cpu", "fp32"))


def test_its_logits_are_those_that_the_refit_says(model: Path, tmp_path: Path) -> None:
    loaded = load_model(model)
    assert backend(loaded).has_evidence
    images = RNG.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    before = backend(loaded).look_closer(images)
    weight = np.array(RNG.normal(size=before.features.shape[1]) * 0.1)
    refit = HeadRefit(slope=1.0, weight=weight, shift=0.7, ridge=1.0)
    path = tmp_path / "new.safetensors"
    save_model(path, refitted(loaded, refit))
    after = backend(load_model(path)).look_closer(images)
    wanted = before.logits.copy()
    wanted[:, 1] += before.features @ weight + 0.7
    assert after.logits == pytest.approx(wanted, abs=1e-4)
    assert after.features == pytest.approx(before.features, abs=1e-5)
