"""Classifiers from elsewhere: TorchScript, torch.export or ONNX files, read without pickles."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

from cfinspect.engine.base.device import Device
from cfinspect.engine.base.errors import CfinspectError, first_line, is_out_of_memory
from cfinspect.engine.explain.archives import kind_of_archive, only_tensors, rebuilt_export
from cfinspect.engine.explain.classifier import Classifier, resized
from cfinspect.engine.explain.onnx_process import OnnxProcess, checked_onnx
from cfinspect.engine.metrics.probability import logit

Outputs = Literal["logits", "probabilities"]
_TINY = 1e-12
_UNIT = 1e-3  # how far from 1 probabilities may add up


@dataclass(frozen=True, kw_only=True)
class ClassifierUsage:
    """How to use a classifier that brings no metadata.

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


class ExternalClassifier(Classifier):
    """A ``Classifier`` around somebody else's network.

    ``network``: (n, 3, size, size), normalised -> (n, outputs). ``no_gradients``: see
    ``Classifier``. Set ``one_by_one`` where it takes one image at a time.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Any],
        usage: ClassifierUsage,
        device: Device,
        name: str,
        *,
        no_gradients: str = "",
    ) -> None:
        self.name = name
        self.size = usage.size
        self.device = device
        self.limit = float(logit(usage.threshold))
        self.no_gradients = no_gradients
        self.module = network if isinstance(network, nn.Module) else None
        self.one_by_one = False
        self._network = network
        self._usage = usage
        self._mean, self._std = (
            torch.tensor(values, device=device.device).view(1, 3, 1, 1)
            for values in (usage.mean, usage.std)
        )

    def odds(self, x: Tensor) -> Tensor:
        """See ``Classifier``; CfinspectError where the network refuses or its answer fits not."""
        shown = (resized(x, self.size) - self._mean) / self._std
        parts = shown.split(1) if self.one_by_one else (shown,)
        return torch.cat([self._answer(part) for part in parts])

    def once(self, x: Tensor) -> Tensor:
        """See ``Classifier``."""
        return self.odds(x)

    def _answer(self, shown: Tensor) -> Tensor:
        try:
            answer = self._network(shown)
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            if is_out_of_memory(error):
                raise
            raise CfinspectError(
                f"{self.name} cannot look at {tuple(shown.shape)} images ({first_line(error)}): is "
                "--input-size right?"
            ) from error
        if isinstance(answer, Tensor) and self.one_by_one:
            answer = answer.reshape(1, -1)
        if not isinstance(answer, Tensor) or answer.ndim not in (1, 2) or len(answer) != len(shown):
            raise CfinspectError(
                f"{self.name} is no classifier: it does not answer n images with (n, classes)"
            )
        return self._odds_of(answer.float().reshape(len(answer), -1))

    def _odds_of(self, outputs: Tensor) -> Tensor:
        """Log-odds of damaged, (n,), of outputs (n, classes)."""
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
        own = outputs[:, 0] if single else outputs[:, damaged]
        others = 1 - own if single else _others(outputs, damaged).sum(dim=1)
        # Nearly sure answers keep a slope: clamped away from 0 and 1 they would have none.
        return own.clamp_min(_TINY).log() - others.clamp_min(_TINY).log()


def _against_others(logits: Tensor, damaged: int) -> Tensor:
    return logits[:, damaged] - torch.logsumexp(_others(logits, damaged), dim=1)


def _others(outputs: Tensor, damaged: int) -> Tensor:
    return torch.cat([outputs[:, :damaged], outputs[:, damaged + 1 :]], dim=1)


def load_external(
    path: Path, usage: ClassifierUsage, device: Device, *, trust: bool = False
) -> ExternalClassifier:
    """Read a classifier: TorchScript, torch.export or ONNX; see ``archives`` for what is refused.

    ``trust``: somebody vouches for the file. TorchScript is not opened without: it is a program,
    which can read and write any file.

    ONNX goes by onnx2torch where it knows all operators, else by onnxruntime and without
    gradients. Raises CfinspectError with a sentence for everything else.
    """
    if not path.is_file():  # also a pipe or device, whose end nobody would see
        raise CfinspectError(f"{path} is no file: give that of a classifier")
    if path.suffix.lower() == ".onnx":
        found = _onnx(path, usage, device)
    else:
        found = ExternalClassifier(_torch_network(path, device, trust), usage, device, path.name)
    grey = torch.full((2, 3, usage.size, usage.size), 0.5, device=device.device)
    with torch.no_grad():
        # What does not fit is told now, not after minutes.
        try:
            answer = found.odds(grey)
        except CfinspectError:
            # Many were exported for one image at a time.
            found.one_by_one = True
            answer = found.odds(grey)
    if not bool(torch.isfinite(answer).all()):
        raise CfinspectError(f"{path} answers a grey image with no number: give --mean and --std")
    return found


def _torch_network(path: Path, device: Device, trust: bool) -> Callable[[Tensor], Any]:
    kind = kind_of_archive(path)
    if kind == "script" and not trust:
        raise CfinspectError(
            f"{path} is TorchScript: a program, which can read and write any of your files when it "
            "is used. Get the network as torch.export or ONNX; or, if you know who made the file, "
            "add --trust (in Python: trust=True)"
        )
    try:
        with only_tensors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is deprecated is not for its users
            if kind == "script":
                return _Hidden(torch.jit.load(str(path), map_location=device.device).eval())
            exported = torch.export.load(rebuilt_export(path))
            if device.device.type != "cpu":
                exported = move_to_device_pass(exported, device.device)
            return _Hidden(exported.module())
    except CfinspectError:
        raise
    except Exception as error:
        raise CfinspectError(
            f"{path} cannot be loaded ({first_line(error)}): was it written by another version of "
            "torch?"
        ) from error


class _Hidden:
    """A network whose layers hooks cannot reach."""

    def __init__(self, network: Callable[[Tensor], Any]) -> None:
        self._network = network

    def __call__(self, x: Tensor) -> Any:
        return self._network(x)


def _onnx(path: Path, usage: ClassifierUsage, device: Device) -> ExternalClassifier:
    """By onnx2torch, with gradients; else by onnxruntime, which tries the file out before."""
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime")):
        raise CfinspectError(
            f"{path} cannot be read: pip install 'cfinspect[ace]' brings what reads ONNX"
        )
    model = checked_onnx(path)
    runtime = _tried_out(path, model.SerializeToString(), usage)
    reason = "onnx2torch is not installed"
    if importlib.util.find_spec("onnx2torch") is not None:
        from onnx2torch import convert  # noqa: PLC0415  (an extra)

        try:
            network = convert(model).eval().requires_grad_(False).to(device.device)
            with torch.no_grad():
                network(torch.zeros(1, 3, usage.size, usage.size, device=device.device))
        except Exception as error:  # whatever it does not know
            reason = f"onnx2torch says: {first_line(error)}"
        else:
            runtime.close()
            return ExternalClassifier(network, usage, device, path.name)

    def look(x: Tensor) -> Tensor:
        return torch.from_numpy(runtime(x.cpu().numpy())).to(x.device)

    return ExternalClassifier(look, usage, device, path.name, no_gradients=reason)


def _tried_out(path: Path, content: bytes, usage: ClassifierUsage) -> OnnxProcess:
    """The file in a process under limits, which has looked at a few images there."""
    try:
        runtime = OnnxProcess(content)
    except ValueError as error:
        raise CfinspectError(
            f"{path} is no ONNX file that can be read ({first_line(error)})"
        ) from error
    shape = 1, 3, usage.size, usage.size
    noise = np.random.default_rng(0).random(shape, dtype=np.float32)
    for images in (np.zeros(shape, np.float32), np.full(shape, 0.5, np.float32), noise):
        try:
            runtime(images)
        except ValueError as error:
            runtime.close()
            raise CfinspectError(
                f"{path.name} cannot look at an image of {usage.size} px ({first_line(error)}): is "
                "--input-size right?"
            ) from error
    return runtime
