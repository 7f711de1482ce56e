"""Reasons of a review: their words are those of always, and storage loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfinspect.engine.inference.review_reason import (
    WORDS,
    ReviewCode,
    ReviewReason,
    from_json,
    from_words,
    in_words,
    review_reasons,
    to_json,
)
from cfinspect.engine.model.metadata import Decision

share = st.floats(0, 1, allow_subnormal=False)  # torch may have switched those off


def test_every_code_has_words() -> None:
    assert set(WORDS) == set(ReviewCode)


def test_the_form_in_storage() -> None:
    decision = Decision(review_p_fake=0.2, review_low=0.4, review_high=0.6)
    reasons = review_reasons(decision, 0.523, 0.31, flipped=False)
    text = '[["p_fake_high",0.31,0.2],["score_in_band",0.523,0.4,0.6],["not_flipped"]]'
    assert to_json(reasons) == text
    assert from_json(text) == reasons
    assert isinstance(from_json(text)[0].code, ReviewCode)
    assert to_json(()) == "" and from_json("") == () and from_words("") == ()


@given(share, share, share, share, share, st.booleans())
def test_words_and_storage_agree(
    score: float, p_fake: float, limit: float, one: float, other: float, flipped: bool
) -> None:
    low, high = sorted((one, other))
    decision = Decision(review_p_fake=limit, review_low=low, review_high=high)
    reasons = review_reasons(decision, score, p_fake, flipped)
    assert from_json(to_json(reasons)) == reasons
    old = from_words(in_words(reasons))
    assert in_words(old) == in_words(reasons)
    assert [one.code for one in old] == [one.code for one in reasons]


@given(st.text())
def test_whatever_a_project_held_stays_what_it_says(text: str) -> None:
    assert in_words(from_words(text)) == text
    assert in_words(from_json(to_json(from_words(text)))) == text


@pytest.mark.parametrize("text", ["looks odd", "{0}", "[1, 2]", '{"a": 1}', "[[]]", "[[1]]", "7"])
def test_what_is_no_reason_is_shown_as_it_is(text: str) -> None:
    (reason,) = from_json(text)
    assert reason == ReviewReason(ReviewCode.TEXT, (text,))
    assert in_words([reason]) == text


def test_a_reason_of_a_newer_version_is_kept_and_told() -> None:
    text = '[["too_dark",0.125,"left"],["not_flipped"]]'
    reasons = from_json(text)
    assert reasons[0] == ReviewReason("too_dark", (0.125, "left"))
    assert in_words(reasons) == "too_dark 0.12 left; the counterfactual did not flip"
    assert to_json(reasons) == text
    # A code that we know, with fewer values than we know of it.
    assert in_words(from_json('[["p_fake_high",0.5]]')) == "p_fake_high 0.50"
