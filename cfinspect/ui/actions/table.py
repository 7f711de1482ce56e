"""One table of everything that can be done; menus, tool bars, shortcuts and the command palette
come from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.ui.widgets.translate import mark

MENUS = (
    ("file", mark("&File")),
    ("edit", mark("&Edit")),
    ("view", mark("&View")),
    ("review", mark("&Review")),
    ("model", mark("&Model")),
    ("tools", mark("&Tools")),
    ("help", mark("&Help")),
)


@dataclass(frozen=True)
class Command:
    """One action. ``needs``: conditions that must all hold (see ``ActionRefresher.conditions``).

    ``break_before``: a line above it in its menu. ``holds``: it is on or off.
    ``short``: its text on a button.
    """

    name: str
    text: str
    menu: str
    icon: str = ""
    keys: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    tip: str = ""
    break_before: bool = False
    holds: bool = False
    short: str = ""

    @property
    def repeats(self) -> bool:
        """Whether a key that is held down does it again and again."""
        return self.name in {"next", "previous", "zoom_in", "zoom_out", "smaller", "larger"}


COMMANDS = (
    Command("open", mark("Open folder…"), "file", "folder", ("Ctrl+O",), short=mark("Open")),
    Command(
        "demo",
        mark("Try the demo"),
        "file",
        "demo",
        tip=mark("Cracked walls and apples that the program draws itself"),
    ),
    Command(
        "add_folder",
        mark("Add image folder…"),
        "file",
        "folder-add",
        ("Ctrl+Shift+O",),
        ("project",),
    ),
    Command(
        "rescan",
        mark("Rescan"),
        "file",
        "refresh",
        ("F5",),
        ("project",),
        mark("Take in new, moved and vanished images"),
    ),
    Command(
        "import",
        mark("Import labels…"),
        "file",
        "import",
        ("Ctrl+I",),
        ("project",),
        break_before=True,
    ),
    Command(
        "export",
        mark("Export labels…"),
        "file",
        "export",
        ("Ctrl+E",),
        ("project",),
        short=mark("Export"),
    ),
    Command(
        "close",
        mark("Close project"),
        "file",
        "close",
        ("Ctrl+W",),
        ("project",),
        break_before=True,
    ),
    Command("quit", mark("Quit"), "file", "quit", ("Ctrl+Q",)),
    Command("undo", mark("Undo"), "edit", "undo", ("Ctrl+Z",), ("can_undo",)),
    Command("redo", mark("Redo"), "edit", "redo", ("Ctrl+Y", "Ctrl+Shift+Z"), ("can_redo",)),
    Command(
        "select_all", mark("Select all"), "edit", "", ("Ctrl+A",), ("gallery",), break_before=True
    ),
    Command("copy_name", mark("Copy file path"), "edit", "copy", ("Ctrl+Shift+C",), ("target",)),
    Command("show_file", mark("Show file in its folder"), "edit", "folder", (), ("target",)),
    Command(
        "preferences", mark("Preferences…"), "edit", "settings", ("Ctrl+,",), break_before=True
    ),
    Command("shortcuts", mark("Shortcuts…"), "edit", "keyboard"),
    Command("show_gallery", mark("Gallery"), "view", "gallery", ("Esc",), ("project",)),
    Command("next", mark("Next image"), "view", "next", ("Right", "PgDown"), ("image",)),
    Command("previous", mark("Previous image"), "view", "previous", ("Left", "PgUp"), ("image",)),
    Command(
        "fit", mark("Fit to window"), "view", "fit", ("F", "Ctrl+0"), ("image",), break_before=True
    ),
    Command("actual", mark("Actual size"), "view", "actual", ("Ctrl+1",), ("image",)),
    Command("zoom_in", mark("Zoom in"), "view", "zoom-in", ("+", "Ctrl++", "="), ("image",)),
    Command("zoom_out", mark("Zoom out"), "view", "zoom-out", ("-", "Ctrl+-"), ("image",)),
    Command(
        "plain",
        mark("Image alone"),
        "view",
        "layers",
        ("1",),
        ("image",),
        mark("Hide all layers; again: show the masks"),
        break_before=True,
    ),
    Command("layer_counterfactual", mark("Show counterfactual"), "view", "", ("2",), ("image",)),
    Command("layer_saliency", mark("Show saliency"), "view", "", ("3",), ("image",)),
    Command("layer_machine", mark("Show the machine's mask"), "view", "", ("4",), ("image",)),
    Command("layer_human", mark("Show the human's mask"), "view", "", ("5",), ("image",)),
    Command(
        "swipe",
        mark("Swipe image and counterfactual"),
        "view",
        "swipe",
        ("W",),
        ("image",),
        holds=True,
        break_before=True,
    ),
    Command("side", mark("Side by side"), "view", "side", ("T",), ("image",), holds=True),
    Command(
        "panel_left",
        mark("Folders"),
        "view",
        "panel-left",
        ("F7",),
        (),
        holds=True,
        break_before=True,
    ),
    Command(
        "panel_right", mark("Inspection"), "view", "panel-right", ("F8",), ("image",), holds=True
    ),
    Command("log", mark("Log"), "view", "log", ("F9",), (), holds=True),
    Command(
        "fullscreen",
        mark("Picture alone on the screen"),
        "view",
        "fullscreen",
        ("F11",),
        (),
        holds=True,
    ),
    Command(
        "review",
        mark("Start the review"),
        "review",
        "review",
        ("R",),
        ("project",),
        mark("Look at doubtful images, the most doubtful first"),
        short=mark("Review"),
    ),
    Command(
        "accept",
        mark("Accept the model's word"),
        "review",
        "accept",
        ("A",),
        ("target", "inspected"),
        break_before=True,
        short=mark("Accept"),
    ),
    Command("damaged", mark("Damaged"), "review", "damaged", ("D",), ("target",)),
    Command("undamaged", mark("Undamaged"), "review", "undamaged", ("U",), ("target",)),
    Command("skip", mark("Skip"), "review", "skip", ("S",), ("target",), mark("I cannot say")),
    Command(
        "withdraw",
        mark("Withdraw the verdict"),
        "review",
        "undo",
        ("Backspace", "Del"),
        ("target",),
        mark("As if nobody had said anything yet; a drawn mask stays as a draft"),
    ),
    Command("comment", mark("Comment"), "review", "comment", ("C",), ("image",)),
    Command(
        "mask_ok",
        mark("Mask is right"),
        "review",
        "accept",
        ("M",),
        ("image",),
        mark("Store the mask on screen as it is"),
        break_before=True,
        short=mark("Mask ok"),
    ),
    Command(
        "discard",
        mark("Discard corrections"),
        "review",
        "discard",
        ("X",),
        ("image",),
        mark("Take the corrected mask away"),
        short=mark("Discard"),
    ),
    Command(
        "hand",
        mark("Move the picture"),
        "review",
        "hand",
        ("H",),
        ("image",),
        holds=True,
        break_before=True,
    ),
    Command(
        "brush",
        mark("Brush"),
        "review",
        "brush",
        ("B",),
        ("editable",),
        mark("Mark damage; the right button erases"),
        holds=True,
    ),
    Command("eraser", mark("Eraser"), "review", "eraser", ("E",), ("editable",), holds=True),
    Command(
        "polygon",
        mark("Polygon"),
        "review",
        "polygon",
        ("P",),
        ("editable",),
        mark("Click the corners, close with Enter or a double click"),
        holds=True,
    ),
    Command(
        "fill",
        mark("Fill what looks alike"),
        "review",
        "fill",
        ("L",),
        ("editable",),
        mark("Click a spot; the right button erases"),
        holds=True,
    ),
    Command(
        "snap",
        mark("Snap to edges"),
        "review",
        "snap",
        ("N",),
        ("editable",),
        mark("Move the mask's outline to the nearest edges of the picture"),
    ),
    Command("smaller", mark("Smaller brush"), "review", "", ("[",), ("image",)),
    Command("larger", mark("Larger brush"), "review", "", ("]",), ("image",)),
    Command(
        "inspect",
        mark("Inspect…"),
        "model",
        "inspect",
        ("Ctrl+R",),
        ("project",),
        mark("Let a model look at the images of the folder"),
        short=mark("Inspect"),
    ),
    Command(
        "inspect_selection",
        mark("Inspect these images again"),
        "model",
        "inspect",
        ("Ctrl+Shift+R",),
        ("target", "bound"),
    ),
    Command(
        "explain",
        mark("Explain by another method…"),
        "model",
        "info",
        ("Ctrl+Shift+E",),
        ("image", "bound"),
        mark("Ask ACE, RISE, Grad-CAM and others what the model's verdict rests on"),
    ),
    Command("train", mark("Train a model…"), "model", "train", ("Ctrl+T",), short=mark("Train")),
    Command(
        "distil",
        mark("Learn masks from the review"),
        "model",
        "brush",
        (),
        ("teachable",),
        mark(
            "The masks that people corrected, and its own, teach the model to mark better; a new "
            "model comes of it only if it does"
        ),
    ),
    Command(
        "models", mark("Models…"), "model", "model", ("Ctrl+M",), ("project",), break_before=True
    ),
    Command("import_model", mark("Import a model file…"), "model", "import", (), ("project",)),
    Command(
        "palette", mark("Search commands…"), "tools", "search", ("Ctrl+K",), short=mark("Search")
    ),
    Command("jobs", mark("Jobs…"), "tools", "jobs", ("Ctrl+J",)),
    Command("cancel_job", mark("Cancel the running job"), "tools", "stop", ("Ctrl+.",), ("job",)),
    Command("theme", mark("Switch between dark and light"), "tools", "theme", ()),
    Command("keys", mark("Keys at a glance"), "help", "help", ("F1",)),
    Command("explain_score", mark("What is the score?"), "help", "info"),
    Command("explain_counterfactual", mark("What is a counterfactual?"), "help", "info"),
    Command("about", mark("About cfinspect"), "help", "app", break_before=True),
)
BY_NAME = {command.name: command for command in COMMANDS}
