"""A layer as the user sees it: part of a network, or alone, to be appended to one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.layers.activations import Activation, activation_parameters, parse_activation
from foxnn.layers.specs import dense_spec


class layer:
    """A dense layer.

    Parameters
    ----------
    N_in : int
        Inputs.
    N_neurons : int
        Neurons.
    activation : str or (str, parameters), default="sigmoid"
    init : str, default="auto"
        How the weights begin; `foxnn.initializers()` lists the ways.
    seed : int, optional
        From it the weights are drawn; by default another each time.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 5])
    >>> nn.next_layer(foxnn.layer(5, 2, "relu"))
    >>> nn.sizes
    [3, 5, 2]
    """

    _network: _core.Network = None  # type: ignore[assignment]  # until it is made

    def __init__(
        self,
        N_in: int,
        N_neurons: int,
        activation: str | tuple[str, object] = "sigmoid",
        init: str = "auto",
        seed: int | None = None,
    ) -> None:
        sizes = [
            checks.integer(N_in, "N_in", 1, 2**31 - 1),
            checks.integer(N_neurons, "N_neurons", 1, 2**31 - 1),
        ]
        start = checks.seed(seed)
        self._index = 0
        self._network = _core.Network(
            sizes[:1],
            [dense_spec(sizes[1], parse_activation(activation), checks.word(init, "init"))],
            False,
            start,
        )

    @classmethod
    def _of(cls, network: _core.Network, index: int) -> layer:
        """Return layer `index` of a network: a view, not a copy."""
        view = cls.__new__(cls)
        view._network, view._index = network, index
        return view

    def set_activation_function(self, name: str, parameters: object = ()) -> None:
        """Set the activation by name.

        Parameters
        ----------
        name : str
            `foxnn.activations()` lists the names.
        parameters : float or sequence of float, optional
            For elu and leaky_relu: alpha, at least 0.

        Raises
        ------
        ValueError
            For an unknown name, parameters that it does not take, or softmax before the last layer.
        """
        values = activation_parameters(parameters, "parameters")
        self._network._set_activation(self._index, checks.word(name, "name"), values)

    def get_name_activation_function(self) -> str:
        """Return the name of the activation."""
        return self._network._activation(self._index)[0]

    @property
    def activation_parameters(self) -> list[float]:
        """The parameters of the activation: [alpha] for elu and leaky_relu, else []."""
        return self._network._activation(self._index)[1]

    def get_N_w(self) -> int:
        """Return the number of weights of a neuron, which is the number of inputs."""
        return math.prod(self._network._layer(self._index)["input_shape"])

    def get_N_n(self) -> int:
        """Return the number of neurons."""
        return math.prod(self._network._layer(self._index)["output_shape"])

    @property
    def weights(self) -> Array:
        """Weights, shape (inputs, neurons): a copy when read; any array of that shape sets them."""
        return self._network._array(self._index, "weights")

    @weights.setter
    def weights(self, values: ArrayLike) -> None:
        shape = (self.get_N_w(), self.get_N_n())
        array = self._parameters(values, "weights", shape)
        self._network._set_array(self._index, "weights", array)

    @property
    def bias(self) -> Array:
        """Biases, shape (neurons,): a copy when read; any array of that shape sets them."""
        return self._network._array(self._index, "bias")

    @bias.setter
    def bias(self, values: ArrayLike) -> None:
        shape = (self.get_N_n(),)
        self._network._set_array(self._index, "bias", self._parameters(values, "bias", shape))

    def _parameters(self, values: ArrayLike, name: str, shape: tuple[int, ...]) -> Array:
        array = checks.engine_type(checks.as_array(values, name))
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        single = self._network._single()
        if not checks.all_finite(array, single):
            kind = "finite in float32" if single else "finite"
            raise ValueError(f"{name} must be {kind}, got an infinity, NaN or too large a number")
        return array

    def _activation(self) -> str | Activation:
        """Return the activation as it would be given: its name, or a pair with its parameters."""
        name, parameters = self._network._activation(self._index)
        return (name, parameters) if parameters else name

    def __reduce__(self) -> tuple[Any, ...]:
        if hasattr(self._network, "settings"):  # a view of a network takes it along
            return type(self)._of, (self._network, self._index)
        return _alone, (
            (self.get_N_w(), self.get_N_n(), self._activation()),
            self.weights,
            self.bias,
        )

    def __repr__(self) -> str:
        if self._network is None:
            return "<layer, not made>"
        return f"layer({self.get_N_w()}, {self.get_N_n()}, {self._activation()!r})"


def _alone(arguments: tuple[int, int, Any], weights: Array, bias: Array) -> layer:
    """Make a layer of its own again: for copies and pickles."""
    inputs, neurons, activation = arguments
    shape = tuple(checks.integer(n, "a layer's size", 1, 2**31 - 1) for n in (inputs, neurons))
    if (found := np.shape(weights)) != shape:  # before memory is taken for the layer
        raise ValueError(f"weights must have shape {shape}, got {found}")
    made = layer(inputs, neurons, activation, init="zeros", seed=0)
    made.weights, made.bias = weights, bias
    return made


# Pickles name it; here it may move.
_alone.__module__ = "foxnn.layers"
