"""Does the GPU compute what the CPU computes, and a resumed run what a straight one does?"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import Tensor

from cfinspect.engine.base.events import CancelToken, StepDone
from cfinspect.engine.training.trainer import train
from gpu_parts.look import Look, batches, optimizer_step_of
from gpu_parts.scale import Found

Rows = list[dict[str, float]]


def section_equal(look: Look, found: Found) -> None:
    """The same few steps on CPU and GPU: same weights, batches and noise; no dropout."""

    one = look.scale.equal
    _, made = batches(look, one.size, one.batch, one.steps, "flips")

    def losses(name: str, precision: str, tf32: bool) -> tuple[Rows, dict[str, Tensor]]:
        before = look.name
        look.name = name
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cuda.matmul.allow_tf32 = tf32
        try:
            learning = optimizer_step_of(
                look, precision, dropout=False, size=one.size, batch=one.batch, warmup=1, l1_ramp=2
            )
            rows = []
            for batch in made:
                values, _ = learning.learn(batch, 0.1)
                learning.state.counters.step += 1
                rows.append(values)
            weights = {
                f"{net}.{key}": value.detach().float().cpu()
                for net in ("generator", "discriminator")
                for key, value in learning.state.nets[net].state_dict().items()
            }
            return rows, weights
        finally:
            look.name = before
            torch.backends.cudnn.allow_tf32 = True
            torch.backends.cuda.matmul.allow_tf32 = False

    reference, weights = losses("cpu", "fp32", False)
    found["cpu_fp32"] = reference
    cases = {"fp32_strict": ("fp32", False), "fp32_as_is": ("fp32", True), "bf16": ("bf16", True)}
    if look.cuda:
        cases["fp16"] = ("fp16", True)
    for case, (precision, tf32) in cases.items():
        rows, other = losses(look.name, precision, tf32)
        # The warm-up's one step, then the first of both networks: before Adam amplifies anything.
        apart = [
            max(abs(r[k] - o[k]) / max(abs(r[k]), 1e-3) for k in r)
            for r, o in zip(reference, rows, strict=True)
        ]
        norm = sum(float((weights[k] - other[k]).square().sum()) for k in weights) ** 0.5
        size = sum(float(w.square().sum()) for w in weights.values()) ** 0.5
        found[case] = {
            "first_step_rel": apart[0],
            "first_joint_step_rel": apart[1],
            "last_step_rel": apart[-1],
            "weights_rel": norm / size,
            "last": rows[-1],
        }
    strict = found["fp32_strict"]
    found["ok"] = strict["first_step_rel"] < 1e-4 and strict["last_step_rel"] < 5e-2


def losses_of(
    look: Look, out: Path, settings: Found, stop: int | None = None, resume: bool = False
) -> dict[int, dict[str, float]]:
    """The losses of a training, by step; ``stop``: cancelled after that one."""

    cancel = CancelToken()
    rows = {}
    for event in train(look.config(out=str(out), **settings), cancel=cancel, resume=resume):
        if isinstance(event, StepDone):
            rows[event.step] = event.losses
            if stop and event.step >= stop:
                cancel.cancel()
    return rows


def apart(one: dict[int, dict[str, float]], other: dict[int, dict[str, float]]) -> float:
    """The largest difference of any loss, as a share of it, over the steps of both."""
    return max(
        abs(one[s][k] - other[s][k]) / max(abs(one[s][k]), 1e-3)
        for s in set(one) & set(other)
        for k in one[s]
    )


def section_resume(look: Look, found: Found) -> None:
    """A training that is broken off and resumed, against one that is not; and one run twice."""

    one = look.scale.resume
    half = one.steps // 2
    settings = {
        "data": look.folders("train", one.size),
        "size": one.size,
        "batch": one.batch,
        "steps": one.steps,
        "warmup": one.steps // 4,
        "l1_ramp": 4,
        "precision": "auto",
        "checkpoint_every": 10**6,
        "validate_every": 10**6,
    }
    for name, exact in (("", False), ("deterministic_", True)):
        if exact and look.left() < 40:
            break
        if exact:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.deterministic = True
        for place in ("a", "b", "c"):
            shutil.rmtree(look.work / f"resume_{place}", ignore_errors=True)
        straight = losses_of(look, look.work / "resume_a", settings)
        again = losses_of(look, look.work / "resume_b", settings)
        first = losses_of(look, look.work / "resume_c", settings, stop=half)
        rest = losses_of(look, look.work / "resume_c", settings, resume=True)
        found[f"{name}rerun_max_rel"] = apart(straight, again)
        found[f"{name}resumed_max_rel"] = apart(straight, {**first, **rest})
        found[f"{name}resumed_steps"] = len(rest)
        found[f"{name}first_resumed_step_rel"] = apart({half + 1: straight[half + 1]}, rest)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
