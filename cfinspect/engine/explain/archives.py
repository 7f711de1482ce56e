"""Which files of torch may be opened: none that could bring pickles, libraries or code with them.

torch.export.load reads many things that exports seldom hold: it unpickles objects, loads compiled
libraries and evaluates formulas. What is not known to be harmless is refused before it looks.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch

from cfinspect.engine.base.errors import CfinspectError

_PICKLE = (
    "{} is or holds a pickle, which could run anything when it is opened: save the network with "
    "torch.jit.save, torch.export.save or as ONNX, or train a cfinspect model"
)
_HARMLESS = re.compile(
    r"(archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)"
    r"|models/model\.json|data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)|data/sample_inputs/model\.pt)"
)
_FUNCTIONS = {"Symbol", "Integer", "Rational", "Max", "Min", "Mod", "FloorDiv", "CeilDiv"}
_FORMULA = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword),
    *(ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Compare, ast.cmpop),
)


def kind_of_archive(path: Path) -> Literal["script", "export"]:
    """What kind of torch archive a file is.

    CfinspectError for a pickle, for an export with anything in it that could run, and for files
    that are none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [name.partition("/")[2] for name in archive.namelist()]
            if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
                return "script"
            if "archive_format" in inner:
                _refuse_code(path, archive)
                return "export"
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            start = file.read(1)
        if start != b"\x80":
            raise CfinspectError(
                f"{path} is no classifier that cfinspect reads: give a cfinspect model "
                "(.safetensors), TorchScript, torch.export or ONNX"
            ) from None
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


def _refuse_code(path: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    inner = [name.partition("/")[2] for name in names]
    # Two files of one name, or of two folders: torch might read another one than is looked at.
    twice = len(set(map(str.casefold, inner))) < len(inner)
    if twice or len({name.partition("/")[0] for name in names}) > 1:
        raise CfinspectError(f"{path} holds a file twice: it was changed by hand")
    for name, full in zip(inner, names, strict=True):
        if not _HARMLESS.fullmatch(name):
            raise CfinspectError(
                f"{path} holds {name}, which could bring code with it, or a pickle, which could "
                "run anything when it is opened: export the network alone, or as ONNX"
            )
        try:
            _refuse_part(path, name, archive.read(full))
        except (ValueError, SyntaxError, RecursionError) as error:
            raise CfinspectError(f"{path}: {name} is damaged, or was changed by hand") from error


def _refuse_part(path: Path, name: str, content: bytes) -> None:
    if name.endswith("model.pt"):
        try:
            with only_tensors():
                torch.load(io.BytesIO(content), weights_only=True)
        except Exception:
            raise CfinspectError(_PICKLE.format(path)) from None
    elif name.endswith(".json"):
        for key, value in _entries(json.loads(content)):
            if key == "use_pickle" and value is not False:
                raise CfinspectError(_PICKLE.format(path))
            if key == "expr_str" and not _is_formula(str(value)):
                raise CfinspectError(f"{path} holds formulas that are none: changed by hand?")


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of a JSON value with what they hold, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _is_formula(text: str) -> bool:
    """Sums, products and comparisons of symbols, and a few functions by their bare name."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _FORMULA):
            return False
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        ):
            return False
        if isinstance(node, ast.Constant) and not (
            isinstance(node.value, bool | int | float)
            or (isinstance(node.value, str) and node.value.isidentifier())
        ):
            return False
    return True
