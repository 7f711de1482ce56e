"""From what a person chose (options of ``cfinspect train``, the window's form) to a TrainConfig."""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path
from typing import Any

from cfinspect.engine.model.file import load_metadata
from cfinspect.engine.training.config import ConfigError, TrainConfig, plain_kinds

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
CHANGEABLE = ("minutes", "steps", "device", "precision")


def parse_setting(text: str) -> tuple[str, Any]:
    """Read ``NAME=VALUE`` as the type of the TrainConfig field NAME; ``none`` where it may be None.

    Raises ConfigError for an unknown name or a value of another type.
    """
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    hints = typing.get_type_hints(TrainConfig)
    if not equals or name not in hints or name in ("data", "out", "preset"):
        raise ConfigError(
            f"--set {text}: give NAME=VALUE with one of "
            f"{', '.join(sorted(set(hints) - {'data', 'out', 'preset'}))}"
        )
    return name, _typed(name, value.strip(), hints[name])


def _typed(name: str, value: str, hint: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in kinds and value.lower() == "none":
        return None
    for kind in kinds:
        if kind is bool and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        if kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
        if kind is str:
            return value
    names = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
    raise ConfigError(f"--set {name}: {value!r} is no {names}")


def new_config(
    data: list[Path], out: Path, preset: str, options: dict[str, Any], settings: list[str]
) -> TrainConfig:
    """Settings of a fresh run: the preset, then options that were given, then ``--set``.

    Paths become absolute, so that the run can be resumed from anywhere.
    """
    changes = {name: value for name, value in options.items() if value is not None}
    for name, value in map(parse_setting, settings):
        if name in changes:
            raise ConfigError(f"{name} is given twice: by its own option and by --set")
        changes[name] = value
    for name in ("init_from", "backbone_weights"):
        if changes.get(name):
            changes[name] = str(Path(changes[name]).resolve())
    if changes.get("init_from"):
        _take_over(changes)
    config = TrainConfig.from_preset(preset, **changes)
    # A change to None is no change for from_preset, but here the person asked for it.
    cleared = {name: None for name, value in changes.items() if value is None}
    folders = tuple(str(folder.resolve()) for folder in data)
    return config.replace(data=folders, out=str(out.resolve()), **cleared)


_NETWORK = (
    "generator",
    "width",
    "generator_stem",
    "gate",
    "discriminator",
    "discriminator_width",
    "trunk",
    "backbone_weights",
)


def _take_over(changes: dict[str, Any]) -> None:
    """Fine-tuning keeps the model's networks; size, method and looks unless others are given."""
    other = [name for name in _NETWORK if changes.get(name) is not None]
    if other:
        raise ConfigError(f"--from keeps the networks of its model: leave out {', '.join(other)}")
    metadata = load_metadata(Path(changes["init_from"]))
    kept: dict[str, Any] = {
        "size": metadata.preprocessing.size,
        "views": metadata.preprocessing.views,
    }
    kept |= {
        name: metadata.training[name] for name in ("method", "cameras") if name in metadata.training
    }
    if metadata.kinds:
        kept |= {"kinds": ",".join(metadata.kinds), "trunk": metadata.training["trunk"]}
    for name, value in kept.items():
        if changes.get(name) is None:
            changes[name] = value


def resumed_config(out: Path, given: dict[str, Any]) -> TrainConfig:
    """Settings of the run in ``out``; of ``given`` only CHANGEABLE ones may differ from them.

    What is given again with its old value is fine, so that a script can repeat its command with
    ``--resume``. Raises ConfigError when there is no run, its settings cannot be read, or others
    are given.
    """
    file = out / "config.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no run to resume in {out} (no config.json): train it without --resume."
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read {file}: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"Cannot read {file}: it holds no settings.")
    wishes = {name: value for name, value in given.items() if value not in (None, [])}
    wishes |= dict(map(parse_setting, wishes.pop("settings", [])))
    if "data" in wishes:
        wishes["data"] = [str(folder.resolve()) for folder in wishes["data"]]
    if "kinds" in wishes:
        wishes["kinds"] = plain_kinds(wishes["kinds"])
    for name in ("init_from", "backbone_weights"):
        if name in wishes:
            wishes[name] = str(Path(wishes[name]).resolve())
    other = sorted(n for n, v in wishes.items() if n not in CHANGEABLE and values.get(n) != v)
    if other:
        raise ConfigError(
            f"The run in {out} has another {', '.join(other)}: --resume goes on with its own data "
            f"and settings (only {', '.join(CHANGEABLE)} may change)"
        )
    changes = {name: wishes[name] for name in CHANGEABLE if name in wishes}
    if "steps" in changes and "minutes" not in changes:
        changes["minutes"] = None
    if "minutes" in changes and "steps" not in changes:
        changes["steps"] = None
    changes["out"] = str(out.resolve())
    return TrainConfig.from_dict(values).replace(**changes)
