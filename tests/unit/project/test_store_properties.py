"""The store against a model of it: whatever people say, take back, move and scan, in any order."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import repeatable
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from numpy.typing import NDArray

from cfinspect.engine.base.images import ImageError, write_png
from cfinspect.project import audit
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import HumanState, ImageFilter, count, list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import (
    KEEP,
    ConflictError,
    Kept,
    Verdict,
    decide,
    human_of,
    read_mask_of,
    revert,
    undo,
)

repeatable.load()

SIDE = 6
CONTENTS = range(4)
PATHS = ("a.png", "b.png", "c.png", "hall/a.png", "hall/d.png")
MASKS = tuple(np.full((SIDE, SIDE), row, np.uint8) * (np.arange(SIDE) < row) for row in (0, 1))
PEOPLE = st.sampled_from(("ann", "ann", "ann", "bob"))
VERDICTS = st.sampled_from((KEEP, None, *Verdict))
DRAWN = st.sampled_from((KEEP, None, *range(len(MASKS))))
COMMENTS = st.sampled_from((KEEP, "", "chipped"))


@dataclass(frozen=True)
class Word:
    """What stands of an image: a verdict, the number of a mask, a comment."""

    verdict: Verdict | None = None
    mask: int | None = None
    comment: str = ""

    @property
    def state(self) -> HumanState:
        if self.verdict is None:
            return HumanState.OPEN
        if self.verdict is Verdict.SKIPPED:
            return HumanState.SKIPPED
        return HumanState.VERDICT if self.mask is None else HumanState.CORRECTED


@dataclass(frozen=True)
class Entry:
    """One change of an image, by content; ``reverts``: the entry that it took back."""

    content: int
    who: str
    before: Word
    after: Word
    reverts: int | None = None


@dataclass
class Image:
    """What the model knows of an image.

    ``path``: where the last scan that met it found it. ``standing``: entries whose word counts,
    newest last.
    """

    id: int
    path: str = ""
    word: Word = Word()
    version: int = 0
    last: int | None = None
    standing: list[int] = field(default_factory=list)


class Store(RuleBasedStateMachine):
    """``disk`` and ``known``: path -> content, now and at the last scan."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "photos"
        self.root.mkdir()
        self.disk: dict[str, int] = {}
        self.known: dict[str, int] = {}
        self.images: dict[int, Image] = {}
        self.trail: dict[int, Entry] = {}

    @initialize()
    def begin(self) -> None:
        self._write("a.png", 0)
        self._write("b.png", 1)
        self.project = Project.create(self.root, human=True)
        self.look()

    def teardown(self) -> None:
        self.project.close()
        self.folder.cleanup()

    # What people say ----------------------------------------------------------------------------

    @rule(
        content=st.sampled_from((0, 0, 0, 1, 1, 2, 3)),
        who=PEOPLE,
        verdict=VERDICTS,
        drawn=DRAWN,
        comment=COMMENTS,
        seen=st.sampled_from((None, None, None, 0, 1)),
    )
    def say(
        self,
        content: int,
        who: str,
        verdict: Verdict | Kept | None,
        drawn: int | Kept | None,
        comment: str | Kept,
        seen: int | None,
    ) -> None:
        """``seen``: how many changes ago the person looked; None where nobody asks."""
        image = self.images.get(content)
        if image is None:
            return
        said = image.word
        if isinstance(drawn, int):
            said = replace(said, verdict=Verdict(int(MASKS[drawn].any())), mask=drawn)
        elif drawn is None:
            said = replace(said, mask=None)
        if verdict is not KEEP:
            said = replace(said, verdict=verdict)
        if verdict is Verdict.UNDAMAGED and drawn is KEEP:
            said = replace(said, mask=None)
        if comment is not KEEP:
            said = replace(said, comment=comment)
        stale = seen is not None and seen > 0
        contradiction = (
            verdict is Verdict.UNDAMAGED and isinstance(drawn, int) and MASKS[drawn].any()
        )
        try:
            decide(
                self.project,
                image.id,
                who=who,
                verdict=verdict,
                mask=MASKS[drawn] if isinstance(drawn, int) else drawn,
                comment=comment,
                expected=None if seen is None else image.version - seen,
            )
        except ConflictError:
            assert stale or self._holds_something_else(content)
        except ImageError:  # how large it is nobody knows before a model has looked at it
            assert isinstance(drawn, int) and image.path not in self.disk
        except ProjectError:
            assert contradiction
        else:
            assert not (stale or contradiction or self._holds_something_else(content))
            self._write_down(image, Entry(content, who, image.word, said))

    @rule(who=PEOPLE)
    def undo(self, who: str) -> None:
        """The last thing that ``who`` said and that nobody took back, unless others spoke since."""
        own = [
            number
            for number, entry in self.trail.items()
            if entry.who == who
            and entry.reverts is None
            and number in self.images[entry.content].standing
        ]
        try:
            done = undo(self.project, who=who)
        except ConflictError:
            assert self.images[self.trail[own[-1]].content].standing[-1] != own[-1]
        else:
            assert bool(done.humans) == bool(own)
            if own:
                self._take_back(own[-1], who)

    @precondition(lambda self: self.trail)
    @rule(who=PEOPLE, back=st.integers(0, 5))
    def revert(self, who: str, back: int) -> None:
        """Any late entry, reverts too: what was taken back comes again."""
        number = max(1, len(self.trail) - back)
        image = self.images[self.trail[number].content]
        allowed = number == image.last or number in image.standing[-1:]
        try:
            revert(self.project, number, who=who)
        except ConflictError:
            assert not allowed
        else:
            assert allowed
            self._take_back(number, who)

    # What happens to files ----------------------------------------------------------------------

    @rule(content=st.sampled_from(CONTENTS), path=st.sampled_from(PATHS))
    def put(self, content: int, path: str) -> None:
        """A file appears, moves here, or takes the place of another."""
        for old in [old for old, one in self.disk.items() if one == content]:
            (self.root / old).unlink()
            del self.disk[old]
        self._write(path, content)

    @rule(path=st.sampled_from(PATHS))
    def remove(self, path: str) -> None:
        if self.disk.pop(path, None) is not None:
            (self.root / path).unlink()

    @rule()
    def look(self) -> None:
        """A scan: an image is its content, wherever that is now and however long it was away."""
        before = {content: path for path, content in self.known.items()}
        after = {content: path for path, content in self.disk.items()}
        report = scan(self.project)
        assert report.problems == []
        assert report.present == len(after)
        assert report.new + report.changed == len(after.keys() - self.images.keys())
        assert report.returned == len((after.keys() & self.images.keys()) - before.keys())
        assert report.vanished == len(before.keys() - after.keys())
        assert report.moved == sum(after[one] != before[one] for one in after.keys() & before)
        self.known = dict(self.disk)
        ids = {
            row.path.relative_to(self.root).as_posix(): row.id for row in list_images(self.project)
        }
        assert ids.keys() == self.known.keys()
        for path, content in self.known.items():
            image = self.images.setdefault(content, Image(ids[path]))
            assert image.id == ids[path]
            image.path = path

    @rule()
    def begin_again(self) -> None:
        """The program ends, and another one opens the project."""
        self.project.close()
        self.project = Project.open(self.root, human=True)

    # What must hold -----------------------------------------------------------------------------

    @invariant()
    def every_word_stands(self) -> None:
        for image in self.images.values():
            human = human_of(self.project, image.id)
            assert (human.verdict, human.comment) == (image.word.verdict, image.word.comment)
            assert (human.version, human.entry) == (image.version, image.last)
            mask = read_mask_of(self.project, human)
            assert (mask is None) == (image.word.mask is None)
            assert mask is None or np.array_equal(mask, self._mask(image))

    @invariant()
    def lists_and_counts_agree(self) -> None:
        words = {image.id: image.word for image in self.images.values()}
        for missing in (False, True):
            rows = list_images(self.project, ImageFilter(missing=missing))
            here = {self.images[content].id for content in self.known.values()}
            assert {row.id for row in rows} == (words.keys() - here if missing else here)
            for row in rows:
                assert (row.verdict, row.state) == (words[row.id].verdict, words[row.id].state)
            for state in HumanState:
                wanted = ImageFilter(missing=missing, state=state)
                assert count(self.project, wanted) == sum(row.state is state for row in rows)

    @invariant()
    def the_trail_is_whole(self) -> None:
        found = audit.verify(self.project)
        assert found.problems == []
        assert found.entries == len(self.trail)
        for entry, kept in zip(audit.entries(self.project), self.trail.values(), strict=True):
            assert (entry.who, entry.reverts) == (kept.who, kept.reverts)
            assert entry.image_id == self.images[kept.content].id

    # The model ----------------------------------------------------------------------------------

    def _write(self, path: str, content: int) -> None:
        file = self.root / path
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        write_png(file, np.full((SIDE, SIDE, 3), 50 * content, np.uint8))
        os.utime(file, ns=(content, content))  # its own date, wherever it goes
        self.disk[path] = content

    def _holds_something_else(self, content: int) -> bool:
        """Whether the file of an image was replaced since the last scan."""
        paths = [path for path, one in self.known.items() if one == content]
        return any(self.disk.get(path, content) != content for path in paths)

    def _mask(self, image: Image) -> NDArray[np.uint8]:
        assert image.word.mask is not None
        return MASKS[image.word.mask]

    def _write_down(self, image: Image, entry: Entry) -> None:
        number = len(self.trail) + 1
        self.trail[number] = entry
        image.word, image.last = entry.after, number
        image.version += 1
        if entry.reverts is None:
            image.standing.append(number)

    def _take_back(self, number: int, who: str) -> None:
        taken = self.trail[number]
        image = self.images[taken.content]
        if taken.reverts is None:
            assert image.standing.pop() == number
        else:  # what it took back stands again, or falls again
            self._turn(image, taken.reverts)
        self._write_down(image, Entry(taken.content, who, image.word, taken.before, number))

    def _turn(self, image: Image, number: int) -> None:
        """Undo what the revert of ``number`` did to the entries that stand."""
        entry = self.trail[number]
        if entry.reverts is not None:
            ends = entry.reverts
            while (further := self.trail[ends].reverts) is not None:
                ends = further
            if image.standing[-1:] == [ends]:
                image.standing.pop()
            else:
                image.standing.append(ends)
        else:
            image.standing.append(number)


TestStore = Store.TestCase
# To shrink a failure takes minutes: add Phase.shrink when one is to be understood.
TestStore.settings = settings(max_examples=60, stateful_step_count=30, phases=[Phase.generate])
