"""Steps along gradients that the caller has computed: `backward`, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.training.advice import diverged_network
from foxnn.training.arguments import checked_clipping
from foxnn.training.update_rules import RULES, rule_of


def gone_back(
    network: AnsweringNetwork, x: Any, gradient: Any, lengths: Any, told: tuple[Any, ...]
) -> Any:
    """Return d loss / d inputs; make a step, unless the learning rate in `told` is 0.

    `told` is optimizer, learning_rate, l1, l2, clip_norm and clip_value as they were given.
    """
    threads = network.settings.n_threads
    plan = _plan(network, told, threads)
    if lengths is None and isinstance(gradient, np.ndarray):
        found = _core.backward(network, x, gradient, plan, threads, False)
        if found is not None:
            return _shaped(network, _finite(network, found))
    network._check_names(x, "x")
    single = network._single()
    reader = network._reader(x, "x", lengths, single=single)
    rows = network._rows(x, "x", single=single) if reader is None else reader.rows
    shape = network._output_shape()
    if reader is not None and reader.outputs is not None:
        gradient = reader.gradients(gradient, "gradient")
        shape = (reader.steps, *shape[1:])
    slopes = _slopes(gradient, len(rows), shape, single=single)
    found = _finite(network, _core.backward(network, rows, slopes, plan, threads, True))
    return _shaped(network, found) if reader is None else reader.inputs_back(found)


def _plan(network: AnsweringNetwork, told: tuple[Any, ...], threads: int) -> _core.Plan | None:
    """Return the plan of a step, which is kept for the next one; None for no step."""
    optimizer, rate, *rest = told
    key = (type(optimizer), *told, threads)
    kept = network._back_plan  # read once: another thread may replace it meanwhile
    if kept is not None and _is_same(kept[0], key):
        return kept[1]
    rate = checks.real(rate, "learning_rate", 0.0)
    l1, l2 = (
        checks.real(value, name, 0.0) for value, name in zip(rest, ("l1", "l2"), strict=False)
    )
    clip_norm, clip_value = checked_clipping(*rest[2:])
    plan = _core.Plan(
        rule_of(optimizer), rate or 1.0, shuffle=False, threads=threads, l1=l1, l2=l2,
        clip_norm=clip_norm or 0.0, clip_value=clip_value or 0.0,
    )  # fmt: skip
    _core.check_plan(network, plan)
    if rate == 0.0:
        return None
    # Others than our own may define comparison differently: their plans are never kept.
    numbers = all(type(value) in (int, float, type(None)) for value in told[1:])
    is_ours = type(optimizer) is str or type(optimizer) in RULES
    network._back_plan = (key, plan) if is_ours and numbers else None
    return plan


def _is_same(kept: tuple[Any, ...], key: tuple[Any, ...]) -> bool:
    # The types come first, so that only what is of one type is compared.
    return len(kept) == len(key) and all(
        type(a) is type(b) and a == b for a, b in zip(kept, key, strict=True)
    )


def _slopes(gradient: Any, count: int, shape: tuple[int, ...], *, single: bool) -> Array:
    """Return d loss / d outputs as rows of the network's type."""
    array = checks.as_array(gradient, "gradient")
    width = int(np.prod(shape))
    if array.ndim == 1 and width == 1:
        array = array.reshape(-1, 1)
    if array.shape not in ((count, width), (count, *shape)):
        raise ValueError(
            f"gradient must have the shape of the outputs, {(count, *shape)}, got {array.shape}"
        )
    rows = checks.matrix(array.reshape(count, width), "gradient", width, "outputs", single=single)
    return np.ascontiguousarray(rows, np.float32 if single else np.float64)


def _finite(network: AnsweringNetwork, found: Any) -> Array:
    if found is False:
        raise diverged_network(network, "after this step (the optimizer is reset)")
    array: Array = found
    return array


def _shaped(network: AnsweringNetwork, found: Array) -> Array:
    return found.reshape(len(found), *network._input_shape())
