"""Which device and number format to compute with, and why: chosen once, said aloud."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from dataclasses import dataclass

import torch

from cfinspect.engine.base.errors import CfinspectError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class DeviceError(CfinspectError):
    """The wished-for device or precision cannot be had here."""


@dataclass(frozen=True)
class Device:
    """Where to compute: torch device, ``precision`` (fp32, bf16, fp16), the reason in words."""

    device: torch.device
    precision: str
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that autocast uses for convolutions and products."""
        return _DTYPES[self.precision]

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Mixed precision for one forward pass; does nothing at fp32."""
        return torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.precision != "fp32", cache_enabled=True
        )

    def free_memory(self) -> None:
        """Hand back what nobody holds; call it outside of ``except``, which holds tensors."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def __str__(self) -> str:
        return f"{self.device.type.upper()}, {self.precision} ({self.reason})"


def choose_device(device: str = "auto", precision: str = "auto") -> Device:
    """Pick device and precision; ``auto`` takes CUDA where it works and bf16 where it is fast.

    Raises DeviceError with a sentence when an explicit wish cannot be met.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    chosen, reason = _pick(device)
    fast, detail = _fast_precision(chosen)
    if precision == "auto":
        precision = fast
    elif precision == "fp16" and chosen.type == "cpu":
        raise DeviceError("fp16 is not available on the CPU: use --precision bf16 or fp32")
    elif precision != fast:
        detail = f"{precision} as asked"
    return Device(chosen, precision, f"{reason}; {detail}")


def _pick(device: str) -> tuple[torch.device, str]:
    cuda = torch.cuda.is_available()
    if device == "auto":
        if cuda:
            return torch.device("cuda"), torch.cuda.get_device_name(0)
        why = (
            "torch was built without CUDA" if torch.version.cuda is None else "no CUDA device found"
        )
        return torch.device("cpu"), why
    try:
        wished = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(
            f"unknown device {device[:40]!r}: use auto, cpu, cuda or cuda:0"
        ) from error
    if wished.type not in ("cpu", "cuda"):
        raise DeviceError(f"device {device[:40]!r} is not supported: use auto, cpu or cuda")
    if wished.type == "cuda" and not cuda:
        raise DeviceError("no CUDA device was found: use --device cpu, or see 'cfinspect doctor'")
    if wished.type == "cuda" and (wished.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"{device} does not exist: {torch.cuda.device_count()} CUDA device(s) here"
        )
    return wished, "as asked"


def _fast_precision(device: torch.device) -> tuple[str, str]:
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16", "bf16 tensor cores"
        return "fp16", "no bf16 on this GPU"
    if torch.cpu._is_amx_tile_supported():
        return "bf16", "AMX tiles"
    if torch.cpu._is_avx512_bf16_supported():
        return "bf16", "AVX512-BF16"
    return "fp32", "no fast bf16 on this CPU"


def tune_host() -> None:
    """Process-wide settings that make training and inspection on a CPU faster.

    Tiny numbers count as zero (they are a hundred times slower). On Linux the C library keeps
    freed memory instead of handing it back: a training step frees and asks for the same few
    hundred MB, and the page faults of getting them again cost a tenth of the step.
    """
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
            library.mallopt(_M_TRIM_THRESHOLD, 1 << 30)


# From glibc's malloc.h; 32 MiB is the most that it accepts for the first.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def limit_threads(count: int) -> None:
    """Let the calling thread compute with ``count`` threads of the CPU at most.

    Somebody is using the machine for something else meanwhile, such as a window.
    """
    torch.set_num_threads(max(1, count))
