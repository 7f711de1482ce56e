"""Settings: presets, validation, JSON."""

import pytest

from cfinspect.engine.base.setting import SettingValue
from cfinspect.engine.training.config import ConfigError, TrainConfig


def test_every_setting_says_what_it_is() -> None:
    for name, one in TrainConfig.settings().items():
        assert len(one.help) > 10, name
        assert one.types, name


def test_changes_win_over_the_preset_and_none_does_not() -> None:
    config = TrainConfig.from_preset("paper", rho=0.3, cycles=None)
    assert config.rho == 0.3
    assert config.cycles == 1
    assert not config.gate


def test_steps_replace_the_presets_minutes() -> None:
    config = TrainConfig.from_preset("fast", steps=10)
    assert config.minutes is None
    assert config.steps == 10


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"size": 100}, "multiple of 32"),
        ({"batch": 3}, "even"),
        ({"discriminator": "vgg"}, "projected, compact, resnet18"),
        ({"ema": 1.0}, "ema"),
        ({"minutes": 0.0}, "minutes"),
        ({"holdout": 0.5, "validation": 0.45}, "too little"),
        ({"l1": -1.0}, "l1 must be at least 0"),
    ],
)
def test_values_that_cannot_work_are_named(setting: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainConfig(**setting)  # type: ignore[arg-type]


def test_round_trip_through_plain_values() -> None:
    config = TrainConfig.from_preset("balanced", data=("a", "b"), out="run", minutes=3.0)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_unknown_and_mistyped_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="warp"):
        TrainConfig.from_dict({"warp": 9})
    with pytest.raises(ConfigError, match="'steps' has the wrong type"):
        TrainConfig.from_dict({"steps": "many"})
    with pytest.raises(ConfigError, match="wrong type"):
        TrainConfig.from_dict({"batch": True})


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 10**400, -(10**400), 1e300, -1e300])
def test_no_number_of_a_run_is_without_end(odd: float) -> None:
    for name, one in TrainConfig.settings().items():
        if {int, float} & set(one.types):
            with pytest.raises(ConfigError, match=name) as error:
                TrainConfig.from_dict({name: odd})
            assert len(str(error.value)) < 200


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "x" * 3_000_000])
def test_no_text_of_a_run_is_one_that_no_system_takes(odd: str) -> None:
    for name, one in TrainConfig.settings().items():
        if {str, tuple} & set(one.types):
            value = [odd] if tuple in one.types else odd
            with pytest.raises(ConfigError, match=name) as error:
                TrainConfig.from_dict({name: value})
            assert len(str(error.value)) < 400


@pytest.mark.parametrize("odd", [5, [1], [["a"]], None, {"a": 1}])
def test_folders_of_a_run_are_texts(odd: object) -> None:
    with pytest.raises(ConfigError, match="'data' has the wrong type"):
        TrainConfig.from_dict({"data": odd})


def test_a_value_of_another_type_is_refused_wherever_it_comes_from() -> None:
    with pytest.raises(ConfigError, match="'width' has the wrong type: '32'"):
        TrainConfig(width="32")  # type: ignore[arg-type]


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="fast, balanced, paper"):
        TrainConfig.from_preset("quick")


@pytest.mark.parametrize(
    ("changes", "levels", "steps", "share"),
    [
        ({}, 1.0, 1, 0.25),
        ({"method": "classifier"}, 0.0, 3, 0.5),
        ({"discriminator": "compact"}, 0.0, 3, 0.5),
        ({"backbone": "none"}, 0.0, 3, 0.5),
        ({"robust": 2.0}, 2.0, 3, 0.5),
        ({"robust": 0.0}, 0.0, 3, 0.5),
    ],
)
def test_the_projected_d_learns_from_perturbed_images(
    changes: dict[str, SettingValue], levels: float, steps: int, share: float
) -> None:
    config = TrainConfig.from_preset("balanced", **changes)
    assert (config.robust, config.robust_steps, config.robust_share) == (levels, steps, share)
