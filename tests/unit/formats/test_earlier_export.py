"""What an export says of itself, and what says nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cfinspect.formats.earlier_export import SIDECAR, EarlierExport, earlier_export
from cfinspect.formats.export_filter import Only


def test_it_says_how_many_and_which(tmp_path: Path) -> None:
    said = {"report": {"written": 60}, "only": "all", "split": {"train": 0.8, "val": 0.2}}
    (tmp_path / SIDECAR).write_text(json.dumps(said))
    assert earlier_export(tmp_path) == EarlierExport(60, Only.ALL, {"train": 0.8, "val": 0.2})


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[" * 100_000),
        '{"report": 3, "only": "all", "split": {}}',
        '{"report": {"written": "60"}, "only": "all", "split": {}}',
        '{"report": {"written": 60}, "only": "some", "split": {}}',
        '{"report": {"written": 60}, "only": "all", "split": {"train": null}}',
    ],
)
def test_what_is_no_export_of_ours_says_nothing(tmp_path: Path, text: str) -> None:
    assert earlier_export(tmp_path) is None
    (tmp_path / SIDECAR).write_text(text)
    assert earlier_export(tmp_path) is None
