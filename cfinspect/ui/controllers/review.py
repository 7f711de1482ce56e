"""Images and verdicts: the gallery, the image's page, the review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu

from cfinspect.project.verdicts import Verdict
from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.dialogs.help import SummaryDialog
from cfinspect.ui.frame.context import Context
from cfinspect.ui.widgets.label import plain
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.listing import ImageFilter, ImageRow
    from cfinspect.ui.review.reviewer import Summary


_GROUP = 16  # letters of a group's name that stand beside an image's
_GALLERY_MENU = (
    *("accept", "damaged", "undamaged", "skip", "withdraw", ""),
    *("inspect_selection", "", "copy_name", "show_file", "", "select_all"),
)


class ReviewController:
    """Goes between gallery and image, and hands on verdicts on one image or on many."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._layout = context.layout
        self._gallery = context.parts.gallery
        self._page = context.parts.image_page
        self._canvas = context.parts.canvas
        self._review = context.parts.review

    # Pages ----------------------------------------------------------------------------------------

    def show_gallery(self) -> None:
        """Back to the gallery, at the image that was open; from there, to the first page."""
        if self._context.parts.inspector.comment.hasFocus():
            self._canvas.setFocus()  # which stores the comment
            return
        if self._layout.is_on_image:
            if self._canvas.has_corners:
                self._canvas.set_tool(self._canvas.tool)
                return
            if self._canvas.tool is not Tool.HAND:
                self._review.edits.set_tool(Tool.HAND)
                return
            if self._layout.is_fullscreen:
                self._layout.toggle_fullscreen()
                return
            row = self._review.navigator.row
            self._layout.show_page(self._gallery)
            if row is not None:
                self._gallery.select(row.id)
        elif self._session.project is not None:
            self._layout.show_page(self._gallery)
        self._gallery.focus()

    def list_images(self, wanted: ImageFilter) -> None:
        """List what the folders panel asks for; an open image makes room for the list."""
        self._context.parts.model.show(wanted)
        if self._layout.is_on_image and not self._review.reviewer.reviewing:
            self._layout.show_page(self._gallery)

    def open_image(self, image_id: int) -> None:
        """Show one image of the gallery's list."""
        self._layout.show_page(self._page)
        self._review.reviewer.browse(image_id, self._context.parts.model.ids)
        self._canvas.setFocus()

    def image_shown(self, row: ImageRow) -> None:
        """Show the name of the image on screen."""
        about = [f"{row.width} x {row.height}"] if row.width else []
        if row.group:
            short = row.group if len(row.group) <= _GROUP else row.group[: _GROUP - 1] + "…"
            about.append(tr("group {name}", name=short))
        folder = self._session.folder(row.folder_id)
        name = row.name
        if folder is not None and row.path.is_relative_to(folder.path):
            inner = row.path.relative_to(folder.path).as_posix()
            facts = self._session.facts
            several = facts is not None and len(facts.folders) > 1
            name = f"{folder.path.name}/{inner}" if several else inner
        self._page.show_about(name, "   ".join(about))
        self._page.name.setToolTip(plain(str(row.path)))
        self._page.about.setToolTip(plain(tr("group {name}", name=row.group) if row.group else ""))
        self._layout.show_page(self._page)

    def show_place(self) -> None:
        """Say where in the list or the review the person is, and where to go from there."""
        reviewer, navigator = self._review.reviewer, self._review.navigator
        before, after = navigator.can_leaf
        self._page.previous.setEnabled(before)
        self._page.next.setEnabled(after or reviewer.reviewing)
        self._page.show_rank(on=reviewer.reviewing)
        if reviewer.reviewing:
            done, waiting = reviewer.progress
            text = tr("REVIEW   {done} done, {left} left", done=done, left=waiting)
        else:
            place = navigator.place
            total = len(navigator.order)
            text = (
                ""
                if place is None
                else tr("{n} of {total}", n=f"{place + 1:,}", total=f"{total:,}")
            )
        if self._review.edits.has_edits:
            text += "   " + tr("corrections not stored yet")
        self._page.review_text.setText(text)

    def show_saving(self) -> None:
        """Say whether everything is stored."""
        self._context.status.show_saving(
            self._session.unsaved, has_edits=self._review.edits.has_edits
        )

    def show_saved(self) -> None:
        """Say that a word was stored just now."""
        self._context.status.note_saved()
        self.show_saving()

    # The review -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Work down the queue of what the folders panel shows."""
        folder, domain = self._context.parts.folders.current_scope()
        self._review.reviewer.start(folder, domain)
        self._canvas.setFocus()

    def change_rank(self, rank: str) -> None:
        """Go on with the review in another order."""
        self._context.preferences.set("rank", rank)
        if self._review.reviewer.reviewing:
            self._review.navigator.put_away()
            self._review.reviewer.reorder()
        self._canvas.setFocus()

    def ended(self, summary: Summary) -> None:
        """Tell what was done in a review."""
        if summary.reviewed or summary.skipped:
            self._context.messages.run(SummaryDialog(self._context.window, summary))
        if not summary.left:
            self._context.messages.tell(tr("The review queue is empty."))

    # Verdicts -------------------------------------------------------------------------------------

    def targets(self) -> list[ImageRow]:
        """The image on screen, or those that are selected."""
        if self._layout.is_on_image:
            return [self._review.navigator.row] if self._review.navigator.row is not None else []
        return self._gallery.selected()

    def say(self, verdict: Verdict) -> None:
        """A verdict on the image on screen, or on all that are selected in the gallery."""
        if self._layout.is_on_image:
            self._review.verdicts.say(verdict)
        else:
            self._session.say_of_many([(row, verdict) for row in self._gallery.selected()])

    def withdraw(self) -> None:
        """Take back the verdict on the image on screen, or on all that are selected."""
        if self._layout.is_on_image:
            self._review.verdicts.withdraw()
            return
        rows = [row for row in self._gallery.selected() if row.verdict is not None]
        if not rows:
            self._context.messages.tell(tr("There is no verdict to withdraw."))
        self._session.say_of_many([(row, None) for row in rows])

    def accept(self) -> None:
        """The model is right: of the image on screen, or of all that are selected."""
        if self._layout.is_on_image:
            self._review.verdicts.accept()
            return
        rows = self._gallery.selected()
        said = [(row, Verdict(row.machine)) for row in rows if row.machine is not None]
        if not said:
            text = tr("No model has looked at these images yet (Ctrl+R).")
            self._context.messages.tell(text)
        self._session.say_of_many(said)

    # Tools ----------------------------------------------------------------------------------------

    def comment(self) -> None:
        """Put the cursor into the comment."""
        self._layout.show_dock("panel_right")
        self._review.comments.write()

    def take_tool(self, tool: Tool) -> None:
        """Take a tool; H or Esc put it down."""
        self._review.edits.set_tool(tool)
        self._context.refresher.refresh()

    def compare(self, compare: CompareMode) -> None:
        """Compare so; again: not at all."""
        self._canvas.set_compare(CompareMode.OFF if self._canvas.compare is compare else compare)
        self._context.refresher.refresh()

    def show_menu(self, at: QPoint) -> None:
        """What can be done with the selected images."""
        menu = QMenu(self._context.window)
        self._context.refresher.refresh_now()
        for name in _GALLERY_MENU:
            if name:
                menu.addAction(self._context.actions[name])
            else:
                menu.addSeparator()
        menu.exec(at)
        menu.deleteLater()

    def show_file(self) -> None:
        """Show the file of the first image in the system's file manager."""
        rows = self.targets()
        if rows:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(rows[0].path.parent)))

    def copy_name(self) -> None:
        """Copy the paths of the images."""
        paths = "\n".join(str(row.path) for row in self.targets())
        QGuiApplication.clipboard().setText(paths)
        self._context.messages.tell(tr("Copied."))
