"""A PNG of every screen, to be looked at.

    python tests/ui/screens.py OUT [--theme dark|light] [--model MODEL]

Run it under a display for real windows (``xvfb-run -a -s "-screen 0 1700x1100x24" ...``), or with
``QT_QPA_PLATFORM=offscreen``; with ``QT_SCALE_FACTOR=2`` for HiDPI. All images are drawn by the
program, so the pictures may be published. Without MODEL one is trained for a good minute first.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from driver import inspect, live, open_folder, picture_shown, trigger, wait_for
from PySide6.QtWidgets import QWidget

from cfinspect.engine.synth.folder import write_folder
from cfinspect.project.listing import SortOrder
from cfinspect.project.verdicts import Verdict
from cfinspect.ui.dialogs import exporting, folder, help, importing, models, palette, settings
from cfinspect.ui.dialogs.common import ErrorDialog
from cfinspect.ui.dialogs.inspect import InspectDialog
from cfinspect.ui.jobs.job import Failure
from cfinspect.ui.review.reviewer import Summary
from cfinspect.ui.shell.app import make_app
from cfinspect.ui.shell.main_window import MainWindow
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.widgets import theme, translate


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--language", default="en")
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        os.environ["CFINSPECT_HOME"] = str(Path(place) / "home")
        walls = write_folder(Path(place) / "walls", "crack", count=120, size=160, seed=5)
        model = arguments.model or train(walls, Path(place) / "run")
        app = make_app(["screens"])
        translate.install(arguments.language)
        theme.apply(app, arguments.theme)
        window = MainWindow(Preferences(Path(place) / "window.ini"))
        window.preferences.set("theme", arguments.theme)
        window.resize(1500, 960)
        window.show()
        window.build()
        pages(window, walls, model, arguments.out)
        dialogs(window, arguments.out)
        window.close()


def train(data: Path, out: Path) -> Path:
    """A small model of drawn walls."""
    from cfinspect.engine.base.events import Finished
    from cfinspect.engine.training.config import TrainConfig
    from cfinspect.engine.training.trainer import train as events

    config = TrainConfig.from_preset("fast", data=(str(data),), out=str(out), minutes=1.2)
    last = list(events(config))[-1]
    assert isinstance(last, Finished)
    assert last.model is not None
    return last.model


def shoot(widget: QWidget, out: Path, name: str) -> None:
    """One picture, after everything has settled."""
    live(0.4)
    widget.grab().save(str(out / f"{name}.png"))


def pages(window: MainWindow, walls: Path, model: Path, out: Path) -> None:
    """The pages of the window."""
    shoot(window, out, "welcome")
    open_folder(window, walls)
    shoot(window, out, "gallery-before")
    inspect(window, model)
    shoot(window, out, "gallery")
    window.gallery.as_list.click()
    shoot(window, out, "list")
    window.gallery.as_grid.click()
    window.model.show(sort_by=SortOrder.SCORE, descending=True)
    wait_for(lambda: window.session.reader.is_idle)
    live(0.2)
    trigger(window, "review")
    wait_for(lambda: window.reviewer.reviewing)
    picture_shown(window)
    window.controllers.review.say(Verdict.DAMAGED)
    picture_shown(window)
    wait_for(lambda: window.session.unsaved == 0)
    shoot(window, out, "review")
    window.reviewer.reviewing = False
    damaged = next(i for i in window.model.ids if window.session.rows([i])[0].label == 1)
    window.controllers.review.open_image(damaged)
    picture_shown(window)
    for name, command in (("saliency", "layer_saliency"), ("swipe", "swipe"), ("side", "side")):
        trigger(window, command)
        shoot(window, out, name)
    trigger(window, "side")
    trigger(window, "layer_saliency")
    trigger(window, "brush")
    middle = window.canvas.rect().center()
    window.canvas.set_radius(5)
    window.canvas.needs_editor.emit()
    editor = window.canvas.editor
    assert editor is not None
    place = window.canvas.to_image(middle.toPointF())
    editor.begin((place.x(), place.y()), 5, erase=False)
    editor.extend((place.x() + 30, place.y() + 12), 5, erase=False)
    editor.end()
    shoot(window, out, "brush")
    window.edits.discard()
    window.resize(1000, 640)
    shoot(window, out, "small")
    window.resize(1500, 960)
    training(window, walls, out)


def training(window: MainWindow, walls: Path, out: Path) -> None:
    """The training page while it runs."""
    window.controllers.training.show()
    page = window.training
    page.form.add_folder(walls)
    page.form.minutes.setValue(0.7)
    page.start()
    wait_for(lambda: not page.samples.pixmap().isNull(), 120)
    live(1.5)
    shoot(window, out, "training")
    wait_for(lambda: page.model is not None, 120)
    shoot(window, out, "trained")
    page.result.hide()


def dialogs(window: MainWindow, out: Path) -> None:
    """Every dialog."""
    session, parent = window.session, window
    summary = Summary(754, 31, 12, 2, 5, 3, 9)
    failure = Failure("That did not work", "The file a.png is cut short; copy it again.", "...")
    made = {
        "export": exporting.ExportDialog(parent, session, (None, None)),
        "import": importing.ImportDialog(parent, session),
        "models": models.ModelsDialog(parent, session, [1]),
        "inspect": InspectDialog(parent, session, [1]),
        "folder": folder.AddFolderDialog(parent, [out], ["crack", "apple"]),
        "preferences": settings.PreferencesDialog(parent, window.preferences),
        "shortcuts": settings.ShortcutsDialog(parent, window.actions_, window.preferences),
        "keys": help.KeysDialog(parent, window.actions_),
        "word": help.WordDialog(parent, "counterfactual"),
        "summary": help.SummaryDialog(parent, summary),
        "jobs": help.JobsDialog(parent, session.jobs),
        "about": help.AboutDialog(parent, window.controllers.jobs.device),
        "palette": palette.Palette(parent, window.actions_),
        "error": ErrorDialog(parent, failure),
    }
    for name, dialog in made.items():
        dialog.show()
        shoot(dialog, out, f"dialog-{name}")
        dialog.close()


if __name__ == "__main__":
    main()
