"""A stochastic solver of scikit-learn: the engine's optimizer for it, and its learning rate."""

from __future__ import annotations

import math
from typing import Any

from foxnn import _core

# Below it, the adaptive rate does not fall any more, and the training ends.
_LEAST_ADAPTIVE = 1e-6
# By how much, relatively, the epsilon of adam may be off before the engine gets another.
_EPSILON_TOLERANCE = 0.01


class Solver:
    """A solver as an estimator has it when a fit begins; `learning_rate` is the running one."""

    def __init__(self, estimator: Any) -> None:
        adam = estimator.solver == "adam"
        self.learning_rate = self._first = float(estimator.learning_rate_init)
        self._schedule = "constant" if adam else estimator.learning_rate
        self._power = float(estimator.power_t)
        self.has_velocity = not adam and estimator.momentum > 0
        self._epsilon = float(estimator.epsilon) if adam else None
        self._rule: dict[str, Any] = {"name": "sgd"}
        if adam:
            self._rule = {
                "name": "adam",
                "beta_1": estimator.beta_1,
                "beta_2": estimator.beta_2,
                "epsilon": self._epsilon,
            }
        elif self.has_velocity:
            self._rule = {
                "name": "nesterov" if estimator.nesterovs_momentum else "momentum",
                # The engine's must be below 1, which scikit-learn allows.
                "momentum": min(float(estimator.momentum), math.nextafter(1.0, 0.0)),
            }

    def optimizer(self) -> _core.Optimizer:
        """Return the engine's rule."""
        return _core.Optimizer(**self._rule)

    def turn_to(self, step: int) -> bool:
        """Adapt the rule to a step, the first being 1; return whether it is another now.

        scikit-learn adds epsilon to the root of adam's second moment as it is, the engine to that
        of the moment corrected for its start at zero (Kingma and Ba have both: algorithm 1, and the
        end of its section 2). So the engine's epsilon is larger in the beginning.
        """
        if self._epsilon is None:
            return False
        exact = self._epsilon / math.sqrt(1.0 - self._rule["beta_2"] ** step)
        if abs(self._rule["epsilon"] - exact) <= _EPSILON_TOLERANCE * exact:
            return False
        self._rule["epsilon"] = exact
        return True

    def most_steps(self, step: int) -> int:
        """Return how many steps from this one on may have the same rule."""
        # The root of t grows by a share of 1 / 2t a step.
        return max(1, int(2 * _EPSILON_TOLERANCE * step)) if self._epsilon is not None else 2**31

    def end_epoch(self, samples_seen: int) -> None:
        """Note the total number of samples so far."""
        if self._schedule == "invscaling":
            self.learning_rate = self._first / (samples_seen + 1) ** self._power

    def stop(self, reason: str, verbose: bool | int) -> bool:
        """Return whether to stop, when there has been no improvement, or to go on more slowly."""
        adaptive = self._schedule == "adaptive"
        stops = not adaptive or self.learning_rate <= _LEAST_ADAPTIVE
        if not stops:
            self.learning_rate /= 5.0
        if verbose:
            if stops:
                print(f"{reason}{' Learning rate too small.' if adaptive else ''} Stopping.")
            else:
                print(f"{reason} Setting learning rate to {self.learning_rate:f}")
        return stops
