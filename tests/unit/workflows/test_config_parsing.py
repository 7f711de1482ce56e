"""From options to a TrainConfig: presets, --set, --resume."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.networks.backbone import load_backbone
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.resources import shipped_models
from cfinspect.workflows.config_parsing import (
    new_config,
    parse_setting,
    parsed_settings,
    resumed_config,
)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("rho=0.3", "rho", 0.3),
        ("rho=1", "rho", 1.0),
        ("lr-generator = 2e-4", "lr_generator", 2e-4),
        ("gate=off", "gate", False),
        ("warmup=20", "warmup", 20),
        ("minutes=none", "minutes", None),
        ("undamaged=a=b", "undamaged", "a=b"),
    ],
)
def test_a_setting_has_the_type_of_its_field(text: str, name: str, value: object) -> None:
    got = parse_setting(text)
    assert got == (name, value)
    assert type(got[1]) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("widht=3", "NAME=VALUE with one of"),
        ("width", "NAME=VALUE with one of"),
        ("data=x", "NAME=VALUE with one of"),
        ("width=3.5", "'3.5' is no int"),
        ("gate=maybe", "'maybe' is no bool"),
        ("rho=none", "'none' is no float"),
    ],
)
def test_a_wrong_setting_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse_setting(text)


def test_options_and_settings_lie_over_the_preset(tmp_path: Path) -> None:
    options: dict[str, SettingValue] = {"rho": 0.2, "steps": 50}
    options |= parsed_settings(["warmup=7", "seed=4"], options)
    config = new_config([tmp_path], tmp_path / "run", "paper", options)
    assert (config.rho, config.steps, config.minutes) == (0.2, 50, None)
    assert (config.warmup, config.seed, config.cycles) == (7, 4, 1)
    assert config.data == (str(tmp_path),)


def test_the_same_setting_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rho is given twice"):
        parsed_settings(["rho=0.3"], {"rho": 0.2})


def test_relative_paths_are_kept_as_absolute_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(shipped_models()["apple"], tmp_path / "a.safetensors")
    options: dict[str, SettingValue] = {"init_from": "a.safetensors", "size": 64}
    config = new_config([Path("data")], Path("run"), "fast", options)
    assert config.data == (str(tmp_path / "data"),)
    assert config.out == str(tmp_path / "run")
    assert config.init_from == str(tmp_path / "a.safetensors")


def test_fine_tuning_keeps_how_its_model_looks_and_decides(tmp_path: Path) -> None:
    apple = str(shipped_models()["apple"])
    config = new_config([Path("data")], tmp_path, "fast", {"init_from": apple})
    assert (config.size, config.tta, config.calibrate_on) == (160, "none", "augmented")
    given = {"init_from": apple, **parsed_settings(["views=near", "cameras=same"], {})}
    config = new_config([Path("data")], tmp_path, "fast", given)
    assert (config.tta, config.calibrate_on, config.method) == ("flips", "clean", "cfgan")


def test_fine_tuning_keeps_the_networks_of_its_model(tmp_path: Path) -> None:
    options: dict[str, SettingValue] = {"init_from": "a.safetensors", "size": 64, "width": 8}
    with pytest.raises(ConfigError, match="leave out width"):
        new_config([Path("data")], tmp_path, "fast", options)


@pytest.mark.parametrize(
    ("part", "numbers", "words"),
    [
        ("discriminator", {}, "does not say its finest"),
        ("discriminator", {"finest": 3, "top_percent": 4000}, "further: top_percent must be in"),
        ("generator", {"width": 32, "evil": 1}, "further: evil is no setting"),
    ],
)
def test_a_model_that_no_training_made_is_a_sentence(
    part: str, numbers: dict[str, int], words: str, tmp_path: Path
) -> None:
    path = shipped_models()["apple"]
    with safe_open(path, framework="np") as file:
        card = json.loads(file.metadata()["cfinspect_card"])
    card[part]["kwargs"] = numbers
    save_file(load_file(path), tmp_path / "m.safetensors", {"cfinspect_card": json.dumps(card)})
    with pytest.raises(ConfigError, match=words):
        new_config([tmp_path], tmp_path, "fast", {"init_from": str(tmp_path / "m.safetensors")})


def test_a_link_to_itself_is_told_by_whoever_opens_it(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    loop = tmp_path / "loop"
    config = new_config([loop], loop, "fast", {"backbone": str(loop)})
    assert config.data == (str(loop),)
    with pytest.raises(CfinspectError, match="do not exist"):
        load_backbone(Path(str(config.backbone)))


def written_run(folder: Path) -> TrainConfig:
    config = TrainConfig.from_preset("fast", data=("/data",), out="/elsewhere", rho=0.25)
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    return config


def test_resuming_takes_settings_from_the_run_and_the_place_from_the_option(tmp_path: Path) -> None:
    written_run(tmp_path)
    config = resumed_config(tmp_path, [], {"steps": 70, "device": "cpu", "rho": None})
    assert (config.rho, config.steps, config.minutes, config.device) == (0.25, 70, None, "cpu")
    assert config.out == str(tmp_path)


def test_resuming_with_other_settings_is_refused(tmp_path: Path) -> None:
    written_run(tmp_path)
    with pytest.raises(ConfigError, match="another rho"):
        resumed_config(tmp_path, [], {"rho": 0.0})
    with pytest.raises(ConfigError, match="another seed"):
        resumed_config(tmp_path, [], {}, ["seed=77"])


def test_repeating_the_command_with_resume_is_fine(tmp_path: Path) -> None:
    stored = written_run(tmp_path)
    folders = [Path(folder) for folder in stored.data]
    assert resumed_config(tmp_path, folders, {"rho": 0.25}).rho == 0.25


@pytest.mark.parametrize("content", ["", "[1]", '{"rho": "x"}', '{"from_the_future": 1}'])
def test_a_broken_config_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError):
        resumed_config(tmp_path, [], {})


@pytest.mark.parametrize("given", [{"backbone": "none"}, {"backbone": "NONE", "width": 24}])
def test_without_a_backbone_it_trains_from_scratch(
    given: dict[str, SettingValue], tmp_path: Path
) -> None:
    config = new_config([tmp_path], tmp_path / "run", "balanced", given)
    nothing: dict[str, SettingValue] = {**given, "discriminator": None}
    assert TrainConfig.from_preset("balanced", **nothing).discriminator == "compact"
    width = given.get("width", 16)
    assert (config.discriminator, config.generator, config.width) == ("compact", "unet", width)
    assert (config.backbone, config.warmup, config.mask_steps) == (None, 400, 0)
    assert parse_setting("backbone=None") == ("backbone", "none")
    other = new_config([tmp_path], tmp_path, "balanced", {**given, "discriminator": "resnet18"})
    assert (other.discriminator, other.lr_generator) == ("resnet18", 1e-3)
    with pytest.raises(ConfigError, match="leave one of them out"):
        new_config([tmp_path], tmp_path, "balanced", {**given, "discriminator": "projected"})


def test_a_run_from_scratch_is_resumed_by_its_own_command(tmp_path: Path) -> None:
    config = new_config([tmp_path], tmp_path, "balanced", {"backbone": "none"})
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    assert resumed_config(tmp_path, [tmp_path], {"backbone": "none"}) == config
    assert resumed_config(tmp_path, [tmp_path], {}, ["backbone=none"]) == config
    looks_through = new_config([tmp_path], tmp_path, "balanced", {})
    (tmp_path / "config.json").write_text(json.dumps(looks_through.to_dict()))
    with pytest.raises(ConfigError, match="another backbone"):
        resumed_config(tmp_path, [tmp_path], {"backbone": "none"})


def test_a_run_of_an_earlier_version_has_the_masks_of_its_g(tmp_path: Path) -> None:
    values = new_config([tmp_path], tmp_path, "balanced", {}).to_dict()
    del values["mask_steps"], values["assisted"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    found = resumed_config(tmp_path, [], {})
    assert (found.mask_steps, found.assisted, found.discriminator) == (0, False, "projected")
