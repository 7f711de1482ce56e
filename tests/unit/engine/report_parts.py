"""Parts of reports that tests make or take to be there."""

from typing import TypeVar

from cfinspect.engine.evaluation.evaluate import EvaluatedImage

_T = TypeVar("_T")


def there(value: _T | None) -> _T:
    """``value``, which is not None."""
    assert value is not None
    return value


def row(
    label: int = 0,
    predicted: int | None = None,
    score: float | None = None,
    *,
    file: str = "a.png",
    iou: float | None = None,
    error: str = "",
    kind: str | None = None,
    answer: str | None = None,
) -> EvaluatedImage:
    """One image of an evaluation."""
    return EvaluatedImage(
        file=file,
        group="a",
        label=label,
        predicted=predicted,
        score=score,
        iou=iou,
        error=error,
        kind=kind,
        answer=answer,
    )
