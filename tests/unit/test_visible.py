"""Names and messages on a terminal: everything that would act is written out."""

from __future__ import annotations

import logging
import os

import pytest

from cfinspect.visible import VisibleFormatter, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ä/b c 語 \\ [red]%s{0}.png", "ä/b c 語 \\ [red]%s{0}.png"),
        ("\x1b]0;owned\x07\x1b[31mred", "\\x1b]0;owned\\x07\\x1b[31mred"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("\x9b2J\x7f\x00", "\\x9b2J\\x7f\\x00"),
        ("\u202egnp.exe\u2066\u2028", "\\u202egnp.exe\\u2066\\u2028"),
        (os.fsdecode(b"b\xfcro"), "b\\xfcro"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_acts_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown
    shown.encode("utf-8")


def test_no_character_of_the_control_planes_is_left() -> None:
    everything = "".join(map(chr, range(0x3000)))
    assert not [sign for sign in visible(everything) if ord(sign) < 32 or 127 <= ord(sign) < 160]


def test_the_log_keeps_the_lines_of_a_traceback_only() -> None:
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("a\nb.png", "\x1b[2J")})
    try:
        raise ValueError("\x1b[31m")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = VisibleFormatter("%(message)s").format(record)
    assert text.splitlines()[0] == "a\\nb.png: \\x1b[2J"
    assert text.splitlines()[-1] == "ValueError: \\x1b[31m"
    assert "\x1b" not in text
