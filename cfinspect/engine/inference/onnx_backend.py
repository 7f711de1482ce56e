"""The onnxruntime backend of inspection: a converted model, without torch."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError, first_line, short
from cfinspect.engine.inference.backend import (
    CloserLook,
    InspectionError,
    NetworkOutputs,
    require_shapes,
    require_squares,
)
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.engine.model.onnx_file import Refit, read_onnx
from cfinspect.engine.networks.names import PROJECTED

# What a graph takes: squares, and where D is "projected" what a calibration has learned.
INPUT, REFIT_WEIGHT, REFIT_SHIFT = "batch", "refit_weight", "refit_shift"
# What it answers, by names of `NetworkOutputs`; models without a part lack its answer.
ANSWERS = tuple(NetworkOutputs.__annotations__)
# What it answers beside that, where D is "projected".
EVIDENCE, ATTENDED = "evidence", "attended"
_MOST_MEMORY = 4 << 30  # bytes: fewer squares at once need less, a crafted graph may not
_MOST_FOLDED = 16 << 20  # bytes of a constant: a weight of 16 bit is widened once
_PIXELS = 20_000  # of the squares that go through the graph at once: more are not faster
_MOST_WORKERS = 4  # threads that run the graph at the same time: faster than one run by many
_PASSES = 2  # that nobody minds to wait for
_BYTES_A_PIXEL = 3_000  # of what a run keeps of a square
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "dml": "DmlExecutionProvider"}
_OUT_OF_MEMORY = ("Available memory of", "Failed to allocate", "bad allocation")


class OnnxBackend:
    """Runs a converted model; satisfies ``backend.Backend``.

    ``device``: where it computes, how and why, in words. ``most``: squares that go through the
    graph at once; halved, and kept so, when memory runs out. ``at_once``: how many to give, so
    that nobody waits long for an answer; ``workers``: threads that may ask at the same
    time, so many at most as are given. ``refit``: what a calibration has learned, if it can.
    """

    def __init__(
        self,
        path: Path,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        workers: int | None = None,
    ) -> None:
        if precision not in {"auto", "fp32"}:
            raise InspectionError(
                f"{path} computes in fp32: leave --precision out, or give the .safetensors file"
            )
        runtime = _onnxruntime()
        provider, reason = choose_provider(device, runtime.get_available_providers())
        model = read_onnx(path)
        if model.metadata.asks_each_class:
            raise InspectionError(f"{path} asks each of several defect classes: convert another")
        self.metadata: ModelMetadata = model.metadata
        self.familiar = model.familiar
        if model.refit is None and self.metadata.discriminator.name == PROJECTED:
            raise InspectionError(f"{path} was converted by an earlier version: convert it again")
        cores = threads or _threads()
        self._choose(provider, cores, workers)
        try:
            self._session: Any = runtime.InferenceSession(
                model.data,
                _options(runtime, -(-cores // self.workers)),
                providers=[(provider, _provider_options(provider, device))],
                enable_fallback=0,
            )
        except Exception as error:  # onnxruntime's own errors have no common kind
            raise InspectionError(
                f"onnxruntime {runtime.__version__} cannot use {path}: {short(first_line(error))}"
            ) from error
        if (used := self._session.get_providers()[0]) != provider:
            if device != "auto":
                raise InspectionError(f"{provider} cannot be started here: use --device cpu")
            other = OnnxBackend(path, "cpu", precision, threads, workers)
            reason = f"{provider} cannot be started"
            vars(self).update(vars(other), device=_in_words(runtime, used, reason))
            return
        self.device = _in_words(runtime, provider, reason)
        self._options = runtime.RunOptions()
        # Most of the graph is not needed for a part of the answers.
        self._options.only_execute_path_to_fetches = True
        answers = {one.name for one in self._session.get_outputs()}
        takes = {one.name for one in self._session.get_inputs()}
        self.refit = model.refit
        self.has_evidence = model.refit is not None
        self._answers = [name for name in ANSWERS if name in answers]
        needed = {"logits", "counterfactual", "flipped_logits", "head"}
        more = {EVIDENCE, ATTENDED} if self.has_evidence else set()
        if takes != {INPUT, *self._learned()} or not needed | more <= answers <= {*ANSWERS, *more}:
            raise InspectionError(f"{path} does not answer what a model answers: convert it again")

    def _choose(self, provider: str, cores: int, workers: int | None) -> None:
        """How many squares go through the graph at once, and how many threads run it."""
        if provider != "CPUExecutionProvider":
            self.workers, self.most = 1, 64
        else:
            area = self.metadata.preprocessing.size**2
            self.most = max(1, _PIXELS // area)
            room = _MOST_MEMORY // 2 // (_BYTES_A_PIXEL * area * self.most)
            self.workers = max(1, min(workers or _MOST_WORKERS, cores, room))
        self.at_once = _PASSES * self.most

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        """Answer for RGB squares (n, S, S, 3) uint8 of the metadata's input size, n >= 1.

        ``ValueError`` for other shapes, ``InspectionError`` when not even one square fits into
        memory.
        """
        return NetworkOutputs(**self._asked(self._answers, batch))

    def logits(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """D's of squares as `run` gives them, (n, 3), without all else; may be no numbers."""
        return self._asked(["logits"], batch)["logits"]

    def evidence(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``PlacedBackend``."""
        return self._asked_of_d([EVIDENCE], batch)[EVIDENCE]

    def look_closer(self, batch: NDArray[np.uint8]) -> CloserLook:
        """See ``PlacedBackend``."""
        found = self._asked_of_d(["logits", ATTENDED], batch)
        return CloserLook(found["logits"], found[ATTENDED])

    def with_refit(self, refit: Refit) -> OnnxBackend:
        """The same graph, with what another calibration has learned."""
        other = copy.copy(self)
        other.refit = refit
        return other

    def _learned(self) -> dict[str, NDArray[np.float32]]:
        if self.refit is None:
            return {}
        shift = np.array(self.refit.shift, dtype=np.float32)
        return {REFIT_WEIGHT: self.refit.weight, REFIT_SHIFT: shift}

    def _asked_of_d(
        self, names: list[str], batch: NDArray[np.uint8]
    ) -> dict[str, NDArray[np.float32]]:
        if not self.has_evidence:
            raise InspectionError("its discriminator does not look at places of their own")
        found = self._asked(names, batch)
        if not all(np.isfinite(values).all() for values in found.values()):
            raise InspectionError("The model's answer is not a number: its weights are damaged")
        return found

    def _asked(self, names: list[str], batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """The answers called ``names``, in parts that memory is large enough for."""
        require_squares(batch, self.metadata)
        parts: list[dict[str, NDArray[np.float32]]] = []
        start = 0
        while start < len(batch):
            count = self.most  # another thread may find that it is too much
            found = self._run(names, batch[start : start + count])
            if found is not None:
                parts.append(found)
                start += count
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _run(
        self, names: list[str], batch: NDArray[np.uint8]
    ) -> dict[str, NDArray[np.float32]] | None:
        """The answers; None where memory is too small for so many, and fewer will be tried."""
        try:
            given = {INPUT: np.ascontiguousarray(batch), **self._learned()}
            values = self._session.run(names, given, self._options)
            found = _checked(dict(zip(names, values, strict=True)))
            self._require_shapes(found, len(batch))
        except Exception as error:
            if not any(words in str(error) for words in _OUT_OF_MEMORY):
                raise InspectionError(
                    f"The model cannot be run: {short(first_line(error))}"
                ) from error
            if len(batch) == 1:
                raise InspectionError(
                    "Not enough memory for one image of "
                    f"{self.metadata.preprocessing.size} px: close other programs"
                ) from error
            self.most = min(self.most, max(1, len(batch) // 2))
            return None
        return found

    def _require_shapes(self, found: dict[str, NDArray[np.float32]], count: int) -> None:
        """Raise ValueError where an answer about ``count`` squares is not all there."""
        if len(found) == len(self._answers):
            outputs = NetworkOutputs(**found)
            require_shapes(outputs, count, self.metadata, self.familiar)
            return
        shapes: dict[str, tuple[int, ...]] = {"logits": (count, 3)}
        if self.refit is not None:
            shapes[ATTENDED] = (count, len(self.refit.weight))
        side = self.metadata.preprocessing.size
        for name, values in found.items():
            wanted: list[tuple[int, ...]] = [(count, side // k, side // k) for k in (2, 4)]
            if name != EVIDENCE:
                wanted = [shapes[name]]
            if values.shape not in wanted:
                raise ValueError(f"its {name} is {values.shape}, not {wanted[0]}")

    def close(self) -> None:
        """Let the graph go; nothing can be run afterwards."""
        self._session = None


def _checked(values: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """The answers, in the range that networks end with and a crafted graph may not."""
    for name, value in values.items():
        if value.dtype != np.float32:
            raise ValueError(f"its {name} is {value.dtype}, not float32")
    for name in values.keys() & {"counterfactual", "head", "mask_probability", "named"}:
        np.clip(values[name], 0, 1, out=values[name])
    return values


def choose_provider(device: str, there: list[str]) -> tuple[str, str]:
    """Which of onnxruntime's providers to compute with, and why.

    ``device``: auto, cpu, cuda, cuda:N or dml (DirectML); ``auto`` takes the fastest that is
    ``there``. Raises InspectionError for one that is not.
    """
    kind, colon, number = device.partition(":")
    if colon and not (kind in _PROVIDERS and number.isascii() and number.isdigit()):
        raise InspectionError(f"unknown device {short(device)!r}: use auto, cpu, cuda, cuda:N, dml")
    if device == "auto":
        found = next((one for one in _PROVIDERS.values() if one in there), None)
        return (found, "found here") if found else ("CPUExecutionProvider", "no GPU provider")
    if kind == "cpu":
        return "CPUExecutionProvider", "as asked"
    wanted = _PROVIDERS.get(kind)
    if wanted is None:
        raise InspectionError(f"unknown device {short(device)!r}: use auto, cpu, cuda or dml")
    if wanted not in there:
        raise InspectionError(
            f"this onnxruntime has no {wanted}: use --device cpu, or install the package "
            f"onnxruntime-{'gpu' if kind == 'cuda' else 'directml'}"
        )
    return wanted, "as asked"


def _provider_options(provider: str, device: str) -> dict[str, str]:
    if provider == "CPUExecutionProvider":
        return {}
    exact = {"use_tf32": "0"} if provider == _PROVIDERS["cuda"] else {}
    return {"device_id": device.partition(":")[2] or "0", **exact}


def chosen_here(device: str = "auto") -> str:
    """Where converted models would compute, how and why, in words; errors as above."""
    runtime = _onnxruntime()
    return _in_words(runtime, *choose_provider(device, runtime.get_available_providers()))


def _in_words(runtime: Any, provider: str, reason: str) -> str:
    where = provider.removesuffix("ExecutionProvider").upper()
    return f"{where}, fp32 ({reason}; onnxruntime {runtime.__version__})"


def _onnxruntime() -> Any:
    try:
        import onnxruntime  # noqa: PLC0415  (only where a converted model is used)
    except ImportError as error:
        raise CfinspectError(
            "Converted models (.onnx) are run by onnxruntime, which is "
            + (
                "in the light bundle and not in this one: give the .safetensors file."
                if getattr(sys, "frozen", False)
                else "not installed here: pip install 'cfinspect[runtime]'."
            )
        ) from error
    return onnxruntime


def _options(runtime: Any, threads: int) -> Any:
    _bound_memory(runtime)
    options = runtime.SessionOptions()
    # The format that was checked; it knows others, which a file could be as well.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.use_env_allocators", "1")
    # What is computed when it is loaded lies outside of that store.
    options.add_session_config_entry(
        "optimization.constant_folding_max_output_size_in_bytes", str(_MOST_FOLDED)
    )
    # Threads that wait by counting take the time of those that decode and write.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what fails is told once, as a sentence
    return options


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_bounded = False


def _bound_memory(runtime: Any) -> None:
    """One bounded store of memory for all graphs of the process; it can be made only once."""
    global _bounded  # noqa: PLW0603
    if _bounded:
        return
    about = runtime.OrtMemoryInfo(
        "Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT
    )
    # As much more as is needed, not twice as much as before.
    bounds = runtime.OrtArenaCfg({"max_mem": _MOST_MEMORY, "arena_extend_strategy": 1})
    runtime.create_and_register_allocator(about, bounds)
    _bounded = True
