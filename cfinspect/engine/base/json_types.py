"""From figures in dataclasses to JSON's types; how a field is written stands beside the field."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json: TypeAlias = "bool | int | float | str | list[Json] | JsonObject | None"
JsonObject: TypeAlias = "dict[str, Json]"

_HOW = "json"
# For the ``metadata`` of a dataclass's field: without the key where the value is None; with the
# keys of the value, itself a dataclass or None, in the place of one of its own; or not at all.
OMIT_NONE: Final = {_HOW: "omit none"}
INLINE: Final = {_HOW: "inline"}
OMIT: Final = {_HOW: "omit"}


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON that people can read, and that UTF-8 can always hold; ValueError for NaN and infinity.

    What a name that is no UTF-8 consists of becomes ``\\udcXX``, which JSON reads back as it was.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def plain(value: object) -> Json:
    """Return ``value`` in JSON's types.

    Paths become text, NumPy's arrays and numbers lists and Python's numbers, tuples lists, keys
    text, dataclasses objects of their fields, NaN and infinity None.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return json_object(value)
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        value = tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def json_object(value: DataclassInstance) -> JsonObject:
    """Return the fields of a dataclass as a JSON object; see ``plain`` and the marks of fields.

    Raises TypeError where a value has no place in JSON.
    """
    found: JsonObject = {}
    for field in dataclasses.fields(value):
        own = getattr(value, field.name)
        how = field.metadata.get(_HOW)
        if how == OMIT[_HOW] or (own is None and how is not None):
            continue
        if how == INLINE[_HOW]:
            found |= json_object(own)
        else:
            found[field.name] = plain(own)
    return found


def at(value: Json, *keys: str) -> Json:
    """What stands in nested JSON objects under ``keys``; None where one of them is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def number_at(value: Json, *keys: str) -> float | None:
    """``at``, where that is a number; else None."""
    found = at(value, *keys)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
