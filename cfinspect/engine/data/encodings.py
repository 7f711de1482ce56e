"""Text of other tools: UTF-8 as a rule, and what older programs wrote on their own systems."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from cfinspect.engine.base.atomic import read_regular
from cfinspect.engine.base.errors import CfinspectError

_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# What a file may say of itself: text encodings alone, none of Python's that do more. Not UTF-16:
# where that can be read as a byte for each letter, it is wrong (.NET writes UTF-8 and says UTF-16).
_KNOWN = frozenset(
    {
        *("utf-8", "ascii", "gb18030", "gbk", "gb2312"),
        *("big5", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "koi8-r"),
        *(f"cp125{number}" for number in range(9)),
        *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-15"),
    }
)
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


class EncodingError(CfinspectError):
    """A file that is no text."""


def decode(data: bytes, path: Path, notes: list[str] | None = None) -> str:
    """The text of ``data``, without a byte order mark; ``notes`` gets a sentence for a guess.

    UTF-8, 16 and 32; else what an XML file declares, GB18030 (Chinese Windows) where the bytes
    come in pairs as it writes them, or Windows-1252. Raises EncodingError where none of them fits.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data, name, path)
    if b"\0" in data[:4]:  # ASCII letters in two bytes each
        return _decoded(data, "utf-16-be" if data[:1] == b"\0" else "utf-16-le", path)
    declared = declared_encoding(data)
    if declared:
        return _decoded(data, declared, path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pairs = all(len(run.group()) % 2 == 0 for run in _HIGH_BYTES.finditer(data))
    name = "gb18030" if pairs else "cp1252"
    text = _decoded(data, name, path)
    if notes is not None:
        notes.append(f"{path} is no UTF-8; it was read as {name.upper()}.")
    return text


def declared_encoding(data: bytes) -> str | None:
    """What an XML file says that it is written in, if that is one of the usual ones."""
    found = _DECLARED.match(data[:200])
    if found is None:
        return None
    try:
        name = codecs.lookup(found.group(1).decode("ascii")).name
    except LookupError:
        return None
    return name if name in _KNOWN else None


def _decoded(data: bytes, name: str, path: Path) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"{path} is no text that can be read (tried as {name.upper()}): save it as UTF-8."
        ) from error


def read_decoded(path: Path, most: int, notes: list[str]) -> str:
    """The text of a file of ``most`` bytes at most, see `decode`; EncodingError with a sentence."""
    try:
        data = read_regular(path, most)
    except OSError as error:
        raise EncodingError(f"Cannot read {path}: {error.strerror}.") from error
    if data is None:
        raise EncodingError(f"{path} has more than {most >> 20} MiB: split it.")
    return decode(data, path, notes)
