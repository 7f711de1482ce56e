"""Training of D and G on the pretrained backbone, and the files that it leaves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cfinspect.engine.base import installed
from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.events import CancelToken, Event, Finished, StepDone
from cfinspect.engine.base.images import read_image
from cfinspect.engine.calibration.recalibrate import calibrate
from cfinspect.engine.data.dataset import read_folders
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.model.file import load_model
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone
from cfinspect.engine.networks.multi_class import of_defect_class
from cfinspect.engine.networks.projected import ProjectedDiscriminator, ProjectedGenerator
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.gan_step import Weights, through_quantising
from cfinspect.engine.training.optimizer_step import OptimizerStep
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.trainer import train
from cfinspect.workflows.ablate import cell_configs
from cfinspect.workflows.ablation_table import Cell
from cfinspect.workflows.config_parsing import new_config


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("data") / "walls", "crack", count=48, size=64, seed=6
    )


@pytest.fixture(scope="module")
def trained(walls: Path) -> tuple[Path, list[Event]]:
    out = walls.parent / "run"
    return out, list(train(config(walls, out)))


def config(data: Path, out: Path, **changes: Any) -> TrainConfig:
    usual: dict[str, Any] = {
        "discriminator": "projected",
        "width": 8,
        "size": 64,
        "batch": 4,
        "steps": 8,
        "warmup": 2,
        "noise": 0.02,
        "validation": 0.25,
        "validate_every": 4,
        "checkpoint_every": 3,
        "mask_steps": 0,
        "device": "cpu",
        "precision": "fp32",
    }
    return TrainConfig.from_preset(
        "balanced", data=(str(data),), out=str(out), **{**usual, **changes}
    )


def losses(events: list[Event]) -> dict[int, dict[str, float]]:
    return {event.step: event.losses for event in events if isinstance(event, StepDone)}


def test_the_model_file_holds_the_backbone_once_and_stands_alone(
    trained: tuple[Path, list[Event]], walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, events = trained
    assert isinstance(events[-1], Finished) and events[-1].model is not None
    with safe_open(events[-1].model, framework="pt") as file:
        names = [name for name in file.keys() if "backbone" in name]  # noqa: SIM118  (no dict)
        kept = {name.removeprefix("backbone."): file.get_tensor(name) for name in names}
    shipped = load_backbone(shipped_backbone()).weights()
    assert kept.keys() == shipped.keys()
    assert all(torch.equal(kept[name].float(), value) for name, value in shipped.items())
    monkeypatch.setattr(installed, "_PACKAGE", walls)
    found = load_inspector(events[-1].model).inspect(np.zeros((64, 64, 3), np.uint8))
    assert found.saliency.shape == (64, 64)


def test_g_of_the_model_blames_what_its_d_blames(trained: tuple[Path, list[Event]]) -> None:
    model = load_model(trained[0] / "model.safetensors")
    generator, discriminator = model.generator, model.discriminator
    assert isinstance(generator, ProjectedGenerator)
    assert isinstance(discriminator, ProjectedDiscriminator)
    assert generator.backbone is discriminator.backbone
    heads = discriminator.heads.state_dict()
    own = generator.blame.state_dict()
    assert own.keys() == heads.keys()
    assert all(torch.equal(own[name], heads[name]) for name in own)


def test_the_model_tells_other_images_from_those_it_learned_from(
    trained: tuple[Path, list[Event]], walls: Path, tmp_path: Path
) -> None:
    path = trained[0] / "model.safetensors"
    assert load_model(path).familiar is not None
    inspector = load_inspector(path, "cpu", "fp32")
    every = read_folders([walls])
    some = dataclasses.replace(every, samples=every.samples[::4])
    own = some.samples
    apples = read_folders([write_folder(tmp_path / "a", "apple", count=6, size=64, seed=1)]).samples
    near, far = (
        [one.unlikeness or 0.0 for one in inspector.inspect_many(read_image(s.path) for s in group)]
        for group in (own, apples)
    )
    assert np.mean(np.array(near) > 1) < 0.1
    assert min(far) > 1
    calibrate(
        path,
        some,
        tmp_path / "fitted.safetensors",
        device="cpu",
        precision="fp32",
        review_rate=0.1,
    )
    again = load_inspector(tmp_path / "fitted.safetensors", "cpu", "fp32")
    assert again.inspect(read_image(own[0].path)).unlikeness == pytest.approx(near[0], rel=1e-3)


def test_resume_gives_the_losses_of_an_unbroken_training(
    trained: tuple[Path, list[Event]], walls: Path, tmp_path: Path
) -> None:
    cancel = CancelToken()
    first: list[Event] = []
    for event in train(config(walls, tmp_path / "broken"), cancel=cancel):
        first.append(event)
        if isinstance(event, StepDone) and event.step == 5:
            cancel.cancel()
    second = list(train(config(walls, tmp_path / "broken"), resume=True))
    assert losses(first) | losses(second) == losses(trained[1])


def test_a_model_is_fine_tuned_with_the_backbone_that_it_holds(
    trained: tuple[Path, list[Event]], walls: Path, tmp_path: Path
) -> None:
    start = str(trained[0] / "model.safetensors")
    list(train(config(walls, tmp_path / "tuned", init_from=start, steps=2, warmup=0)))
    model = load_model(tmp_path / "tuned" / "model.safetensors")
    assert isinstance(model.generator, ProjectedGenerator)


def test_another_file_of_the_backbone_is_used_and_kept(walls: Path, tmp_path: Path) -> None:
    weights = {k: v * 0.5 for k, v in load_backbone(shipped_backbone()).weights().items()}
    save_file(weights, tmp_path / "half.safetensors")
    settings = config(walls, tmp_path / "run", backbone=str(tmp_path / "half.safetensors"), steps=2)
    list(train(settings))
    model = load_model(tmp_path / "run" / "model.safetensors")
    assert isinstance(model.discriminator, ProjectedDiscriminator)
    kept = model.discriminator.backbone.weights()
    assert all(torch.equal(kept[name], value.half().float()) for name, value in weights.items())
    assert "backbone" not in model.metadata.training


@pytest.mark.parametrize(
    "changes",
    [
        {"generator": "unet", "width": 4},
        {"cycles": 1, "robust": 2.0},
        {"prior": False, "finest_stage": 2, "top_percent": 10},
        {"method": "classifier"},
        {"method": "no-fake"},
    ],
)
def test_every_way_to_train_it_ends_in_a_model(
    walls: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    *_, last = train(config(walls, tmp_path / "run", steps=4, **changes))
    assert isinstance(last, Finished) and last.model is not None
    found = load_inspector(last.model).inspect(np.zeros((64, 64, 3), np.uint8))
    assert np.isfinite(found.saliency).all()


def test_several_defect_classes_share_one_backbone(tmp_path: Path) -> None:
    apples = write_folder(tmp_path / "apples", "apple", count=24, size=64, seed=2)
    for number, path in enumerate(sorted((apples / "damaged").iterdir())):
        target = apples / ("rot", "scab")[number % 2] / path.name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    settings = config(
        apples, tmp_path / "run", defect_classes="rot,scab", share_backbone=False, steps=6
    )
    *_, last = train(settings)
    assert isinstance(last, Finished) and last.model is not None
    model = load_model(last.model)
    both = [of_defect_class(model.discriminator, index) for index in range(2)]
    assert isinstance(both[0], ProjectedDiscriminator)
    assert isinstance(both[1], ProjectedDiscriminator)
    assert both[0].backbone is both[1].backbone


def test_networks_that_do_not_fit_are_refused(walls: Path, tmp_path: Path) -> None:
    for changes, said in (
        ({"discriminator": "compact", "generator": "projected"}, "give both"),
        ({"gate": False}, "leave gate on"),
    ):
        with pytest.raises(ConfigError, match=said):
            config(walls, tmp_path / "run", **changes)


def test_gradients_of_one_network_reach_no_other(walls: Path) -> None:
    settings = config(walls, walls, noise=0.0)
    device = choose_device("cpu", "fp32")
    state = TrainState(settings, device.device)
    step = OptimizerStep(settings, state, device).steps[0]
    images = torch.rand(4, 3, 64, 64)
    labels = torch.tensor([0, 1, 0, 1])
    found: dict[float, list[torch.Tensor]] = {}
    for l1 in (1.0, 50.0):
        for net in state.nets.values():
            net.zero_grad(set_to_none=True)
        torch.manual_seed(0)
        step(images, labels, Weights(rho=0.4, l1=l1, warming=False))
        weights = state.nets["discriminator"].parameters()
        found[l1] = [w.grad.clone() for w in weights if w.grad is not None]
        assert all(w.grad is None for w in state.nets["mean_discriminator"].parameters())
        generator = state.nets["generator"]
        assert isinstance(generator, ProjectedGenerator)
        assert all(w.grad is None for w in generator.blame.parameters())
        assert sum(float(w.grad.abs().sum()) for w in generator.parameters() if w.grad is not None)
    # How much G's change costs is nothing to D.
    assert len(found[1.0]) == len(list(state.nets["discriminator"].parameters()))
    for one, two in zip(found[1.0], found[50.0], strict=True):
        torch.testing.assert_close(one, two)


def test_steps_of_eight_bit_let_gradients_pass() -> None:
    x = torch.rand(2, 3, 4, 4, requires_grad=True)
    y = through_quantising(x)
    torch.testing.assert_close(y * 255, (y * 255).round())
    y.sum().backward()
    assert x.grad is not None and torch.equal(x.grad, torch.ones_like(x))


def test_half_of_a_files_precision_will_do_on_the_cpu(walls: Path, tmp_path: Path) -> None:
    *_, last = train(config(walls, tmp_path / "run", steps=3, precision="bf16"))
    assert isinstance(last, Finished) and last.model is not None


def test_resume_needs_the_backbones_file_no_more(walls: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    save_file(load_backbone(shipped_backbone()).weights(), file)
    settings = config(walls, tmp_path / "run", backbone=str(file), steps=4)
    cancel = CancelToken()
    for event in train(settings, cancel=cancel):
        if isinstance(event, StepDone) and event.step == 2:
            cancel.cancel()
    file.unlink()
    *_, last = train(settings, resume=True)
    assert isinstance(last, Finished) and last.step == 4


def test_fine_tuning_takes_over_how_the_networks_are_made(walls: Path, tmp_path: Path) -> None:
    looks = {"prior": False, "finest_stage": 2, "top_percent": 10}
    list(train(config(walls, tmp_path / "run", steps=2, **looks)))
    start = str(tmp_path / "run" / "model.safetensors")
    tuned = new_config([walls], tmp_path / "tuned", "fast", {"init_from": start, "steps": 2})
    assert (tuned.generator, tuned.discriminator) == ("projected", "projected")
    assert {name: getattr(tuned, name) for name in looks} == looks
    assert (tuned.width, tuned.lr_generator) == (8, 1.5e-3)


@pytest.mark.parametrize(("base", "other"), [("compact", "projected"), ("projected", "compact")])
def test_an_ablation_compares_networks_with_their_own_settings(base: str, other: str) -> None:
    begun = TrainConfig.from_preset("fast", discriminator=base, data=("x",), out="out")
    [varied] = cell_configs(begun, Cell("other", (("discriminator", other),)), 1)
    alone = TrainConfig.from_preset("fast", discriminator=other, data=("x",), out=varied.out)
    assert varied == alone


def test_an_ablation_of_generators_and_backbones_keeps_what_was_asked_for(tmp_path: Path) -> None:
    weights = str(tmp_path / "lite0.safetensors")
    base = TrainConfig.from_preset(
        "fast", generator="unet", backbone=weights, batch=8, data=("x",), out="out"
    )
    changes = (("generator", "projected"), ("backbone", "none"), ("rho", 0.2))
    cells = [Cell(name, ((name, value),)) for name, value in changes]
    first, second, third = (cell_configs(base, cell, 1)[0] for cell in cells)
    assert (first.generator, first.width, first.backbone) == ("projected", 32, weights)
    assert (second.discriminator, second.generator, second.width) == ("compact", "unet", 16)
    assert (second.backbone, second.warmup) == (None, 400)
    assert (third.generator, third.width, third.rho) == ("unet", 16, 0.2)
    assert all(one.batch == 8 for one in (first, second, third))
