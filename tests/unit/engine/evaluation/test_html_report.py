"""The report as a page: whole, self-contained, escaped, and saying what the figures say."""

import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError
from report_parts import ATTACKED, ROWS, doubts, explained, figures, report, row

from cfinspect.engine.evaluation.evaluate import KindFigures, unlike_count
from cfinspect.engine.evaluation.gallery import choose, galleries
from cfinspect.engine.evaluation.html_report import page, summary
from cfinspect.engine.evaluation.part_figures import BaselineFigures
from cfinspect.engine.evaluation.report import EvaluationReport
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.metrics.classification import ClassificationFigures, ClassificationIntervals
from cfinspect.engine.metrics.localisation import LocalisationFigures
from cfinspect.engine.metrics.review import ReviewFigures
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


def test_the_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    located = LocalisationFigures(0.6, 0.6, 0.8, 0.6, 0.5, 10)
    baselines = {"cfgan": BaselineFigures(located, 0.5, 0.01)}
    text = page(
        report(uncertainty=doubts(), robustness=ATTACKED, baselines=baselines),
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


def test_what_names_say_is_text_and_the_page_is_the_same_every_time() -> None:
    kinds = KindFigures(
        names=("", "<i>Ölfleck</i>", "Riß & Spalt"),
        confusion=((9, 0, 1), (2, 3, 4), (5, 6, 7)),
        accuracy=0.5,
        right_kind=None,
    )
    pictures = {'"Masks" <b>': np.zeros((8, 8, 3), dtype=np.uint8)}
    text = page(report(figures(kinds=kinds)), pictures, "cfinspect evaluate <x> '&'")
    found = parsed(text)
    said = " ".join(found.text)
    for part in ("answer <i>Ölfleck</i>", "Riß & Spalt", '"Masks" <b>', "<x> '&'"):
        assert part in said
    assert "<i>" not in text and "&amp;amp;" not in text
    assert ("alt", '"Masks" <b>') in found.attributes
    assert "right kind: - of the damage found" in " ".join(said.split())
    assert text == page(report(figures(kinds=kinds)), pictures, "cfinspect evaluate <x> '&'")


def test_explainers_stand_beside_one_another_and_unknown_figures_are_dashes() -> None:
    cells = parsed(page(report(explainers=explained()), {}, "x")).text
    line = [cell.strip() for cell in cells if cell.strip()]
    at = line.index("explainer")
    assert line[at : at + 6] == [
        "explainer",
        "cfgan",
        "rise",
        "flips",
        "0.5 (0.250 to 0.750)",
        "- (-)",
    ]
    assert line[line.index("FID") :][:3] == ["FID", "12.35", "-"]
    assert line[line.index("IoU") :][:3] == ["IoU", "-", "0.5"]
    said = " ".join(" ".join(line).split())
    assert "Left out: CD needs faces; FS too." in said
    assert "filter" not in said
    kept = page(report(explainers=dataclasses.replace(explained(), filter_keeps=0.875)), {}, "x")
    assert "The diffusion filter alone keeps 87.5% of verdicts." in kept


def test_a_part_that_lacks_a_figure_is_an_error_and_not_an_empty_cell() -> None:
    with pytest.raises(UndefinedError, match="square_queries"):
        known = {name: value for name, value in vars(ATTACKED).items() if name != "square_queries"}
        page(report(robustness=SimpleNamespace(**known)), {}, "x")


def test_parts_that_were_not_measured_are_not_there() -> None:
    text = page(report(), {}, "x")
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


def test_images_unlike_the_trainings_are_told() -> None:
    def with_unlike(count: int) -> EvaluationReport:
        rows = tuple(
            dataclasses.replace(one, unlikeness=1.5 if n < count else 0.5)
            for n, one in enumerate(ROWS)
        )
        shown = dataclasses.replace(figures(), unlike_share=unlike_count(rows).share)
        return report(shown, rows)

    assert not any("unlike" in line for line in summary(report()))
    assert "Of these images 20.0% are unlike those that it learned from." in summary(with_unlike(2))
    assert any(line.startswith("3 of 10 images are unlike") for line in summary(with_unlike(3)))
    assert with_unlike(3).to_json()["unlike_share"] == 0.3
    assert "unlike_share" not in report().to_json()
    assert "<td>unlike share</td>" in page(with_unlike(3), {}, "x")


def test_one_class_and_no_masks_still_make_a_page() -> None:
    nothing = ClassificationIntervals(None, None, None)
    bare = figures(
        ClassificationFigures(3, 0, None, 1.0, None, None, None, nothing),
        iou=None,
        flips=None,
        review=ReviewFigures(0.0, 0, None, None, None, None),
    )
    sound = tuple(dataclasses.replace(one, label=0) for one in ROWS[:3])
    found = parsed(page(report(bare, sound), {}, "x"))
    assert "Of 3 undamaged images it calls 0.0% damaged." in found.text


def test_the_gallery_shows_extremes_and_errors() -> None:
    rows = [row(1, 1, 0.9, iou=n / 20) for n in range(20)] + [
        row(1, 0, 0.1),
        row(0, 1, 0.8),
        row(0, error="torn"),
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
    rows = [row(1, 1, 0.9, file=path.name, iou=0.5) for path in files]
    inspector = Inspector(load_backend(shipped_models()["crack"], "cpu", "fp32"))
    pictures = galleries(inspector, rows, files)
    assert set(pictures) == {"Masks that fit best", "Masks in the middle", "Masks that fit worst"}
    assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in pictures.values())
    files[0].unlink()
    assert len(galleries(inspector, rows, files)) == 3
    assert cv2.Laplacian(pictures["Masks that fit best"], cv2.CV_64F).var() > 1
