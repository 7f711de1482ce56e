"""What the window's controllers are given of it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QMainWindow

from cfinspect.ui.actions.actions import Actions
from cfinspect.ui.frame.action_refresher import ActionRefresher
from cfinspect.ui.frame.layout import WindowLayout
from cfinspect.ui.frame.messages import Messages
from cfinspect.ui.frame.parts import Bars, Parts
from cfinspect.ui.frame.status import Status
from cfinspect.ui.state.preferences import Preferences
from cfinspect.ui.state.session import Session


@dataclass(frozen=True)
class Context:
    """What a controller may work with. ``window``: over which dialogs open."""

    window: QMainWindow
    preferences: Preferences
    session: Session
    actions: Actions
    parts: Parts
    bars: Bars
    status: Status
    messages: Messages
    layout: WindowLayout
    refresher: ActionRefresher
