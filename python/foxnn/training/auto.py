"""`epochs="auto"`: what a run watches to find its own end."""

from __future__ import annotations

from typing import Any

from foxnn.model.answers import AnsweringNetwork
from foxnn.training.early_stopping import EarlyStopping

#: No run is longer, even if the loss keeps falling.
MOST_EPOCHS = 10_000
#: What must be gained within the patience, as a share of the loss of the first epoch: the tolerance
#: of scikit-learn (tol=1e-4), whose losses begin near 1.
LEAST_GAIN = 1e-4
# The share that is held out with losses for numbers, and the fewest samples for that: ten held-out
# samples are informative. On the diabetes data of scikit-learn, scaled, R² is 0.3 with it and -0.2
# without. On its four tables of classes it costs up to 0.01 of the accuracy and gains nothing.
_SHARE, _FEWEST = 0.1, 100
# "A while" is this many steps (an epoch of a small table has few, one of a large table thousands),
# but within these numbers of epochs: 10 is scikit-learn's, and 100 are enough for four steps per
# epoch.
_STEPS, _FEWEST_EPOCHS, _MOST_EPOCHS_WAITED = 1000, 10, 100


def is_auto(epochs: object) -> bool:
    """Return whether an argument `epochs` says "auto"; other texts are checked elsewhere."""
    return isinstance(epochs, str) and epochs.lower() == "auto"


def validation_of(network: AnsweringNetwork, samples: int, validation: Any) -> Any:
    """Return what a run validates on: what was given, or a share if the loss is for numbers."""
    if validation is None and not network._classifies() and samples >= _FEWEST:
        return _SHARE
    return validation


def rule_of(samples: int, batch_size: int, has_held_out: bool) -> EarlyStopping:
    """Return the rule that ends a run on this number of samples."""
    steps = -(-samples // batch_size)
    patience = min(max(-(-_STEPS // steps), _FEWEST_EPOCHS), _MOST_EPOCHS_WAITED)
    # The training loss hardly rises again, so the last weights are as good as the best.
    return EarlyStopping(patience=patience, restore_best=has_held_out)
