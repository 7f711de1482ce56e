"""Train, evaluate and open a project from Python: what is told, and what is refused."""

from __future__ import annotations

import shutil
import warnings
from functools import partial
from pathlib import Path

import pytest

import cfinspect
from cfinspect import errors
from cfinspect.engine.base.events import Event, Finished, StepDone
from cfinspect.engine.synth import write_folder

train = partial(
    cfinspect.train,
    size=32,
    width=4,
    discriminator_width=8,
    batch=8,
    warmup=5,
    scope="whole",
    device="cpu",
    precision="fp32",
)
train_events = partial(
    cfinspect.train_events,
    size=32,
    width=4,
    discriminator_width=8,
    batch=8,
    warmup=5,
    scope="whole",
    device="cpu",
    precision="fp32",
)


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("api") / "walls", "crack", count=32, size=48, seed=5
    )


@pytest.fixture(scope="module")
def trained(walls: Path, tmp_path_factory: pytest.TempPathFactory) -> cfinspect.Model:
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(walls, out, preset="fast", steps=12, holdout=0.25)


def test_events_come_as_they_happen(walls: Path, tmp_path: Path) -> None:
    seen: list[Event] = []
    model = train([walls], tmp_path / "run", steps=8, on_event=seen.append)
    steps = [one.step for one in seen if isinstance(one, StepDone)]
    assert steps == list(range(1, 9))
    assert isinstance(seen[-1], Finished)
    assert model.path == tmp_path / "run" / "model.safetensors"
    assert model.metadata.training["preset"] == "balanced"
    again = cfinspect.train(walls, tmp_path / "run", steps=10, resume=True)
    assert again.metadata.training["steps"] == 10


def test_leaving_the_loop_keeps_a_run_that_goes_on(walls: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = train_events(walls, run, steps=30, checkpoint_every=5)
    for event in events:
        if isinstance(event, StepDone) and event.step == 12:
            break
    events.close()  # type: ignore[attr-defined]  # as leaving the scope does
    assert not (run / "model.safetensors").exists()
    more = list(cfinspect.train_events(walls, run, resume=True, steps=14))
    steps = [one.step for one in more if isinstance(one, StepDone)]
    assert steps[0] > 5, "it goes on from the checkpoint"
    assert steps[-1] == 14


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"colour": 1}, "no setting 'colour'; there are assisted, augment"),
        ({"out": "there"}, "multiple values|got some positional"),
        ({"size": 33}, "multiple of 32"),
        ({"size": "large"}, "wrong type"),
        ({"seed": 1.5}, "wrong type"),
        ({"method": "magic"}, "unknown"),
        ({"method": "diffusion"}, "train_events"),
        ({"preset": "slow"}, "preset 'slow' is unknown"),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_call(
    settings: dict[str, str | float], sentence: str, walls: Path, tmp_path: Path
) -> None:
    wrong = TypeError if "out" in settings else errors.ConfigError
    with pytest.raises(wrong, match=sentence):
        cfinspect.train(walls, tmp_path / "run", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(walls: Path, trained: cfinspect.Model) -> None:
    with pytest.raises(errors.CfinspectError, match="already holds a run"):
        train(walls, trained.path.parent, steps=2)


def test_figures_are_those_of_the_engine(walls: Path, trained: cfinspect.Model) -> None:
    with pytest.warns(UserWarning, match="has seen 24 of these 32 images"):
        everything = cfinspect.evaluate(trained, walls)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unseen = cfinspect.evaluate(trained.path, [walls], unseen=True)
    assert len(everything.rows) == 32
    assert len(unseen.rows) == 8
    with pytest.raises(errors.DataError):
        cfinspect.evaluate(trained, walls / "masks")


def test_only_images_that_were_seen_cannot_be_evaluated_unseen(walls: Path, tmp_path: Path) -> None:
    model = train(walls, tmp_path / "run", steps=2)
    with pytest.raises(errors.EvaluationError, match="has seen all 32 images"):
        cfinspect.evaluate(model, walls, unseen=True)


def test_a_project_is_made_and_opened(walls: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(walls / "damaged", photos)
    with pytest.raises(errors.ProjectError, match="no project"):
        cfinspect.open_project(photos)
    with cfinspect.open_project(photos, create=True) as made:
        name = made.id
        assert made.database.row("SELECT count(*) AS n FROM image")["n"] == 16  # type: ignore[index]
    with cfinspect.open_project(str(photos), human=True) as project:
        assert project.id == name
    with pytest.raises(errors.ProjectError, match="no folder"):
        cfinspect.open_project(tmp_path / "nowhere", create=True)
