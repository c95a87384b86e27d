"""Layers that normalize their inputs: `BatchNorm`, `LayerNorm`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_name,
    only,
    same_shape,
)

_EPSILON = 1e-5
_MOMENTUM = 0.9


def _checked(given: Mapping[str, Any]) -> Options:
    return {"epsilon": _checked_epsilon(only(given, "epsilon")["epsilon"])}


def _checked_epsilon(epsilon: object) -> float:
    # It must be above zero in float32, too.
    return checks.real(epsilon, "epsilon", 1e-37, 1e30)


def _arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    return {"weights": shape[-1:], "bias": shape[-1:]}


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    return [], {} if options["epsilon"] == _EPSILON else {"epsilon": options["epsilon"]}


LAYER_NORM = Kind("layer_norm", "LayerNorm", _checked, same_shape, _arrays, _shown)


@answering("the shape is that of the layer before it")
@dataclass(frozen=True, repr=False, eq=False)
class LayerNorm(Description):
    """Layer normalization over the channels of each position.

    y = (x - mean) / sqrt(variance + epsilon) * weights + bias, where mean and variance are those of
    the channels of a position (Ba, Kiros and Hinton, "Layer normalization", 2016). Training and
    prediction do the same.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance; from 1e-37 to 1e30.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (channels,), which start at 1, and "bias" (channels,), which start at
    0. Penalties and weight decay do not apply to them.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, foxnn.LayerNorm()])
    >>> nn.get_out([1.0, 3.0]).round(3).tolist()
    [-1.0, 1.0]
    """

    _: KW_ONLY
    epsilon: float = _EPSILON
    name: str | None = None

    kind: ClassVar[Kind] = LAYER_NORM

    def __post_init__(self) -> None:
        self._keep(epsilon=_checked_epsilon(self.epsilon), name=checked_name(self.name))

    def _options(self) -> Options:
        return {"epsilon": self.epsilon}


def _checked_batch(given: Mapping[str, Any]) -> Options:
    own = only(given, "epsilon", "momentum")
    return {
        "epsilon": _checked_epsilon(own["epsilon"]),
        "momentum": _checked_momentum(own["momentum"]),
    }


def _checked_momentum(momentum: object) -> float:
    return checks.real(momentum, "momentum", 0.0, 1.0)


def _batch_arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    names = "weights", "bias", "running_mean", "running_variance"
    return dict.fromkeys(names, shape[-1:])


def _shown_batch(options: Options) -> tuple[list[Any], dict[str, Any]]:
    usual = {"epsilon": _EPSILON, "momentum": _MOMENTUM}
    return [], {n: options[n] for n, default in usual.items() if options[n] != default}


BATCH_NORM = Kind(
    "batch_norm", "BatchNorm", _checked_batch, same_shape, _batch_arrays, _shown_batch
)


@answering("the channels are those of the layer before it")
@dataclass(frozen=True, repr=False, eq=False)
class BatchNorm(Description):
    """Batch normalization: each channel is brought to mean 0 and variance 1 over a batch.

    y = (x - mean) / sqrt(variance + epsilon) * weights + bias. In training, mean and variance are
    those of the channel over all samples and positions of the batch (Ioffe and Szegedy, "Batch
    normalization", 2015). In prediction, and while the layer is frozen, they are running means of
    those of earlier batches.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance; from 1e-37 to 1e30.
    momentum : float, default=0.9
        The share that a running mean keeps in a step, from 0 to 1; as in Keras. (PyTorch's is the
        share of the new batch: 0.1 there is 0.9 here.)
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (channels,), which start at 1, "bias", which start at 0, and
    "running_mean" and "running_variance", which are not trained. The running variance is that of
    the population, as estimated from the batch: n / (n - 1) times the batch's, as in the paper and
    in PyTorch. Penalties and weight decay do not apply to any of them.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([1, foxnn.BatchNorm(momentum=0.0), 1], "identity", seed=1)
    >>> loss = nn.train_on_batch([[1.0], [3.0]], [[0.0], [1.0]])
    >>> nn[0].arrays["running_mean"].tolist(), nn[0].arrays["running_variance"].tolist()
    ([2.0], [2.0])
    """

    _: KW_ONLY
    epsilon: float = _EPSILON
    momentum: float = _MOMENTUM
    name: str | None = None

    kind: ClassVar[Kind] = BATCH_NORM

    def __post_init__(self) -> None:
        self._keep(
            epsilon=_checked_epsilon(self.epsilon),
            momentum=_checked_momentum(self.momentum),
            name=checked_name(self.name),
        )

    def _options(self) -> Options:
        return {"epsilon": self.epsilon, "momentum": self.momentum}
