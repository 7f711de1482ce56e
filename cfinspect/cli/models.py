"""``cfinspect models show``: what a model file says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfinspect.cli.options import ModelArgument, require_exists
from cfinspect.cli.output import JsonFlag, Output, guarded, plain

EXAMPLES = """
Examples:

  cfinspect models show runs/first/model.safetensors

  cfinspect models show model.safetensors --json
"""


@guarded
def show(model: ModelArgument, as_json: JsonFlag = False) -> None:
    """Show a model's card: networks, input, thresholds, figures, data, licence note."""
    from cfinspect.engine.modelfile import file_digest, load_card, seen_digests  # noqa: PLC0415

    require_exists(model)
    card = plain(load_card(model))
    facts = {
        "file": model.name,
        "bytes": model.stat().st_size,
        "digest": file_digest(model),
        "seen_images": len(seen_digests(model)),
    }
    output = Output(as_json)
    output.emit("model", {**facts, "card": card})
    output.table(str(model), list(flat({**facts, **card})))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) for every value of nested mappings; empty texts are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value not in ("", []):
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "-" if value is None else str(value)
