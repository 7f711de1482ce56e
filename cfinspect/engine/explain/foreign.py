"""Classifiers from elsewhere: TorchScript, torch.export or ONNX files, read without pickles."""

from __future__ import annotations

import importlib.util
import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from cfinspect.engine.device import Device
from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.explain.classifier import resized

Outputs = Literal["logits", "probabilities"]
SUFFIXES = (".pt", ".pth", ".pt2", ".ts", ".torchscript", ".onnx")
_TINY = 1e-6
_UNIT = 1e-3  # how far from 1 probabilities may add up


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How to use a classifier that brings no card.

    ``size``: side of its square input in px. ``mean``, ``std``: of the channels of RGB in [0, 1],
    subtracted and divided by. ``damaged``: place of "damaged" among its outputs; one output alone
    speaks for damaged. ``outputs``: what they are. ``threshold``: damaged from this probability on.
    """

    size: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    damaged: int = 1
    outputs: Outputs = "logits"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        rules = (
            (1 <= self.size <= 4096, "its input size must be in 1..4096"),
            (len(self.mean) == 3 and len(self.std) == 3, "mean and std need three numbers each"),
            (all(value > 0 for value in self.std), "std must be above 0"),
            (self.damaged >= 0, "the place of damaged must not be negative"),
            (0 < self.threshold < 1, "the threshold must be between 0 and 1"),
        )
        for ok, sentence in rules:
            if not ok:
                raise CfinspectError(f"classifier: {sentence}")


class ForeignClassifier:
    """A ``Classifier`` around somebody else's network; ``one_by_one``: it takes one at a time."""

    def __init__(
        self,
        network: Callable[[Tensor], Any],
        usage: Usage,
        device: Device,
        name: str,
        *,
        differentiable: bool = True,
    ) -> None:
        self.name = name
        self.size = usage.size
        self.device = device
        self.differentiable = differentiable
        self.module = network if isinstance(network, nn.Module) else None
        self._network = network
        self._usage = usage
        self.one_by_one = False
        self._mean, self._std = (
            torch.tensor(values, device=device.device).view(1, 3, 1, 1)
            for values in (usage.mean, usage.std)
        )

    def excess(self, x: Tensor) -> Tensor:
        """See ``Classifier``; CfinspectError where the network refuses or its answer fits not."""
        shown = (resized(x, self.size) - self._mean) / self._std
        try:
            if self.one_by_one:
                answer = torch.cat([self._network(one) for one in shown.split(1)])
            else:
                answer = self._network(shown)
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            first = (str(error) or type(error).__name__).strip().splitlines()[0]
            raise CfinspectError(
                f"{self.name} cannot look at {tuple(shown.shape)} images ({first}): is "
                "--input-size right?"
            ) from error
        return self._odds(answer) - float(
            np.log(self._usage.threshold / (1 - self._usage.threshold))
        )

    def once(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        return self.excess(x)

    def _odds(self, answer: Any) -> Tensor:
        """Log-odds of damaged, (n,)."""
        if not isinstance(answer, Tensor) or answer.ndim not in (1, 2):
            raise CfinspectError(
                f"{self.name} is no classifier: it does not answer with (n, classes)"
            )
        outputs = answer.float().reshape(len(answer), -1)
        damaged = self._usage.damaged
        single = outputs.shape[1] == 1
        if not single and damaged >= outputs.shape[1]:
            raise CfinspectError(
                f"{self.name} has {outputs.shape[1]} outputs, and damaged cannot be number "
                f"{damaged} (the first is 0): give --index"
            )
        if self._usage.outputs == "logits":
            return outputs[:, 0] if single else _against_others(outputs, damaged)
        if float(outputs.min()) < -_UNIT or float(outputs.max()) > 1 + _UNIT:
            raise CfinspectError(
                f"{self.name} does not answer with probabilities: give --outputs logits"
            )
        p = outputs[:, 0] if single else outputs[:, damaged] / outputs.sum(dim=1)
        return torch.logit(p.clamp(_TINY, 1 - _TINY))


def _against_others(logits: Tensor, damaged: int) -> Tensor:
    others = torch.cat([logits[:, :damaged], logits[:, damaged + 1 :]], dim=1)
    return logits[:, damaged] - torch.logsumexp(others, dim=1)


def load_foreign(path: Path, usage: Usage, device: Device) -> ForeignClassifier:
    """Read a classifier; never runs code from the file, and so refuses pickles.

    TorchScript (torch.jit.save), torch.export archives (torch.export.save) and ONNX, the latter by
    onnx2torch where it knows all operators, else by onnxruntime and without gradients. Raises
    CfinspectError with a sentence for everything else.
    """
    if path.suffix.lower() == ".onnx":
        found = _onnx(path, usage, device)
    else:
        found = ForeignClassifier(_torch_network(path, device), usage, device, path.name)
    grey = torch.full((2, 3, usage.size, usage.size), 0.5, device=device.device)
    with torch.no_grad():
        # What does not fit is told now, not after minutes.
        try:
            answer = found.excess(grey)
        except CfinspectError:
            # Many were exported for one image at a time.
            found.one_by_one = True
            answer = found.excess(grey)
    if not bool(torch.isfinite(answer).all()):
        raise CfinspectError(f"{path} answers a grey image with no number: give --mean and --std")
    return found


def _torch_network(path: Path, device: Device) -> Callable[[Tensor], Any]:
    kind = _archive(path)
    try:
        if kind == "script":
            script = torch.jit.load(str(path), map_location=device.device)
            return _Hidden(script.eval())
        exported = torch.export.load(path)
        return _Hidden(exported.module().to(device.device))
    except (RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        first = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise CfinspectError(
            f"{path} cannot be loaded ({first}): was it written by another version of torch?"
        ) from error


class _Hidden:
    """A network whose layers hooks cannot reach."""

    def __init__(self, network: Callable[[Tensor], Any]) -> None:
        self._network = network

    def __call__(self, x: Tensor) -> Any:
        return self._network(x)


def _archive(path: Path) -> Literal["script", "export"]:
    """What kind of torch archive a file is; CfinspectError for a pickle or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2]: name for name in archive.namelist()}
            if "constants.pkl" in names and any(name.startswith("code/") for name in names):
                return "script"
            if "archive_format" in names:
                _refuse_code(path, archive, names)
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


_PICKLE = (
    "{} is or holds a pickle, which could run anything when it is opened: save the network with "
    "torch.jit.save, torch.export.save or as ONNX, or train a cfinspect model"
)
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_HARMLESS = {"Symbol", "Integer", "Rational", "Max", "Min", "Mod", "FloorDiv", "CeilDiv"}


def _refuse_code(path: Path, archive: zipfile.ZipFile, names: dict[str, str]) -> None:
    """torch.export.load would fall back to pickles that are not tensors, and evaluates formulas."""
    for name, full in names.items():
        content = archive.read(full)
        if name.endswith("_config.json") and _says(json.loads(content), "use_pickle", True):
            raise CfinspectError(_PICKLE.format(path))
        if content[:2] == b"PK" or content[:1] == b"\x80":
            try:
                torch.load(io.BytesIO(content), weights_only=True)
            except (RuntimeError, pickle.UnpicklingError, EOFError, zipfile.BadZipFile):
                if not name.startswith("data/weights/"):  # these are bare numbers
                    raise CfinspectError(_PICKLE.format(path)) from None
        if name.startswith("models/") and name.endswith(".json"):
            formulas = re.findall(r'"expr_str"\s*:\s*"((?:[^"\\]|\\.)*)"', content.decode())
            called = {found for text in formulas for found in _CALLED.findall(text)}
            if called - _HARMLESS or any("__" in text for text in formulas):
                raise CfinspectError(
                    f"{path} holds formulas that call {sorted(called - _HARMLESS) or 'code'}: it "
                    "was changed by hand"
                )


def _says(value: Any, key: str, wanted: object) -> bool:
    """Whether a JSON value holds ``key`` with ``wanted`` anywhere."""
    if isinstance(value, dict):
        return value.get(key) == wanted or any(_says(one, key, wanted) for one in value.values())
    return isinstance(value, list) and any(_says(one, key, wanted) for one in value)


def _onnx(path: Path, usage: Usage, device: Device) -> ForeignClassifier:
    """By onnx2torch, with gradients; else by onnxruntime."""
    reason = "onnx2torch is not installed"
    if importlib.util.find_spec("onnx2torch") is not None:
        from onnx2torch import convert  # noqa: PLC0415  (an extra)

        try:
            network = convert(str(path)).eval().requires_grad_(False).to(device.device)
            with torch.no_grad():
                network(torch.zeros(1, 3, usage.size, usage.size, device=device.device))
            return ForeignClassifier(network, usage, device, path.name)
        except Exception as error:
            reason = (str(error) or type(error).__name__).strip().splitlines()[0]
    if importlib.util.find_spec("onnxruntime") is None:
        raise CfinspectError(
            f"{path} cannot be read ({reason}): pip install 'cfinspect[ace]' brings what reads ONNX"
        )
    return ForeignClassifier(_runtime(path), usage, device, path.name, differentiable=False)


def _runtime(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime  # noqa: PLC0415  (an extra)

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        first = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise CfinspectError(f"{path} is no ONNX file that can be read ({first})") from error
    entry = session.get_inputs()[0].name

    def look(x: Tensor) -> Tensor:
        try:
            return torch.from_numpy(session.run(None, {entry: x.cpu().numpy()})[0]).to(x.device)
        except Exception as error:
            raise ValueError(str(error)) from error

    return look
