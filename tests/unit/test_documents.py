"""The documents: short enough, and every link, path and command in them leads somewhere."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import typer.core
import typer.main

from cfinspect.cli import app

REPOSITORY = Path(__file__).parents[2]
NOT_OURS = {"build", "dist", "runs", "cfinspect-demo", "node_modules", "venv"}
DOCUMENTS = sorted(
    path.relative_to(REPOSITORY)
    for path in REPOSITORY.rglob("*.md")
    if not any(
        part in NOT_OURS or (part.startswith(".") and part != ".github")
        for part in path.relative_to(REPOSITORY).parts[:-1]
    )
)
# Where a path in backticks starts that must exist.
TOP = ("cfinspect/", "tests/", "packaging/", "resources/", "models/", ".ci/", ".github/")
MOST_LINES = 150

_FENCE = re.compile(r"^( *)(```+|~~~+)")
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n(?!\n)[^`\n]+)?)`(?!`)")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)? *$", re.MULTILINE)
_SCRIPT = re.compile(r"\bpython3? +(?:-X\S* +)?((?:tests|packaging)/[\w./-]+)")
_NAME_IN_FILE = re.compile(r"`(\w+)`\s+in\s+(?:\[[^\]]*\]\(([^)#]+\.py)\)|`(\w+/[\w/]+\.py)`)")
_PATH = re.compile(rf"(?:{'|'.join(re.escape(top) for top in TOP)})[\w./-]*")


@dataclass(frozen=True)
class Document:
    """A Markdown file in parts: ``prose`` without any code, ``blocks`` of code, ``spans`` of it."""

    prose: str
    blocks: tuple[str, ...]
    spans: tuple[str, ...]


def take_apart(text: str) -> Document:
    """Split a document. Code is fenced, indented by four after an empty line, or in backticks."""
    prose: list[str] = []
    blocks: list[list[str]] = []
    fence, before = "", ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence:
            if line.strip().startswith(fence):
                fence = ""
            else:
                blocks[-1].append(line)
        elif found:
            fence = found[2]
            blocks.append([])
        elif line.startswith("    ") and (not before.strip() or before.startswith("    ")):
            if not before.startswith("    "):
                blocks.append([])
            blocks[-1].append(line.strip())
        else:
            prose.append(line)
        before = line
    running = "\n".join(prose)
    return Document(
        _SPAN.sub("code", running),
        tuple("\n".join(lines) for lines in blocks),
        tuple(re.sub(r"\s+", " ", span) for span in _SPAN.findall(running)),
    )


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    found: set[str] = set()
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in _HEADING.findall(without_code):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number, anchor = 0, name
        while anchor in found:
            number += 1
            anchor = f"{name}-{number}"
        found.add(anchor)
    return found


def broken_links(document: Path, text: str) -> list[str]:
    """The relative links of a document that lead to no file, or to no heading in it."""
    broken = []
    for link in _LINK.findall(take_apart(text).prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        exists = target.is_relative_to(REPOSITORY) and target.exists()
        if not exists or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


def command_lines(document: Document) -> Iterator[str]:
    """Every line of code that calls cfinspect, without comments, one call each."""
    lines = [
        line
        for block in document.blocks
        for line in re.sub(r" *\\\n *", " ", block).splitlines()
        if "import cfinspect" not in line
    ]
    for line in [*lines, *document.spans]:
        for call in re.split(r"&&|\|\||;| \| ", re.sub(r"(?<=\s)#.*", "", line)):
            words = call.split()
            if words and words[0] in {"cfinspect", "cfinspect/cfinspect"}:
                yield " ".join(["cfinspect", *words[1:]])


@functools.cache
def program() -> typer.core.TyperGroup:
    """The command line as typer understands it."""
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)
    return found


def problem_with(line: str) -> str:
    """What is wrong with a call of cfinspect; "" when its command and its options exist."""
    words = shlex.split(line.replace("`", ""))[1:]
    command, path = program(), "cfinspect"
    while words and (known := getattr(command, "commands", None)) is not None:
        if words[0].startswith("-"):
            break
        name = words.pop(0)
        if name not in known:
            return f"{path} has no command {name}"
        command, path = known[name], f"{path} {name}"
    options = {"--help", "-h"}.union(
        *(
            [*one.opts, *one.secondary_opts]
            for one in command.params
            if one.param_type_name != "argument"
        )
    )
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("-") and option not in options:
            return f"{path} has no option {option}"
    return ""


def read(document: Path) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def test_the_documents_are_found() -> None:
    names = {str(path.as_posix()) for path in DOCUMENTS}
    assert {"README.md", "cfinspect/README.md", ".github/GLOSSARY.md"} <= names
    assert {"tests/bench/RESULTS.md", "resources/help/operator.de.md"} <= names


def test_the_readme_is_one_screen_for_each_reader() -> None:
    assert len(read(Path("README.md")).splitlines()) <= MOST_LINES


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    assert broken_links(REPOSITORY / document, read(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_commands_and_their_options_exist(document: Path) -> None:
    lines = command_lines(take_apart(read(document)))
    assert {line: said for line in lines if (said := problem_with(line))} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_named_files_exist(document: Path) -> None:
    """Scripts that are to be started, and paths in backticks that begin at the top."""
    text = read(document)
    named = set(_SCRIPT.findall(text))
    named |= {span for span in take_apart(text).spans if _PATH.fullmatch(span)}
    beside = (REPOSITORY / document).parent
    missing = [
        name
        for name in sorted(named)
        if not (REPOSITORY / name).exists() and not (beside / name).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_names_are_in_the_files_that_they_are_said_to_be_in(document: Path) -> None:
    """As "`name` in [file.py](path)" or "`name` in `path/of/file.py`" say."""
    beside, missing = (REPOSITORY / document).parent, []
    for name, linked, named in _NAME_IN_FILE.findall(read(document)):
        path = next(
            (one for one in (beside / (linked or named), REPOSITORY / named) if one.is_file()), None
        )
        pattern = rf"\b(?:def|class) {name}\b|^{name}\b"
        if path is None or not re.search(pattern, path.read_text("utf-8"), re.MULTILINE):
            missing.append(f"{name} in {linked or named}")
    assert missing == []


def test_the_readmes_python_names_what_there_is() -> None:
    import cfinspect

    code = [block for block in take_apart(read(Path("README.md"))).blocks if "import cf" in block]
    assert len(code) == 1
    compile(code[0], "README.md", "exec")
    used = set(re.findall(r"\bcfinspect\.(\w+)", code[0]))
    assert used >= {"load", "train"}
    assert used <= set(cfinspect.__all__)


def test_pictures_of_the_repositorys_page_are_not_installed() -> None:
    """Only what the program itself shows is in resources/, which a wheel holds as a whole."""
    shown = {path.name for path in (REPOSITORY / "resources" / "pictures").iterdir()}
    assert shown == {"demo.png"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cfinspect", ""),
        ("cfinspect gui photos --log-file x.log", ""),
        ("cfinspect models show model.safetensors --json", ""),
        ("cfinspect inspect m p --out o --no-overlays", ""),
        ('cfinspect train d --out r --set "views=near and far"', ""),
        ("cfinspect trian d", "cfinspect has no command trian"),
        ("cfinspect models hide m", "cfinspect models has no command hide"),
        ("cfinspect train d --minuets 4", "cfinspect train has no option --minuets"),
        ("cfinspect train d --minuets=4", "cfinspect train has no option --minuets"),
    ],
)
def test_wrong_commands_are_noticed(line: str, said: str) -> None:
    assert problem_with(line) == said


def test_wrong_links_and_headings_are_noticed(tmp_path: Path) -> None:
    text = "# A b, `c`\n[ok](README.md) [no](NONE.md) [no](README.md#none) [out](../../etc)"
    text += "\n[ok](#a-b-c) [ok](https://example.org)\n\n    [code](NONE.md)\n\n`[code](NONE.md)`\n"
    assert anchors(text) == {"a-b-c"}
    found = broken_links(REPOSITORY / "NEW.md", text.replace("(#a-b-c)", "(README.md#licence)"))
    assert found == ["NONE.md", "README.md#none", "../../etc"]


def test_calls_are_found_in_code_only() -> None:
    text = (
        "Then cfinspect inspects.\n\n    pip install . && cfinspect demo   # cfinspect nothing\n\n"
    )
    text += "`cfinspect doctor` and `x.py`\n\n```\ncfinspect train a \\\n  --out b\n```\n"
    assert list(command_lines(take_apart(text))) == [
        "cfinspect demo",
        "cfinspect train a --out b",
        "cfinspect doctor",
    ]
