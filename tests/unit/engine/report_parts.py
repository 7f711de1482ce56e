"""Parts of reports that tests make or take to be there."""

from typing import Any, TypeVar

from cfinspect.engine.evaluation.evaluate import (
    EvaluatedImage,
    EvaluationFigures,
    KindFigures,
    LocalisationReport,
)
from cfinspect.engine.evaluation.part_figures import (
    Alarm,
    CalibrationFigures,
    ConformalFigures,
    CounterfactualQuality,
    CounterfactualSetDistances,
    DoubtFigures,
    ExplainerEncoder,
    ExplainerFigures,
    ExplainersFigures,
    LookFigures,
    ReliabilityBin,
    RobustnessFigures,
    UncertaintyFigures,
)
from cfinspect.engine.evaluation.report import EvaluatedData, EvaluatedModel, EvaluationReport
from cfinspect.engine.metrics.classification import ClassificationFigures, ClassificationIntervals
from cfinspect.engine.metrics.counterfactual import CounterfactualFigures
from cfinspect.engine.metrics.localisation import LocalisationFigures
from cfinspect.engine.metrics.review import ReviewFigures

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


TOLD_APART = ClassificationFigures(
    n=30,
    n_damaged=10,
    f1=0.8,
    accuracy=0.9,
    precision=0.8,
    recall=0.8,
    auroc=0.95,
    ci95=ClassificationIntervals(f1=(0.7, 0.9), accuracy=None, auroc=None),
)
REVIEWED = ReviewFigures(0.1, 3, 2 / 3, None, None, None)


def figures(
    classification: ClassificationFigures = TOLD_APART,
    iou: float | None = 0.61,
    flips: float | None = 0.9,
    review: ReviewFigures = REVIEWED,
    kinds: KindFigures | None = None,
) -> EvaluationFigures:
    located = LocalisationFigures(iou, None, None, None, None, 10)
    return EvaluationFigures(
        kinds=kinds,
        classification=classification,
        localisation=LocalisationReport(located, missing_masks=0),
        counterfactual=CounterfactualFigures(None, flips, None, None),
        review=review,
        left_out=(),
    )


ROWS = tuple(row(n % 2, int(n > 4), n / 10, file=f"{n}.png") for n in range(10))


def report(
    shown: EvaluationFigures | None = None,
    rows: tuple[EvaluatedImage, ...] = ROWS,
    seen: int = 0,
    **parts: Any,
) -> EvaluationReport:
    return EvaluationReport(
        cfinspect_version="0",
        model=EvaluatedModel("<b>steel & co</b>.safetensors", "abc"),
        data=EvaluatedData("f00", {"damaged": 10, "undamaged": 20}),
        unseen_only=False,
        seen=seen,
        figures=shown or figures(),
        rows=rows,
        **parts,
    )


def doubts() -> UncertaintyFigures:
    measure = DoubtFigures(0.8, (0.7, 0.9), None, None, {"0.8": 0.01, "0.99": 0.03}, 0.5)
    bins = (ReliabilityBin(3, 0.7, 0.6),)
    look = LookFigures(30, 3, {"p_fake": measure}, CalibrationFigures(None, None, bins))
    sets = ConformalFigures(0.1, 200, True, True, 0.1, (0.0, 0.2), 0.09, 0.1)
    return UncertaintyFigures({"as they are": look, "dark": look}, (sets,))


ATTACKED = RobustnessFigures(
    n=20,
    pgd_steps=50,
    restarts=5,
    square_queries=500,
    seed=0,
    eps=(0.0, 1.0),
    accuracy=(0.9, 0.5),
    f1=(0.9, None),
    f1_ci95=((0.8, 1.0), None),
    accepted_f1=(0.9, 0.4),
    accepted_n=(20, 19),
    accepted_p_fake=0.1,
    alarms={"steps": Alarm(0.1, fired=True, means="broke late")},
)


def explained() -> ExplainersFigures:
    apart = CounterfactualSetDistances(12.3456, None, None, None, None, None, fid_n=12)
    made = CounterfactualQuality(
        flips_damaged=None,
        cout_damaged=None,
        flips_undamaged=None,
        cout_undamaged=None,
        flips=0.5,
        flips_ci95=(0.25, 0.75),
        cout=None,
        cout_ci95=None,
        flipped_n=2,
        s3=None,
        change=None,
        area=None,
        diversity=None,
        distances=apart,
    )
    return ExplainersFigures(
        n=4,
        n_damaged=2,
        encoder=ExplainerEncoder("E", 128, "S", 0.25),
        left_out={"CD": "needs faces", "FS": "too"},
        explainers={
            "cfgan": ExplainerFigures(0.01, 1, None, None, None, 0, made),
            "rise": ExplainerFigures(0.1, 400, 0.5, None, None, 2, None),
        },
    )
