"""The review: the most doubtful images first."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from cfinspect.project.project import Project
from cfinspect.project.queue import Rank, take
from cfinspect.project.verdicts import Verdict
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.review.image_navigator import AHEAD, ImageNavigator
from cfinspect.ui.review.shown_image import ShownImage
from cfinspect.ui.review.unsaved_edits import UnsavedEdits
from cfinspect.ui.state.session import Session, VerdictRecord
from cfinspect.ui.widgets.translate import tr

_LEASED = 16


@dataclass(frozen=True)
class Summary:
    """What was done in one review."""

    seconds: float
    undamaged: int
    damaged: int
    skipped: int
    corrected: int
    overruled: int
    left: int

    @property
    def reviewed(self) -> int:
        """How many images were judged; those that were skipped come again."""
        return self.undamaged + self.damaged


class Reviewer(QObject):
    """Works down the queue of what waits. ``finished``: a review is over, with a Summary.

    ``reviewing``: whether one runs.
    """

    finished = Signal(object)

    def __init__(
        self,
        session: Session,
        image: ShownImage,
        edits: UnsavedEdits,
        navigator: ImageNavigator,
    ) -> None:
        super().__init__(image)
        self._session = session
        self._image = image
        self._edits = edits
        self._navigator = navigator
        self.reviewing = False
        self._started = 0.0
        self._scope: tuple[str | None, str | None] = (None, None)
        self._taking = False
        self._end_when_empty = False
        self._number = 0  # of the queue that is asked: answers of an earlier one find nobody
        session.closed.connect(self._give_up)
        session.facts_changed.connect(image.changed)

    def _give_up(self) -> None:
        self.reviewing = False
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._number += 1
        self._taking = self._end_when_empty = False

    # Leafing --------------------------------------------------------------------------------------

    def browse(self, image_id: int, order: list[int]) -> None:
        """Show an image of a list."""
        self.end()
        self._navigator.order = order
        self._navigator.show(image_id)

    def step(self, by: int) -> bool:
        """Go on or back; a review takes more images from the queue before its list ends."""
        went = self._navigator.step(by)
        if self.reviewing:
            place = self._navigator.place
            if not went and place is not None and by > 0:
                self._take_more(then_end=True)
            elif went and place is not None and place + AHEAD >= len(self._navigator.order):
                self._take_more()
        return went

    # The review -----------------------------------------------------------------------------------

    def start(self, folder: str | None, domain: str | None) -> None:
        """Start with the most doubtful images of a folder or domain, unless this runs already."""
        if self.reviewing and self._scope == (folder, domain):
            return
        self.end()
        self._ask_anew()
        self._scope = (folder, domain)
        self._take_more(begin=True)

    def reorder(self) -> None:
        """Go on with what another rank puts first; what was said in this review stays counted."""
        self._ask_anew()
        self._take_more(anew=True)

    def _take_more(
        self, *, begin: bool = False, anew: bool = False, then_end: bool = False
    ) -> None:
        self._end_when_empty = self._end_when_empty or then_end
        if self._taking:
            return
        self._taking = True
        session, (folder, domain) = self._session, self._scope
        holder, who = session.holder, session.who
        rank = Rank(session.preferences.get("rank"))
        number = self._number
        wanted = _LEASED + (0 if begin else len(self._navigator.order))

        def work(project: Project) -> list[int]:
            rows = take(
                project,
                holder,
                who,
                rank,
                folder=folder,
                domain=domain,
                number=wanted,
            )
            return [row.id for row in rows]

        def after(ids: list[int]) -> None:
            if number != self._number:
                if not self.reviewing:
                    session.release_leases()
                return
            self._taking = False
            ends, self._end_when_empty = self._end_when_empty, False
            session.leases = True
            known = [] if begin else list(self._navigator.order)
            if anew:  # what was judged stays in reach; what was passed over may come again
                said = {one.image_id for one in self._verdicts()}
                known = [
                    one for one in self._navigator.order[: self._navigator.place] if one in said
                ]
            before = set(known)
            new = [one for one in ids if one not in before]
            if begin:
                if not new:
                    self._image.note.emit(
                        tr(
                            "Nothing waits for a review here. Inspect the folder first, or choose "
                            "another one on the left."
                        )
                    )
                    return
                session.review += 1
                self._started = time.monotonic()
                self.reviewing = True
                self._navigator.order = new
                self._navigator.show(new[0])
                return
            if anew:
                if new:
                    self._navigator.order = known + new
                    self._navigator.show(new[0])
                return
            self._navigator.order = self._navigator.order + new
            self._navigator.show_strip()
            if ends and new:
                self.step(1)
            elif ends:
                self.end(left=len(ids))

        def sorry(failure: Failure) -> None:
            if number == self._number:
                self._taking = self._end_when_empty = False
            session.failed.emit(failure)

        session.writer.ask(work, after, sorry)

    def end(self, *, left: int | None = None) -> None:
        """End the review and say what was done; ``left``: how many wait, where that is known."""
        if not self.reviewing:
            return
        self.reviewing = False  # first: what comes in while it settles must not end it once more
        self._ask_anew()
        self._edits.keep()
        self._session.settle(10)
        self._session.release_leases()
        said = self._said_now()
        latest = self._verdicts()
        summary = Summary(
            seconds=time.monotonic() - self._started,
            undamaged=sum(one.verdict == Verdict.UNDAMAGED for one in latest),
            damaged=sum(one.verdict == Verdict.DAMAGED for one in latest),
            skipped=sum(one.verdict == Verdict.SKIPPED for one in latest),
            corrected=sum({one.image_id: one.corrected for one in said}.values()),
            overruled=sum(one.overruled for one in latest),
            left=self.left if left is None else left,
        )
        self.finished.emit(summary)
        self._image.changed.emit()

    @property
    def progress(self) -> tuple[int, int]:
        """How many images of this review have a verdict, and how many wait where it looks."""
        return len(self._verdicts()), self.left

    def _verdicts(self) -> list[VerdictRecord]:
        """The verdicts of this review that stand: neither overtaken nor withdrawn."""
        latest = {one.image_id: one for one in self._said_now()}
        return [one for one in latest.values() if one.verdict is not None]

    def _said_now(self) -> list[VerdictRecord]:
        """What was said in this review."""
        return [one for one in self._session.done if one.review == self._session.review]

    @property
    def left(self) -> int:
        """How many images wait where this review looks, as last counted."""
        facts, (folder, domain) = self._session.facts, self._scope
        if facts is None:
            return 0
        return sum(
            facts.waiting.get(one.id, 0)
            for one in facts.folders
            if folder in {None, one.name} and domain in {None, one.domain}
        )
