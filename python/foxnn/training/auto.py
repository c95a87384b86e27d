"""`epochs="auto"`: what a run watches to find its own end."""

from __future__ import annotations

import math

from foxnn.layers.kinds import leaves
from foxnn.model.answers import AnsweringNetwork
from foxnn.training.early_stopping import EarlyStopping

#: No run is longer, even if the loss keeps falling.
MOST_EPOCHS = 10_000
#: What must be gained within the patience, as a share of the loss of the first epoch: the tolerance
#: of scikit-learn (tol=1e-4), whose losses begin near 1.
LEAST_GAIN = 1e-4
# Networks that follow every sample predict numbers badly: on the diabetes data of scikit-learn,
# scaled, R² is -0.02 with the training loss alone. With cross-validation it is 0.41, and 0.38 with
# a tenth held out; with 200 samples of Friedman's function 0.79 and 0.77. (On scikit-learn's four
# tables of classes, a share costs up to 0.02 of the accuracy, and cross-validation gains nothing.)
# Of more samples than these a tenth tells enough, in a fifth of the time: with 1000 samples of
# that function cross-validation gains 0.004, with 3000 less than 0.001. Of fewer, a fold would have
# less than four.
_FEWEST_IN_FOLDS, _MOST_IN_FOLDS = 20, 1000
# Five copies of so many parameters, with their moments, take 60 MB in float32.
_MOST_PARAMETERS = 1_000_000
# The share that is held out otherwise, and the fewest samples of which it is: ten tell something.
_SHARE, _FEWEST_TO_SHARE = 0.1, 100
# A while is so many steps (an epoch of a small table has few, one of a large table thousands), but
# within these numbers of epochs: 10 is scikit-learn's, and 100 are enough for four steps an epoch.
_STEPS, _FEWEST_EPOCHS, _MOST_EPOCHS_WAITED = 1000, 10, 100


def is_auto(epochs: object) -> bool:
    """Return whether an argument `epochs` says "auto"; other texts are checked elsewhere."""
    return isinstance(epochs, str) and epochs.lower() == "auto"


def validation_of(
    network: AnsweringNetwork, samples: int, *, folds: bool = True
) -> tuple[float | None, bool]:
    """Return the share that a run holds out, or None, and whether it takes folds instead.

    `samples` is the number of those that count. `folds`: whether there can be any.
    """
    if network._classifies():
        return None, False
    is_few = folds and _FEWEST_IN_FOLDS <= samples <= _MOST_IN_FOLDS
    if is_few and _parameters(network) <= _MOST_PARAMETERS:
        return None, True
    return (_SHARE if samples >= _FEWEST_TO_SHARE else None), False


def _parameters(network: AnsweringNetwork) -> int:
    parts = leaves(network._layers())
    return sum(math.prod(shape) for part in parts for shape in part["arrays"].values())


def rule_of(samples: int, batch_size: int) -> EarlyStopping:
    """Return the rule that ends a run on so many samples.

    The best epoch counts for the training loss, too: with raw inputs, which differ in size, it
    jumps from epoch to epoch, and the last one has up to 0.04 less accuracy (wine, 20 splits).
    """
    steps = -(-samples // batch_size)
    patience = min(max(-(-_STEPS // steps), _FEWEST_EPOCHS), _MOST_EPOCHS_WAITED)
    return EarlyStopping(patience=patience)
