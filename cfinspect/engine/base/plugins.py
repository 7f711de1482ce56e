"""Plug-ins of other packages, found by their entry points; a broken one is named and passed over.

Nothing is looked up before somebody asks: the names that cfinspect has itself always come first.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeGuard, TypeVar

from cfinspect.engine.base.errors import CfinspectError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class PluginError(CfinspectError):
    """A plug-in failed in its work; the sentence names it and the package that it comes from."""


@dataclass(frozen=True)
class Plugins(Generic[_T]):
    """The plug-ins of one kind.

    ``group``: of the entry points, such as ``cfinspect.formats``. ``kind``: what a plug-in of it is
    called in a sentence. ``usable`` tells whether what an entry point names can be used, and
    ``expected`` what it should be. ``built_in``: names that a plug-in cannot take.
    """

    group: str
    kind: str
    usable: Callable[[object], TypeGuard[_T]]
    expected: str
    built_in: frozenset[str]

    def names(self) -> tuple[str, ...]:
        """Names of the plug-ins, sorted; none of them is loaded."""
        return tuple(_found(self.group, self.kind, self.built_in))

    def origin(self, name: str) -> str:
        """The package that a plug-in comes from, with its version: "my-package 1.0"."""
        return _origin(_found(self.group, self.kind, self.built_in)[name])

    def load(self, name: str) -> _T | None:
        """The plug-in of this name; None where there is none, or it cannot be used.

        Why it cannot is logged as a warning, once.
        """
        entry = _found(self.group, self.kind, self.built_in).get(name)
        if entry is None:
            return None
        value = _loaded(entry, self.kind)
        if value is None:
            return None
        if not self.usable(value):
            _warn_once(f"{_who(entry, self.kind)} cannot be used: it is not {self.expected}.")
            return None
        return value

    def load_all(self) -> dict[str, _T]:
        """All plug-ins that can be used, by name."""
        loaded = ((name, self.load(name)) for name in self.names())
        return {name: value for name, value in loaded if value is not None}

    def failed(self, name: str, error: Exception) -> PluginError:
        """What to raise when a plug-in raised ``error`` in its work; the traceback is logged."""
        who = _who(_found(self.group, self.kind, self.built_in)[name], self.kind)
        _log.info("%s failed", who, exc_info=error)
        return PluginError(f"{who} failed ({type(error).__name__}: {error}).")


@functools.cache
def _found(group: str, kind: str, built_in: Collection[str]) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415  (keeps --help quick)

    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda one: (one.name, _origin(one))):
        if entry.name in built_in:
            _warn_once(f"{_who(entry, kind)} is not used: cfinspect has a {entry.name} itself.")
        elif entry.name in found:
            other = _origin(found[entry.name])
            _warn_once(f"{_who(entry, kind)} is not used: {other} has one of the same name.")
        else:
            found[entry.name] = entry
    return found


@functools.cache
def _loaded(entry: EntryPoint, kind: str) -> object | None:
    try:
        value: object = entry.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module does when it starts
        _warn_once(f"{_who(entry, kind)} cannot be used ({type(error).__name__}: {error}).")
        return None
    return value


@functools.cache
def _warn_once(sentence: str) -> None:
    _log.warning("%s", sentence)


def _who(entry: EntryPoint, kind: str) -> str:
    return f"The {kind} plug-in {entry.name} of {_origin(entry)}"


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"


def forget() -> None:
    """Look for plug-ins again the next time; for tests, and after an installation."""
    for cached in (_found, _loaded, _warn_once):
        cached.cache_clear()
