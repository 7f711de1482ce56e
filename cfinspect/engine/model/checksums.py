"""Are model files whole and unchanged? Compared with a list of sums as ``sha256sum`` writes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cfinspect.engine.base.atomic import NoRegularFileError, read_regular_text
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import BACKBONE
from cfinspect.engine.model.file import load_metadata

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


@dataclass(frozen=True)
class Verified:
    """One file: whether it is what it should be, and what was found, in words."""

    path: Path
    ok: bool
    sha256: str
    detail: str


def read_sums(path: Path) -> dict[str, str]:
    """File name -> 64 lower-case hex digits; raises CfinspectError with a sentence."""
    try:
        lines = read_regular_text(path).removeprefix("\ufeff").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CfinspectError(f"The list of sums {path} cannot be read: {error}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise CfinspectError(
                f"{path}, line {number} is no SHA-256 sum with a file name: {line[:60]!r}"
            )
        found[Path(match[2]).name] = match[1].lower()
    return found


def check_models(paths: list[Path], sums: Mapping[str, str] | None) -> Iterator[Verified]:
    """Read every file to its end; without ``sums`` only its structure and metadata are checked."""
    for path in paths:
        try:
            if path.exists() and not path.is_file():
                raise NoRegularFileError(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            yield Verified(path, False, "", f"cannot be read: {error}")
            continue
        if sums is not None and path.name not in sums:
            yield Verified(path, False, digest, "is not in the list of sums")
            continue
        if sums is not None and sums[path.name] != digest:
            yield Verified(path, False, digest, "differs from the published file: get it again")
            continue
        if path.stem == BACKBONE and sums is not None:
            yield Verified(path, True, digest, "unchanged, the pretrained backbone")
            continue
        try:
            metadata = load_metadata(path)
        except CfinspectError as error:
            yield Verified(path, False, digest, str(error))
            continue
        same = "unchanged" if sums is not None else "whole (no list of sums to compare with)"
        yield Verified(path, True, digest, f"{same}, made {metadata.created}")
