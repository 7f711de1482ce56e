"""Train a model on folders of labelled images."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cfinspect.api.model import AnyPath, Model, load
from cfinspect.engine.base.events import Event, Finished
from cfinspect.engine.training.config import ConfigError, TrainConfig
from cfinspect.workflows.config_parsing import new_config, resumed_config

Setting = str | int | float | bool | None | os.PathLike[str]
_PATHS = ("data", "out", "preset")


def train(
    data: AnyPath | Sequence[AnyPath],
    out: AnyPath,
    *,
    preset: str = "balanced",
    on_event: Callable[[Event], object] | None = None,
    resume: bool = False,
    **settings: Setting,
) -> Model:
    """Train a model and load it.

    ``data``: a folder with undamaged/ and damaged/ (or good/bad, ok/ng, ...) images, or several
    such folders; see ``cfinspect train --help``. ``out``: the folder for the run's files:
    model.safetensors, config.json, metrics.jsonl, checkpoint.safetensors, samples/, curves.png.
    ``preset``: "fast" (4 minutes), "balanced" (6) or "paper" (20): where all settings start from.
    The masks are learned after that, in a minute or so; ``mask_steps=0`` leaves that out.
    ``settings``: any field of ``TrainConfig`` as a keyword, such as ``minutes=4``, ``steps=2000``,
    ``size=128`` (px), ``holdout=0.2`` (a share), ``device="cuda"``, ``seed=1``.
    ``on_event`` is called with each event as it happens: see ``train_events``.
    ``resume``: go on with the run in ``out`` where there is one, with its own settings; only
    minutes, steps, device and precision may change.

    Stopped by Ctrl+C it keeps the last checkpoint, and ``resume=True`` goes on from there.

    Raises ConfigError for a setting that does not exist or cannot work, DataError for a folder that
    cannot be used, DeviceError, CheckpointError, and CfinspectError where ``out`` holds a run
    already. A diffusion model gives no verdicts, so ``method="diffusion"`` is for ``train_events``.

    >>> import cfinspect
    >>> tiny = dict(size=32, width=4, batch=8, warmup=10, scope="whole")
    >>> losses = []
    >>> def note(event):
    ...     if hasattr(event, "losses"):
    ...         losses.append(event.losses)
    >>> model = cfinspect.train("walls", out="run", steps=20, on_event=note, device="cpu", **tiny)
    >>> len(losses), model.path.name
    (20, 'model.safetensors')
    """
    if settings.get("method") == "diffusion":
        raise ConfigError("a diffusion model gives no verdicts: train it with train_events")
    finished: Finished | None = None
    for event in train_events(data, out, preset=preset, resume=resume, **settings):
        if on_event is not None:
            on_event(event)
        if isinstance(event, Finished):
            finished = event
    assert finished is not None
    assert finished.model is not None, "only a cancel leaves no model, and nobody can cancel here"
    return load(
        finished.model,
        device=str(settings.get("device") or "auto"),
        precision=str(settings.get("precision") or "auto"),
    )


def train_events(
    data: AnyPath | Sequence[AnyPath],
    out: AnyPath,
    *,
    preset: str = "balanced",
    resume: bool = False,
    **settings: Setting,
) -> Iterator[Event]:
    """Train as ``train`` does, and yield what happens: the events of ``engine/base/events.py``.

    ``Started``, ``DataProgress`` (images read), ``StepDone`` (losses, fraction 0..1, seconds left),
    ``MasksProgress`` (masks that are learned at the end),
    ``Validated`` (figures on the validation images), ``SamplesWritten``, ``CheckpointSaved``,
    ``Notice`` (a sentence) and at last ``Finished`` (the model's path). Leaving the loop stops the
    training; the last checkpoint stays, and ``resume=True`` goes on from there.

    Settings are checked at the call, everything else when the first event is asked for; the errors
    are those of ``train``.

    >>> import cfinspect
    >>> tiny = dict(size=32, width=4, batch=8, warmup=10, scope="whole")
    >>> events = cfinspect.train_events("walls", out="run2", steps=20, device="cpu", **tiny)
    >>> names = [type(event).__name__ for event in events]
    >>> names[0], names.count("StepDone"), names[-1]
    ('DataProgress', 20, 'Finished')
    """
    folders = [data] if isinstance(data, str | os.PathLike) else data
    config = _config([Path(folder) for folder in folders], Path(out), preset, resume, settings)
    return _events(config, resume)


def _events(config: TrainConfig, resume: bool) -> Iterator[Event]:
    from cfinspect.engine.training.trainer import train as run  # noqa: PLC0415  (starts torch)

    yield from run(config, resume=resume)


def _config(
    data: list[Path], out: Path, preset: str, resume: bool, settings: dict[str, Setting]
) -> TrainConfig:
    known = {one.name for one in dataclasses.fields(TrainConfig)} - set(_PATHS)
    for name in settings:
        if name not in known:
            raise ConfigError(f"there is no setting {name!r}; there are {', '.join(sorted(known))}")
    given = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in settings.items()
    }
    if resume and (out / "config.json").exists():
        return resumed_config(out, data, given)
    try:
        config = new_config(data, out, preset, given)
    except TypeError as error:  # from a comparison with a value that is no number
        raise ConfigError(f"a setting has a value of the wrong type ({error})") from error
    return TrainConfig.from_dict(config.to_dict())  # which checks the types
