"""Changes to files that hold others: pictures with chunks and segments, archives, models."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from random import Random
from zipfile import BadZipFile, ZipFile

from fuzz_mutations import INTEGERS, NAMES, of_bytes, of_json, of_tree


def of_png(data: bytes, chance: Random) -> bytes:
    """A PNG whose chunks are changed and have the right checksums, or changed bytes."""
    if chance.random() < 0.3:
        return of_bytes(data, chance)
    chunks = _chunks(data)
    for _ in range(1 + chance.randrange(3)):
        at = chance.randrange(len(chunks))
        kind, body = chunks[at]
        how = chance.randrange(6)
        if how == 0:
            del chunks[at]
        elif how == 1:
            chunks[at:at] = [(kind, body)] * chance.choice((1, 2, 500))
        elif how == 2:
            odd = (b"tRNS", b"PLTE", b"eXIf", b"iCCP", b"zTXt", b"acTL", b"fdAT", b"IHDR", b"IEND")
            chunks[at] = (chance.choice(odd), body)
        elif how == 3 and kind == b"IDAT":
            chunks[at] = (kind, zlib.compress(of_bytes(_inflated(body), chance)))
        elif how == 4:
            bomb = zlib.compress(bytes(chance.choice((1 << 16, 8 << 20))))
            chunks.insert(at, (b"zTXt", b"a\0\0" + bomb))
        else:
            chunks[at] = (kind, of_bytes(body, chance) if body else chance.randbytes(8))
        if not chunks:
            break
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return data[:8] + b"".join(parts)


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return body


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def of_tiff(data: bytes, chance: Random) -> bytes:
    """A TIFF with one of the entries of its first directory changed, or changed bytes."""
    if chance.random() < 0.3 or data[2:3] not in {b"*", b"\0"}:
        return of_bytes(data, chance)
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(f"{order}I", data, 4)[0]
    changed = bytearray(data)
    for _ in range(1 + chance.randrange(3)):
        if start + 2 > len(data):
            return of_bytes(data, chance)
        count = struct.unpack_from(f"{order}H", data, start)[0]
        at = start + 2 + 12 * chance.randrange(max(1, count))
        offset, form, values = chance.choice(_PARTS)
        if chance.random() < 0.5:
            offset, form, values = 8, "I", (*INTEGERS, start, 4, 34925, 8, 6)
        value = chance.choice(values) % (1 << (8 * struct.calcsize(f"<{form}")))
        packed = struct.pack(f"{order}{form}", value)
        changed[at + offset : at + offset + len(packed)] = packed
    return bytes(changed)


_TAGS = (
    254,
    256,
    257,
    258,
    259,
    262,
    266,
    273,
    274,
    277,
    278,
    279,
    284,
    317,
    320,
    322,
    324,
    330,
    347,
)
# Of an entry: where its tag, its type and its count are, and what they may be.
_PARTS: tuple[tuple[int, str, tuple[int, ...]], ...] = (
    (0, "H", _TAGS),
    (2, "H", tuple(range(20))),
    (4, "I", INTEGERS),
)


def of_jpeg(data: bytes, chance: Random) -> bytes:
    """A JPEG whose segments are changed, doubled or left out, or changed bytes."""
    starts = [
        at for at in range(2, len(data) - 4) if data[at] == 255 and 0xC0 <= data[at + 1] <= 0xFE
    ]
    if chance.random() < 0.4 or not starts:
        return of_bytes(data, chance)
    at = chance.choice(starts)
    size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    segment = data[at : at + size]
    how = chance.randrange(4)
    if how == 0:
        segment = b""
    elif how == 1:
        segment *= chance.choice((2, 3, 400))
    elif how == 2:
        segment = segment[:4] + of_bytes(segment[4:], chance)
    else:
        segment = segment[:1] + bytes([chance.randrange(0xC0, 0xFF)]) + segment[2:]
    return data[:at] + segment + data[at + size :]


def of_safetensors(data: bytes, chance: Random) -> bytes:
    """A safetensors file whose header or text of metadata is changed, or changed bytes."""
    if chance.random() < 0.25:
        return of_bytes(data, chance)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = header.get("__metadata__", {})
    texts = [key for key in about if about[key][:1] == "{"]
    if texts and chance.random() < 0.6:
        key = chance.choice(texts)
        about[key] = json.dumps(of_tree(json.loads(about[key]), chance))
    else:
        header = of_tree(header, chance)
    text = json.dumps(header, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    length = len(text) if chance.random() < 0.95 else chance.choice(INTEGERS) % 2**64
    return length.to_bytes(8, "little") + text + data[8 + size :]


def of_zip(data: bytes, chance: Random) -> bytes:
    """A zip archive with one of its members changed, renamed, doubled or left out; or bytes."""
    if chance.random() < 0.25:
        return of_bytes(data, chance)
    try:
        with ZipFile(BytesIO(data)) as archive:
            members = [(one.filename, archive.read(one)) for one in archive.infolist()]
    except BadZipFile:
        return of_bytes(data, chance)
    at = chance.randrange(len(members))
    name, body = members[at]
    how = chance.randrange(8)
    if how == 0:
        del members[at]
    elif how == 1:
        members[at] = (chance.choice((*NAMES, name.upper(), "byteorder", f"{name}/")), body)
    elif how == 2:
        members.append((name, of_bytes(body, chance)))
    else:
        members[at] = (name, (of_json if name.endswith(".json") else of_bytes)(body, chance))
    stream = BytesIO()
    with ZipFile(stream, "w", compression=chance.choice((0, 0, 8))) as archive:
        for name, body in members:
            archive.writestr(name.replace("\0", "_"), body)
    return stream.getvalue()
