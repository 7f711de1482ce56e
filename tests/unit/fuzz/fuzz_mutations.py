"""Changes to sound files, by chance: of their bytes, and of the structure that they have.

All chance comes from the ``random.Random`` that is handed in: the same one gives the same file.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any
from xml.etree import ElementTree

Change = Callable[[bytes, Random], bytes]
INTEGERS = (0, 1, 2, -1, -2, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)
NAMES = (
    "../../a.png",
    "/etc/passwd",
    "C:\\x\\a.png",
    "\\\\nas\\x.png",
    "a\0.png",
    "=1+1",
    "\x1b[2J",
)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        0,
        1,
        0.5,
        -0.0,
        1e308,
        -1e308,
        1e-320,
        10**30,
        2**53,
        2**63,
        -(2**63),
    ),
    *(float("nan"), float("inf"), "", " ", "x" * 5000, "\ud800", "\x00", "\u202e", "NaN", "1e999"),
    *([], {}, [[]], [[[[]]]], [0], [1, 2], [None] * 50, {"a": 1}, {"0": {}}, *NAMES),
)


def of_bytes(data: bytes, chance: Random) -> bytes:
    """One to six small changes anywhere."""
    changed = bytearray(data)
    for _ in range(1 + int(chance.expovariate(1)) % 6):
        at = chance.randrange(len(changed) + 1)
        if len(changed) > 64 and chance.random() < 0.5:
            at = chance.randrange(64)  # the header decides more than the rest
        _STEPS[chance.randrange(len(_STEPS))](changed, at, chance)
    return bytes(changed)


def _flip(data: bytearray, at: int, chance: Random) -> None:
    if at < len(data):
        data[at] ^= 1 << chance.randrange(8)


def _set(data: bytearray, at: int, chance: Random) -> None:
    data[at : at + 1] = bytes([chance.choice((0, 1, 127, 128, 254, 255, chance.randrange(256)))])


def _number(data: bytearray, at: int, chance: Random) -> None:
    width = chance.choice((2, 4, 8))
    order: Any = chance.choice(("little", "big"))
    value = chance.choice(INTEGERS) % (1 << (8 * width))
    data[at : at + width] = value.to_bytes(width, order)


def _insert(data: bytearray, at: int, chance: Random) -> None:
    data[at:at] = chance.choice((bytes(chance.randrange(1, 64)), chance.randbytes(8), b"\xff" * 9))


def _delete(data: bytearray, at: int, chance: Random) -> None:
    del data[at : at + chance.choice((1, 2, 4, 16, 200))]


def _repeat(data: bytearray, at: int, chance: Random) -> None:
    data[at:at] = data[at : at + chance.choice((4, 30, 300))] * chance.choice((1, 2, 40))


def _cut(data: bytearray, at: int, chance: Random) -> None:
    del data[at:]


def _move(data: bytearray, at: int, chance: Random) -> None:
    other = chance.randrange(len(data) + 1)
    data[at : at + 16] = data[other : other + 16]


_STEPS = (_flip, _flip, _set, _set, _number, _number, _insert, _delete, _repeat, _cut, _move)


# Values of JSON -------------------------------------------------------------------------------


def of_tree(value: Any, chance: Random) -> Any:
    """JSON values with one to four of them changed, left out, doubled or renamed."""
    tree = copy.deepcopy(value)
    for _ in range(1 + int(chance.expovariate(1)) % 4):
        places = _places(tree)
        if not places:
            return chance.choice(ODD)
        box, key = chance.choice(places)
        _change_value(box, key, chance, [holder[name] for holder, name in places])
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Where values stand: (list or dict, index or key), at most some thousands."""
    found: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo and len(found) < 4000:
        box = todo.pop()
        keys = list(box) if isinstance(box, dict) else range(len(box))
        for key in keys:
            found.append((box, key))
            if isinstance(box[key], dict | list):
                todo.append(box[key])
    return found


def _change_value(box: Any, key: Any, chance: Random, others: list[Any]) -> None:
    old = box[key]
    how = chance.randrange(9)
    if how == 0:
        del box[key]
    elif how == 1 and isinstance(box, list):
        box[key:key] = [copy.deepcopy(old)] * chance.choice((1, 1, 2, 30))
    elif how == 2 and isinstance(box, dict):
        box[chance.choice((f"{key} ", str(key).upper(), "", "x"))] = box.pop(key)
    elif how == 3 and isinstance(old, int | float) and not isinstance(old, bool):
        odd = (-old, old + 0.5, old * 10**9, -(10**9) - old, str(old), [old], old / 3, 255)
        box[key] = chance.choice(odd)
    elif how == 4 and isinstance(old, str):
        box[key] = chance.choice(
            (old * 2, old.upper(), f" {old}\n", old[: len(old) // 2], f"{old}é裂")
        )
    elif how == 5:
        # Without copies of what it lies in: that would be a tree without end.
        box[key] = copy.deepcopy(
            chance.choice([one for one in others if not _holds(one, box)] or ODD)
        )
    elif how == 6 and chance.random() < 0.1:
        box[key] = json.loads("[" * 900 + "]" * 900)
    else:
        box[key] = copy.deepcopy(chance.choice(ODD))


def _holds(value: Any, box: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is box or any(_holds(one, box) for one in inner)


def of_json(data: bytes, chance: Random) -> bytes:
    """A JSON file, changed as a tree, as text or as bytes."""
    if chance.random() < 0.15:
        return of_bytes(data, chance)
    try:
        text = json.dumps(of_tree(json.loads(data), chance), ensure_ascii=chance.random() < 0.5)
    except (ValueError, RecursionError):
        return of_bytes(data, chance)
    if chance.random() < 0.03:
        text = text.replace("[", "[" * chance.choice((2, 100_000)), 1)
    return encoded(text, chance)


def encoded(text: str, chance: Random) -> bytes:
    """UTF-8 as a rule, sometimes what other systems write."""
    if chance.random() < 0.1:
        text = text.replace("\n", "\r\n")
    if chance.random() < 0.8:
        return text.encode("utf-8", "surrogatepass")
    name = chance.choice(
        ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp1252", "cp437")
    )
    return text.encode(name, "replace")


# XML and lines of text ------------------------------------------------------------------------


def of_xml(data: bytes, chance: Random) -> bytes:
    """An XML file, changed as a tree or as bytes."""
    if chance.random() < 0.2:
        return of_bytes(data, chance)
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return of_bytes(data, chance)
    for _ in range(1 + int(chance.expovariate(1)) % 4):
        _change_element(root, chance)
    text = ElementTree.tostring(root, encoding="unicode")
    if chance.random() < 0.1:
        name = chance.choice(("utf-8", "utf-16", "gb2312", "latin-1", "rot13", "x", "utf-7"))
        text = f'<?xml version="1.0" encoding="{name}"?>\n{text}'
    return encoded(text, chance)


def _change_element(root: ElementTree.Element, chance: Random) -> None:
    one = chance.choice(list(root.iter()))
    how = chance.randrange(6)
    if how == 0 and len(one):
        one.remove(chance.choice(list(one)))
    elif how == 1 and len(one):
        one.extend([copy.deepcopy(chance.choice(list(one)))] * chance.choice((1, 1, 30)))
    elif how == 2:
        one.tag = chance.choice(("image", "track", "mask", "polygon", "object", "size", "x"))
    elif one.attrib and how in {3, 4}:
        key = chance.choice(list(one.attrib))
        if chance.random() < 0.2:
            del one.attrib[key]
        else:
            one.set(key, odd_text(one.get(key, ""), chance))
    else:
        one.text = odd_text(one.text or "", chance)


def odd_text(text: str, chance: Random) -> str:
    """Another text, that may stand in an XML file or on a line."""
    odd = [str(value) for value in ODD if not isinstance(value, str) or value.isprintable()]
    changed = [text * 2, text[: len(text) // 2], text.replace(",", ";"), f"-{text}", f"{text}.5"]
    return chance.choice([*odd, *changed, text.replace("1", "1" * 30)])


def of_lines(data: bytes, chance: Random) -> bytes:
    """A text of lines and words (YOLO, CSV, YAML), changed word by word or as bytes."""
    if chance.random() < 0.2:
        return of_bytes(data, chance)
    text = data.decode("utf-8", "replace")
    gap = "," if text.count(",") > text.count(" ") else " "
    lines = text.split("\n")
    for _ in range(1 + int(chance.expovariate(1)) % 4):
        at = chance.randrange(len(lines))
        words = lines[at].split(gap)
        place = chance.randrange(len(words))
        how = chance.randrange(6)
        if how == 0:
            del words[place]
        elif how == 1:
            words[place:place] = words[place:][: chance.choice((1, 2, 500))]
        elif how == 2:
            lines[at:at] = [lines[at]] * chance.choice((1, 2, 200))
            continue
        elif how == 3:
            words[place] = chance.choice(
                ('"', "{", "[", ":", "&a", "*a", "!!int x", "- ", "#", "'")
            )
        else:
            words[place] = odd_text(words[place], chance)
        lines[at] = gap.join(words)
    return encoded("\n".join(lines), chance)
