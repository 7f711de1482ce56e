"""Explainers of other packages: which there are, and a guard around each; needs no torch.

An entry point of the group ``cfinspect.explainers`` names a callable that takes a ``Classifier``
and gives an ``Explainer``; a class with such a constructor will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from cfinspect.engine.base.errors import CfinspectError, is_out_of_memory
from cfinspect.engine.base.plugins import Plugins
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.explain.protocol import Explainer, Explanation, Images, Labels

if TYPE_CHECKING:
    from cfinspect.engine.explain.classifier import Classifier

METHODS = ("ace", "cfgan", "evidence", "gradcam", "layercam", "rise", "occlusion")


def _is_maker(value: object) -> TypeGuard[Callable[[Classifier], Explainer]]:
    return callable(value)


PLUGINS = Plugins(
    group="cfinspect.explainers",
    kind="explainer",
    usable=_is_maker,
    expected="a callable that takes a classifier and gives an explainer",
    built_in=frozenset(METHODS),
)


def method_names() -> tuple[str, ...]:
    """Names of all explainers: our own ``METHODS``, then those of plug-ins (not loaded for it)."""
    return (*METHODS, *PLUGINS.names())


def make_plugin(method: str, classifier: Classifier) -> Explainer | None:
    """The explainer of a plug-in; None where there is none of this name that can be used.

    Raises PluginError when making it fails.
    """
    maker = PLUGINS.load(method)
    if maker is None:
        return None
    try:
        return _Guarded(method, maker(classifier))
    except CfinspectError:
        raise
    except Exception as error:
        raise PLUGINS.failed(method, error) from error


class _Guarded:
    """A plug-in's explainer whose mistakes become sentences; satisfies ``Explainer``."""

    def __init__(self, method: str, inner: Explainer) -> None:
        self._inner = inner
        self.name = method
        self.size = int(inner.size)

    def ticks(self, count: int) -> int:
        """See ``Explainer``."""
        return int(self._inner.ticks(count))

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        """See ``Explainer``."""
        try:
            found = self._inner.explain(images, target, progress)
            _check(found, len(images), self.size)
        except (CfinspectError, Cancelled, MemoryError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise  # the caller tries half of the images
            raise PLUGINS.failed(self.name, error) from error
        return found


def _check(found: Explanation, count: int, size: int) -> None:
    """Raise ValueError for maps of another shape; a wrong one would fail far from here."""
    maps = {"saliency": found.saliency, "mask": found.mask}
    if found.counterfactual is not None:
        maps["counterfactual"] = found.counterfactual
    for name, values in maps.items():
        wanted = (count, size, size, 3) if name == "counterfactual" else (count, size, size)
        if np.shape(values) != wanted:
            raise ValueError(f"its {name} is {np.shape(values)}, not {wanted}")
