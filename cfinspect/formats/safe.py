"""Reading files that somebody else made: bounded in size, no surprises, one sentence each."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from cfinspect.engine.base.atomic import read_regular
from cfinspect.engine.base.budget import MAX_PIXELS
from cfinspect.engine.data.class_words import class_words, fold_word
from cfinspect.engine.data.encodings import EncodingError, decode
from cfinspect.formats.exchange_types import FormatError

MAX_TEXT_BYTES = 512 << 20
_MOST_PARTS = 20_000_000  # brackets; COCO's own labels of 118,000 photos have four million
_MAX_NAME = 1000


def read_text(path: Path, notes: list[str] | None = None, most: int = MAX_TEXT_BYTES) -> str:
    """The text of a file of at most ``most`` bytes; ``notes`` gets a sentence for odd ones."""
    try:
        return decode(_read(path, most), path, notes)
    except EncodingError as error:
        raise FormatError(str(error)) from error


def _read(path: Path, most: int = MAX_TEXT_BYTES) -> bytes:
    try:
        data = read_regular(path, most)
    except OSError as error:
        raise FormatError(f"Cannot read {path}: {error.strerror}.") from error
    if data is None:
        raise FormatError(
            f"{path} has more than {most / (1 << 20):g} MiB, which is the most that can be read: "
            "split it."
        )
    return data


def read_json(path: Path, notes: list[str] | None = None) -> dict[str, Any]:
    """A JSON object; ``notes`` as in `read_text`.

    NaN and Infinity, which Python's writers leave behind, are read: `number` refuses them where
    they would count.
    """
    text = read_text(path, notes)
    _require_few(text.count("{") + text.count("["), path)
    try:
        value = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is no JSON file, or cut short ({error}).") from error
    except _TwinError as error:
        raise FormatError(
            f'{path} has "{str(error)[:60]}" twice in one object, with different values: keep one.'
        ) from error
    if not isinstance(value, dict):
        raise FormatError(f"{path} is no JSON object.")
    return value


def _require_few(parts: int, path: Path) -> None:
    """FormatError where the values would take far more memory than the file."""
    if parts > _MOST_PARTS:
        raise FormatError(
            f"{path} has {parts:,} brackets, and {_MOST_PARTS:,} are the most that can be read: "
            "split it."
        )


class _TwinError(Exception):
    """A name that stands for two things; which one its writer means, nobody knows."""


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] != value:
                raise _TwinError(name)
    return found


def read_xml(path: Path, notes: list[str] | None = None) -> ElementTree.Element:
    """The root of an XML file; one that declares a document type (and so entities) is refused.

    ``notes`` as in `read_text`.
    """
    data = _read(path)
    _require_few(data.count(b"<"), path)
    try:
        return _parsed(data, path)
    except _NO_XML as error:
        # The parser knows few encodings, and some writers declare none.
        try:
            text = decode(data, path, notes)
            return _parsed(_DECLARATION.sub("", text, count=1).encode("utf-8"), path)
        except _DoctypeError:
            raise
        except (*_NO_XML, EncodingError):
            raise FormatError(f"{path} is no XML file, or cut short ({error}).") from error


def _parsed(data: bytes, path: Path) -> ElementTree.Element:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise _DoctypeError(
            f"{path} declares a document type; label files need none, and such may be harmful."
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)
    return ElementTree.fromstring(data)


class _DoctypeError(FormatError):
    """Stays what it is, whatever the encoding."""


_NO_XML = (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def clean_name(name: object, where: str) -> str:
    """A file name from somebody else's file: forward slashes, nothing absolute or upward.

    Raises FormatError for what is no text, empty or absurdly long.
    """
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _MAX_NAME or not _is_plain(name):
        raise FormatError(f"{where} has no usable file name.")
    plain = _DRIVE.sub("", name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in {"", ".", ".."}]
    if not parts:
        raise FormatError(f"{where} has no usable file name.")
    return "/".join(parts)


_DRIVE = re.compile(r"^[A-Za-z]:")


def _is_plain(name: str) -> bool:
    """Whether a name is text that can be stored, without control characters."""
    if name.isascii() and name.isprintable():
        return True
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def for_xml(root: ElementTree.Element) -> ElementTree.Element:
    """The element, with control characters of names written out: XML cannot hold them."""
    for one in root.iter():
        one.text = _of_xml(one.text) if one.text else one.text
        one.attrib.update({name: _of_xml(value) for name, value in one.attrib.items()})
    return root


def _of_xml(text: str) -> str:
    return _NO_XML_CHARACTER.sub(lambda found: ascii(found[0])[1:-1], text)


# What XML 1.0 has no place for; names of classes hold none of these, names of files may.
_NO_XML_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def size_of(height: object, width: object, where: str) -> tuple[int, int]:
    """(height, width) as whole numbers; FormatError when absurd or over the limit of pixels."""
    sides = (number(height, where), number(width, where))
    if any(side < 1 or side != int(side) for side in sides) or sides[0] * sides[1] > MAX_PIXELS:
        raise FormatError(f"{where} says {width} x {height} pixels, which no image here can have.")
    return int(sides[0]), int(sides[1])


def number(value: object, where: str) -> float:
    """A finite number, also from text; FormatError otherwise."""
    if type(value) is float and math.isfinite(value):  # nearly all of them
        return value
    try:
        if isinstance(value, str) and "_" in value:
            raise ValueError(value)  # Python's own way to write a number
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or isinstance(value, bool):
        raise FormatError(f"{where}: {str(value)[:40]!r} is no number.")
    return found


def pixel_runs(counts: list[int], height: int, width: int, where: str) -> list[int]:
    """Lengths of runs, checked: none negative, together exactly the image's pixels."""
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise FormatError(f"{where} has run lengths that do not fit {width} x {height} pixels.")
    return counts


def objects(values: object, where: str) -> list[dict[str, Any]]:
    """``values`` when it is a list of JSON objects; FormatError otherwise."""
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise FormatError(f"{where} is no list of objects.")
    return values


def verdict_of(words: Iterable[str], where: str) -> int | None:
    """0 or 1 as the ``words`` say that class folders may have; None where none is among them.

    Raises FormatError where they contradict one another.
    """
    known = class_words()
    labels = {known[one] for one in map(fold_word, words) if one in known}
    if len(labels) > 1:
        raise FormatError(f"{where} is called both undamaged and damaged.")
    return next(iter(labels), None)


def visible_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files below ``folder`` with one of the ``suffixes`` (lower case), in order.

    Hidden ones, which a Mac leaves beside every file of a stick, are passed over.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
