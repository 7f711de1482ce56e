"""Charts: lines lie where the figures say, letters are letters, and no user setting interferes."""

import math
import subprocess
import sys
import threading
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray

from cfinspect.engine.plots.charts import curves
from cfinspect.engine.plots.svg_chart import svg_chart

BLUE, ORANGE = (31, 119, 180), (255, 127, 14)
SERIES = {"loss": [(0.0, 1.0), (100.0, 0.0)], "f1": [(0.0, 0.5), (100.0, 0.9)]}


def where(chart: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((chart == colour).all(axis=2))


def test_curves_draw_each_series_in_its_panel() -> None:
    chart = curves(SERIES, {"losses": ["loss", "absent"], "validation": ["f1"]})
    assert chart.shape == (520, 960, 3)
    assert chart.dtype == np.uint8
    blue = where(chart, BLUE)
    top, bottom = blue[:260], blue[260:]
    assert top[:, :790].any()
    assert bottom[:, :790].any()
    columns = np.flatnonzero(top[:, :780].any(axis=0))
    first, last = (np.flatnonzero(top[:, at]).mean() for at in (columns[0], columns[-1]))
    assert first < last  # the loss falls: later points lie lower in the picture
    assert top[:, 790:].any()  # and its colour stands beside its name


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0.0, 3.0)],
        [(0.0, math.nan), (1.0, math.inf)],
        [(5.0, 0.0), (5.0, 0.0)],
        [(0.0, -1e12), (1.0, 1e12), (2.0, math.nan), (3.0, 1e-12)],
        [(float(step), 0.125) for step in range(1000)],
    ],
)
@pytest.mark.filterwarnings("error")
def test_curves_survive_any_training(points: list[tuple[float, float]]) -> None:
    assert curves({"loss": points}).shape == (260, 960, 3)


@pytest.mark.parametrize(("width", "height"), [(401, 97), (960, 260), (1283, 333)])
def test_curves_have_the_size_that_was_asked_for(width: int, height: int) -> None:
    picture = curves(
        SERIES, {"a": ["loss"], "b": ["f1"], "c": []}, width=width, panel_height=height
    )
    assert picture.shape == (3 * height, width, 3)


def test_curves_of_no_panel_are_an_error() -> None:
    with pytest.raises(ValueError, match="no panel"):
        curves(SERIES, {})


def test_curves_break_where_a_value_is_missing_and_show_a_lonely_one() -> None:
    whole = curves({"a": [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]})
    broken = curves({"a": [(0.0, 0.0), (1.0, 1.0), (2.0, math.nan), (3.0, 1.0)]})
    gap = slice(64 + 726 // 3 + 20, 64 + 726 - 20)  # px between the second point and the last
    assert where(whole, BLUE)[:, gap].any()
    assert not where(broken, BLUE)[:, gap].any()
    assert where(broken, BLUE)[:, 780:796].any()


def test_many_noisy_points_are_pale_behind_their_mean() -> None:
    noise = np.random.default_rng(0).normal(0.0, 1.0, 2000)
    chart = curves({"a": list(enumerate(noise.tolist()))})[:, 70:780]
    rows = np.flatnonzero(where(chart, BLUE).any(axis=1))
    drawn = np.flatnonzero((chart[..., 0] < 200).any(axis=1))
    assert rows.size
    assert np.ptp(rows) < 0.5 * np.ptp(drawn)


def test_curves_are_the_same_each_time_whatever_the_user_has_set() -> None:
    groups = {"Größe $x$": ["loss", "f1"]}
    first = curves(SERIES, groups)
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "text.usetex": True}):
        before = dict(matplotlib.rcParams)
        assert (curves(SERIES, groups) == first).all()
        assert dict(matplotlib.rcParams) == before
    assert (curves(SERIES, {"Große $x$": ["loss", "f1"]}) != first).any()


def test_threads_draw_the_same() -> None:
    found: list[NDArray[np.uint8]] = []
    threads = [threading.Thread(target=lambda: found.append(curves(SERIES))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((one == curves(SERIES)).all() for one in found)


def test_charts_need_neither_pyplot_nor_a_window() -> None:
    code = """
import sys
import cfinspect.engine.plots.pictures
assert "matplotlib" not in sys.modules
from cfinspect.engine.plots.charts import curves
from cfinspect.engine.plots.svg_chart import svg_chart
assert "matplotlib" not in sys.modules
curves({"a": [(0, 0), (1, 1)]})
svg_chart("t", {"a": [(0, 0), (1, 1)]}, ("x", "y"))
assert "matplotlib.pyplot" not in sys.modules
assert "PySide6" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def lines(svg: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each coloured line but those of the legend, by colour."""
    found: dict[str, list[tuple[float, float]]] = {}
    for path in ElementTree.fromstring(svg).iter("path"):
        style = dict(part.split(": ") for part in path.attrib["style"].split("; "))
        numbers = [float(word) for word in path.attrib["d"].split() if word not in "MLz"]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if style.get("stroke-width") == "2" and style["stroke"] not in found:
            found[style["stroke"]] = points
    return found


def test_a_chart_draws_each_series_inside_its_frame() -> None:
    text = svg_chart("T", {"a": [(0, 0), (1, 1)], "b": [(0, 2), (1, -1)]}, ("x", "y"))
    found = lines(text)
    assert found["#0072b2"] == [(48.0, 220.0), (348.0, 30.0)]
    assert found["#d55e00"] == [(48.0, 30.0), (348.0, 220.0)]  # cut off at the frame


def test_a_chart_stands_alone_and_its_letters_are_text() -> None:
    text = svg_chart("<Größe> & $x$", {"ä": [(0, 0)], "ö": []}, ("früh", "spät"), diagonal=True)
    root = ElementTree.fromstring(text)
    said = [one.text for one in root.iter("text")]
    for word in ("<Größe> & $x$", "ä", "ö", "früh", "spät", "0.75"):
        assert word in said
    assert root.attrib["aria-label"] == "<Größe> & $x$"
    for part in ("http", "url(", "href", " id=", "<style", "xmlns", "<?xml"):
        assert part not in text
    again = svg_chart("<Größe> & $x$", {"ä": [(0, 0)], "ö": []}, ("früh", "spät"), diagonal=True)
    assert again == text


@pytest.mark.parametrize("points", [[], [(0.5, 0.5)]])
def test_series_of_no_or_one_point_are_no_error(points: list[tuple[float, float]]) -> None:
    ElementTree.fromstring(svg_chart("T", {"a": points}, ("x", "y"), (1.0, 1.0)))
