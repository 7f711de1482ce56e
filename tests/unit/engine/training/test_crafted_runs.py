"""A stranger's run folder: --resume refuses what no training wrote, in a sentence, at once."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.setting import ConfigError
from cfinspect.engine.networks.settings import NO_BACKBONE
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.run_folder import RunFolder
from cfinspect.engine.training.state import CheckpointError, TrainState
from cfinspect.workflows.config_parsing import resumed_config

CONFIG = TrainConfig.from_preset(
    "fast", backbone=NO_BACKBONE, width=4, discriminator_width=4, size=32, steps=2
)
CPU = torch.device("cpu")
Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint after one step of both optimisers."""
    state = TrainState(CONFIG, CPU)
    for part, optimiser in state.optimisers.items():
        for weight in state.nets[part].parameters():
            weight.grad = torch.zeros_like(weight)
        optimiser.step()
    path = tmp_path_factory.mktemp("run") / "checkpoint.safetensors"
    state.save(path)
    return path


def crafted(
    whole: Path,
    folder: Path,
    facts: Callable[[dict[str, Any]], object] = lambda facts: None,
    tensors: Callable[[Tensors], Tensors] = lambda tensors: tensors,
    text: str | None = None,
) -> Path:
    with safe_open(whole, framework="pt") as file:
        metadata = dict(file.metadata())
    known = copy.deepcopy(json.loads(metadata["facts"]))
    facts(known)
    metadata["facts"] = text if text is not None else json.dumps(known)
    path = folder / "checkpoint.safetensors"
    save_file(tensors(load_file(whole)), path, metadata=metadata)
    return path


def size(**numbers: int) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts["architecture"]["generator"]["kwargs"].update(numbers)


def counted(**numbers: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts["counters"].update(numbers)


FACTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "wide": size(width=1024),
    "wider than all": size(width=4096),
    "deep": size(depth=100_000),
    "negative": size(width=-5),
    "name": lambda facts: facts["architecture"]["generator"].update(name="evil"),
    "no architecture": lambda facts: facts.pop("architecture"),
    "architecture is text": lambda facts: facts.update(architecture="x"),
    "steps": counted(step=10**15),
    "steps below 0": counted(step=-5),
    "steps as text": counted(step="x"),
    "no parts": counted(parts=0),
    "more parts than images": counted(parts=2**40),
    "seconds": counted(seconds=float("nan")),
    "seconds without end": counted(seconds=float("inf")),
    "unknown counter": counted(evil=1),
    "metrics": counted(figures={"f1": "x"}),
}


@pytest.mark.parametrize("change", FACTS)
def test_numbers_that_no_training_wrote_are_refused(
    change: str, whole: Path, tmp_path: Path
) -> None:
    path = crafted(whole, tmp_path, FACTS[change])
    with pytest.raises(CheckpointError, match="cannot be used"):
        TrainState(CONFIG, CPU, path)


@pytest.mark.parametrize("text", ["[1]", "{}", "null", "[" * 100_000])
def test_facts_that_are_none_are_refused(text: str, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be used"):
        TrainState(CONFIG, CPU, crafted(whole, tmp_path, text=text))


ADAM = "adam.generator.0."
TENSORS: dict[str, Callable[[Tensors], Tensors]] = {
    "of a weight that is not there": lambda t: t | {"adam.generator.99999.exp_avg": torch.zeros(3)},
    "of no weight": lambda t: t | {"adam.generator.x": torch.zeros(3)},
    "of another shape": lambda t: t | {f"{ADAM}exp_avg": torch.zeros(3)},
    "unknown": lambda t: t | {f"{ADAM}evil": torch.zeros(3)},
    "missing": lambda t: {name: value for name, value in t.items() if name != f"{ADAM}step"},
    "seen": lambda t: t | {"seen": torch.zeros(3)},
    "all but a few": lambda t: {"seen": t["seen"]},
}


@pytest.mark.parametrize("change", TENSORS)
def test_tensors_that_fit_nothing_are_refused(change: str, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be used"):
        TrainState(CONFIG, CPU, crafted(whole, tmp_path, tensors=TENSORS[change]))


def test_a_sound_checkpoint_goes_on(whole: Path, tmp_path: Path) -> None:
    again = TrainState(CONFIG, CPU, crafted(whole, tmp_path, counted(step=7)))
    assert again.counters.step == 7
    assert again.counters.best == float("-inf")


@pytest.mark.parametrize(
    "change",
    [
        {"size": 32_000_000},
        {"width": 10**7},
        {"discriminator_width": 10**7},
        {"batch": 10**9},
        {"memory_gb": float("inf")},
        {"minutes": float("nan")},
        {"rho": float("nan")},
    ],
)
def test_settings_that_take_all_memory_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps({**CONFIG.to_dict(), **change})
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=f"{next(iter(change))} must be"):
        resumed_config(tmp_path, [], {})


@pytest.mark.parametrize("text", ["[" * 200_000, "[1]", "{"])
def test_settings_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match="Cannot read"):
        resumed_config(tmp_path, [], {})


def test_odd_lines_of_measured_rows_are_left_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    sound = '{"kind": "train", "step": 3, "loss": 0.5, "other": null}'
    odd = ["[1]", "null", "{}", '{"kind": "train", "step": "x"}', "[" * 100_000]
    odd.append('{"kind": "train", "step": 1, "loss": [1]}')
    text = "\n".join([*odd, sound, '{"kind": "tr'])
    folder.metrics.write_bytes(b'{"kind": "\xff\x80\n' + text.encode() + b"\xe4")
    (row,) = folder.rows()
    assert (row.kind, row.step, row.values) == ("train", 3, {"loss": 0.5, "other": None})


@pytest.mark.skipif(os.name != "posix", reason="links ask for a privilege on Windows")
@pytest.mark.parametrize("name", ["metrics.jsonl", "config.json", "samples", "tensorboard"])
def test_a_run_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    elsewhere.mkdir()
    (elsewhere / ".tmp-precious").write_text("mine")
    (run / name).symlink_to(elsewhere if "." not in name else elsewhere / ".tmp-precious")
    with pytest.raises(CfinspectError, match="link"):
        RunFolder(run).begin(CONFIG, resume=True)
    assert (elsewhere / ".tmp-precious").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
def test_pipes_in_a_run_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ConfigError, match="pipe"):
        resumed_config(tmp_path, [], {})
    (tmp_path / "config.json").unlink()
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(CfinspectError, match="no file"):
        RunFolder(tmp_path).begin(CONFIG, resume=True)


def test_measured_rows_without_end_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "metrics.jsonl").open("wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(CfinspectError, match="more than 256 MiB"):
        RunFolder(tmp_path).rows()
