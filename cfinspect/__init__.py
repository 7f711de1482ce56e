"""cfinspect: visual quality control that learns from good/bad labels and shows why.

>>> import cfinspect
>>> model = cfinspect.load("crack")
>>> result = model.inspect("wall.png")
>>> result.label
'damaged'

What is listed in ``__all__`` is the public interface. Each name is imported when it is first used:
``import cfinspect`` itself starts neither torch nor Qt, and takes a few milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfinspect import errors
    from cfinspect.api.evaluation import evaluate
    from cfinspect.api.model import Model, load
    from cfinspect.api.projects import open_project
    from cfinspect.api.result import Result
    from cfinspect.api.training import train, train_events

__version__ = "0.1.0"
__all__ = [
    "Model",
    "Result",
    "__version__",
    "errors",
    "evaluate",
    "load",
    "open_project",
    "train",
    "train_events",
]
_PLACES = {
    "Model": "cfinspect.api.model",
    "Result": "cfinspect.api.result",
    "evaluate": "cfinspect.api.evaluation",
    "load": "cfinspect.api.model",
    "open_project": "cfinspect.api.projects",
    "train": "cfinspect.api.training",
    "train_events": "cfinspect.api.training",
}

if not TYPE_CHECKING:  # with it, every misspelt name would have a type

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for (PEP 562)."""
        if name == "errors":
            return importlib.import_module("cfinspect.errors")
        if name not in _PLACES:
            raise AttributeError(f"module 'cfinspect' has no attribute {name!r}")
        value: object = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
