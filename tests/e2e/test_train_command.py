"""``cfinspect train``: what it leaves, how it is interrupted and resumed, what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from program import TINY, Done, Run, json_lines, rest_of, start_cfinspect


def test_a_run_leaves_its_files(trained: tuple[Path, Done]) -> None:
    run, _ = trained
    assert (run / "model.safetensors").is_file()
    assert (run / "curves.png").is_file()
    assert list((run / "samples").glob("step_*.png"))
    config = json.loads((run / "config.json").read_text())
    assert (config["steps"], config["holdout"], config["warmup"]) == (40, 0.25, 10)
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert metrics
    assert not list(run.rglob(".tmp-*"))


def test_json_tells_every_event_and_stderr_the_device(trained: tuple[Path, Done]) -> None:
    run, done = trained
    events = json_lines(done.stdout)
    kinds = [event["event"] for event in events]
    assert kinds[-1] == "finished"
    assert {"started", "step_done", "validated", "checkpoint_saved"} <= set(kinds)
    steps = [event["step"] for event in events if event["event"] == "step_done"]
    assert steps == sorted(steps)
    assert steps[-1] == 40
    assert events[-1]["model"] == str(run / "model.safetensors")
    assert events[-1]["interrupted"] is False
    assert "Device: CPU, fp32" in done.stderr


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Send a signal once the first step is done; returns all that was printed."""
    assert process.stdout
    told = ""
    for line in process.stdout:
        told += line
        if json.loads(line)["event"] == "step_done":
            break
    process.send_signal(number)
    rest, errors = rest_of(process)
    return told + rest, errors


@pytest.mark.parametrize("number", [signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_an_interrupted_run_keeps_a_checkpoint_and_resumes(
    cf: Run, walls: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    process = start_cfinspect("train", walls, "--out", run, "--steps", 100_000, *TINY, "--json")
    printed, errors = interrupt(process, number)
    assert process.returncode == 130
    events = json_lines(printed)
    assert events[-1]["event"] == "interrupted"
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert not (run / "model.safetensors").exists()
    stopped = next(event for event in events if event["event"] == "finished")["step"]
    assert stopped >= 1

    done = cf("train", "--out", run, "--resume", "--steps", stopped + 5, "--json")
    assert done.returncode == 0, done.stderr
    events = json_lines(done.stdout)
    first = next(event["step"] for event in events if event["event"] == "step_done")
    assert first == stopped + 1
    assert events[-1]["step"] == stopped + 5
    assert (run / "model.safetensors").is_file()


def test_a_second_signal_ends_at_once(walls: Path, tmp_path: Path) -> None:
    process = start_cfinspect(
        "train", walls, "--out", tmp_path / "run", "--steps", 100_000, *TINY, "--json"
    )
    # While torch is being imported nothing looks at the first signal but what catches it.
    maps = Path(f"/proc/{process.pid}/maps")
    while "libtorch" not in maps.read_text():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while "again to end at once" not in process.stderr.readline():
        pass
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - started < 10


def test_a_broken_image_is_left_out_and_named(cf: Run, walls: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("undamaged", "damaged"):
        (data / name).mkdir(parents=True)
        for file in (walls / name).iterdir():
            (data / name / file.name).write_bytes(file.read_bytes())
    (data / "damaged" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    done = cf("train", data, "--out", tmp_path / "run", "--steps", 12, *TINY)
    assert done.returncode == 0, done.stderr
    assert "torn.png" in done.stderr
    assert f"Model: {tmp_path / 'run' / 'model.safetensors'}" in done.stdout


def test_a_model_can_be_fine_tuned(cf: Run, walls: Path, model: Path, tmp_path: Path) -> None:
    done = cf(
        "train",
        walls,
        "--out",
        tmp_path / "run",
        "--from",
        model,
        "--steps",
        12,
        "--batch",
        8,
        "--device",
        "cpu",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "run"], "Give the folders to train on"),
        (["nowhere", "--out", "run"], "There is no file or folder nowhere"),
        (["empty", "--out", "file/run"], "is a file"),
        (["empty"], "Missing option '--out'"),
        (["empty", "--out", "run", "--size", "33"], "multiple of 32"),
        (["empty", "--out", "run", "--preset", "slow"], "fast, balanced, paper"),
        (["empty", "--out", "run", "--set", "nonsense=1"], "NAME=VALUE"),
        (["empty", "--out", "run", "--nonsense"], "No such option"),
        (["--out", "empty", "--resume"], "no run to resume"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    cf: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    done = cf("train", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_without_classes_says_which_names_were_looked_for(cf: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = cf("train", "empty", "--out", "run", *TINY, "--steps", 10, cwd=tmp_path)
    assert done.returncode == 2
    assert "--undamaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_finished_run_is_not_overwritten(cf: Run, walls: Path, model: Path) -> None:
    before = model.read_bytes()
    done = cf("train", walls, "--out", model.parent, "--steps", 10, *TINY)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert model.read_bytes() == before
