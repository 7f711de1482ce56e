"""A process that works off sections: a crash or a hang costs only one of them."""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
import traceback
import warnings
from collections.abc import Callable

import torch

from gpu_parts import (
    diffusion,
    equality,
    evaluation,
    inspections,
    machine,
    memory,
    steps,
    trainings,
)
from gpu_parts.look import Look
from gpu_parts.scale import Found

SECTIONS: dict[str, Callable[[Look, Found], None]] = {
    "env": machine.section_env,
    "equal": equality.section_equal,
    "steps": steps.section_steps,
    "train": trainings.section_train,
    "resume": equality.section_resume,
    "inspect": inspections.section_inspect,
    "ddpm": diffusion.section_ddpm,
    "oom": memory.section_oom,
    "evaluate": evaluation.section_evaluate,
    "smoke": trainings.section_smoke,
}


def work(args: argparse.Namespace) -> int:
    """Run the named sections; 3 where the device is of no more use."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    look = Look(args)
    for name in args.worker.split(","):
        if look.left() < 12:
            (look.work / f"{name}.json").write_text(json.dumps({"skipped": "no time left"}))
            continue
        (look.work / "current").write_text(f"{name} {time.time()}")
        if os.environ.get("GPU_CHECK_CRASH") == name:  # to try the driver
            os._exit(9)
        begun = time.perf_counter()
        found: Found = {}
        try:
            SECTIONS[name](look, found)
            look.wait()
        except BaseException as error:
            found["error"] = f"{type(error).__name__}: {error}"[:500]
            found["where"] = traceback.format_exc()[-1800:]
            print(f"  {name}: {found['error']}", flush=True)
        found["seconds"] = round(time.perf_counter() - begun, 1)
        (look.work / f"{name}.json").write_text(json.dumps(found, default=str))
        print(f"  {name}: {found['seconds']} s", flush=True)
        gc.collect()
        if look.cuda:
            try:
                torch.cuda.synchronize()
                torch.cuda.empty_cache()
            except RuntimeError:  # a sticky error: this process is of no more use
                return 3
    return 0
