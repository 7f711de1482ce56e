"""What versions before the renaming wrote, in ``before/``, is read; what they read is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cfinspect.engine.base.events import Finished
from cfinspect.engine.model.metadata import MetadataError, ModelMetadata
from cfinspect.engine.model.renamed_settings import RENAMED, with_new_names, with_old_names
from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.workflows.config_parsing import parse_setting, resumed_config

BEFORE = Path(__file__).parent / "before"


def before(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BEFORE / f"{name}.json").read_text("utf-8"))
    return found


def test_settings_of_an_earlier_run_are_read() -> None:
    assert set(before("config")) >= {one.old for one in RENAMED}
    config = TrainConfig.from_dict(before("config"))
    assert config.defect_class_names == ("rot", "scab")
    assert (config.share_backbone, config.tta, config.calibrate_on) == (
        True,
        "flips+scale",
        "augmented",
    )
    assert not set(config.to_dict()) & {one.old for one in RENAMED}
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_an_earlier_model_is_read_and_written_as_it_was() -> None:
    card = before("card")
    metadata = ModelMetadata.from_json(json.dumps(card))
    assert tuple(metadata.defect_classes) == ("rot", "scab")
    assert metadata.preprocessing.tta == "flips+scale"
    assert metadata.training["share_backbone"] is True
    assert metadata.training["calibrate_on"] == "augmented"
    assert json.loads(metadata.to_json()) == card


def test_an_unknown_old_value_is_refused_by_the_setting_of_today() -> None:
    card = before("card")
    card["preprocessing"]["views"] = "far"
    with pytest.raises(MetadataError, match=r"preprocessing\.tta is unknown"):
        ModelMetadata.from_json(json.dumps(card))
    with pytest.raises(ConfigError, match="tta 'far' is unknown: choose one of flips"):
        TrainConfig.from_dict({**before("config"), "views": "far"})


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("kinds=rot,scab", ("defect_classes", "rot,scab")),
        ("trunk=alone", ("share_backbone", False)),
        ("trunk=shared", ("share_backbone", True)),
        ("share-backbone=off", ("share_backbone", False)),
        ("views=near", ("tta", "flips")),
        ("views = near and far", ("tta", "flips+scale")),
        ("tta=flips+scale", ("tta", "flips+scale")),
        ("cameras=other", ("calibrate_on", "augmented")),
    ],
)
def test_earlier_names_can_be_typed(text: str, setting: tuple[str, object]) -> None:
    assert parse_setting(text) == setting


def test_both_directions_are_one_table() -> None:
    for one in RENAMED:
        for old in one.values or {"a,b": "a,b"}:
            new = with_new_names({one.old: old})
            assert list(new) == [one.new]
            assert with_old_names(new) == {one.old: old}
    assert with_new_names({"tta": "flips", "views": "near and far"}) == {"tta": "flips"}


def test_a_run_with_earlier_names_and_checkpoint_goes_on(tmp_path: Path) -> None:
    apples = write_folder(tmp_path / "a", "apple", count=48, size=32, seed=1, kinds=("rot", "scab"))
    values = {**before("config"), "data": [str(apples)], "out": str(tmp_path / "run"), "steps": 2}
    values["checkpoint_every"] = 1
    list(train(TrainConfig.from_dict(values)))
    run = tmp_path / "run"
    # Its files as they were written then: old names, and the facts that stood in a checkpoint.
    (run / "config.json").write_text(json.dumps(values), "utf-8")
    with safe_open(run / "checkpoint.safetensors", framework="pt") as file:
        metadata = dict(file.metadata())
    facts, earlier = json.loads(metadata["facts"]), before("facts")
    assert set(facts["counters"]) == set(earlier["counters"])
    assert facts["architecture"] == earlier["architecture"]
    facts["counters"]["figures"] = earlier["counters"]["figures"]
    tensors = load_file(run / "checkpoint.safetensors")
    shutil.rmtree(run / "samples", ignore_errors=True)
    metadata["facts"] = json.dumps(facts)
    save_file(tensors, run / "checkpoint.safetensors", metadata=metadata)
    config = resumed_config(run, [apples], {"steps": 4}, ["trunk=shared"])
    finished = list(train(config, resume=True))[-1]
    assert isinstance(finished, Finished)
    assert finished.step == 4
