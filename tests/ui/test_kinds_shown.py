"""A model of several defect classes in the window: it answers with the kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import inspect, open_folder, picture_shown, project_of, settled, wait_for

from cfinspect.engine.synth import write_folder
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.trainer import train
from cfinspect.project.predictions import prediction_of
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]
KINDS = ("rot", "scab")


@pytest.fixture(scope="module")
def apples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "apples"
    return write_folder(folder, "apple", count=32, size=32, seed=3, kinds=KINDS)


@pytest.fixture(scope="module")
def model(apples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "kinds"
    config = TrainConfig.from_preset(
        "balanced",
        backbone="none",
        data=(str(apples),),
        out=str(out),
        defect_classes=",".join(KINDS),
        steps=40,
        size=32,
        width=8,
        discriminator_width=8,
        warmup=10,
        batch=8,
        validation=0.3,
        device="cpu",
    )
    list(train(config))
    return out / "model.safetensors"


def test_the_answer_names_the_kind(window: MainWindow, apples: Path, model: Path) -> None:
    open_folder(window, apples)
    inspect(window, model)
    settled(window)
    window.refresher.refresh_now()
    assert not window.actions_["distil"].isEnabled()  # one segmenter knows no kinds
    with project_of(window) as project:
        (known,) = project.models()
        ids = [row["id"] for row in project.database.rows("SELECT id FROM image ORDER BY id")]
        found = {one: prediction_of(project, one, known.id) for one in ids}
    kinds = {one: said.kind for one, said in found.items() if said is not None}
    assert len(kinds) == 32
    assert all(bool(kind) == bool(found[one].label) for one, kind in kinds.items())  # type: ignore[union-attr]
    assert set(kinds.values()) - {""} <= set(KINDS)
    damaged = next(one for one, kind in kinds.items() if kind)
    window.controllers.review.open_image(damaged)
    picture_shown(window)
    wait_for(lambda: window.inspector.answer.label.text() == kinds[damaged].upper())
    assert known.metadata is not None
    own = known.metadata.defect_classes[kinds[damaged]].mask_threshold
    assert window.inspector.model_threshold() == pytest.approx(own)
    sound = next((one for one, kind in kinds.items() if not kind), None)
    if sound is not None:
        window.controllers.review.open_image(sound)
        wait_for(lambda: window.inspector.answer.label.text() == "UNDAMAGED")
