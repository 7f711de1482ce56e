"""Verdicts and masks survive: SIGKILLs, a full disk, write errors, four people at once.

    python tests/bench/verdict_kills.py kills [--kills 200]
    python tests/bench/verdict_kills.py full [--rounds 40]
    python tests/bench/verdict_kills.py errors [--rounds 40]
    python tests/bench/verdict_kills.py people [--seconds 60]
    python tests/bench/verdict_kills.py exports [--kills 200]

A child sets verdicts and masks as fast as it can and says each one that `decide` has returned for.
After its end every one that was said must be there, the database sound, the audit trail whole, the
masks readable, and no temporary file left. `full` needs to be allowed to mount a small tmpfs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import write_png
from cfinspect.formats.earlier_export import SIDECAR
from cfinspect.formats.exporting import export
from cfinspect.project import audit
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.queue import take
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import ConflictError, Verdict, decide, human_of, read_mask_of

SIDE = 64


def make_project(root: Path, images: int = 50) -> None:
    """A scanned project of small images."""
    root.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for number in range(images):
        image = chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8)
        write_png(root / f"{number}.png", image)
    with Project.create(root) as project:
        scan(project)


def worker(root: Path, seed: int, limit: int) -> None:
    """Set verdicts and masks without end; a line on stdout for each that is safe."""
    chance = np.random.default_rng(seed)
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with Project.open(root, human=True) as project:
            ids = [row.id for row in list_images(project, limit=1000)]
            while True:
                number = int(chance.choice(ids))
                said: dict[str, object] = {"verdict": Verdict(int(chance.integers(0, 3)))}
                if chance.random() < 0.5:
                    said["verdict"] = Verdict.DAMAGED
                    said["mask"] = chance.integers(0, 2, (SIDE, SIDE), np.uint8)
                human = decide(project, number, who=f"w{seed}", **said)  # type: ignore[arg-type]
                line = json.dumps([number, human.version, human.verdict, human.mask])
                os.write(1, line.encode() + b"\n")
    except ProjectError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(3)


def start(root: Path, seed: int, limit: int = 0) -> subprocess.Popen[bytes]:
    """Start a worker in a process of its own."""
    return subprocess.Popen(
        [sys.executable, __file__, "worker", str(root), str(seed), str(limit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def check(root: Path, told: dict[int, tuple[int, int, str | None]]) -> None:
    """Everything that was told is there; nothing is damaged or left over."""
    with Project.open(root) as project:
        project.database.check(thorough=True)
        found = audit.verify(project)
        assert not found.problems, found.problems
        for number, (version, verdict, mask) in told.items():
            human = human_of(project, number)
            assert human.version >= version, (number, human, version)
            if human.version == version:
                assert (human.verdict, human.mask) == (verdict, mask), (number, human)
        for row in list_images(project, limit=1000):
            read_mask_of(project, human_of(project, row.id))
        left = list(project.paths.data.rglob(".tmp-*"))
        assert not left, left


def collect(lines: bytes, told: dict[int, tuple[int, int, str | None]]) -> int:
    """Take in what a worker said; returns how many lines."""
    whole = lines[: lines.rfind(b"\n") + 1].splitlines()
    for line in whole:
        number, version, verdict, mask = json.loads(line)
        told[number] = (version, verdict, mask)
    return len(whole)


def kills(rounds: int) -> None:
    """SIGKILL at random moments."""
    chance = random.Random(0)
    told: dict[int, tuple[int, int, str | None]] = {}
    total = unsaid = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hall"
        make_project(root)
        for kill in range(1, rounds + 1):
            process = start(root, kill)
            assert process.stdout
            first = process.stdout.readline()  # it is at work now
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            rest, errors = process.communicate()
            assert process.returncode == -signal.SIGKILL, errors.decode()
            unsaid += bool(list(root.rglob(".tmp-*")))
            total += collect(first + rest, told)
            check(root, told)
            if kill % 20 == 0:
                print(f"{kill} kills, {total} verdicts told, all there", flush=True)
        print(f"{unsaid} of the kills left a temporary file; the next opening removed each")


@contextlib.contextmanager
def small_disk(mib: int) -> Iterator[Path]:
    """A file system of so many MiB in memory."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder]
        subprocess.run(mount, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def full(rounds: int) -> None:
    """A disk that runs full while verdicts are set."""
    told: dict[int, tuple[int, int, str | None]] = {}
    total = 0
    sentences: Counter[str] = Counter()
    with small_disk(6) as disk:
        root = disk / "hall"
        make_project(root)
        for seed in range(rounds):
            ballast = disk / "ballast"
            used = sum(file.stat().st_blocks * 512 for file in disk.rglob("*") if file.is_file())
            free = 6 * 2**20 - used
            room = random.Random(seed).randrange(20_000, 400_000)
            ballast.write_bytes(b"\0" * max(0, free - room))
            process = start(root, seed)
            out, errors = process.communicate(timeout=120)
            assert process.returncode == 3, errors.decode()
            sentences[errors.decode().strip().rpartition(": ")[2][-60:]] += 1
            total += collect(out, told)
            ballast.unlink()
            check(root, told)
            if free < 600_000:
                break
        print(f"{seed + 1} times full, {total} verdicts told, all there")
        for sentence, count in sentences.items():
            print(f"  {count} x ...{sentence}")


def errors(rounds: int) -> None:
    """Writes beyond a random size of a file fail."""
    told: dict[int, tuple[int, int, str | None]] = {}
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hall"
        make_project(root)
        chance = random.Random(0)
        for seed in range(rounds):
            size = (root / ".cfinspect" / "project.sqlite").stat().st_size
            process = start(root, seed, limit=chance.randrange(size // 2, size + 60_000))
            try:
                out, said = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                out, said = process.communicate()
            assert b"Traceback" not in said, said.decode()
            total += collect(out, told)
            check(root, told)
        print(f"{rounds} times write errors, {total} verdicts told, all there")


def exporter(root: Path) -> None:
    """Replace one export by the next without end; alternately of two formats."""
    with Project.open(root) as project:
        while True:
            for form in ("png", "coco"):
                export(project, form, root.parent / "out")
                os.write(1, b".")


def exports(rounds: int) -> None:
    """SIGKILL during exports: what lies there is one whole export, the old or the new."""
    chance = random.Random(0)
    formats: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hall"
        make_project(root)
        with Project.open(root, human=True) as project:
            for row in list_images(project, limit=1000):
                decide(project, row.id, who="bench", mask=np.ones((SIDE, SIDE), np.uint8))
        for _ in range(rounds):
            process = subprocess.Popen(
                [sys.executable, __file__, "exporter", str(root)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert process.stdout
            process.stdout.read(1)  # it is at work now
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            _, errors = process.communicate()
            assert process.returncode == -signal.SIGKILL, errors.decode()
            out = root.parent / "out"
            if not out.exists():  # killed between the two renames: the old one is beside it
                out = root.parent / ".out.old"
                formats["between two renames"] += 1
            about = json.loads((out / SIDECAR).read_text())
            found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
            assert found == {*about["files"], SIDECAR}
            assert len([name for name in found if name.startswith("images/")]) == 50
            formats[about["format"]] += 1
    print(f"{rounds} kills during exports, always one whole export: {dict(formats)}")


def reviewer(root: Path, name: str, seconds: float) -> None:
    """Work down the queue like a person who never sleeps."""
    end = time.monotonic() + seconds
    count = conflicts = 0
    worst = 0.0
    with Project.open(root, human=True) as project:
        chance = random.Random(name)
        ids = [row.id for row in list_images(project, limit=1000)]
        while time.monotonic() < end:
            started = time.monotonic()
            if chance.random() < 0.2:
                take(project, name, name, everything=True)
            number = chance.choice(ids)
            seen = human_of(project, number)
            try:
                mark = f"{seen.comment[-400:]} {name}{count}"
                decide(project, number, who=name, comment=mark, expected=seen.version, holder=name)
                print(json.dumps([number, seen.version + 1, f"{name}{count}"]))
                count += 1
            except ConflictError:
                conflicts += 1
            worst = max(worst, time.monotonic() - started)
    print(json.dumps({"name": name, "decided": count, "conflicts": conflicts, "worst": worst}))


def people(seconds: float) -> None:
    """Four processes on one project: every change builds on the one before, none is lost."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hall"
        make_project(root)
        # Files, not pipes: who waits for a full pipe to be read would seem to wait for the lock.
        logs = {name: Path(folder) / f"{name}.jsonl" for name in ("ann", "bob", "eve", "joe")}
        processes = []
        for name, log in logs.items():
            command = [sys.executable, __file__, "reviewer", str(root), name, str(seconds)]
            with log.open("w") as stream:
                processes.append(subprocess.Popen(command, stdout=stream))
        said: dict[int, dict[int, str]] = {}
        for process, log in zip(processes, logs.values(), strict=True):
            assert process.wait() == 0
            *lines, last = log.read_text().splitlines()
            for line in lines:
                number, version, mark = json.loads(line)
                assert version not in said.setdefault(number, {}), "two changes made one version"
                said[number][version] = mark
            print(json.loads(last))
        with Project.open(root) as project:
            trail: dict[int, list[str]] = {}
            for entry in audit.entries(project):
                assert entry.image_id and entry.after and entry.before
                before = trail.setdefault(entry.image_id, [])
                assert entry.before["comment"] == (before[-1] if before else "")
                before.append(entry.after["comment"])
            for number, versions in said.items():
                assert sorted(versions) == list(range(1, len(trail[number]) + 1))
                for version, mark in versions.items():
                    assert trail[number][version - 1].endswith(f" {mark}")
            assert not audit.verify(project).problems
            total = sum(len(versions) for versions in said.values())
        print(f"{total} changes in {seconds:.0f} s by 4 processes: none lost, none locked out")


def main() -> None:
    """Run one of the parts."""
    if sys.argv[1:2] == ["worker"]:
        worker(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    if sys.argv[1:2] == ["reviewer"]:
        reviewer(Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
        return
    if sys.argv[1:2] == ["exporter"]:
        exporter(Path(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("kills", "full", "errors", "people", "exports"))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    if arguments.part == "kills":
        kills(arguments.kills)
    elif arguments.part == "exports":
        exports(arguments.kills)
    elif arguments.part == "full":
        full(arguments.rounds)
    elif arguments.part == "errors":
        errors(arguments.rounds)
    else:
        people(arguments.seconds)


if __name__ == "__main__":
    main()
