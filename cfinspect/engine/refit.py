"""Refit D's last layer to a handful of images of a new camera, anchored to what it knows.

Thresholds cannot mend a model that ranks a new camera's images less well. The layers below have
seen enough surfaces; which of their features tell damage apart differs a little from camera to
camera. Forty images fit that, as long as a change must pay for itself: logistic regression on top
of the old margin, with a penalty whose strength is chosen on groups that the fit has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.card import Decision
from cfinspect.engine.decision import class_weights, fit_scores
from cfinspect.engine.device import Device
from cfinspect.engine.validation import to_tensor

_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
_FOLDS = 5
_FEWEST_GROUPS = 5
_BATCH = 64
_MIRRORS = 4  # the first four of the eight symmetries: the views that inspection averages


@dataclass(frozen=True, eq=False)
class Refit:
    """A change of D's margin (logit of damaged minus logit of undamaged), linear in its features.

    ``weight`` (F,) and ``bias`` are added to the margin's. ``margins`` (n,): those of the images
    fitted to, each by a fit that had not seen its group. ``loss``, ``loss_before``: cross-entropy
    of these margins and of the old ones with refitted thresholds, on unseen groups.
    """

    weight: NDArray[np.float64]
    bias: float
    strength: float
    margins: NDArray[np.float64]
    loss: float
    loss_before: float


def refit_head(
    network: nn.Module,
    squares: NDArray[np.uint8],
    labels: NDArray[np.int64],
    groups: list[str],
    device: Device,
    old: Decision,
) -> Refit | None:
    """The change that serves ``squares`` (n, S, S, 3) with ``labels`` (n,) best; None: no change.

    None when the old features with new thresholds do as well on unseen groups, when there are
    fewer than five groups, or when D does not end in a linear layer.
    """
    layer = _last_layer(network)
    folds = _folds(groups, labels)
    if layer is None or folds is None:
        return None
    features = _features(network, layer, squares, device)
    with torch.no_grad():
        weight, bias = layer.weight.double().cpu(), layer.bias.double().cpu()
        base = features @ (weight[1] - weight[0]) + (bias[1] - bias[0])
    target, balance = torch.from_numpy(labels).double(), torch.from_numpy(class_weights(labels))
    scale = features.flatten(0, 1).std(dim=0)
    x = features / (scale + 0.1 * scale.mean() + 1e-9)

    def loss_of(margins: Tensor) -> float:
        each = F.binary_cross_entropy_with_logits(margins, target, reduction="none")
        return float((each * balance).sum() / balance.sum())

    before = loss_of(_thresholds_only(base[:, :_MIRRORS].mean(dim=1), labels, folds, old))
    best: tuple[float, float, Tensor] | None = None
    for strength in _STRENGTHS:
        margins = torch.empty(len(labels), dtype=torch.double)
        for fold in np.unique(folds):
            rest, left = folds != fold, folds == fold
            d, c = _fit(x[rest], base[rest], target[rest], balance[rest], strength)
            margins[left] = (base[left] + x[left] @ d + c)[:, :_MIRRORS].mean(dim=1)
        loss = loss_of(margins)
        if best is None or loss < best[0]:
            best = loss, strength, margins
    assert best is not None
    loss, strength, margins = best
    if loss >= before:
        return None
    d, c = _fit(x, base, target, balance, strength)
    change = d / (scale + 0.1 * scale.mean() + 1e-9)
    return Refit(change.numpy(), float(c), strength, margins.numpy(), loss, before)


@torch.no_grad()
def apply_refit(network: nn.Module, refit: Refit) -> None:
    """Add the change to D's last layer: half to damaged, half off undamaged; fake stays."""
    layer = _last_layer(network)
    assert layer is not None
    half = torch.from_numpy(refit.weight / 2).to(layer.weight)
    for row, sign in ((0, -1), (1, 1)):
        layer.weight[row] += sign * half
        layer.bias[row] += sign * refit.bias / 2


def _last_layer(network: nn.Module) -> nn.Linear | None:
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear and linear[-1].out_features == 3 else None


def _folds(groups: list[str], labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """A fold number per image, groups whole; None when a fold's rest would lack a class."""
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < _FEWEST_GROUPS:
        return None
    numbers = np.random.default_rng(0).permutation(len(names)) % _FOLDS
    folds: NDArray[np.int64] = numbers[members].astype(np.int64)
    if any(len(np.unique(labels[folds != fold])) < 2 for fold in range(_FOLDS)):
        return None
    return folds


@torch.inference_mode()
def _features(
    network: nn.Module, layer: nn.Linear, squares: NDArray[np.uint8], device: Device
) -> Tensor:
    """What the last layer sees, (n, 8, F) float64 on the CPU, for the square's eight symmetries."""
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        for start in range(0, len(squares), _BATCH):
            x = to_tensor(squares[start : start + _BATCH], device.device)
            for turned in (x, x.transpose(2, 3)):
                for axes in ((), (2,), (3,), (2, 3)):
                    with device.autocast():
                        network(turned.flip(axes) if axes else turned)
    finally:
        hook.remove()
    chunks = [torch.stack(seen[i : i + 8], dim=1) for i in range(0, len(seen), 8)]
    return torch.cat(chunks).double().cpu()


def _thresholds_only(
    margins: Tensor, labels: NDArray[np.int64], folds: NDArray[np.int64], old: Decision
) -> Tensor:
    """Calibrated margins of the old features, each by thresholds that had not seen its group."""
    logits = np.column_stack([np.zeros(len(labels)), margins.numpy()]).astype(np.float32)
    result = torch.empty(len(labels), dtype=torch.double)
    for fold in np.unique(folds):
        rest, left = folds != fold, folds == fold
        temperature, threshold = fit_scores(logits[rest], labels[rest], old)
        result[left] = margins[left] / temperature - float(np.log(threshold / (1 - threshold)))
    return result


def _fit(
    x: Tensor, base: Tensor, target: Tensor, balance: Tensor, strength: float
) -> tuple[Tensor, Tensor]:
    """Ridge logistic regression on top of ``base`` (n, 8): weights (F,) and a bias, by L-BFGS."""
    d = torch.zeros(x.shape[-1], dtype=torch.double, requires_grad=True)
    c = torch.zeros((), dtype=torch.double, requires_grad=True)
    search = torch.optim.LBFGS([d, c], max_iter=100, line_search_fn="strong_wolfe")
    wanted, weight = target[:, None].expand_as(base), balance[:, None] / base.shape[1]

    def closure() -> Tensor:
        search.zero_grad()
        loss = F.binary_cross_entropy_with_logits(base + x @ d + c, wanted, weight, reduction="sum")
        total = loss + strength / 2 * (d**2).sum()
        total.backward()
        return total

    search.step(closure)
    return d.detach(), c.detach()
