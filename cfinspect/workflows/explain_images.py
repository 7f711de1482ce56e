"""An explainer over many images, into a folder of pictures and a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.engine.base.progress import Cancelled
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.explain.bulk import Target
    from cfinspect.engine.explain.factory import OpenedClassifier
    from cfinspect.engine.explain.protocol import Explainer
    from cfinspect.engine.inference.stream import Source
    from cfinspect.workflows.explanation_files import AboutExplanations, ExplanationSummary


def explain_images(
    explainer: Explainer,
    opened: OpenedClassifier,
    sources: Sequence[Source],
    out: Path,
    *,
    target: Target,
    batch: int,
    about: AboutExplanations,
    listener: Listener,
) -> ExplanationSummary:
    """Explain ``sources`` into ``out``; the listener's results are the rows of explanations.csv.

    ``about`` is kept beside them. Raises ``Cancelled``: the explanations so far are in ``out``.
    """
    from cfinspect.engine.explain.bulk import explain_sources  # noqa: PLC0415
    from cfinspect.engine.inference.inspector import Inspector  # noqa: PLC0415
    from cfinspect.workflows.explanation_files import Explanations  # noqa: PLC0415

    inspector = Inspector(opened.backend) if opened.backend is not None else None
    results = Explanations(out, about)
    started = time.monotonic()
    try:
        with listener.task("Explaining", "parts") as progress:
            for one in explain_sources(
                explainer,
                opened.classifier,
                sources,
                target=target,
                batch=batch,
                too_large=inspector.is_photo if inspector else lambda image: False,
                progress=progress,
            ):
                listener.result("image", results.add(one).to_json())
                if one.error:
                    listener.note(f"Left out: {one.error}")
    except Cancelled:
        raise Cancelled(
            f"Interrupted after {len(results.rows)} of {len(sources)} images; they are in {out}."
        ) from None
    finally:
        results.finish()
    return results.summary(time.monotonic() - started)
