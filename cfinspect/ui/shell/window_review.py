"""Images and verdicts: the gallery, the image's page, the review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu

from cfinspect.ui.shell.window_work import WorkPart
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.listing import ImageFilter, ImageRow
    from cfinspect.project.verdicts import Verdict
    from cfinspect.ui.canvas.base import CompareMode
    from cfinspect.ui.canvas.editor import Tool
    from cfinspect.ui.review.reviewer import Summary


_GROUP = 16  # letters of a group's name that stand beside an image's
_GALLERY_MENU = (
    *("accept", "damaged", "undamaged", "skip", "withdraw", ""),
    *("inspect_selection", "", "copy_name", "show_file", "", "select_all"),
)


class ReviewPart(WorkPart):
    """What the window does with images and verdicts."""

    def show_gallery(self) -> None:
        """Back to the gallery, at the image that was open; from there, to the first page."""
        from cfinspect.ui.canvas.editor import Tool  # noqa: PLC0415

        page = self.pages.currentWidget()
        if self.inspector.comment.hasFocus():
            self.canvas.setFocus()  # which stores the comment
            return
        if page is self.image_page:
            if self.canvas.has_corners:
                self.canvas.set_tool(self.canvas.tool)
                return
            if self.canvas.tool is not Tool.HAND:
                self.reviewer.set_tool(Tool.HAND)
                return
            if self.isFullScreen():
                self.toggle_fullscreen()
                return
            row = self.reviewer.row
            self.show_page(self.gallery)
            if row is not None:
                self.gallery.select(row.id)
        elif self.session.project is not None:
            self.show_page(self.gallery)
        self.gallery.focus()

    def list_images(self, wanted: ImageFilter) -> None:
        """List what the folders panel asks for; an open image makes room for the list."""
        self.model.show(wanted)
        if self.pages.currentWidget() is self.image_page and not self.reviewer.reviewing:
            self.show_page(self.gallery)

    def open_image(self, image_id: int) -> None:
        """Show one image of the gallery's list."""
        self.show_page(self.image_page)
        self.reviewer.browse(image_id, self.model.ids)
        self.canvas.setFocus()

    def image_shown(self, row: ImageRow) -> None:
        """Show the name of the image on screen."""
        about = [f"{row.width} x {row.height}"] if row.width else []
        if row.group:
            short = row.group if len(row.group) <= _GROUP else row.group[: _GROUP - 1] + "…"
            about.append(tr("group {name}", name=short))
        folder = self.session.folder(row.folder_id)
        name = row.name
        if folder is not None and row.path.is_relative_to(folder.path):
            inner = row.path.relative_to(folder.path).as_posix()
            several = self.session.facts is not None and len(self.session.facts.folders) > 1
            name = f"{folder.path.name}/{inner}" if several else inner
        self.image_page.show_about(name, "   ".join(about))
        self.image_page.name.setToolTip(str(row.path))
        self.image_page.about.setToolTip(tr("group {name}", name=row.group) if row.group else "")
        self.show_page(self.image_page)

    def show_review_text(self) -> None:
        """Say where in the list or the review the person is."""
        reviewer = self.reviewer
        self.image_page.show_rank(on=reviewer.reviewing)
        if reviewer.reviewing:
            done, waiting = reviewer.progress
            text = tr("REVIEW   {done} done, {left} left", done=done, left=waiting)
        else:
            place = reviewer.place
            total = len(reviewer.order)
            text = (
                ""
                if place is None
                else tr("{n} of {total}", n=f"{place + 1:,}", total=f"{total:,}")
            )
        if reviewer.has_edits:
            text += "   " + tr("corrections not stored yet")
        self.image_page.review_text.setText(text)

    def start_review(self) -> None:
        """Work down the queue of what the folders panel shows."""
        folder, domain = self.folders.current_scope()
        self.reviewer.start(folder, domain)
        self.canvas.setFocus()

    def change_rank(self, rank: str) -> None:
        """Go on with the review in another order."""
        self.preferences.set("rank", rank)
        if self.reviewer.reviewing:
            self.reviewer.put_away()
            self.reviewer.reorder()
        self.canvas.setFocus()

    def targets(self) -> list[ImageRow]:
        """The image on screen, or those that are selected."""
        if self.pages.currentWidget() is self.image_page:
            return [self.reviewer.row] if self.reviewer.row is not None else []
        return self.gallery.selected()

    def say(self, verdict: Verdict) -> None:
        """A verdict on the image on screen, or on all that are selected in the gallery."""
        if self.pages.currentWidget() is self.image_page:
            self.reviewer.say(verdict)
        else:
            self.session.say_of_many([(row, verdict) for row in self.gallery.selected()])

    def withdraw(self) -> None:
        """Take back the verdict on the image on screen, or on all that are selected."""
        if self.pages.currentWidget() is self.image_page:
            self.reviewer.withdraw()
            return
        rows = [row for row in self.gallery.selected() if row.verdict is not None]
        if not rows:
            self.tell(tr("There is no verdict to withdraw."))
        self.session.say_of_many([(row, None) for row in rows])

    def accept(self) -> None:
        """The model is right: of the image on screen, or of all that are selected."""
        from cfinspect.project.verdicts import Verdict  # noqa: PLC0415

        if self.pages.currentWidget() is self.image_page:
            self.reviewer.accept()
            return
        rows = self.gallery.selected()
        said = [(row, Verdict(row.machine)) for row in rows if row.machine is not None]
        if not said:
            self.tell(tr("No model has looked at these images yet (Ctrl+R)."))
        self.session.say_of_many(said)

    def comment(self) -> None:
        """Put the cursor into the comment."""
        self.docks["panel_right"].show()
        self.reviewer.comment()

    def take_tool(self, tool: Tool) -> None:
        """Take a tool; H or Esc put it down."""
        self.reviewer.set_tool(tool)
        self.refresh_actions()

    def compare(self, compare: CompareMode) -> None:
        """Compare so; again: not at all."""
        from cfinspect.ui.canvas.base import CompareMode  # noqa: PLC0415

        self.canvas.set_compare(CompareMode.OFF if self.canvas.compare is compare else compare)
        self.refresh_actions()

    def review_ended(self, summary: Summary) -> None:
        """Tell what was done in a review."""
        from cfinspect.ui.dialogs.help import SummaryDialog  # noqa: PLC0415

        if summary.reviewed:
            self.run_dialog(SummaryDialog(self, summary))
        if not summary.left:
            self.tell(tr("The review queue is empty."))

    def gallery_menu(self, at: QPoint) -> None:
        """What can be done with the selected images."""
        menu = QMenu(self)
        self.refresh_now()
        for name in _GALLERY_MENU:
            if name:
                menu.addAction(self.actions_[name])
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
        self.tell(tr("Copied."))
