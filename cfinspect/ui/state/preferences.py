"""What the window remembers: one table of preferences, and layout, recent projects, shortcuts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from cfinspect.project.paths import user_folder
from cfinspect.ui.widgets.translate import LANGUAGES, mark

_RECENT = 12
LAST_DIFFUSION = "diffusion_model"  # a text: the file that ACE explains through


@dataclass(frozen=True)
class Preference:
    """One setting. ``choices``: value -> text on screen, None for free text, numbers or yes/no."""

    name: str
    default: Any
    text: str
    help: str
    choices: dict[str, str] | None = None
    low: float = 0.0
    high: float = 1.0


PREFERENCES = (
    Preference(
        "theme",
        "dark",
        mark("Theme"),
        mark("Colours of the window."),
        {"dark": mark("Dark"), "light": mark("Light"), "system": mark("As the system")},
    ),
    Preference(
        "language", "", mark("Language"), mark("Takes effect with the next start."), LANGUAGES
    ),
    Preference(
        "who",
        "",
        mark("Your name"),
        mark("Verdicts are stored under this name; empty: your login."),
    ),
    Preference(
        "saliency_map",
        "inferno",
        mark("Saliency colours"),
        mark("Perceptually even colour maps: equal steps look equal."),
        {"inferno": "inferno", "viridis": "viridis", "magma": "magma", "cividis": "cividis"},
    ),
    Preference(
        "auto_advance",
        True,
        mark("Go on after a verdict"),
        mark("Show the next image as soon as a verdict is given."),
    ),
    Preference(
        "keep_zoom",
        False,
        mark("Keep the zoom"),
        mark("The next image of the same size is shown at the same place, as large."),
    ),
    Preference(
        "rank",
        "uncertainty",
        mark("Review first"),
        mark("What the review queue is ranked by."),
        {
            "uncertainty": mark("what the score is least sure of"),
            "p_fake": mark("what looks least like the training images"),
            "disagreement": mark("what contradicts its folder's label"),
            "area": mark("damaged area near one percent"),
        },
    ),
    Preference(
        "device",
        "auto",
        mark("Device"),
        mark("What the networks compute on."),
        {"auto": mark("Automatic"), "cpu": "CPU", "cuda": "CUDA"},
    ),
    Preference(
        "restore",
        True,
        mark("Open the last project"),
        mark("When the program starts."),
    ),
    Preference(
        "thumbnail_size",
        132,
        mark("Thumbnail size"),
        mark("Side of the gallery's pictures in pixels."),
        low=64,
        high=256,
    ),
)
BY_NAME = {one.name: one for one in PREFERENCES}


def is_there(folder: Path) -> bool:
    """Whether a folder can be opened; one below a folder that may not be entered cannot."""
    return os.path.isdir(folder)  # noqa: PTH112 - Path's raises where it may not ask


class Preferences(QObject):
    """Reads and writes an INI file in the user's folder; ``changed`` names what was set."""

    changed = Signal(str)

    def __init__(self, file: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        place = file or user_folder() / "window.ini"
        self._settings = QSettings(str(place), QSettings.Format.IniFormat)

    def get(self, name: str) -> Any:
        """A preference's value in its default's type; the default where the file holds nonsense."""
        about = BY_NAME[name]
        value = self._settings.value(f"preferences/{name}", about.default)
        if isinstance(about.default, bool):
            return str(value).casefold() in {"true", "1"}
        if isinstance(about.default, int):
            try:
                return int(min(about.high, max(about.low, int(str(value)))))
            except (TypeError, ValueError):
                return about.default
        text = str(value)
        return text if about.choices is None or text in about.choices else about.default

    def set(self, name: str, value: Any) -> None:
        """Change a preference."""
        if value != self.get(name):
            self._settings.setValue(f"preferences/{name}", value)
            self.changed.emit(name)

    # Layout ---------------------------------------------------------------------------------------

    def bytes_of(self, name: str) -> QByteArray:
        """A stored layout, empty where there is none."""
        value = self._settings.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        """Store a layout."""
        self._settings.setValue(f"layout/{name}", value)

    # Recent projects ------------------------------------------------------------------------------

    def recent(self) -> list[Path]:
        """Folders that were opened, newest first."""
        value = self._settings.value("recent", [])
        names = value if isinstance(value, list) else [value]
        return [Path(str(name)) for name in names if name]

    def remember(self, folder: Path) -> None:
        """Put a folder first among the recent ones."""
        others = [one for one in self.recent() if one != folder]
        self._settings.setValue("recent", [str(one) for one in [folder, *others][:_RECENT]])

    def forget(self, folder: Path) -> None:
        """Drop a folder from the recent ones."""
        self._settings.setValue("recent", [str(one) for one in self.recent() if one != folder])

    # Shortcuts and free values --------------------------------------------------------------------

    def shortcut(self, action: str) -> str | None:
        """The shortcut that the user chose for an action, None where they chose none."""
        value = self._settings.value(f"shortcuts/{action}")
        return None if value is None else str(value)

    def set_shortcut(self, action: str, keys: str | None) -> None:
        """Choose a shortcut ("" for none at all); None brings the default back."""
        if keys is None:
            self._settings.remove(f"shortcuts/{action}")
        else:
            self._settings.setValue(f"shortcuts/{action}", keys)

    def text(self, name: str, default: str = "") -> str:
        """A text that a dialog remembers."""
        return str(self._settings.value(f"texts/{name}", default))

    def set_text(self, name: str, value: str) -> None:
        """Remember a text of a dialog."""
        self._settings.setValue(f"texts/{name}", value)

    def save(self) -> None:
        """Write everything to disk now."""
        self._settings.sync()
