"""Every generator with every discriminator: trains, is saved, loaded and inspects."""

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.images import read_image
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.networks.names import PROJECTED
from cfinspect.engine.networks.settings import DISCRIMINATORS, GENERATORS
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=24, size=32, seed=4
    )


PAIRS = [
    (generator, discriminator)
    for generator in GENERATORS
    for discriminator in DISCRIMINATORS
    if generator != PROJECTED or discriminator == PROJECTED
]


@pytest.mark.parametrize(("generator", "discriminator"), PAIRS)
def test_a_pair_works(walls: Path, tmp_path: Path, generator: str, discriminator: str) -> None:
    config = TrainConfig.from_preset(
        "balanced",
        data=(str(walls),),
        out=str(tmp_path / "run"),
        generator=generator,
        discriminator=discriminator,
        width=4,
        discriminator_width=8,
        size=32,
        batch=4,
        steps=3,
        warmup=1,
        cycles=1,
        device="cpu",
    )
    list(train(config))
    backend = load_backend(tmp_path / "run" / "model.safetensors")
    assert backend.metadata.generator.name == generator
    assert backend.metadata.discriminator.name == discriminator
    found = Inspector(backend).inspect(read_image(next((walls / "damaged").iterdir())))
    assert found.saliency.shape == (32, 32)
    assert np.isfinite(found.saliency).all()
    assert found.p0 + found.p1 + found.p_fake == pytest.approx(1, abs=1e-5)
