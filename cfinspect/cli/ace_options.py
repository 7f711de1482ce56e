"""Settings of ACE from the options of ``explain``, or as ``evaluate`` takes them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from cfinspect.engine.base.errors import CfinspectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cfinspect.engine.explain.ace import AceSettings

# As the options of ``explain`` are called.
_WORDS: dict[str, Callable[[str], Any]] = {
    "preset": str,
    "attack": str,
    "distance": str,
    "tau": int,
    "respacing": int,
    "iterations": int,
    "step": float,
    "weight": float,
    "quantile": float,
    "margin": float,
    "dilation": int,
    "threshold": float,
    "refine": {"yes": True, "no": False}.__getitem__,
}


def refuse(given: dict[str, Any], why: str) -> None:
    """An option that would do nothing is a misunderstanding."""
    for name, value in given.items():
        if value is not None:
            raise CfinspectError(f"--{name} means nothing with {why}: leave it out.")


def ace_settings(given: dict[str, Any]) -> AceSettings:
    """The preset, then what was ``given`` and is not None; other names are passed over."""
    from cfinspect.engine.explain.ace import ACE_PRESETS  # noqa: PLC0415

    given = dict.fromkeys(_WORDS) | given
    preset = given["preset"] or "default"
    if preset not in ACE_PRESETS:
        raise CfinspectError(f"--preset {preset}: give one of {', '.join(ACE_PRESETS)}.")
    if given["quantile"] is not None:
        refuse({"weight": given["weight"]}, "--quantile")
    if given["refine"] is False:
        refuse({name: given[name] for name in ("dilation", "threshold")}, "--no-refine")
    known = {field.name for field in dataclasses.fields(ACE_PRESETS[preset])}
    named = {
        **given,
        "respaced": given["respacing"],
        "rate": None if given["step"] is None else given["step"] / 255,
    }
    changes = {name: value for name, value in named.items() if name in known and value is not None}
    # The default one belongs to l1 and to steps that leave a pixel exactly where it is.
    other = "weight" in changes or changes.get("distance") == "l2" or changes.get("attack") == "cw"
    if "quantile" not in changes and other:
        changes["quantile"] = None
    return dataclasses.replace(ACE_PRESETS[preset], **changes)


def read_ace(texts: Sequence[str]) -> AceSettings:
    """Of ``--ace NAME=VALUE``, each named as the option of ``explain``."""
    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in _WORDS:
            raise CfinspectError(
                f"--ace {text}: give NAME=VALUE with one of {', '.join(_WORDS)}, which "
                "'cfinspect explain --help' explains."
            )
        try:
            given[name] = _WORDS[name](value)
        except (ValueError, KeyError) as error:
            raise CfinspectError(f"--ace {text}: {value!r} is no value of {name}.") from error
    return ace_settings(given)
