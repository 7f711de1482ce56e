"""Settings of ACE as ``evaluate --ace`` takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfinspect.cli.ace_options import ace_settings, read_ace
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.ace import ACE_PRESETS, AceSettings


def test_settings_are_named_as_the_options_of_explain() -> None:
    usual = ACE_PRESETS["default"]
    assert read_ace([]) == usual
    found = read_ace(["preset=celeba", "tau=3", "respacing=25", "step=3", "refine=no"])
    assert (found.tau, found.respaced, found.rate, found.refine) == (3, 25, 3 / 255, False)
    assert found.dilation == ACE_PRESETS["celeba"].dilation
    given = {"tau": 3, "quantile": 0.5, "rise-masks": 7}
    assert ace_settings(given) == replace(usual, tau=3, quantile=0.5)


def test_another_way_to_hold_back_takes_the_quantiles_place() -> None:
    assert read_ace(["tau=3"]).quantile is not None
    assert read_ace(["weight=0.01"]) == AceSettings(weight=0.01)
    assert read_ace(["attack=cw"]) == AceSettings(attack="cw")
    assert read_ace(["attack=gd"]).quantile is not None
    assert read_ace(["distance=l2"]) == AceSettings(distance="l2")


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["tau"], "give NAME=VALUE with one of preset, attack"),
        (["depth=3"], "give NAME=VALUE"),
        (["tau=many"], "'many' is no value of tau"),
        (["refine=perhaps"], "no value of refine"),
        (["preset=mnist"], "give one of default"),
        (["weight=1", "quantile=0.5"], "--weight means nothing with --quantile"),
        (["tau=60"], "tau must be in 1..respaced"),
    ],
)
def test_what_means_nothing_is_a_sentence(texts: list[str], told: str) -> None:
    with pytest.raises(CfinspectError, match=told):
        read_ace(texts)
