"""The report in JSON: programs read its keys, so they stay as they are."""

import json

from report_parts import ATTACKED, doubts, explained, figures, report

from cfinspect.engine.base.json_types import Json
from cfinspect.engine.evaluation.evaluate import KindFigures
from cfinspect.engine.evaluation.part_figures import (
    BaselineFigures,
    DirectionFigures,
    EncoderFigures,
    JudgeFigures,
    RealismFigures,
    SetDistances,
)
from cfinspect.engine.metrics.localisation import LocalisationFigures

FACTS = ["cfinspect_version", "model", "data", "unseen_only", "seen"]
FIGURES = ["classification", "localisation", "counterfactual", "review", "left_out"]
KEYS = {
    "model": "name digest",
    "data": "fingerprint counts",
    "classification": "n n_damaged f1 accuracy precision recall auroc ci95",
    "classification/ci95": "f1 accuracy auroc",
    "localisation": "iou mean_image_iou pixel_ap oracle_iou oracle_threshold n missing_masks",
    "counterfactual": "flip_rate flip_rate_damaged flip_rate_undamaged mean_abs_change",
    "review": "rate errors errors_caught auroc_p_fake auroc_max_softmax corr_p_fake_nll",
    "kinds": "names confusion accuracy right_kind",
    "baselines/cfgan": "iou mean_image_iou pixel_ap oracle_iou oracle_threshold n threshold "
    "seconds",
    "explainers": "n n_damaged encoder left_out explainers filter_keeps",
    "explainers/encoder": "name features similarity any_two",
    "explainers/explainers/cfgan": "seconds evaluations iou oracle_iou pixel_ap masks "
    "flips_damaged cout_damaged flips_undamaged cout_undamaged flips flips_ci95 cout cout_ci95 "
    "flipped_n s3 change area diversity fid fid_floor fid_floor_n sfid sfid_sd sfid_n fid_n",
    "explainers/explainers/rise": "seconds evaluations iou oracle_iou pixel_ap masks",
    "realism": "n judge encoder directions",
    "realism/judge": "name accuracy",
    "realism/encoder": "name features",
    "realism/directions/damaged": "n flips flips_n flips_ci95 judge_flips judge_flips_n "
    "judge_flips_ci95 change area cycle fid fid_before fid_floor fid_n kid kid_sd kid_before",
    "uncertainty": "looks conformal",
    "uncertainty/looks/dark": "n errors doubts calibration",
    "uncertainty/looks/dark/doubts/p_fake": "auroc auroc_ci95 aupr aurc risk_at caught",
    "uncertainty/looks/dark/calibration": "ece ece_without_temperature bins",
    "robustness": "n pgd_steps restarts square_queries seed eps accuracy f1 f1_ci95 accepted_f1 "
    "accepted_n accepted_p_fake alarms",
    "robustness/alarms/steps": "value fired means",
}


def keys(found: Json, path: str) -> list[str]:
    for part in path.split("/"):
        assert isinstance(found, dict), path
        found = found[part]
    assert isinstance(found, dict), path
    return list(found)


def test_the_keys_of_a_whole_report_stay_as_they_are() -> None:
    located = LocalisationFigures(0.6, 0.6, 0.8, 0.6, 0.5, 10)
    apart = SetDistances(1.0, 2.0, 0.5, 20, 0.1, 0.01, 0.2)
    told = KindFigures(("", "rot"), ((1, 0), (0, 1)), 1.0, 1.0)
    direction = DirectionFigures(9, 0.5, 8, (0.4, 0.6), None, 0, None, 0.1, 0.1, 0.1, apart)
    found = report(
        figures(kinds=told),
        baselines={"cfgan": BaselineFigures(located, 0.5, 0.01)},
        explainers=explained(),
        realism=RealismFigures(
            18, JudgeFigures("J", 0.9), EncoderFigures("E", 256), {"damaged": direction}
        ),
        uncertainty=doubts(),
        robustness=ATTACKED,
    ).to_json()
    assert list(found) == [
        *FACTS,
        "kinds",
        *FIGURES,
        "baselines",
        "explainers",
        "realism",
        "uncertainty",
        "robustness",
    ]
    assert {path: " ".join(keys(found, path)) for path in KEYS} == KEYS
    (conformal,) = json.loads(json.dumps(found))["uncertainty"]["conformal"]
    assert list(conformal) == [
        "alpha",
        "splits",
        "by_group",
        "guarantee",
        "miss_rate",
        "miss_rate_middle95",
        "false_alarm_rate",
        "reviewed",
    ]
    assert conformal["miss_rate_middle95"] == [0.0, 0.2]
    assert json.loads(json.dumps(found["robustness"]))["f1_ci95"] == [[0.8, 1.0], None]


def test_parts_that_were_not_measured_have_no_key() -> None:
    found = report().to_json()
    assert list(found) == [*FACTS, *FIGURES]
    assert found["left_out"] == []
