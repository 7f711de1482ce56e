"""From what a person chose (options of ``cfinspect train``, the window's form) to a TrainConfig."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os.path import realpath  # a link to itself is no error of Python for it
from pathlib import Path

from cfinspect.engine.base.atomic import read_regular_text
from cfinspect.engine.base.errors import short
from cfinspect.engine.base.setting import ConfigError, Setting, SettingValue
from cfinspect.engine.data.settings import plain_defect_classes
from cfinspect.engine.model.file import load_metadata
from cfinspect.engine.model.renamed_settings import with_new_names
from cfinspect.engine.networks.names import ASSISTED, PROJECTED
from cfinspect.engine.networks.settings import (
    DISCRIMINATORS,
    GENERATORS,
    NO_BACKBONE,
    NetworkSettings,
)
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.presets import is_no_backbone

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
CHANGEABLE = ("minutes", "steps", "device", "precision")
_NO_SETTING = ("data", "out", "preset")  # given otherwise


def parse_setting(text: str) -> tuple[str, SettingValue]:
    """Read ``NAME=VALUE`` as the type of that setting; ``none`` where it may be None.

    NAME may be one of an earlier version, with its values. Raises ConfigError for an unknown name
    or a value of another type.
    """
    given, equals, value = text.partition("=")
    given, value = given.strip().replace("-", "_"), value.strip()
    settings = TrainConfig.settings()
    ((name, translated),) = with_new_names({given: value}).items()
    if not equals or name not in settings or name in _NO_SETTING:
        raise ConfigError(
            f"--set {text}: give NAME=VALUE with one of "
            f"{', '.join(sorted(set(settings) - set(_NO_SETTING)))}"
        )
    if isinstance(translated, bool):
        return name, translated
    if name == "backbone" and is_no_backbone(translated):
        return name, NO_BACKBONE  # not None, which stands for the shipped one
    return name, _typed(settings[name], str(translated))


def parsed_settings(
    texts: Sequence[str], chosen: Mapping[str, SettingValue]
) -> dict[str, SettingValue]:
    """All of ``--set``; raises ConfigError for what is ``chosen`` by its own option already."""
    found: dict[str, SettingValue] = {}
    for name, value in map(parse_setting, texts):
        if name in chosen or name in found:
            raise ConfigError(f"{name} is given twice: by its own option and by --set")
        found[name] = value
    return found


def _typed(about: Setting, value: str) -> SettingValue:
    if about.optional and value.lower() == "none":
        return None
    for one in about.types:
        if one is bool and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        if one in (int, float):
            try:
                return int(value) if one is int else float(value)
            except ValueError:
                continue
        if one is str:
            return value
    names = " or ".join(one.__name__ for one in about.types)
    raise ConfigError(f"--set {about.name}: {value!r} is no {names}")


def new_config(
    data: Sequence[Path], out: Path, preset: str, changes: Mapping[str, SettingValue]
) -> TrainConfig:
    """Settings of a fresh run in ``out``: the preset, and ``changes`` by the settings' names.

    A change to None counts: the preset's value is not taken. Paths become absolute, so that the
    run can be resumed from anywhere. Raises ConfigError for settings that cannot be.
    """
    changed = _absolute(changes)
    if changed.get("init_from"):
        _require_own_networks(changes)
        for name, value in _usable(Path(str(changed["init_from"]))).items():
            if changed.get(name) is None:
                changed[name] = value
    config = TrainConfig.from_preset(preset, **changed)
    # A change to None is no change for from_preset, but here the person asked for it.
    cleared = {name: None for name, value in changed.items() if value is None}
    folders = tuple(map(realpath, data))
    return config.replace(data=folders, out=realpath(out), **cleared)


def _absolute(values: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    """With paths that hold wherever the program is started."""
    settings = TrainConfig.settings()
    return {
        name: (
            realpath(str(value))
            if value and settings[name].is_file and not is_no_backbone(value)
            else value
        )
        for name, value in values.items()
    }


def _require_own_networks(changes: Mapping[str, SettingValue]) -> None:
    fixed = {*NetworkSettings.settings(), "gate"} - {"method"}
    other = [name for name, value in changes.items() if name in fixed and value is not None]
    if other:
        raise ConfigError(f"--from keeps the networks of its model: leave out {', '.join(other)}")


def _usable(model: Path) -> dict[str, SettingValue]:
    """What is taken over from a model; ConfigError where no training has such settings."""
    settings = TrainConfig.settings()
    try:
        kept = _taken_over(model)
    except KeyError as error:
        raise ConfigError(f"{model} does not say its {error.args[0]}: give another model") from None
    for name, value in kept.items():
        problem = settings[name].problem(value) if name in settings else f"{name} is no setting"
        if problem:
            raise ConfigError(f"{model} cannot be trained further: {short(problem)}")
    return kept


def _taken_over(model: Path) -> dict[str, SettingValue]:
    """What fine-tuning keeps of a model: size, method and looks, unless others are given."""
    metadata = load_metadata(model)
    training = metadata.training
    kept: dict[str, SettingValue] = {
        "size": metadata.preprocessing.size,
        "tta": metadata.preprocessing.tta,
    }
    kept |= {name: str(training[name]) for name in ("method", "calibrate_on") if name in training}
    # Those of reference systems and of diffusion models are no settings.
    if metadata.generator.name in GENERATORS:
        kept["generator"] = metadata.generator.name
    if metadata.discriminator.name in DISCRIMINATORS:
        kept["discriminator"] = metadata.discriminator.name
    if metadata.generator.name == PROJECTED:
        kept |= metadata.generator.kwargs
    if metadata.discriminator.name == PROJECTED:
        looks = metadata.discriminator.kwargs
        kept |= {"finest_stage": looks["finest"], "top_percent": looks["top_percent"]}
    elif metadata.discriminator.kwargs.get(ASSISTED):
        kept["assisted"] = True
    if metadata.defect_classes:
        kept |= {
            "defect_classes": ",".join(metadata.defect_classes),
            "share_backbone": bool(training["share_backbone"]),
        }
    return kept


def resumed_config(
    out: Path,
    data: Sequence[Path],
    chosen: Mapping[str, SettingValue],
    settings: Sequence[str] = (),
) -> TrainConfig:
    """Settings of the run in ``out``; of ``chosen`` only CHANGEABLE ones may differ from them.

    ``chosen``: by own options; ``settings``: NAME=VALUE of ``--set``. What is given again with its
    old value, ``data`` too, is fine, so that a script can repeat its command with ``--resume``.
    Raises ConfigError when there is no run, its settings cannot be read, or others are given.
    """
    file = out / "config.json"
    try:
        values = json.loads(read_regular_text(file))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no run to resume in {out} (no config.json): train it without --resume."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"Cannot read {file}: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"Cannot read {file}: it holds no settings.")
    stored = TrainConfig.from_dict(values)
    wishes: dict[str, SettingValue] = {
        name: value for name, value in _absolute(chosen).items() if value is not None
    }
    wishes |= _absolute(dict(map(parse_setting, settings)))
    if is_no_backbone(wishes.get("backbone")) and stored.discriminator != PROJECTED:
        del wishes["backbone"]
    if data:
        wishes["data"] = tuple(map(realpath, data))
    if isinstance(classes := wishes.get("defect_classes"), str):
        wishes["defect_classes"] = plain_defect_classes(classes)
    other = sorted(n for n, v in wishes.items() if n not in CHANGEABLE and getattr(stored, n) != v)
    if other:
        raise ConfigError(
            f"The run in {out} has another {', '.join(other)}: --resume goes on with its own data "
            f"and settings (only {', '.join(CHANGEABLE)} may change)"
        )
    changes: dict[str, SettingValue] = {n: wishes[n] for n in CHANGEABLE if n in wishes}
    if "steps" in changes and "minutes" not in changes:
        changes["minutes"] = None
    if "minutes" in changes and "steps" not in changes:
        changes["steps"] = None
    return stored.replace(out=realpath(out), **changes)
