"""The engine's numbers for one sample, forward and backward, as `trace` shows them."""

from __future__ import annotations

import numpy as np

from foxnn import _core
from foxnn.checks import Array, Rows
from foxnn.layers.specs import dense_spec, sizes_of
from foxnn.model.own_loss import OwnLoss
from foxnn.support.array_types import NDArray


def forward(
    network: _core.Network, x: Array, threads: int, sorted_summation: bool
) -> dict[str, Array]:
    """Return the first half of a trace.

    Parameters
    ----------
    network : _core.Network
    x : ndarray of shape (1, inputs)
    threads : int
        At most; 0 is as many as are worthwhile.
    sorted_summation : bool
        Whether the network sums from the smallest product to the largest.
    """
    sizes, single = sizes_of(network), network._single()
    of_inputs, of_outputs = network._scaling()
    values = {} if of_inputs is None else {"x": x[0].astype(np.float64)}
    inputs = scaled(x, of_inputs, single)
    if not np.isfinite(inputs).all():
        raise ValueError(f"x must be finite when it is scaled, got {inputs[0]}")
    values["a^0"] = inputs[0]
    # Grown layer by layer and evaluated each time, so that intermediate overflow is not refused. A
    # layer's sums are its outputs before it gets its activation.
    grown = None
    for i in range(len(sizes) - 1):
        weights, bias = network._array(i, "weights"), network._array(i, "bias")
        spec = dense_spec(sizes[i + 1], ("identity_x", []), "zeros")
        if grown is None:
            grown = _core.Network(sizes[:1], [spec], single, 0)
            grown._set_sorted_summation(sorted_summation)
            grown._set_array(0, "weights", weights)
            grown._set_array(0, "bias", bias)
        else:
            grown._append([spec], [{"weights": weights, "bias": bias}])
        sums = _answer(grown, inputs, threads)
        grown._set_activation(i, *network._activation(i))
        names = [f"{letter}^{i + 1}" for letter in "wbza"]
        parts = (weights, bias, sums, _answer(grown, inputs, threads))
        values.update(zip(names, parts, strict=True))
    if of_outputs is not None:
        values["out"] = _answer(network, x, threads)
    return values


def backward(network: _core.Network, x: Array, y: Array) -> dict[str, Array]:
    """Return the second half of a trace.

    Parameters
    ----------
    network : _core.Network
    x : ndarray of shape (1, inputs)
    y : ndarray of shape (1, outputs), or a label of shape (1,)
    """
    loss, layers = loss_and_gradients(network, x, y)
    rows = np.eye(sizes_of(network)[-1])[y] if y.ndim == 1 else y
    wanted = scaled(rows, network._scaling()[1], network._single())[0]
    values: dict[str, Array] = {"y": wanted, "C": np.array(loss)}
    for i in range(len(layers), 0, -1):
        weights, bias = layers[i - 1]
        # The bias is added to z as it is, so its gradient for one sample is delta.
        values |= {f"delta^{i}": bias, f"dC/dw^{i}": weights, f"dC/db^{i}": bias}
    return values


def loss_and_gradients(
    network: _core.Network, x: Rows, y: Array, own: OwnLoss | None = None
) -> tuple[float, list[tuple[Array, ...]]]:
    """Return the mean loss over samples, and the gradients of each layer's arrays.

    `own` is the loss of a network whose loss is a function.
    """
    # Without a shuffle, which would move the network's random numbers on.
    plan = _core.Plan(_core.Optimizer("sgd"), 1.0, batch_size=len(x), shuffle=False)
    with _core.Trainer(network, x, y if own is None else None, plan, None, own) as trainer:
        loss, layers = trainer.gradient()
    return loss, [tuple(arrays.values()) for arrays in layers]


def scaled(
    rows: Array, scaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None, single: bool
) -> Array:
    """Return rows as the engine reads them."""
    kind = np.float32 if single else np.float64
    if scaling is None:
        return rows.astype(kind)
    shift, factor = scaling
    with np.errstate(over="ignore"):
        scaled: Array = ((rows.astype(np.float64) - shift) * factor).astype(kind)
    return scaled


def _answer(network: _core.Network, x: Array, threads: int) -> Array:
    out = network._predict(x, threads)
    assert out is not None
    row: Array = out[0]
    return row
