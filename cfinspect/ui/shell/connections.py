"""Who hears what: the session, the pages and the actions, connected to the controllers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QGuiApplication

from cfinspect.project.verdicts import Verdict
from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.controllers.building import Controllers
from cfinspect.ui.frame.context import Context


def connect_all(context: Context, controllers: Controllers) -> None:
    """Connect everything that was built."""
    context.actions.connect_to(handlers(context, controllers))
    connect_session(context, controllers)
    connect_window(context, controllers)
    connect_lists(context, controllers)
    connect_image(context, controllers)
    connect_training(context, controllers)


def connect_session(context: Context, controllers: Controllers) -> None:
    """What the project and its jobs have to say."""
    session, jobs = context.session, context.session.jobs
    session.opened.connect(controllers.projects.opened)
    session.opened.connect(controllers.jobs.warm_up_soon)
    session.closed.connect(controllers.projects.closed)
    session.failed.connect(context.messages.show_failure)
    session.facts_changed.connect(controllers.projects.facts_changed)
    session.facts_changed.connect(controllers.models.facts_changed)
    session.saving.connect(lambda _: controllers.review.show_saving())
    session.said.connect(lambda _id, _human: controllers.review.show_saved())
    jobs.changed.connect(controllers.jobs.show_running)
    jobs.failed.connect(context.messages.show_failure)
    jobs.ended.connect(controllers.jobs.ended)
    session.facts_changed.connect(controllers.inspections.show_next_step)
    session.facts_changed.connect(controllers.models.show_models)


def connect_window(context: Context, controllers: Controllers) -> None:
    """Bars, preferences, and what depends on the page in front."""
    context.bars.recent_menu.aboutToShow.connect(controllers.projects.fill_recent)
    context.bars.model_button.menu().aboutToShow.connect(controllers.models.fill_menu)
    context.status.job_cancel.clicked.connect(lambda _: controllers.jobs.cancel())
    context.layout.changed.connect(context.refresher.refresh)
    context.refresher.refreshed.connect(controllers.review.show_place)
    context.refresher.refreshed.connect(controllers.review.show_saving)
    context.preferences.changed.connect(controllers.preferences.changed)
    hints = QGuiApplication.styleHints()
    hints.colorSchemeChanged.connect(lambda _: controllers.preferences.changed("theme"))


def connect_lists(context: Context, controllers: Controllers) -> None:
    """The first page, the folders, the gallery."""
    welcome, folders, gallery = context.parts.welcome, context.parts.folders, context.parts.gallery
    welcome.open_asked.connect(controllers.projects.open_dialog)
    welcome.demo_asked.connect(controllers.projects.demo)
    welcome.train_asked.connect(controllers.training.show)
    welcome.chosen.connect(controllers.projects.open)
    folders.filtered.connect(controllers.review.list_images)
    folders.filtered.connect(lambda _: controllers.inspections.show_next_step())
    folders.filtered.connect(lambda _: controllers.models.show_models())
    folders.filtered.connect(lambda _: context.refresher.refresh())
    folders.dropped.connect(controllers.folders.take_paths)
    folders.add_asked.connect(controllers.folders.add_dialog)
    folders.rescan_asked.connect(lambda number: controllers.projects.rescan([number]))
    folders.inspect_asked.connect(lambda number: controllers.inspections.inspect([number]))
    folders.remove_asked.connect(controllers.folders.remove)
    folders.allow_asked.connect(controllers.folders.allow)
    folders.scale_asked.connect(controllers.folders.set_scale)
    gallery.opened.connect(controllers.review.open_image)
    gallery.next_asked.connect(controllers.inspections.take_next_step)
    gallery.menu_asked.connect(controllers.review.show_menu)
    gallery.selection_changed.connect(context.refresher.refresh)


def connect_image(context: Context, controllers: Controllers) -> None:
    """One image: its page, its panel, and all that works on it."""
    page, review, inspector = (
        context.parts.image_page,
        context.parts.review,
        context.parts.inspector,
    )
    page.chosen.connect(review.navigator.show)
    page.back_asked.connect(controllers.review.show_gallery)
    page.previous_asked.connect(lambda: review.reviewer.step(-1))
    page.next_asked.connect(lambda: review.reviewer.step(1))
    page.rank_chosen.connect(controllers.review.change_rank)
    review.navigator.shown.connect(controllers.review.image_shown)
    review.image.changed.connect(controllers.explanations.show_waiting)
    review.image.changed.connect(context.refresher.refresh)
    review.reviewer.finished.connect(controllers.review.ended)
    review.image.note.connect(context.messages.tell)
    context.parts.canvas.unavailable.connect(context.messages.tell)
    inspector.asked.connect(controllers.help.explain)
    inspector.inspect_asked.connect(controllers.inspections.inspect_folder_on_screen)


def connect_training(context: Context, controllers: Controllers) -> None:
    """The training page."""
    page = context.parts.training
    page.folder_asked.connect(controllers.training.add_folder)
    page.verdicts_asked.connect(controllers.training.add_verdicts)
    page.resume_asked.connect(controllers.training.resume)
    page.use_asked.connect(controllers.inspections.use_model)
    page.failed.connect(context.messages.show_failure)


def handlers(context: Context, controllers: Controllers) -> dict[str, Callable[[], object]]:
    """What each action does."""
    parts, layout = context.parts, context.layout
    canvas, one_image, bar = parts.canvas, parts.review, parts.image_page.layer_bar
    projects, inspections, review = (
        controllers.projects,
        controllers.inspections,
        controllers.review,
    )
    return {
        "open": projects.open_dialog,
        "demo": projects.demo,
        "add_folder": controllers.folders.add_dialog,
        "rescan": projects.rescan,
        "import": controllers.exchange.import_labels,
        "export": controllers.exchange.export,
        "close": projects.close,
        "quit": context.window.close,
        "undo": one_image.edits.undo,
        "redo": one_image.edits.redo,
        "select_all": parts.gallery.select_all,
        "copy_name": review.copy_name,
        "show_file": review.show_file,
        "preferences": controllers.preferences.show_preferences,
        "shortcuts": controllers.preferences.show_shortcuts,
        "show_gallery": review.show_gallery,
        "next": lambda: one_image.reviewer.step(1),
        "previous": lambda: one_image.reviewer.step(-1),
        "fit": canvas.fit,
        "actual": canvas.actual_size,
        "zoom_in": lambda: canvas.zoom(1.25),
        "zoom_out": lambda: canvas.zoom(0.8),
        "plain": bar.plain_image,
        "layer_counterfactual": lambda: bar.toggle("counterfactual"),
        "layer_saliency": lambda: bar.toggle("saliency"),
        "layer_machine": lambda: bar.toggle("machine_mask"),
        "layer_human": lambda: bar.toggle("human_mask"),
        "swipe": lambda: review.compare(CompareMode.SWIPE),
        "side": lambda: review.compare(CompareMode.SIDE),
        "panel_left": lambda: layout.toggle_dock("panel_left"),
        "panel_right": lambda: layout.toggle_dock("panel_right"),
        "log": lambda: layout.toggle_dock("log"),
        "fullscreen": layout.toggle_fullscreen,
        "review": review.start,
        "accept": review.accept,
        "damaged": lambda: review.say(Verdict.DAMAGED),
        "undamaged": lambda: review.say(Verdict.UNDAMAGED),
        "withdraw": review.withdraw,
        "skip": lambda: review.say(Verdict.SKIPPED),
        "comment": review.comment,
        "mask_ok": one_image.verdicts.mask_is_right,
        "discard": one_image.edits.discard,
        **{tool.value: partial(review.take_tool, tool) for tool in Tool},
        "snap": one_image.edits.snap,
        "smaller": lambda: canvas.set_radius(canvas.radius / 1.25),
        "larger": lambda: canvas.set_radius(canvas.radius * 1.25),
        "inspect": inspections.inspect,
        "inspect_selection": lambda: inspections.inspect_again(review.targets()),
        "explain": controllers.explanations.ask,
        "train": controllers.training.show,
        "distil": controllers.distillation.start,
        "models": controllers.models.show_all,
        "import_model": controllers.models.import_file,
        "palette": controllers.help.search,
        "jobs": controllers.jobs.show_all,
        "cancel_job": controllers.jobs.cancel,
        "theme": controllers.preferences.switch_theme,
        "keys": controllers.help.show_keys,
        "explain_score": lambda: controllers.help.explain("score"),
        "explain_counterfactual": lambda: controllers.help.explain("counterfactual"),
        "about": controllers.help.show_about,
    }
