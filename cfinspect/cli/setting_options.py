"""Options of commands from the settings of a training: stated there, nowhere else."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cfinspect.engine.base.setting import Setting, SettingValue
from cfinspect.engine.model.renamed_settings import RENAMED, new_name
from cfinspect.engine.training.config import ConfigError, TrainConfig

# What all other defaults depend on; theirs are the preset's and the method's.
_DEFAULT_TOLD = ("preset", "method")


def own_options() -> tuple[str, ...]:
    """Names of the settings that have an option of their own, in their order."""
    return tuple(name for name, one in TrainConfig.settings().items() if one.option)


def with_setting_options(
    names: tuple[str, ...], helps: Mapping[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each setting in ``names``, where its ``chosen`` stands.

    The command gets ``chosen``: the values that were given, by the settings' names. ``helps``:
    other words for some of them. Options by a setting's earlier name work too, unlisted.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        settings = TrainConfig.settings()
        added: dict[str, Any] = {}
        for name in names:
            about = settings[name]
            added[name] = _option(about, (helps or {}).get(name) or _help(about), hidden=False)
        for one in RENAMED:
            if one.new in names:
                added[one.old] = _option(settings[one.new], "", hidden=True, name=one.old)

        @functools.wraps(command)
        def run(**given: Any) -> None:
            chosen: dict[str, SettingValue] = {}
            for option in added:
                value, name = given.pop(option), new_name(option)
                if value is None:
                    continue
                if name in chosen:
                    raise ConfigError(f"{name} is given twice: by its option and by an earlier one")
                chosen[name] = str(value) if isinstance(value, Path) else value
            command(**given, chosen=chosen)

        own = inspect.signature(command, eval_str=True).parameters
        parameters = []
        for name, parameter in own.items():
            if name != "chosen":
                parameters.append(parameter)
                continue
            parameters += [
                inspect.Parameter(
                    option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
                )
                for option, annotation in added.items()
            ]
        # typer reads both: the order from one, the types from the other.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def _option(about: Setting, text: str, *, hidden: bool, name: str = "") -> Any:
    kind = Path if about.is_file else about.types[0]
    flag = f"--{name.replace('_', '-')}" if name else about.option
    return Annotated[
        kind | None, typer.Option(flag, metavar=about.metavar, help=text, hidden=hidden)
    ]


def _help(about: Setting) -> str:
    text = about.help[0].upper() + about.help[1:]
    if about.choices:
        text += f": one of {', '.join(about.choices)}"
    default = f" [default: {about.default}]" if about.name in _DEFAULT_TOLD else ""
    return f"{text}.{default}"
