"""What this machine is, and its ceilings."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from gpu_parts.look import Look
from gpu_parts.scale import Found

_PACKAGES = (
    *("torch", "torchvision", "numpy", "opencv-python-headless", "pillow", "typer", "safetensors"),
    *("diffusers", "torchmetrics", "torchcam", "pycocotools"),
)


def section_env(look: Look, found: Found) -> None:
    """Versions, the engine's choice of precision, bandwidths and the rate of products."""
    found["python"] = sys.version.split()[0]
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    found["cores"] = os.cpu_count()
    found["choice"] = str(look.device())
    found["precision"] = str(look.device().precision)
    tensor = torch.zeros(1024, device=look.name)
    seconds = look.timed(lambda: tensor.add_(1.0), 3000 if look.cuda else 50)
    found["us_a_tiny_op"] = round(seconds * 1e6, 2)
    if not look.cuda:
        return
    found["gpu"] = torch.cuda.get_device_name(0)
    found["capability"] = torch.cuda.get_device_capability(0)
    found["cudnn"] = torch.backends.cudnn.version()
    found["tf32_conv"] = torch.backends.cudnn.allow_tf32
    found["tf32_matmul"] = torch.backends.cuda.matmul.allow_tf32
    found["cudnn_benchmark"] = torch.backends.cudnn.benchmark
    big = torch.randn(256 << 20, device="cuda")
    seconds = look.timed(_copy(torch.empty_like(big), big), 10)
    found["copy_tb_s"] = round(2 * big.numel() * 4 / seconds / 1e12, 2)
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    found["bf16_tflop_s"] = round(2 * 8192**3 / look.timed(lambda: a @ b, 10) / 1e12)
    size = 64 << 20
    pageable = torch.empty(size, dtype=torch.uint8)
    pinned = torch.empty(size, dtype=torch.uint8, pin_memory=True)
    there = torch.empty(size, dtype=torch.uint8, device="cuda")
    for name, to, what in (
        ("h2d_pageable", there, pageable),
        ("h2d_pinned", there, pinned),
        ("d2h_pageable", pageable, there),
        ("d2h_pinned", pinned, there),
    ):
        found[f"{name}_gb_s"] = round(size / look.timed(_copy(to, what), 8) / 1e9, 1)


def _copy(to: Tensor, what: Tensor) -> Callable[[], Tensor]:
    return lambda: to.copy_(what)
