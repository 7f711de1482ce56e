"""``synth``, ``doctor``, ``demo``, help and version."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from program import Run, json_lines, rest_of, spawn_cfinspect, start_cfinspect

import cfinspect

COMMANDS = ("train", "inspect", "evaluate", "calibrate", "gui", "demo", "synth", "doctor")


def test_help_lists_the_commands_at_once() -> None:
    spawn_cfinspect("--version")  # the first start compiles
    started = time.monotonic()
    helped = spawn_cfinspect("--help")
    assert time.monotonic() - started < 2
    assert helped.returncode == 0
    assert all(name in helped.stdout for name in (*COMMANDS, "models"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
@pytest.mark.parametrize("words", [(), ("gui",), ("gui", "--log-file", "log.txt")])
def test_the_window_without_a_display_is_a_sentence(words: tuple[str, ...], tmp_path: Path) -> None:
    done = spawn_cfinspect(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no display" in done.stderr
    assert "cfinspect --help" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example(cf: Run, name: str) -> None:
    done = cf(name, "--help")
    assert done.returncode == 0
    assert f"cfinspect {name}" in done.stdout.partition("Examples:")[2]


def test_version() -> None:
    assert spawn_cfinspect("--version").stdout == f"cfinspect {cfinspect.__version__}\n"


def test_synth_draws_the_same_files_again(cf: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = cf("synth", name, "--domain", "apple", "--count", 6, "--size", 48, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.png"))
    assert len(files) == 6 + 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_synth_leaves_a_folder_of_somebody_else_alone(cf: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    done = cf("synth", tmp_path, "--domain", "crack", "--count", 4, "--size", 48)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_doctor_names_the_device_and_ends_with_its_verdict(cf: Run) -> None:
    done = cf("doctor", "--json")
    *checks, last = json_lines(done.stdout)
    assert {"python", "torch", "device", "self-test"} <= {check["name"] for check in checks}
    failed = [check for check in checks if not check["ok"] and check["required"]]
    assert last == {"event": "done", "failed": len(failed)}
    assert done.returncode == (1 if failed else 0)


def test_a_reader_that_leaves_does_not_stop_the_work(
    model: Path, walls: Path, tmp_path: Path
) -> None:
    process = start_cfinspect(
        "inspect", model, walls, "--out", tmp_path / "out", "--json", "--batch", 4
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 0, errors
    assert "Traceback" not in errors
    assert len((tmp_path / "out" / "inspections.csv").read_text().splitlines()) == 49


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [("--help",), ("models", "show", "none.safetensors", "--json")])
def test_a_full_disk_behind_its_words_is_a_sentence(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = start_cfinspect(*words, stdout=full)
    assert process.stderr
    errors = process.stderr.read()
    assert process.wait(timeout=60) in {1, 2}
    assert errors.startswith("Error: ")
    assert len(errors.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_doctor_works_where_names_are_ascii() -> None:
    process = start_cfinspect(
        "doctor", "--json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert process.stdout
    printed = json_lines(process.stdout.read())
    process.wait(timeout=60)
    assert [one["ok"] for one in printed if one.get("name") == "self-test"] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_command_that_is_ended_says_so(name: str, tmp_path: Path) -> None:
    process = start_cfinspect("synth", tmp_path / "out", "--count", 100_000, "--domain", "crack")
    while not list(tmp_path.rglob("*.png")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.Signals[name])
    _, errors = rest_of(process)
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors
