"""Many image files through an inspector: which files, read ahead, results in order.

Decoding runs in threads ahead of the network. Memory stays bounded whatever the folder holds: only
images of up to a megapixel are decoded ahead; a large photo is decoded when its turn comes, which
costs little beside the many windows that it is inspected through, and on a thread that can be left
alone when somebody asks to stop.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import (
    ImageError,
    header_size,
    read_bytes,
    read_image,
)
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.data.image_folders import list_images
from cfinspect.engine.inference.inspector import Inspection, Inspector

_AHEAD_PIXELS = 1_000_000
_AHEAD_FILES = 128
_LOOK_UP = 0.05  # seconds between looks at whether somebody asked to stop
MASKS = "masks"


@dataclass(frozen=True)
class Source:
    """An image file to inspect.

    ``name``: what it is called in results, with forward slashes: relative to the given folder, or
    as given. ``stem``: where its mask and overlay go below their folders, without suffix; no two
    sources share one, not even where upper and lower case are the same. ``read``: gives the bytes
    of ``path``, or raises ImageError.
    """

    path: Path
    name: str
    stem: str
    read: Callable[[Path], bytes] = read_bytes


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one source: an inspection, or else the ``error`` (one sentence).

    ``image``: (H, W, 3) uint8 as it was inspected.
    """

    source: Source
    image: NDArray[np.uint8] | None
    inspection: Inspection | None
    error: str


def find_sources(
    paths: Sequence[Path], *, leave_out: Path | None = None, taken: Collection[str] = ()
) -> tuple[list[Source], int]:
    """Find the images in files and folders; also returns how many files in ``masks/`` were passed.

    A folder called ``masks`` below a given folder holds masks by our layout, not images, and is
    passed over; so is everything below ``leave_out`` (the results of an earlier run). A folder
    below that cannot be opened is a source that cannot be read. Given more than one path, names
    start with the given folder's name. Stems in ``taken`` are not used.

    Raises CfinspectError for a path that does not exist and when there is no image at all.
    """
    named: dict[Path, tuple[Path, str, str]] = {}
    masks = 0
    results = leave_out.resolve() if leave_out else None
    for path, prefix in zip(paths, _prefixes(paths), strict=True):
        unread: list[Path] = []
        # A folder that cannot be opened is told like an image that cannot: an outcome with an error
        for file in (*list_images([path], unread), *unread):
            real = file.resolve()
            if results and real.is_relative_to(results):
                continue
            inner = file.relative_to(path) if file != path else None
            if inner and MASKS in inner.parts[:-1]:
                masks += 1
                continue
            place = prefix / PurePosixPath(inner.as_posix()) if inner else PurePosixPath(file.name)
            name = place.as_posix() if inner else file.as_posix()
            named.setdefault(real, (file, name, place.as_posix()))
    if not named:
        raise CfinspectError(_nothing(paths, masks))
    return _with_stems(list(named.values()), taken), masks


def _nothing(paths: Sequence[Path], masks: int) -> str:
    where = ", ".join(str(path) for path in paths)
    if masks:
        return f"There are only masks in {where}, no images: give the folder of the images."
    return f"There are no images in {where}: give files or folders of JPEG, PNG, BMP, TIFF or WebP."


def _prefixes(paths: Sequence[Path]) -> list[PurePosixPath]:
    """What the names below each path start with; different for every folder."""
    if len(paths) == 1:
        return [PurePosixPath()]
    used: Counter[str] = Counter()
    prefixes = []
    for path in paths:
        name = path.resolve().name or "root"
        used[name.casefold()] += 1
        again = used[name.casefold()]
        prefixes.append(PurePosixPath(name if again == 1 else f"{name}~{again}"))
    return prefixes


def _with_stems(files: Iterable[tuple[Path, str, str]], taken: Collection[str]) -> list[Source]:
    """Give every file a stem: its place without suffix, or with it where that is not enough."""
    entries = list(files)
    short = Counter(_without_suffix(place).casefold() for _, _, place in entries)
    used = {stem.casefold() for stem in taken}
    sources = []
    for path, name, place in entries:
        stem = _without_suffix(place)
        if short[stem.casefold()] > 1 or stem.casefold() in used:
            stem = place
        candidate, number = stem, 2
        while candidate.casefold() in used:
            candidate, number = f"{stem}~{number}", number + 1
        used.add(candidate.casefold())
        sources.append(Source(path, name, candidate))
    return sources


def _without_suffix(place: str) -> str:
    return PurePosixPath(place).with_suffix("").as_posix()


def inspect_sources(
    inspector: Inspector,
    sources: Sequence[Source],
    *,
    workers: int = 2,
    progress: Progress = Progress(),
) -> Iterator[Outcome]:
    """Inspect every source, in order; a file that cannot be read is an outcome with an error.

    ``workers`` threads decode ahead. Once somebody asked to stop no further image is taken; a batch
    of small ones that has been taken is still inspected, a large photo is not.
    """
    waiting: deque[Outcome] = deque()

    def images() -> Iterator[NDArray[np.uint8]]:
        with suppress(Cancelled):
            for read in _read_ahead(sources, workers, progress):
                progress.check()
                waiting.append(read)
                if read.image is not None:
                    yield read.image

    try:
        for inspection in inspector.inspect_many(images(), progress):
            while waiting[0].image is None:
                yield waiting.popleft()
            read = waiting.popleft()
            yield Outcome(read.source, read.image, inspection, "")
    except Cancelled:  # in the middle of a photo, of which nothing is known
        waiting = deque(read for read in waiting if read.image is None)
    yield from waiting


def _read_ahead(sources: Sequence[Source], workers: int, progress: Progress) -> Iterator[Outcome]:
    window: deque[tuple[Source, Future[Outcome | None]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for source in sources:
            window.append((source, pool.submit(_read_small, source)))
            if len(window) >= _AHEAD_FILES:
                yield _take(window, progress)
        while window:
            yield _take(window, progress)
    finally:
        pool.shutdown(cancel_futures=True)


def _take(window: deque[tuple[Source, Future[Outcome | None]]], progress: Progress) -> Outcome:
    source, future = window.popleft()
    return future.result() or _read_large(source, progress)


def _read_large(source: Source, progress: Progress) -> Outcome:
    """Read a large image; raises ``Cancelled`` at once, while its decoder still works."""
    done: Future[Outcome] = Future()

    def work() -> None:
        try:
            done.set_result(_read(source))
        except BaseException as error:
            done.set_exception(error)

    # Of a pool the program would wait for it when it ends.
    threading.Thread(target=work, name="decode-large", daemon=True).start()
    while not done.done():
        progress.check()
        wait([done], _LOOK_UP)
    return done.result()


def _read_small(source: Source) -> Outcome | None:
    """Read a small image now; None for a large one, which has to wait for its turn."""
    try:
        data = source.read(source.path)
        height, width = header_size(source.path, data)
    except ImageError as error:
        return Outcome(source, None, None, str(error))
    return _read(source, data) if height * width <= _AHEAD_PIXELS else None


def _read(source: Source, data: bytes | None = None) -> Outcome:
    try:
        data = source.read(source.path) if data is None else data
        return Outcome(source, read_image(source.path, data=data), None, "")
    except ImageError as error:
        return Outcome(source, None, None, str(error))
