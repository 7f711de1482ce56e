"""Notice a training that goes wrong, say so, and answer it (METHOD, trap 9)."""

from __future__ import annotations

from collections.abc import Iterator

from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.state import TrainState

_MOST_ANSWERS = 3
_LONG = 3  # looks at the validation images in a row


class CollapseMonitor:
    """Looks at the figures of each validation and changes the state where they are bad."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config

    def intervene(
        self, state: TrainState, values: dict[str, float], fraction: float
    ) -> Iterator[str]:
        """Yield what was found and done, in words; at most three answers in a training."""
        counters = state.counters
        counters.told = counters.told + 1 if values["fake_told"] > 0.98 else 0
        if state.generator_steps <= self._config.l1_ramp or fraction > 0.9:
            return
        flips = values["flip_damaged"]
        still = values["change_damaged"] < 1 / 255
        if still and flips < 0.5:
            problem = "the generator hardly changes anything (mean |x - x'| under 1/255)"
        elif counters.told >= _LONG and flips < 0.5:
            problem = "the discriminator tells every fake and the generator gains nothing"
        elif flips < 0.5 and fraction > 1 / 3:
            problem = f"only {flips:.0%} of damaged images flip after a third of the training"
        else:
            return
        if counters.answers >= _MOST_ANSWERS:
            return
        counters.answers += 1
        counters.told = 0
        yield f"collapse: {problem}; {self._change(state, still)}"

    def _change(self, state: TrainState, still: bool) -> str:
        counters = state.counters
        counters.rho *= 0.5
        counters.l1_scale *= 0.5
        action = f"rho is now {counters.rho:.2g}, l1 {self._config.l1 * counters.l1_scale:.2g}"
        if counters.best_step and not still:
            state.return_to_best()
            action += f", and training goes on from step {counters.best_step}"
        return action
