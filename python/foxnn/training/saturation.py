"""A warning about inputs so large that the first layer cannot learn."""

from __future__ import annotations

import math

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, Rows
from foxnn.layers.activation_table import ACTIVATIONS
from foxnn.layers.specs import dense_spec
from foxnn.layers.view import is_flat_dense
from foxnn.model.answers import AnsweringNetwork
from foxnn.support.errors import DataWarning
from foxnn.support.warn import warn

# Number of samples to look at: enough for a reliable share of saturated outputs.
_SAMPLES = 64
# Inputs up to this size are not the cause; scaled inputs are near 1.
_USUAL_SIZE = 3.0


def warn_if_saturated(network: AnsweringNetwork, x: Rows) -> None:
    """Warn if inputs are so large that most outputs of a bounded first layer are saturated."""
    first = network._layer(0)
    if not is_flat_dense(first):
        return
    function = first["options"]["activation"]
    flat_beyond = ACTIVATIONS[function].flat_beyond
    if flat_beyond is None:
        return
    which = np.arange(0, len(x), max(1, len(x) // _SAMPLES))[:_SAMPLES]
    some = checks.dense(checks.taken(x, which)).astype(np.float64)
    size = math.sqrt(np.add.reduce(some * some, axis=None) / some.size)
    if size <= _USUAL_SIZE:
        return
    arrays = {name: network._array(first["index"], name) for name in first["arrays"]}
    z = _sums(some, arrays, network.settings.n_threads)
    if z is None:
        return
    flat = float((np.abs(z) > flat_beyond).mean())
    if flat > 0.5:
        warn(
            f"the inputs are large (root mean square {size:.3g}), and {flat:.0%} of the first "
            f"layer's {function} outputs are flat, where they hardly learn: scale the inputs, by "
            "scale='standard' in fit",
            DataWarning,
        )


def _sums(x: Array, arrays: dict[str, Array], threads: int) -> Array | None:
    """Return the preactivations of a layer in float64, or None if one is NaN."""
    # Not by NumPy: the threads of its BLAS keep spinning for a while after a product and would slow
    # down the training that starts here.
    inputs, neurons = arrays["weights"].shape
    alone = _core.Network([inputs], [dense_spec(neurons, ("identity_x", []), "zeros")], False, 0)
    for name, values in arrays.items():  # a missing bias stays zero
        alone._set_array(0, name, values.astype(np.float64))
    try:
        return alone._predict(x, threads)
    except OverflowError:
        return None
