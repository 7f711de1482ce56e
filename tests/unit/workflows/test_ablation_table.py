"""Cells of a grid, and the table over their seeds."""

import pytest

from cfinspect.engine.base.json_types import JsonObject
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.workflows.ablation_table import USUAL, Cell, CellFigures, cells, markdown, table


def test_one_change_at_a_time_beside_the_base() -> None:
    assert cells(["rho=0.2, 1", "gate=off"], cross=False) == [
        Cell("base"),
        Cell("rho=0.2", (("rho", 0.2),)),
        Cell("rho=1", (("rho", 1.0),)),
        Cell("gate=off", (("gate", False),)),
    ]


def test_all_combinations() -> None:
    found = cells(["generator=unet,swin_unet", "cycles=0,1"], cross=True)
    assert [cell.name for cell in found] == [
        "generator=unet cycles=0",
        "generator=unet cycles=1",
        "generator=swin_unet cycles=0",
        "generator=swin_unet cycles=1",
    ]
    assert found[3].changes == (("generator", "swin_unet"), ("cycles", 1))


def test_the_usual_cells_are_settings_that_can_be() -> None:
    for cell in cells(USUAL, cross=False):
        TrainConfig.from_preset("balanced", **dict(cell.changes))


@pytest.mark.parametrize(
    ("vary", "sentence"),
    [
        (["rho"], "give NAME=A,B"),
        (["rho="], "give NAME=A,B"),
        (["colour=red"], "NAME=VALUE"),
        (["rho=much"], "is no float"),
        (["rho=1", "rho=2"], "twice"),
        (["seed=1,2"], "its own seeds"),
    ],
)
def test_impossible_cells_are_sentences(vary: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        cells(vary, cross=False)


def report(f1: float, flips: float = 0.9, auroc: float = 0.95) -> JsonObject:
    return {
        "classification": {"f1": f1, "auroc": auroc},
        "counterfactual": {"flip_rate_damaged": flips},
        "training": {"minutes": 2.0, "counterfactual": True},
    }


def test_the_table_has_mean_and_range_of_what_there_is() -> None:
    attacked = report(0.8) | {"robustness": {"eps": [0.0, 1.0, 2.0], "f1": [0.8, 0.5, None]}}
    base = [CellFigures.from_json(one) for one in (report(0.9), attacked)]
    failed = CellFigures.from_json({"error": "diverged"})
    rows = table({"base": base, "rho=1": [failed]})
    heading = ["cell", "converged", "F1", "AUROC", "flips damaged", "robust F1 1/255", "minutes"]
    assert rows[0] == heading
    assert rows[1][:3] == ["base", "2 of 2", "0.850 (0.800 to 0.900)"]
    assert rows[1][5] == "0.500"
    assert rows[2] == ["rho=1", "0 of 1", "-", "-", "-", "-", "-"]
    text = markdown(rows)
    assert text.splitlines()[1] == "|---|---|---|---|---|---|---|"
    assert text.endswith("|\n")


def test_convergence_needs_flips_only_of_a_generator() -> None:
    assert CellFigures.from_json(report(0.9)).converged
    assert not CellFigures.from_json(report(0.9, flips=0.3)).converged
    assert not CellFigures.from_json(report(0.9, auroc=0.6)).converged
    plain = report(0.9, flips=0.0) | {"training": {"counterfactual": False}}
    assert CellFigures.from_json(plain).converged


def test_what_a_reference_system_does_not_make_has_no_figures() -> None:
    found = CellFigures.from_json(
        report(0.9) | {"training": {"counterfactual": False, "without": ["counterfactual"]}}
    )
    assert found.f1 == 0.9
    assert found.flips_damaged is None
