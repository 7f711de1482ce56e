"""The process that stays: draws the images, starts workers, keeps what they found."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gpu_parts.scale import FULL, SECTIONS, TINY, Found, Scale

_DRAWING = """
import sys, pathlib, cv2
cv2.setNumThreads(1)
from cfinspect.engine.synth import write_folder
place, size, count, seed = sys.argv[1:]
write_folder(pathlib.Path(place), "crack", count=int(count), size=int(size), seed=int(seed))
"""


def drive(args: argparse.Namespace) -> int:
    """Run all sections that were asked for; 0, whatever they found."""
    begun = time.monotonic()
    out, work = Path(args.out).resolve(), Path(args.work).resolve()
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    scale = TINY if args.tiny else FULL
    result: Found = {"tiny": args.tiny, "root": args.root, "sections": {}}
    result["draw_s"] = draw(args, scale, work)
    pending = [name for name in SECTIONS if not args.only or name in args.only.split(",")]
    deadline = begun + args.budget
    while pending:
        if time.monotonic() > deadline - 10:
            result["sections"] |= {name: {"skipped": "no time left"} for name in pending}
            break
        together = _together(pending)
        print(f"[{time.monotonic() - begun:5.0f} s] worker: {', '.join(together)}", flush=True)
        worker = _started(args, together, out, work, deadline)
        slow = 10 if args.tiny else 1
        done = wait_for(worker, together, work, deadline, slow, lambda: keep(result, out, work))
        for name in done:
            file = work / f"{name}.json"
            found = json.loads(file.read_text()) if file.exists() else None
            result["sections"][name] = found or {"error": f"worker ended with {worker.returncode}"}
        pending = [name for name in pending if name not in done]
    result["seconds"] = round(time.monotonic() - begun, 1)
    keep(result, out, work)
    print(json.dumps(result["answers"], indent=1, default=str))
    return 0


def _together(pending: list[str]) -> list[str]:
    """The sections that the next worker runs: up to one that wants a process of its own."""
    together = pending[:1]
    for name in pending[1:]:
        if SECTIONS[name][1]:
            break
        together.append(name)
    return together


def _started(
    args: argparse.Namespace, names: list[str], out: Path, work: Path, deadline: float
) -> subprocess.Popen[bytes]:
    (work / "current").unlink(missing_ok=True)
    program = Path(__file__).resolve().parents[1] / "gpu.py"
    command = [sys.executable, str(program), "--worker", ",".join(names), "--out", str(out)]
    command += ["--work", str(work), "--root", args.root]
    command += ["--left", str(deadline - time.monotonic()), *(["--tiny"] if args.tiny else [])]
    return subprocess.Popen(command, env=_environment(args))


def _environment(args: argparse.Namespace) -> dict[str, str]:
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [args.root, env.get("PYTHONPATH", "")]))
    env["PYTHONUNBUFFERED"] = "1"
    env["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return env


def keep(result: Found, out: Path, work: Path) -> None:
    """Write what is known so far: a call that is cut off leaves at least that."""
    for name in SECTIONS:
        if (work / f"{name}.json").exists():
            with contextlib.suppress(ValueError):
                result["sections"][name] = json.loads((work / f"{name}.json").read_text())
    result["answers"] = answers(result["sections"], TINY if result["tiny"] else FULL)
    (out / "gpu_check.json").write_text(json.dumps(result, indent=1, default=str))


def wait_for(
    worker: subprocess.Popen[bytes],
    names: list[str],
    work: Path,
    deadline: float,
    slow: float,
    tell: Callable[[], None],
) -> list[str]:
    """Names that are over: done, crashed or timed out (then the worker is killed by its pid)."""
    known = 0
    while True:
        finished = [name for name in names if (work / f"{name}.json").exists()]
        if len(finished) > known:
            known = len(finished)
            tell()
        current = work / "current"
        now = current.read_text().split() if current.exists() else []
        if worker.poll() is not None:
            finished = [name for name in names if (work / f"{name}.json").exists()]
            # A worker that gave up between two sections (a sticky CUDA error) told all of its own.
            crashed = [name for name in now[:1] or names[:1] if name not in finished]
            return [*finished, *crashed] or names[:1]
        if now:
            name, when = now
            late = time.time() - float(when) > SECTIONS[name][0] * slow
            if late or time.monotonic() > deadline:
                print(f"  {name} takes too long: stopped", flush=True)
                worker.kill()
                worker.wait()
                if not (work / f"{name}.json").exists():
                    (work / f"{name}.json").write_text(json.dumps({"error": "took too long"}))
                return [one for one in names if (work / f"{one}.json").exists()]
        time.sleep(0.2)


def draw(args: argparse.Namespace, scale: Scale, work: Path) -> float:
    """Drawn cracks of each size, by a process a core: train/ and test/ folders of several seeds."""
    begun = time.monotonic()
    cores = 1 if args.tiny else max(1, min(16, os.cpu_count() or 1) - 1)
    jobs: list[tuple[Path, int, int, int]] = []
    for size, (train, test) in scale.draw.items():
        shares = max(1, round(cores * size**2 / sum(side**2 for side in scale.draw)))
        for share in range(shares):
            jobs.append((work / f"train{size}" / str(share), size, -(-train // shares), share))
        jobs.append((work / f"test{size}" / "0", size, test, 900))
    running: list[subprocess.Popen[bytes]] = []
    for place, *numbers in jobs:
        place.parent.mkdir(parents=True, exist_ok=True)
        while sum(one.poll() is None for one in running) >= cores:
            time.sleep(0.02)
        words = [sys.executable, "-c", _DRAWING, str(place), *map(str, numbers)]
        running.append(subprocess.Popen(words, env=_environment(args)))
    if any([one.wait() for one in running]):
        raise SystemExit("drawing the images failed: is --root right, is OpenCV there?")
    return round(time.monotonic() - begun, 1)


def answers(found: Found, scale: Scale) -> Found:
    """The questions in short, answered from the figures; None where nothing was measured."""

    def get(*path: str) -> object:
        value: object = found
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    last = "{}px_b{}".format(*scale.steps[-1])
    return {
        "loss_equal_first_step": get("equal", "fp32_strict", "first_step_rel"),
        "trains": get("train", "runs_finished"),
        "ratio_to_plain_end_to_end": get("steps", last, "ratio_end_to_end"),
        "ratio_to_plain_compute": get("steps", last, "ratio_compute"),
        "kernel_share_end_to_end": get("steps", last, "kernel_share_end_to_end"),
        "kernel_share_compute": get("steps", last, "kernel_share_compute"),
        "syncs_per_step": get("steps", last, "syncs"),
        "resume_max_rel": get("resume", "resumed_max_rel"),
        "oom_backs_off": get("oom", "backed_off"),
        "ddpm_steps_per_s": get("ddpm", "steps_per_s"),
        "ace_s_per_image": get("ddpm", "ace"),
        "memory_left_mib": get("train", "left_allocated_mib"),
    }
