"""FoxNN's dense layer: part of a network, or alone, to be appended to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.unpickling import attributes
from foxnn.layers.activations import ActivationPair, activation_parameters, parse_activation
from foxnn.layers.names import ACTIVATION_NAMES, INIT_NAMES
from foxnn.layers.specs import dense_spec
from foxnn.layers.view import VIEWS, LayerView, _viewed


class layer(LayerView):
    """A dense layer.

    Parameters
    ----------
    N_in : int
        Inputs.
    N_neurons : int
        Neurons.
    activation : str or (str, parameters), default="sigmoid"
    init : str, default="auto"
        How the weights are initialized; `foxnn.initializers()` lists the names.
    seed : int, optional
        The seed of the weights; by default a new one each time.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 5])
    >>> nn.next_layer(foxnn.layer(5, 2, "relu"))
    >>> nn.sizes
    [3, 5, 2]
    """

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
        self._path = (0,)
        self._network = _core.Network(
            sizes[:1],
            [dense_spec(sizes[1], parse_activation(activation), INIT_NAMES.known(init, "init"))],
            False,
            start,
        )

    @classmethod
    def _of(cls, network: _core.Network, index: int) -> LayerView:
        """Return layer `index` of a network: pickles of 0.1.0 call it."""
        return _viewed(network, (index,))

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
        known = ACTIVATION_NAMES.known(name, "name")
        self._network._set_activation(self._index, known, values)

    def get_name_activation_function(self) -> str:
        """Return the name of the activation."""
        return self._network._activation(self._index)[0]

    @property
    def activation_parameters(self) -> list[float]:
        """The parameters of the activation: [alpha] for elu and leaky_relu, else []."""
        return self._network._activation(self._index)[1]

    def get_N_w(self) -> int:
        """Return the number of weights of a neuron, which is the number of inputs."""
        return self._part()["arrays"]["weights"][0]  # type: ignore[no-any-return]

    def get_N_n(self) -> int:
        """Return the number of neurons."""
        return self._part()["arrays"]["weights"][1]  # type: ignore[no-any-return]

    def _activation(self) -> str | ActivationPair:
        """Return the activation as it would be given: its name, or a pair with its parameters."""
        name, parameters = self._network._activation(self._index)
        return (name, parameters) if parameters else name

    def __reduce__(self) -> tuple[Any, ...]:
        if hasattr(self._network, "settings"):  # a view of a network takes it along
            return super().__reduce__()
        return _alone, tuple(self.__getstate__().values())

    def __getstate__(self) -> dict[str, Any]:
        if hasattr(self._network, "settings"):
            return super().__getstate__()
        weights = self.weights
        arguments = (*weights.shape, self._activation())
        return {"arguments": arguments, "weights": weights, "bias": self.bias}

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict) or "network" in state:
            super().__setstate__(state)
            return
        given = attributes(state, type(self), "arguments", "weights", "bias")
        made = _alone(given["arguments"], given["weights"], given["bias"])
        self._network, self._path = made._network, made._path

    def __repr__(self) -> str:
        if self._network is None:
            return "<layer, not made>"
        if self._part()["options"].get("each_position"):
            return super().__repr__()
        inputs, neurons = self._part()["arrays"]["weights"]
        return f"layer({inputs}, {neurons}, {self._activation()!r})"


VIEWS["dense"] = layer


def _alone(arguments: tuple[int, int, Any], weights: Array, bias: Array) -> layer:
    """Make a layer that is alone again: for copies and pickles."""
    inputs, neurons, activation = arguments
    shape = tuple(checks.integer(n, "a layer's size", 1, 2**31 - 1) for n in (inputs, neurons))
    if (found := np.shape(weights)) != shape:  # before memory is allocated for the layer
        raise ValueError(f"weights must have shape {shape}, got {found}")
    made = layer(inputs, neurons, activation, init="zeros", seed=0)
    made.weights, made.bias = weights, bias
    return made


# Pickles name it; here it may move.
_alone.__module__ = "foxnn.layers"
