"""The report opens in a browser as it is: no console message, nothing fetched, printable."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from program import Done

BROWSER = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
        if (found := shutil.which(name))
    ),
    None,
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or relative of it on PATH")


@pytest.fixture
def report(everything: tuple[Path, Done]) -> Path:
    return everything[0] / "report.html"


class Reader(HTMLParser):
    """Which tags are open, what is left open, and what would have to be fetched."""

    EMPTY = ("meta", "img", "br", "line", "rect", "path", "circle", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.headings: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object"):
            self.fetched.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("data:"):
                self.fetched.append(str(value))
            if name.startswith("on"):
                self.wrong.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.EMPTY:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(report: Path) -> None:
    reader = Reader()
    text = report.read_text("utf-8")
    reader.feed(text)
    assert (reader.open, reader.wrong, reader.fetched) == ([], [], [])
    assert "url(" not in text
    assert "@import" not in text
    assert reader.headings == [
        "In plain words",
        "Figures",
        "Curves",
        "Where the damage is, by explainer",
        "What would change its mind, by explainer",
        "Whether counterfactuals look real",
        "Which doubt finds the errors",
        "Under attack",
        "Image, counterfactual, saliency, mask",
        "What was measured",
    ]


def browse(page: Path, *words: str) -> tuple[str, list[str]]:
    """What the browser makes of a page, and the messages in its console."""
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'profile'}",
            *words,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)


@needs_browser
def test_a_browser_shows_it_without_a_word_in_the_console(report: Path, tmp_path: Path) -> None:
    shown, messages = browse(report, "--dump-dom")
    assert messages == []
    assert "Whether counterfactuals look real" in shown
    # The same eyes see what is wrong where something is.
    broken = tmp_path / "broken.html"
    broken.write_text(report.read_text("utf-8").replace("</body>", "<script>x.y</script></body>"))
    _, messages = browse(broken, "--dump-dom")
    assert len(messages) == 1
    assert "x is not defined" in messages[0]


@needs_browser
def test_it_prints(report: Path, tmp_path: Path) -> None:
    browse(report, f"--print-to-pdf={tmp_path / 'report.pdf'}")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 2
