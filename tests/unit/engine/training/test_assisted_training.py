"""A discriminator from scratch beside heads on the pretrained features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cfinspect.engine.base.events import Event, Finished, StepDone
from cfinspect.engine.inference.forward import to_tensor
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.model.file import load_model
from cfinspect.engine.networks.projected import AssistedDiscriminator
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.workflows.config_parsing import new_config


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=32, size=48, seed=6
    )


def config(data: Path, out: Path, **changes: Any) -> TrainConfig:
    usual: dict[str, Any] = {
        "discriminator": "compact",
        "assisted": True,
        "width": 4,
        "discriminator_width": 8,
        "size": 32,
        "batch": 4,
        "steps": 6,
        "warmup": 2,
        "validation": 0.25,
        "validate_every": 4,
        "checkpoint_every": 3,
        "device": "cpu",
        "precision": "fp32",
    }
    return TrainConfig.from_preset(
        "balanced", data=(str(data),), out=str(out), **{**usual, **changes}
    )


def losses(events: list[Event]) -> dict[int, dict[str, float]]:
    return {event.step: event.losses for event in events if isinstance(event, StepDone)}


def test_it_resumes_saves_and_is_trained_further(walls: Path, tmp_path: Path) -> None:
    whole = list(train(config(walls, tmp_path / "whole")))
    for event in train(config(walls, tmp_path / "part")):
        if isinstance(event, StepDone) and event.step == 4:
            break
    rest = losses(list(train(config(walls, tmp_path / "part"), resume=True)))
    assert rest and all(rest[step] == losses(whole)[step] for step in rest)
    last = whole[-1]
    assert isinstance(last, Finished) and last.model is not None
    model = load_model(last.model)
    network = model.discriminator
    assert isinstance(network, AssistedDiscriminator)
    image = np.full((1, 32, 32, 3), 90, np.uint8)
    x = to_tensor(image, torch.device("cpu"))
    with torch.inference_mode():
        added = network.own(x) + network.heads(network.backbone(x)).logits
        assert torch.equal(network(x), added)
    assert 0 <= load_inspector(last.model).inspect(image[0]).score <= 1
    further = new_config(
        [walls], tmp_path / "further", "fast", {"init_from": str(last.model), "steps": 1}
    )
    assert (further.discriminator, further.assisted) == ("compact", True)
    *_, last = train(further.replace(batch=4, device="cpu", validation=0.25))
    assert isinstance(last, Finished) and last.model is not None
    assert isinstance(load_model(last.model).discriminator, AssistedDiscriminator)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"discriminator": "projected"}, "from scratch"),
        ({"defect_classes": "rot,scab"}, "one kind of damage"),
    ],
)
def test_what_cannot_be_assisted(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(Path("x"), Path("y"), **changes)
