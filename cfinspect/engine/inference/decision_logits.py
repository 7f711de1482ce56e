"""D's decision as a function of its logits, with gradients: for attacks and explainers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfinspect.engine.base.device import Device
from cfinspect.engine.inference.forward import mean_answer
from cfinspect.engine.metrics.probability import logit
from cfinspect.engine.model.metadata import Decision, Tta

Aim = Literal["margin", "ce", "unnoticed"]


_ENOUGH = 1.0  # how far over the threshold an unnoticed attack wants to be before it hides


@dataclass(frozen=True)
class DecisionLogits:
    """The decision under attack.

    ``most_fake``: highest p_fake of an image that is accepted without review.
    """

    discriminator: nn.Module
    decision: Decision
    device: Device
    tta: Tta = "flips"
    most_fake: float = 1.0

    def logits(self, x: Tensor) -> Tensor:
        """D's answer (n, 3) to ``x`` (n, 3, S, S), divided by the temperature."""
        with self.device.autocast():
            answer = mean_answer(self.discriminator, x, self.tta)
        return answer / self.decision.temperature

    def excess(self, logits: Tensor) -> Tensor:
        """How far the score's logit lies above the threshold's, (n,): damaged from 0 on."""
        return logits[:, 1] - logits[:, 0] - float(logit(self.decision.score_threshold))

    def hidden(self, logits: Tensor) -> Tensor:
        """How far p_fake's logit lies below the highest accepted one, (n,)."""
        fake = logits[:, 2] - torch.logsumexp(logits[:, :2], dim=1)
        return float(logit(self.most_fake)) - fake

    def gain(self, logits: Tensor, labels: Tensor, aim: Aim) -> Tensor:
        """What an attack raises, (n,): it has won where ``won`` says so."""
        if aim == "ce":
            return F.cross_entropy(logits, labels, reduction="none")
        wrong = self.excess(logits) * (1 - 2 * labels)
        if aim == "margin":
            return wrong
        return wrong.clamp(max=_ENOUGH) + self.hidden(logits).clamp(max=0)

    def won(self, logits: Tensor, labels: Tensor, aim: Aim) -> Tensor:
        """Whether the decision is wrong, and for "unnoticed" p_fake low as well; (n,) bool."""
        wrong = (self.excess(logits) >= 0) != (labels == 1)
        return wrong & (self.hidden(logits) >= 0) if aim == "unnoticed" else wrong
