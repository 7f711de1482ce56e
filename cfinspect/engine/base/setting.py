"""A setting that says all of itself: from it come options of commands, fields of forms, checks."""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cfinspect.engine.base.errors import CfinspectError, short

MOST = 10**9  # of a number without an end of its own: a file may say anything
_LONGEST_TEXT = 2**14  # characters; the names of 64 classes fit
_SHOWN = 60  # characters of a value in a sentence
SettingValue = str | int | float | bool | None | tuple[str, ...]


class ConfigError(CfinspectError):
    """A setting has a value that cannot work."""


@dataclass(frozen=True)
class Range:
    """Finite numbers from ``low`` to ``high``; "open": without the end itself."""

    low: float = -MOST
    high: float = MOST
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if value <= self.low if self.open_low else value < self.low:
            return False
        return value < self.high if self.open_high else value <= self.high

    def __str__(self) -> str:
        """In a sentence after "must be", such as "in [0, 1)" or, up to MOST, "at least 4, ..."."""
        if self.high == MOST:
            least = f"{'above' if self.open_low else 'at least'} {_plain(self.low)}"
            return f"{least}, and {MOST:,} at most"
        ends = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"in {ends[0]}{_plain(self.low)}, {_plain(self.high)}{ends[1]}"


@dataclass(frozen=True)
class Setting:
    """What is known of a setting besides its value.

    ``help``: half a sentence. ``choices``: the only values of a text. ``range``: of a number.
    ``unit``: of a number, as "px". ``title``: what a form calls it; "": a form has no line for it.
    ``option``: its own option of a command, as "--size"; "": it has none. ``metavar``: what stands
    for its value there. ``is_file``: a text that names a file. ``types``: what its value may be,
    None apart; ``optional``: whether it may be None.
    """

    help: str
    choices: tuple[str, ...] = ()
    range: Range = Range()
    unit: str = ""
    title: str = ""
    option: str = ""
    metavar: str | None = None
    is_file: bool = False
    name: str = ""
    types: tuple[type, ...] = ()
    optional: bool = False
    default: SettingValue = None

    def problem(self, value: object) -> str:
        """Why ``value`` cannot be, as a sentence without its full stop; empty where it can."""
        if not self.fits(value):
            return f"setting {self.name!r} has the wrong type: {_shown(value)}"
        if self.choices and value not in self.choices:
            choices = ", ".join(self.choices)
            return f"{self.name} {_shown(value)} is unknown: choose one of {choices}"
        if isinstance(value, int | float) and value not in self.range:
            return f"{self.name} must be {self.range}"
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts:
            if isinstance(text, str) and (why := _unusable(text)):
                return f"{self.name} {_shown(text)} cannot be: {why}"
        return ""

    def fits(self, value: object) -> bool:
        """Whether ``value`` has one of its types; a whole number will do for a float."""
        if value is None or isinstance(value, bool):
            return self.optional if value is None else bool in self.types
        if isinstance(value, tuple):
            return tuple in self.types and all(isinstance(one, str) for one in value)
        return isinstance(value, self.types) or (float in self.types and isinstance(value, int))


def setting(
    default: SettingValue,
    help: str,
    choices: tuple[str, ...] = (),
    *,
    within: Range = Range(),
    unit: str = "",
    title: str = "",
    option: str = "",
    metavar: str | None = None,
    is_file: bool = False,
) -> Any:
    """A dataclass field that carries its `Setting`; the arguments are described there."""
    about = Setting(help, choices, within, unit, title, option, metavar, is_file)
    return dataclasses.field(default=default, metadata={"setting": about})


@dataclass(frozen=True)
class Settings:
    """Base of dataclasses whose fields were made with `setting`; each value is checked when an
    object is made, and what it takes several to see by the class itself.
    """

    def __post_init__(self) -> None:
        """Raise ConfigError for the first value that cannot be, whatever the others are."""
        for name, one in self.settings().items():
            if problem := one.problem(getattr(self, name)):
                raise ConfigError(problem)

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """All settings by name and in order: meaning, type, range, title and option of each."""
        known = _KNOWN.get(cls)
        if known is None:
            known = _KNOWN[cls] = _settings_of(cls)
        return known

    def replace(self, **changes: SettingValue) -> Self:
        """A copy with other values, validated again."""
        values: dict[str, Any] = changes
        return dataclasses.replace(self, **values)

    def to_dict(self) -> dict[str, SettingValue]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The inverse of to_dict; unknown names and wrong types raise ConfigError."""
        if unknown := set(values) - set(cls.settings()):
            name = _shown(sorted(unknown)[0])
            raise ConfigError(f"unknown setting {name}: made by a newer cfinspect?")
        return cls(**values)


_KNOWN: dict[type, dict[str, Setting]] = {}  # made once; every check looks at them


def _settings_of(cls: type[Settings]) -> dict[str, Setting]:
    hints = typing.get_type_hints(cls)
    found = {}
    for one in dataclasses.fields(cls):
        hint = hints[one.name]
        union = isinstance(hint, types.UnionType)
        parts = [typing.get_origin(p) or p for p in (typing.get_args(hint) if union else (hint,))]
        found[one.name] = dataclasses.replace(
            one.metadata["setting"],
            name=one.name,
            types=tuple(part for part in parts if part is not type(None)),
            optional=type(None) in parts,
            default=one.default,
        )
    return found


def _unusable(text: str) -> str:
    """Why no name of a file or folder, and no other setting, reads so; empty where it may."""
    if len(text) > _LONGEST_TEXT:
        return f"it has more than {_LONGEST_TEXT:,} characters"
    try:
        return "it has a zero character" if b"\0" in os.fsencode(text) else ""
    except UnicodeEncodeError:
        return "it has characters that no name can have"


def _shown(value: object) -> str:
    return short(repr(value), _SHOWN)


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
