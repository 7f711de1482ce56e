"""``evaluate``, ``calibrate`` and ``models show`` on a model that was just trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from program import Done, Run, json_lines, table


def test_figures_on_seen_images_come_with_a_warning(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", model, walls, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert 0 < report["seen"] < 48
    assert f"WARNING: the model has seen {report['seen']} of these 48 images" in done.stderr
    assert "classification.f1" in done.stdout


def test_the_report_has_the_promised_figures_on_held_out_groups(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    done = cf("evaluate", model, walls, "--unseen", "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    (line,) = json_lines(done.stdout)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {**report, "event": "report", "out": str(tmp_path)} == line
    promised = {
        "classification": "n f1 accuracy precision recall auroc",
        "localisation": "iou mean_image_iou pixel_ap oracle_iou n",
        "counterfactual": "flip_rate flip_rate_damaged flip_rate_undamaged mean_abs_change",
        "review": "rate errors_caught auroc_p_fake auroc_max_softmax corr_p_fake_nll",
    }
    for part, names in promised.items():
        assert set(names.split()) <= set(report[part])
    assert report["seen"] == 0
    rows = table(tmp_path / "images.csv")
    assert len(rows) == report["classification"]["n"]
    assert all(row["file"].startswith(("damaged/", "undamaged/")) for row in rows)
    held_out = {row["group"] for row in rows}
    whole = table(walls / "labels.csv")
    assert 0 < len(held_out) < len({row["group"] for row in whole})


def test_an_encoder_that_is_none_is_a_sentence(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    words = ("evaluate", model, walls, "--out", tmp_path / "out", "--quick", "--encoder")
    done = cf(*words, tmp_path / "inception.pth")
    assert done.returncode == 2
    assert "inception.pth" in done.stderr
    done = cf(*words, model)
    assert done.returncode == 2
    assert "none of the encoders" in done.stderr


def test_nothing_unseen_is_a_sentence(cf: Run, model: Path, walls: Path, tmp_path: Path) -> None:
    cf("evaluate", model, walls, "--unseen", "--out", tmp_path / "report")
    unseen = {row["file"] for row in table(tmp_path / "report" / "images.csv")}
    seen = tmp_path / "seen"
    for name in ("undamaged", "damaged"):
        (seen / name).mkdir(parents=True)
        for file in (walls / name).iterdir():
            if f"{name}/{file.name}" not in unseen:
                (seen / name / file.name).write_bytes(file.read_bytes())
    done = cf("evaluate", model, seen, "--unseen", "--out", tmp_path / "none")
    assert done.returncode == 2
    assert "has seen all" in done.stderr
    assert not (tmp_path / "none").exists()


def test_calibrating_leaves_another_model_with_the_same_weights(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    before = model.read_bytes()
    other = tmp_path / "new.safetensors"
    done = cf("calibrate", model, walls, "--out", other, "--json")
    assert done.returncode == 0, done.stderr
    assert json_lines(done.stdout)[-1]["event"] == "calibrated"
    assert model.read_bytes() == before
    cards = [json_lines(cf("models", "show", m, "--json").stdout)[0] for m in (model, other)]
    assert cards[0]["card"]["generator"] == cards[1]["card"]["generator"]
    assert cards[0]["card"]["decision"] != cards[1]["card"]["decision"]


def test_undamaged_images_alone_give_a_false_alarm_rate(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    good, other = tmp_path / "good", tmp_path / "new.safetensors"
    shutil.copytree(walls / "undamaged", good / "undamaged")
    done = cf("calibrate", model, good, "--out", other, "--false-alarms", 0.25, "--json")
    assert done.returncode == 0, done.stderr
    assert "no damaged image among them" in done.stderr
    said = json_lines(done.stdout)[-1]
    done = cf("inspect", other, good, "--out", tmp_path / "found", "--json")
    found = json_lines(done.stdout)[-1]
    assert found["damaged"] / found["images"] == pytest.approx(said["error_new"])
    assert 0 < said["error_new"] <= 0.25
    done = cf("calibrate", model, good, "--out", other, "--false-alarms", 2)
    assert done.returncode == 2
    assert "between 0 and 1" in done.stderr


def test_calibrating_refuses_to_overwrite_the_model(cf: Run, model: Path, walls: Path) -> None:
    done = cf("calibrate", model, walls, "--out", model)
    assert done.returncode == 2
    assert "the model itself" in done.stderr


def test_an_impossible_review_rate_is_a_sentence(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    other = tmp_path / "new.safetensors"
    done = cf("calibrate", model, walls, "--out", other, "--review-rate", 7)
    assert done.returncode == 2
    assert "between 0 and 1" in done.stderr
    assert not other.exists()


def test_models_show_prints_the_card(cf: Run, model: Path) -> None:
    done = cf("models", "show", model)
    assert done.returncode == 0, done.stderr
    for name in ("generator.name", "preprocessing.size", "decision.mask_threshold", "data."):
        assert name in done.stdout
    assert str(model.parent.parent) not in json.dumps(
        json_lines(cf("models", "show", model, "--json").stdout)[0]
    )


def test_a_file_that_is_no_model_is_a_sentence(cf: Run, walls: Path) -> None:
    done = cf("models", "show", walls / "labels.csv")
    assert done.returncode == 2
    assert "labels.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_attacks_are_part_of_the_report_on_request(everything: tuple[Path, Done]) -> None:
    out, done = everything
    report = json.loads((out / "report.json").read_text())
    looks = report["uncertainty"]["looks"]
    assert list(looks) == ["as they are", "dark", "bright", "blur", "noise"]
    assert looks["dark"]["n"] == 48
    assert "Which doubt finds the errors (48 images" in done.stdout
    html = (out / "report.html").read_text("utf-8")
    assert "--all --quick --images 6" in html
    assert "data:image/png;base64," in html
    assert "Where the damage is, by explainer" in html
    assert [one["alpha"] for one in report["uncertainty"]["conformal"]] == [0.1, 0.1, 0.05, 0.05]
    # Half of the 48 images train the judge.
    assert report["realism"]["n"] == 24
    assert "Realism of the counterfactuals" in done.stdout
    found = report["robustness"]
    assert found["n"] == 6
    assert found["eps"] == [0, 0.5, 1, 2, 4, 8]
    assert found["accuracy"] == sorted(found["accuracy"], reverse=True)
    assert len(found["accepted_f1"]) == len(found["f1_ci95"]) == 6
    assert "eps 8/255" in done.stdout
    assert set(found["alarms"]) >= {"square_beats_gradients", "held_at_64"}


def test_references_train_and_evaluate_by_the_same_commands(
    cf: Run, walls: Path, tmp_path: Path
) -> None:
    words = ("--size", "32", "--width", "4", "--steps", "4", "--batch", "4", "--device", "cpu")
    run = tmp_path / "plain"
    done = cf("train", walls, "--out", run, "--method", "classifier", *words)
    assert done.returncode == 0, done.stderr
    assert "hardly changes" not in done.stdout + done.stderr
    done = cf("evaluate", run / "model.safetensors", walls, "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["counterfactual"]["mean_abs_change"] == 0
    done = cf("train", walls, "--out", tmp_path / "x", "--method", "magic", *words)
    assert done.returncode == 2
    assert "cfgan, classifier, segmenter, adversarial, no-fake" in done.stderr


def test_parts_that_cannot_be_do_not_cost_the_others(
    cf: Run, model: Path, walls: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    for name in ("undamaged", "damaged"):
        shutil.copytree(walls / name, bare / name)
    out = tmp_path / "all"
    words = ("--quick", "--images", "4")
    done = cf("evaluate", model, bare, "--out", out, "--all", *words)
    assert done.returncode == 0, done.stderr
    assert "Without the part baselines: " in done.stderr
    report = json.loads((out / "report.json").read_text())
    assert "baselines" not in report
    assert report["robustness"]["n"] == 4
    asked = tmp_path / "asked"
    done = cf("evaluate", model, bare, "--out", asked, "--baselines", *words)
    assert done.returncode == 2
    assert "has a mask to compare with" in done.stderr
    assert json.loads((asked / "report.json").read_text())["classification"]["n"] == 48
