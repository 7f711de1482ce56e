"""One input at a time in a process of its own, which may hang, crash or take all memory.

A finding is whatever is no success and no sentence of cfinspect's own: another error, more than
10 s, more than 1.5 GB, a crash, and a file that was changed, made or opened for writing outside of
the input's folder.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

# The kinds, and how many of some hundred inputs are of each.
SHARES = {
    **{"image-png": 8, "image-jpeg": 8, "image-tiff": 9, "image-bmp": 4, "image-webp": 4},
    **{"image-mpo": 2, "image-gif": 1, "labels-coco": 4, "labels-labelme": 4},
    **{"labels-xanylabeling": 4, "labels-cvat": 4, "labels-yolo": 4, "labels-voc": 4},
    **{"labels-csv": 4, "labels-png": 4, "labels-cfinspect": 4},
    **{"model": 10, "run": 5, "archive": 1, "database": 10},
}
VICTIM = "thesis.txt"  # lies in the folder in which inputs are used
SECONDS = 10.0
MEGABYTES = 1536
PATIENCE = 30.0  # s until a process is ended; 10 s of one that answers are a finding as well
_ROOM = 4 << 30  # bytes beside those that the program has anyway: no input may stop the machine
_MOST_USES = 1000  # what a process keeps of thousands of inputs would look like one that is large
FIRST = 300.0  # s until a fresh process has made its sound files
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = frozenset(
    f"os.{name}"
    for name in ("remove", "rename", "rmdir", "mkdir", "link", "symlink", "truncate", "chmod")
)


@dataclass(frozen=True)
class Job:
    """An input: ``number`` of the inputs of a kind that come from a seed."""

    kind: str
    seed: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.seed}:{self.number}"


@dataclass(frozen=True)
class Outcome:
    """What came of it. ``finding``: empty where all is well; ``sentences``: how many were said."""

    job: Job
    finding: str = ""
    sentences: int = 0
    seconds: float = 0.0
    megabytes: int = 0


def try_all(jobs: Iterable[Job]) -> Iterator[Outcome]:
    """The outcome of each; one that hangs or crashes costs its own process alone."""
    process: _Process | None = None
    try:
        for job in jobs:
            process = process or _Process()
            outcome = process.outcome(job)
            yield outcome
            process.used += 1
            if not process.is_alive() or process.used >= _MOST_USES:
                process.close()
                process = None
    finally:
        if process is not None:
            process.close()


class _Process:
    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="fuzz-"))
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._scratch), daemon=True)
        self._process.start()
        theirs.close()
        self._known: set[str] = set()
        self.used = 0

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def outcome(self, job: Job) -> Outcome:
        patience = PATIENCE if job.kind in self._known else FIRST
        self._known.add(job.kind)
        started = time.monotonic()
        try:
            self._ours.send(job)
            if not self._ours.poll(patience):
                self._end()
                return Outcome(job, "it hangs", seconds=time.monotonic() - started)
            found: Outcome = self._ours.recv()
            return found
        except (EOFError, ConnectionError):
            self._process.join(5)
            last = (self._scratch / "said.txt").read_text("utf-8", "replace")[-2000:]
            code = self._process.exitcode
            return Outcome(job, f"the process crashes (exit code {code}); it said last:\n{last}")

    def _end(self) -> None:
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        self._ours.close()
        self._process.join(5)
        self._end()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _work(connection: Connection, scratch: Path) -> None:
    """The process: answers jobs until nobody asks any more."""
    scratch = scratch.resolve()
    for name in ("home", "tmp", "box"):
        (scratch / name).mkdir()
    tempfile.tempdir = str(scratch / "tmp")
    os.environ |= {
        "HOME": str(scratch / "home"),
        "CFINSPECT_HOME": str(scratch / "home"),
        "TMPDIR": tempfile.tempdir,
        "QT_QPA_PLATFORM": "offscreen",
    }
    os.chdir(scratch / "box")
    log = os.open(scratch / "said.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)  # decoders in C print what they think of a file
    os.dup2(log, 2)
    warnings.simplefilter("ignore")
    bench = Bench(scratch)
    _limit_memory()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(bench.outcome(job))


class Bench:
    """Makes inputs, uses them, and looks around afterwards."""

    def __init__(self, scratch: Path) -> None:
        import torch
        from fuzz_kinds import KINDS

        torch.set_num_threads(1)
        self._kinds = KINDS
        self._scratch = scratch
        self._box = scratch / "box"
        for name in (VICTIM, "a.png", "home.txt"):
            (self._box / name).write_text("mine")
        self._sound: dict[str, list[dict[str, bytes]]] = {}
        self._outside: list[str] = []
        self._watching = False
        sys.addaudithook(self._heard)

    def outcome(self, job: Job) -> Outcome:
        from fuzz_kinds import Said
        from fuzz_seeds import in_scratch, write_files

        kind = self._kinds[job.kind]
        if job.kind not in self._sound:
            self._sound[job.kind] = in_scratch(kind.make)
        chance = Random(str(job))
        files = kind.change(chance.choice(self._sound[job.kind]), chance)
        folder = self._box / "in"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_files(folder, files)
        said = Said()
        before = self._around()
        _forget_peak()
        held = _peak()  # what other tests of this process have left is no matter of this input
        self._outside.clear()
        self._watching, started = True, time.monotonic()
        try:
            kind.use(folder, said)
            finding = ""
        except Exception:
            finding = traceback.format_exc()
        self._watching, seconds = False, time.monotonic() - started
        peak = _peak() - held
        return Outcome(
            job,
            finding or self._judged(said.sentences, before, seconds, peak),
            len(said.sentences),
            seconds,
            peak,
        )

    def _judged(
        self, sentences: list[str], before: dict[str, bytes], seconds: float, peak: int
    ) -> str:
        if self._outside:
            return f"it reaches out of its folder: {self._outside[0]}"
        if self._around() != before:
            return "a file outside of its folder was changed"
        if seconds > SECONDS:
            return f"it takes {seconds:.0f} s"
        if peak > MEGABYTES:
            return f"it takes {peak} MB"
        for sentence in sentences:
            if not sentence.strip() or "Traceback" in sentence or "not enough memory" in sentence:
                return f"it is no sentence to end with: {sentence[:300]!r}"
        return ""

    def _around(self) -> dict[str, bytes]:
        """The files beside the input's folder."""
        return {
            path.name: path.read_bytes() if path.is_file() else b""
            for path in self._box.iterdir()
            if path.name != "in"
        }

    def _heard(self, event: str, values: tuple[object, ...]) -> None:
        """What Python is about to do with files: noted where it would write elsewhere."""
        if not self._watching:
            return
        if event == "open":
            path, _, flags = values
            places = [(path, -1)] if isinstance(flags, int) and flags & _WRITES else []
        elif event in _CHANGES:
            paths = [one for one in values[:2] if isinstance(one, str | bytes | os.PathLike)]
            folders = [one for one in values[len(paths) :] if isinstance(one, int)][-len(paths) :]
            places = [*zip(paths, folders, strict=False)]
        else:
            return
        for path, handle in places:
            if isinstance(path, str | bytes | os.PathLike):
                place = _place(os.fsdecode(path), handle)
                inside = any(place.is_relative_to(self._scratch / name) for name in _ALLOWED)
                if not inside and str(place) != os.devnull:
                    self._outside.append(f"{event} {place}")


def _place(path: str, handle: int) -> Path:
    """Where a path leads; ``handle``: the open folder in which it begins, -1 for where we are."""
    if handle >= 0 and sys.platform == "linux":
        path = os.path.join(os.readlink(f"/proc/self/fd/{handle}"), path)  # noqa: PTH115, PTH118
    return Path(os.path.realpath(path))


_ALLOWED = ("box/in", "home", "tmp")


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + _ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def _forget_peak() -> None:
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def _peak() -> int:
    """MB that the process has held at most since `_forget_peak`; 0 where nobody can say."""
    if sys.platform != "linux":
        return 0
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) >> 10
    return 0


def spread(count: int, seed: int, kinds: Iterable[str] = ()) -> list[Job]:
    """``count`` inputs, of all kinds by their shares, or evenly of the ``kinds`` that are named."""
    named = list(kinds) or [name for name, share in SHARES.items() for _ in range(share)]
    # The same order whatever the count: kinds take turns as evenly as their shares let them.
    Random(0).shuffle(named)
    numbers: dict[str, int] = {}
    jobs = []
    for place in range(count):
        kind = named[place % len(named)]
        numbers[kind] = numbers.get(kind, -1) + 1
        jobs.append(Job(kind, seed, numbers[kind]))
    return jobs
