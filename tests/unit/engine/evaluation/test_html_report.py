"""The report as a page: whole, self-contained, escaped, and saying what the figures say."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cfinspect.engine.plots.svg import chart

from cfinspect.engine.evaluation.gallery import choose, galleries
from cfinspect.engine.evaluation.html_report import page, summary
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.synth import write_folder
from cfinspect.resources import shipped_models


class Strict(HTMLParser):
    """Every element closed in order; collects text and attributes."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(text: str) -> Strict:
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def report(**more: Any) -> dict[str, Any]:
    return {
        "cfinspect_version": "0",
        "model": {"name": "<b>steel & co</b>.safetensors", "digest": "abc"},
        "data": {"fingerprint": "f00", "counts": {"damaged": 10, "undamaged": 20}},
        "seen": 0,
        "classification": {
            "n": 30,
            "n_damaged": 10,
            "f1": 0.8,
            "accuracy": 0.9,
            "precision": 0.8,
            "recall": 0.8,
            "auroc": 0.95,
            "ci95": {"f1": [0.7, 0.9], "accuracy": None, "auroc": None},
        },
        "localisation": {"iou": 0.61, "n": 10},
        "counterfactual": {"flip_rate_damaged": 0.9},
        "review": {"rate": 0.1, "errors": 3, "errors_caught": 2 / 3},
        "left_out": [],
        **more,
    }


ROWS: list[dict[str, Any]] = [
    {"file": f"{n}.png", "label": n % 2, "predicted": int(n > 4), "score": n / 10, "iou": None}
    for n in range(10)
]


def doubts() -> dict[str, Any]:
    measure = {
        "auroc": 0.8,
        "auroc_ci95": [0.7, 0.9],
        "caught": 0.5,
        "risk_at": {"0.8": 0.01, "0.99": 0.03},
    }
    look = {
        "n": 30,
        "errors": 3,
        "doubts": {"p_fake": measure},
        "calibration": {"bins": [{"n": 3, "confidence": 0.7, "accuracy": 0.6}]},
    }
    sets = {"alpha": 0.1, "miss_rate": 0.1, "false_alarm_rate": 0.09, "reviewed": 0.1}
    return {
        "looks": {"as they are": look, "dark": look},
        "conformal": [
            sets | {"guarantee": True, "by_group": True, "miss_rate_middle95": [0.0, 0.2]}
        ],
    }


ATTACKED = {
    "n": 20,
    "pgd_steps": 50,
    "restarts": 5,
    "square_queries": 500,
    "seed": 0,
    "eps": [0.0, 1.0],
    "accuracy": [0.9, 0.5],
    "f1": [0.9, None],
    "f1_ci95": [[0.8, 1.0], None],
    "accepted_f1": [0.9, 0.4],
    "accepted_n": [20, 19],
    "alarms": {"steps": {"value": 0.1, "fired": True, "means": "broke late"}},
}


def test_the_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    baselines = {"cfgan": {"iou": 0.6, "oracle_iou": 0.6, "pixel_ap": 0.8, "seconds": 0.01}}
    text = page(
        report(uncertainty=doubts(), robustness=ATTACKED, baselines=baselines),
        ROWS,
        {"Best": picture},
        "cfinspect evaluate 'a b' --all",
    )
    found = parsed(text)
    for name, value in found.attributes:
        if name in {"src", "href"}:
            assert value is not None and value.startswith("data:image/png;base64,")
    assert "http" not in text and "url(" not in text and "@import" not in text
    said = " ".join(found.text)
    for part in ("ROC", "Reliability", "Risk over coverage", "Under attack", "cfgan", "f00"):
        assert part in said
    assert "10% of the images broke late" in said
    assert "cfinspect evaluate 'a b' --all" in said
    assert "<b>steel & co</b>.safetensors" in said  # as text, not as a tag
    assert text.count("<svg") == 5


def test_parts_that_were_not_measured_are_not_there() -> None:
    text = page(report(), ROWS, {}, "x")
    parsed(text)
    for part in ("Under attack", "Which doubt", "by explainer", "Image, counterfactual"):
        assert part not in text


def test_the_summary_counts_as_people_do() -> None:
    lines = summary(report(seen=4, robustness=ATTACKED))
    assert "seen 4 of these" in lines[0]
    assert "Of 10 damaged images it finds 80.0%." in lines
    # 3 errors in 30, 2 of them missed damage: one false alarm in 20
    assert "Of 20 undamaged images it calls 5.0% damaged." in lines
    assert any("67% of its 3 errors" in line for line in lines)
    assert any("50% at 1" in line for line in lines)


def test_one_class_and_no_masks_still_make_a_page() -> None:
    bare = report(
        classification={"n": 3, "n_damaged": 0, "f1": None, "accuracy": 1.0, "recall": None},
        localisation={"iou": None},
        counterfactual={"flip_rate_damaged": None},
        review={"rate": 0.0, "errors": 0, "errors_caught": None},
    )
    found = parsed(page(bare, [{**row, "label": 0} for row in ROWS[:3]], {}, "x"))
    assert "Of 3 undamaged images it calls 0.0% damaged." in found.text


def test_a_chart_draws_each_series_inside_its_frame() -> None:
    text = chart("T", {"a": [(0, 0), (1, 1)], "b": [(0, 2), (1, -1)]}, ("x", "y"))
    parsed(text)
    assert text.count("<polyline") == 2
    assert 'points="48.0,220.0 348.0,30.0"' in text
    assert 'points="48.0,30.0 348.0,220.0"' in text  # cut off at the frame


def test_the_gallery_shows_extremes_and_errors() -> None:
    rows: list[dict[str, Any]] = [
        {"label": 1, "predicted": 1, "score": 0.9, "iou": n / 20} for n in range(20)
    ] + [
        {"label": 1, "predicted": 0, "score": 0.1, "iou": None},
        {"label": 0, "predicted": 1, "score": 0.8, "iou": None},
        {"label": 0, "predicted": None, "score": None, "iou": None, "error": "torn"},
    ]
    found = choose(rows)
    assert found["Masks that fit best"] == [19, 18, 17, 16]
    assert found["Masks that fit worst"] == [0, 1, 2, 3]
    assert found["Damage missed, the surest first"] == [20]
    assert found["False alarms, the surest first"] == [21]
    assert choose([]) == {}


def test_the_gallery_reads_and_inspects(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "w", "crack", count=4, size=96, seed=3)
    files = sorted((folder / "damaged").iterdir())
    rows: list[dict[str, Any]] = [
        {"file": path.name, "label": 1, "predicted": 1, "score": 0.9, "iou": 0.5} for path in files
    ]
    inspector = Inspector(load_backend(shipped_models()["crack"], "cpu", "fp32"))
    pictures = galleries(inspector, rows, files)
    assert set(pictures) == {"Masks that fit best", "Masks in the middle", "Masks that fit worst"}
    assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in pictures.values())
    files[0].unlink()
    assert len(galleries(inspector, rows, files)) == 3
    assert cv2.Laplacian(pictures["Masks that fit best"], cv2.CV_64F).var() > 1


@pytest.mark.parametrize("points", [[], [(0.5, 0.5)]])
def test_series_of_no_or_one_point_are_no_error(points: list[tuple[float, float]]) -> None:
    parsed(chart("T", {"a": points}, ("x", "y"), (1.0, 1.0)))
