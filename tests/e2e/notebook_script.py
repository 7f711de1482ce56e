"""A notebook as a script: every cell of it runs in the tests, in a folder with walls/ and photos/.

Cells start with ``# %%``, so that editors and Jupyter (by jupytext) open it as a notebook.
"""

# %% Load a model that comes with cfinspect
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import cfinspect

model = cfinspect.load("crack")
print(model)

# %% Inspect one image: from a path, from Pillow, from an array
photo = sorted(Path("photos").glob("*.png"))[0]
result = model.inspect(photo)
print(result)
print(result.label, result.score, result.p_fake, result.review, result.review_reason)
assert model.inspect(Image.open(photo)).score == result.score
assert model.inspect(np.asarray(Image.open(photo).convert("RGB"))).score == result.score

# %% What it saw: the last line of a cell shows the picture
pictures = (result.mask, result.saliency, result.counterfactual)
print([(one.shape, str(one.dtype)) for one in pictures])
Path("shown.png").write_bytes(result._repr_png_())

# %% A whole folder: as results, or as files
damaged = [one.name for one in model.inspect_folder("photos") if one.damaged]
counts = model.inspect_folder("photos", out="results")
assert counts.damaged == len(damaged)
print(counts)

# %% Train a model of one's own (seconds here; minutes=4 for a real one)
losses: list[dict[str, float]] = []


def watch(event: object) -> None:
    """Remember the losses of each step."""
    if hasattr(event, "losses"):
        losses.append(event.losses)


own = cfinspect.train(
    "walls",
    out="run",
    preset="fast",
    steps=20,
    size=32,
    width=4,
    batch=8,
    warmup=10,
    scope="whole",
    holdout=0.25,
    on_event=watch,
)
assert len(losses) == 20
print(own, own.metadata.created)

# %% How good is it, on images that it has never seen?
found = cfinspect.evaluate(own, "walls", unseen=True)
print(len(found.rows), "images")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    cfinspect.evaluate(model, "walls")  # another model: nothing to warn of

# %% A project keeps verdicts and masks
with cfinspect.open_project("photos", create=True) as project:
    print([folder.name for folder in project.folders()])

# %% What goes wrong is a sentence
try:
    model.inspect("nowhere.png")
except cfinspect.errors.ImageError as error:
    print(error)
