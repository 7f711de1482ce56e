"""Which files of torch may be opened: none that could bring pickles, libraries or code with them.

torch.export.load reads many things that exports seldom hold: it unpickles objects, loads compiled
libraries and evaluates formulas. So it never sees the file: each member is read once and checked,
and what is loaded is a new archive, in memory, of exactly what was checked.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

import torch

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.program import only_computing

_PICKLE = (
    "{} is or holds a pickle, which could run anything when it is opened: save the network with "
    "torch.jit.save, torch.export.save or as ONNX, or train a cfinspect model"
)
_HARMLESS = re.compile(
    r"(archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)"
    r"|models/model\.json|data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)|data/sample_inputs/model\.pt)"
)
_FOLDER = "classifier/"  # of the members of the new archive
_PROGRAM, _SAMPLES = "models/model.json", "data/sample_inputs/model.pt"
_TENSOR = re.compile(r"(weight|tensor)_\d+")
_MOST_MEMBERS = 100_000


def kind_of_archive(path: Path) -> Literal["script", "export"]:
    """What kind of torch archive a file is; CfinspectError for a pickle, and for what is none.

    Only names are looked at: see ``rebuilt_export`` for what is inside.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [name.partition("/")[2] for name in archive.namelist()]
    except (zipfile.BadZipFile, UnicodeDecodeError):
        with path.open("rb") as file:
            start = file.read(1)
        if start != b"\x80":
            raise CfinspectError(
                f"{path} is no classifier that cfinspect reads: give a cfinspect model "
                "(.safetensors), TorchScript, torch.export or ONNX"
            ) from None
        raise CfinspectError(_PICKLE.format(path)) from None
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "script"
    if "archive_format" in inner:
        return "export"
    raise CfinspectError(_PICKLE.format(path))


@contextlib.contextmanager
def only_tensors() -> Iterator[None]:
    """While it lasts, torch.load unpickles tensors only, whoever calls it."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def rebuilt_export(path: Path) -> io.BytesIO:
    """A new torch.export archive of what was read from the file's and checked.

    It holds the program and its tensors; the example inputs, a pickle, stay behind. Raises
    CfinspectError for an archive with anything in it that could run.
    """
    try:
        with path.open("rb") as file:
            members = _members(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise CfinspectError(f"{path} is damaged, or was changed by hand: {error}") from error
    folders = {name.partition("/")[0] for name in members}
    inner = {name.partition("/")[2]: content for name, content in members.items()}
    # Two files of one name, or of two folders: torch might read another one than is looked at.
    if len(folders) > 1 or len(set(map(str.casefold, inner))) < len(members):
        raise CfinspectError(f"{path} holds a file twice: it was changed by hand")
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name, content in inner.items():
            if not _HARMLESS.fullmatch(name):
                raise CfinspectError(
                    f"{path} holds {name[:100]!r}, which could bring code with it, or a pickle, "
                    "which could run anything when it is opened: export the network alone, or as "
                    "ONNX"
                )
            try:
                archive.writestr(_FOLDER + name, _checked(path, name, content, inner))
            except (ValueError, SyntaxError, RecursionError, LookupError, TypeError) as error:
                raise CfinspectError(
                    f"{path}: {name} is damaged, or was changed by hand ({str(error)[:200]})"
                ) from error
    found.seek(0)
    return found


def _members(file: IO[bytes]) -> dict[str, bytes]:
    """All members of a zip file as torch writes it: stored, each once, and nothing around them."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(infos) > _MOST_MEMBERS or len(set(names)) < len(names):
            raise ValueError("it holds a file twice, or too many")
        # torch compresses nothing, so members that are larger than the file overlap or unfold.
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("it is compressed, which no export is")
        if sum(info.file_size for info in infos) > size:
            raise ValueError("its parts are larger than the whole")
        if archive.comment or min((info.header_offset for info in infos), default=1) != 0:
            raise ValueError("there is something before or behind the archive in it")
        file.seek(0)
        if file.read(4) != b"PK\x03\x04":
            raise ValueError("there is something before the archive in it")
        return {info.filename: archive.read(info) for info in infos}


def _checked(path: Path, name: str, content: bytes, inner: dict[str, bytes]) -> bytes:
    """What stands for a member in the new archive; ValueError for what could run or take much."""
    if name == _SAMPLES:
        try:
            _members(io.BytesIO(content))
            with only_tensors():
                torch.load(io.BytesIO(content), weights_only=True)
        except Exception:
            raise CfinspectError(_PICKLE.format(path)) from None
        return b""
    if not name.endswith(".json"):
        return content
    value = json.loads(content, object_pairs_hook=_without_twins)
    if name == _PROGRAM:
        return json.dumps(only_computing(value)).encode()
    folder = name.rpartition("/")[0]
    for tensor in value["config"].values():
        if tensor["use_pickle"] is not False:
            raise CfinspectError(_PICKLE.format(path))
        if not _TENSOR.fullmatch(tensor["path_name"]):
            raise ValueError("a tensor has an odd name")
        _require_room(tensor["tensor_meta"]["sizes"], inner[f"{folder}/{tensor['path_name']}"])
    return json.dumps(value).encode()


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in it")
    return found


def _require_room(sizes: list[dict[str, Any]], content: bytes) -> None:
    """A tensor has a byte for each number at least; else a few bytes would become all memory."""
    if math.prod(size["as_int"] for size in sizes) > len(content):
        raise ValueError("a tensor is larger than what is stored of it")
