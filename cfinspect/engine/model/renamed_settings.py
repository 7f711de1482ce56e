"""Settings that once had another name: the one table by which old files and commands are read.

Files of a training (config.json) hold today's names. Model files keep the old ones for good, as
earlier versions read them strictly: `ModelMetadata` translates when it reads and when it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Renamed:
    """A setting's ``old`` and ``new`` name; ``values``: its values where they have changed too."""

    old: str
    new: str
    values: Mapping[str, str | bool] = field(default_factory=dict)


RENAMED = (
    Renamed("kinds", "defect_classes"),
    Renamed("trunk", "share_backbone", {"shared": True, "alone": False}),
    Renamed("views", "tta", {"near": "flips", "near and far": "flips+scale"}),
    Renamed("backbone_weights", "backbone"),
    Renamed("cameras", "calibrate_on", {"same": "clean", "other": "augmented"}),
)
_BY_OLD = {one.old: one for one in RENAMED}
_BY_NEW = {one.new: one for one in RENAMED}


def with_new_names(values: Mapping[str, object]) -> dict[str, object]:
    """``values`` by today's names; an old value that is unknown stays, for its check to refuse.

    Where a setting is there by both names, today's counts.

    >>> with_new_names({"views": "near", "size": 96})
    {'tta': 'flips', 'size': 96}
    """
    found: dict[str, object] = {}
    for name, value in values.items():
        one = _BY_OLD.get(name)
        if one is None:
            found[name] = value
        elif one.new not in values:
            found[one.new] = one.values.get(value, value) if isinstance(value, str) else value
    return found


def with_old_names(values: Mapping[str, object]) -> dict[str, object]:
    """The inverse of `with_new_names`, as model files hold them."""
    found: dict[str, object] = {}
    for name, value in values.items():
        one = _BY_NEW.get(name)
        if one is None:
            found[name] = value
        else:
            texts = [text for text, today in one.values.items() if today == value]
            found[one.old] = texts[0] if texts else value
    return found


def new_name(name: str) -> str:
    """What a setting is called today."""
    return _BY_OLD[name].new if name in _BY_OLD else name
