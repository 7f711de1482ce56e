"""The figures of an evaluation's further parts; field names are the keys in report.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cfinspect.engine.base.json_types import INLINE, OMIT_NONE
from cfinspect.engine.metrics.classification import Interval
from cfinspect.engine.metrics.localisation import LocalisationFigures

if TYPE_CHECKING:
    from cfinspect.engine.explain.ace import AceSettings


@dataclass(frozen=True)
class BaselineFigures:
    """How well one explainer's saliency finds the damage.

    ``threshold``: what its masks are cut at; ``seconds``: per image.
    """

    figures: LocalisationFigures = field(metadata=INLINE)
    threshold: float
    seconds: float


@dataclass(frozen=True)
class Alarm:
    """A sign that the attacks were too weak: ``value``, a share of the images, ``means`` what."""

    value: float
    fired: bool
    means: str


@dataclass(frozen=True)
class RobustnessFigures:
    """What holds under attack.

    For each of ``eps``, grey levels of 255, 0 among them: ``accuracy`` and ``f1`` against
    the worst of all attacks (``f1_ci95``: bootstrapped over groups); ``accepted_f1`` of the
    ``accepted_n`` images that p_fake lets pass, at the limit ``accepted_p_fake`` that lets 99 % of
    these images pass untouched (not the model's own review rule), when the attacks have to keep it
    low as well. None where a figure is undefined.
    """

    n: int
    pgd_steps: int
    restarts: int
    square_queries: int
    seed: int
    eps: tuple[float, ...]
    accuracy: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    f1_ci95: tuple[Interval, ...]
    accepted_f1: tuple[float | None, ...]
    accepted_n: tuple[int, ...]
    accepted_p_fake: float
    alarms: dict[str, Alarm]


@dataclass(frozen=True)
class DoubtFigures:
    """How well one measure of doubt finds the model's errors; None without errors, or all wrong.

    ``auroc`` with its 95 % interval (bootstrapped over groups), ``aupr``, ``aurc`` (area under risk
    over coverage, Geifman and El-Yaniv 2017; lower is better), ``risk_at`` each coverage (as text),
    and ``caught``: the share of errors among the 10 % most doubtful.
    """

    auroc: float | None
    auroc_ci95: Interval
    aupr: float | None
    aurc: float | None
    risk_at: dict[str, float]
    caught: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of about the same confidence: how many, its mean, and the share that is right."""

    n: float
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationFigures:
    """Expected calibration error (Guo et al. 2017, 15 bins), also without the temperature."""

    ece: float | None
    ece_without_temperature: float | None
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class LookFigures:
    """Doubt and calibration on ``n`` images, of which the model has ``errors`` wrong."""

    n: int
    errors: int
    doubts: dict[str, DoubtFigures]
    calibration: CalibrationFigures


@dataclass(frozen=True)
class ConformalFigures:
    """What class-conditional conformal sets promise and do; see ``conformal``."""

    alpha: float
    splits: int
    by_group: bool
    guarantee: bool
    miss_rate: float | None
    miss_rate_middle95: Interval
    false_alarm_rate: float | None
    reviewed: float


@dataclass(frozen=True)
class UncertaintyFigures:
    """The images as they are and under each shift, by name, and conformal sets on them."""

    looks: dict[str, LookFigures]
    conformal: tuple[ConformalFigures, ...]


@dataclass(frozen=True)
class SetDistances:
    """FID (Heusel et al. 2017) and KID (Binkowski et al. 2018) between sets of images.

    ``fid`` from counterfactuals to real images of the class they should belong to, ``fid_before``
    from the images as they were, ``fid_floor`` from other real images of that class, of other
    groups: what a perfect generator would have. FID shrinks with the number of images, so all
    three have the same, ``fid_n``, on both sides. ``kid``, ``kid_sd`` and ``kid_before`` take all
    images. All None with fewer than 10 images in a set or without torchmetrics.
    """

    fid: float | None
    fid_before: float | None
    fid_floor: float | None
    fid_n: int
    kid: float | None
    kid_sd: float | None
    kid_before: float | None


@dataclass(frozen=True)
class DirectionFigures:
    """Counterfactuals of ``n`` images of one true class.

    ``flips`` and ``judge_flips``: of the ``flips_n`` (``judge_flips_n``) images that D, or the
    judge, has right, the share whose counterfactual, rounded to 8 bit, it gives the other class;
    with their 95 % intervals over groups, None where there is no such image. ``change`` mean
    |x - x'|, ``area`` share of pixels that change by the mask threshold or more, ``cycle`` mean
    |x - G(G(x))|, all in [0, 1].
    """

    n: int
    flips: float | None
    flips_n: int
    flips_ci95: Interval
    judge_flips: float | None
    judge_flips_n: int
    judge_flips_ci95: Interval
    change: float
    area: float
    cycle: float
    distances: SetDistances = field(metadata=INLINE)


@dataclass(frozen=True)
class JudgeFigures:
    """A small classifier that learned on its own, and its ``accuracy`` on the images measured."""

    name: str
    accuracy: float


@dataclass(frozen=True)
class EncoderFigures:
    """Whose features are compared, and how many they are."""

    name: str
    features: int


@dataclass(frozen=True)
class RealismFigures:
    """Whether counterfactuals of ``n`` images look real; ``directions`` by the true class of x."""

    n: int
    judge: JudgeFigures
    encoder: EncoderFigures
    directions: dict[str, DirectionFigures]


@dataclass(frozen=True)
class CounterfactualSetDistances:
    """FID to real images of the classes asked for, and sFID.

    Most of a counterfactual's pixels are its image's, so FID to a set that holds the image itself
    flatters: ``sfid`` is the mean over random halves of the groups, both ways, ten times over,
    of counterfactuals of one half to real images of the other (Jeanneret et al. 2023).
    ``fid_floor``: of other real images among themselves, of as many of each class, which is what
    a perfect explainer would reach. On ``fid_n``, ``fid_floor_n`` and about ``sfid_n`` images a
    side; those of different numbers do not compare. None with too few images.
    """

    fid: float | None
    fid_floor: float | None
    fid_floor_n: int | None
    sfid: float | None
    sfid_sd: float | None
    sfid_n: int | None
    fid_n: int


@dataclass(frozen=True)
class CounterfactualQuality:
    """How good an explainer's counterfactuals are.

    ``flips`` and ``cout`` (see there) are of all images, or those of one true class; the others of
    the ``flipped_n`` that flip: ``s3`` likeness of features, ``change`` mean |x - x'|, ``area``
    share of pixels that change visibly, ``diversity`` mean distance between seeds. None where
    there is no such image.
    """

    flips_damaged: float | None
    cout_damaged: float | None
    flips_undamaged: float | None
    cout_undamaged: float | None
    flips: float | None
    flips_ci95: Interval
    cout: float | None
    cout_ci95: Interval
    flipped_n: int
    s3: float | None
    change: float | None
    area: float | None
    diversity: float | None
    distances: CounterfactualSetDistances = field(metadata=INLINE)


@dataclass(frozen=True)
class ExplainerFigures:
    """One explainer: ``seconds`` and ``evaluations`` (passes of a network) an image.

    ``iou`` by the median of Otsu's thresholds, ``oracle_iou`` by the best, and ``pixel_ap``, on
    ``masks`` images; None without any. ``made``: None of one that only says where.
    """

    seconds: float
    evaluations: float
    iou: float | None
    oracle_iou: float | None
    pixel_ap: float | None
    masks: int
    made: CounterfactualQuality | None = field(metadata=INLINE)


@dataclass(frozen=True)
class ExplainerEncoder:
    """Whose ``features`` FID compares; ``similarity``: whose S3 and diversity compare.

    ``any_two``: S3 of any two of the images; None of a single one.
    """

    name: str
    features: int
    similarity: str
    any_two: float | None


@dataclass(frozen=True)
class ExplainersFigures:
    """Explainers side by side, on ``n`` images that the classifier has right.

    ``left_out``: measures that are not taken, and why. ``filter_keeps``: share of verdicts that
    ACE's filter alone keeps, and ``ace`` its settings; None where it was not asked.
    """

    n: int
    n_damaged: int
    encoder: ExplainerEncoder
    left_out: dict[str, str]
    explainers: dict[str, ExplainerFigures]
    filter_keeps: float | None = None
    ace: AceSettings | None = field(default=None, metadata=OMIT_NONE)
