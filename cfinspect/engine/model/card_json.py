"""The JSON text of a model's metadata, which a stranger may have written: limits and showing."""

from __future__ import annotations

import json

from cfinspect.engine.base.errors import short

LARGEST_NUMBER = 10**300  # of a whole number that stands for a float
_LONGEST = 2**22  # characters; those of our own models have some thousands
_DEEPEST = 32


def parsed(text: str) -> object:
    """The values in ``text``; ValueError with a sentence where it is no JSON, too long or deep."""
    if len(text) > _LONGEST:
        raise ValueError(
            f"The model's metadata has {len(text):,} characters, far more than any model needs."
        )
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("The model's metadata is not valid JSON: the file is damaged.") from error
    if _too_deep(raw):
        raise ValueError("The model's metadata is nested deeper than any model needs.")
    return raw


def shown(name: str) -> str:
    """A name from a file, without signs that a terminal would obey, and not at any length."""
    return short(name if name.isprintable() else repr(name))


def _too_deep(value: object) -> bool:
    """Whether objects and lists are nested deeper than ``_DEEPEST``; walks level by level."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
