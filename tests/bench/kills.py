"""Kill a training with SIGKILL at random moments; resume it; nothing may be half written.

    python tests/bench/kills.py [--kills 20] [--seed 0]

Each round starts `cfinspect train ... --resume`, kills it after a random time, and checks every
file of the run. The last round runs to its end.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from safetensors import safe_open

from cfinspect.engine.model.file import load_model
from cfinspect.engine.synth import write_folder


def check(run: Path) -> int:
    """Every file that has its final name is whole; returns the checkpoint's step."""
    config = run / "config.json"
    if config.exists():
        json.loads(config.read_text("utf-8"))
    checkpoint = run / "checkpoint.safetensors"
    if not checkpoint.exists():
        return 0
    with safe_open(checkpoint, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118  (not a dict)
            file.get_tensor(name)
        return int(json.loads(file.metadata()["facts"])["counters"]["step"])


def main() -> None:
    """Run the rounds and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        data = write_folder(Path(folder) / "walls", "crack", count=48, size=64, seed=0)
        run = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "cfinspect",
            "train",
            str(data),
            "--out",
            str(run),
            "--size",
            "64",
            "--steps",
            "100000",
            "--resume",
            "--json",
            "--set",
            "checkpoint_every=5",
            "--set",
            "validate_every=5",
            "--set",
            "warmup=10",
        ]
        last = 0
        for kill in range(arguments.kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(2.0, 14.0))
            ended = process.poll()
            process.kill()
            errors = process.communicate()[1].decode()
            assert ended is None, f"the training ended by itself ({ended}): {errors}"
            step = check(run)
            assert step >= last, f"went back from step {last} to {step}"
            print(f"kill {kill + 1}: checkpoint at step {step}", flush=True)
            last = step
        done = [*command[: command.index("--steps") + 1], str(last + 3)]
        done += command[command.index("--steps") + 2 :]
        subprocess.run(done, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        load_model(run / "model.safetensors")
        leftovers = list(run.rglob(".tmp-*"))
        assert not leftovers, leftovers
        print(f"{arguments.kills} kills, all resumed; model written at step {last + 3}")


if __name__ == "__main__":
    main()
