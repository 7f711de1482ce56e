"""The bundle as one archive that is the same for the same files; manifest and checksums."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path
from typing import BinaryIO

MANIFEST = "MANIFEST.json"
SUMS = "SHA256SUMS"
_GZIP_LEVEL = 6
# Machine code packs better once its jumps are absolute; repeats lie far apart in large libraries.
_XZ_FILTERS = [
    {"id": lzma.FILTER_X86},
    {"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 64 << 20},
]


def sha256(path: Path) -> str:
    """The file's SHA-256 as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> dict[str, str]:
    """Write ``MANIFEST.json``: every file's SHA-256, every link's target; returns it.

    ``SHA256SUMS`` beside it says the same of the files for ``sha256sum -c``.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink().as_posix()}"
        elif path.is_file() and name not in {MANIFEST, SUMS}:
            found[name] = sha256(path)
    (folder / MANIFEST).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sums = [f"{said}  {name}\n" for name, said in found.items() if not said.startswith("->")]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8", newline="\n")
    return found


def pack(folder: Path, archive: Path, moment: int, name: str) -> Path:
    """Pack ``folder`` as ``name`` into ``archive`` (.tar.xz, .tar.gz or .zip), links kept.

    .tar.xz takes two thirds of .tar.gz's space, and minutes for each gigabyte.

    Owners, times (``moment``, seconds since 1970) and modes depend on the files alone, so that two
    builds of one commit are one archive. Returns the file, with its checksum beside it.
    """
    paths = [folder, *sorted(folder.rglob("*"))]
    if archive.suffix == ".zip":
        _zip(folder, paths, archive, name)
    else:
        with (
            archive.open("wb") as raw,
            _compressed(archive, raw, moment) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in paths:
                _add(tar, path, Path(name, path.relative_to(folder)).as_posix(), moment)
    sums = archive.with_name(archive.name + ".sha256")
    sums.write_text(f"{sha256(archive)}  {archive.name}\n", encoding="utf-8", newline="\n")
    return archive


def _compressed(archive: Path, raw: BinaryIO, moment: int) -> gzip.GzipFile | lzma.LZMAFile:
    if archive.suffix == ".xz":
        return lzma.LZMAFile(raw, "wb", filters=_XZ_FILTERS)
    return gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=moment)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar.xz or .tar.gz of ``pack``'s into ``folder``, links and modes as in it."""
    with tarfile.open(archive) as packed:
        # Newer Pythons ask how far to trust it; 3.11.3 and older do not know the word.
        packed.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        packed.extractall(folder)


def _add(tar: tarfile.TarFile, path: Path, name: str, moment: int) -> None:
    # Not TarFile.gettarinfo: it makes links of files that happen to be one on the builder's disk.
    entry = tarfile.TarInfo(name)
    entry.mtime = moment
    if path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, path.readlink().as_posix()
        tar.addfile(entry)
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
    else:
        found = path.stat()
        entry.size, entry.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
        with path.open("rb") as file:
            tar.addfile(entry, file)


def _zip(folder: Path, paths: list[Path], archive: Path, name: str) -> None:
    """For Windows, where there are no links to keep."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=_GZIP_LEVEL) as packed:
        for path in paths:
            if path.is_file():
                entry = zipfile.ZipInfo(Path(name, path.relative_to(folder)).as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                with path.open("rb") as file, packed.open(entry, "w") as target:
                    while block := file.read(1 << 20):
                        target.write(block)


def sizes(folder: Path) -> tuple[int, list[tuple[str, int]]]:
    """Bytes of the whole bundle, and of its parts (files or packages), the largest first."""
    parts: dict[str, int] = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            if path.is_symlink():
                continue
            inside = path.relative_to(folder).parts
            depth = 4 if "nvidia" in inside or "torch" in inside else 2
            part = "/".join(inside[:depth])
            parts[part] = parts.get(part, 0) + path.stat().st_size
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    return sum(parts.values()), ordered
