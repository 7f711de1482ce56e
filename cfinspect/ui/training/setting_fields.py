"""Fields of a form for settings: a widget by the setting's type, a typed value in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from cfinspect.engine.base.setting import Setting, SettingValue
from cfinspect.ui.widgets.translate import tr

_SMALL = 1e-9  # what an open end leaves out
_DIGITS = 9


class SettingField(Protocol):
    """A widget that shows one setting."""

    @property
    def widget(self) -> QWidget:
        """What a form puts in its line."""

    def show_value(self, value: SettingValue) -> None:
        """Show a value of the setting's type."""

    def value(self) -> SettingValue:
        """The value that is shown, of the setting's type."""


def field_for(about: Setting) -> SettingField:
    """The field for a setting: choices, a tick, a number or a text."""
    if about.choices:
        return _Choice(about)
    makers: dict[type, Callable[[Setting], SettingField]] = {
        bool: _Tick,
        int: _Whole,
        float: _Number,
        str: _Text,
    }
    return makers[about.types[0]](about)


class _Choice:
    def __init__(self, about: Setting) -> None:
        self.widget = QComboBox()
        self.widget.addItems(about.choices)

    def show_value(self, value: SettingValue) -> None:
        self.widget.setCurrentText(str(value))

    def value(self) -> SettingValue:
        return self.widget.currentText()


class _Tick:
    def __init__(self, _about: Setting) -> None:
        self.widget = QCheckBox()

    def show_value(self, value: SettingValue) -> None:
        self.widget.setChecked(bool(value))

    def value(self) -> SettingValue:
        return self.widget.isChecked()


class _Text:
    """Where the setting may be None, an empty field is that."""

    def __init__(self, about: Setting) -> None:
        self.widget = QLineEdit()
        self._optional = about.optional
        if about.optional:
            # An empty backbone is the one that comes along; "none" is another wish there.
            shipped = about.name == "backbone"
            self.widget.setPlaceholderText(tr("as shipped") if shipped else tr("none"))

    def show_value(self, value: SettingValue) -> None:
        self.widget.setText("" if value is None else str(value))

    def value(self) -> SettingValue:
        text = self.widget.text().strip()
        return text or (None if self._optional else "")


class _Whole:
    def __init__(self, about: Setting) -> None:
        self.widget = _WholeBox()
        within = about.range
        self.widget.setRange(int(within.low), int(within.high) - within.open_high)
        _dress(self.widget, about)

    def show_value(self, value: SettingValue) -> None:
        assert isinstance(value, int)
        self.widget.setValue(value)

    def value(self) -> SettingValue:
        return self.widget.value()


class _Number:
    def __init__(self, about: Setting) -> None:
        self.widget = _NumberBox()
        within = about.range
        low, high = within.low + _SMALL * within.open_low, within.high - _SMALL * within.open_high
        self.widget.setRange(low, high)
        _dress(self.widget, about)

    def show_value(self, value: SettingValue) -> None:
        assert isinstance(value, int | float)
        self.widget.setValue(value)

    def value(self) -> SettingValue:
        return self.widget.value()


def _dress(box: QAbstractSpinBox, about: Setting) -> None:
    if about.unit and isinstance(box, QSpinBox | QDoubleSpinBox):
        box.setSuffix(f" {about.unit}")
    # A form that is scrolled must not change the number under the pointer.
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setKeyboardTracking(False)


class _WholeBox(QSpinBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class _NumberBox(QDoubleSpinBox):
    """Shows no more digits than a number has: 8, 0.4, 0.0005; reads 5e-4 as well."""

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(_DIGITS)

    def textFromValue(self, value: float) -> str:
        return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")

    def valueFromText(self, text: str) -> float:
        try:
            return float(self._bare(text))
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            inside = self.minimum() <= float(self._bare(text)) <= self.maximum()
        except ValueError:
            inside = False
        state = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        return state, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _bare(self, text: str) -> str:
        """Without the unit, with a point also where a comma was typed."""
        return text.removesuffix(self.suffix()).strip().replace(",", ".")
