"""What a network answers: outputs, losses, gradients, and every number on the way."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.keywords import answers, unknown
from foxnn.layers.chain import check_plain
from foxnn.model.base import BaseNetwork
from foxnn.model.losses import CLASSIFYING, LABELLED
from foxnn.model.trace import Trace
from foxnn.model.walk import backward, forward, loss_and_gradients


class AnsweringNetwork(BaseNetwork):
    """The outputs for samples, and what follows from them."""

    @answers("predict")
    def predict(self, x: ArrayLike, **others: NoReturn) -> Array:
        """Return the outputs for many samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)

        Returns
        -------
        ndarray of shape (samples, outputs), of the network's type
            Infinite where the output is beyond that type.

        Raises
        ------
        OverflowError
            Where an output is no number (NaN), since layers before it are beyond the type.
        """
        if others:
            raise unknown("predict", others)
        self._check_names(x, "x")
        inputs = self._rows(x, "x", finite=False)
        out = self._predict(inputs, self.settings.n_threads)
        if out is None:
            self._rows(x, "x", single=self._single())
            if self._scalers[0] is not None:
                kind = " in float32" if self._single() else ""
                raise ValueError(f"x must be finite{kind} as input_scaler scales it")
            raise ValueError("x changed while it was read")
        return out

    @answers("evaluate")
    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **others: NoReturn,
    ) -> dict[str, float]:
        """Return the mean loss over samples, and the accuracy where the loss classifies.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
        y : array-like of shape (samples, outputs), or labels of shape (samples,)
        sample_weight : array-like of shape (samples,), optional
            How much the loss of each counts; at least 0.

        Returns
        -------
        dict
            "loss", and with cross_entropy and binary_cross_entropy "accuracy": the share of samples
            whose largest output is where the largest wanted output is; of sigmoid outputs, those
            whose every output is on the right side of a half. Each sample counts once.
        """
        if others:
            raise unknown("evaluate", others)
        inputs, wanted = self._samples(x, y)
        weights = checks.weights(sample_weight, "sample_weight", len(inputs))
        found = self._evaluation(inputs, wanted, weights)
        if math.isnan(found["loss"]) and (weights is None or weights.any()):
            raise OverflowError(
                f"the loss is not a number (NaN): layers go beyond {self.dtype}; scale x"
            )
        return found

    def gradient(self, x: ArrayLike, output: int | None = None) -> Array:
        """Return how the outputs change with the inputs: d output / d input.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (samples, inputs)
        output : int, optional
            Of which output; a negative one counts from the end. By default of all.

        Returns
        -------
        ndarray of shape (samples, inputs), or (samples, outputs, inputs) for all outputs
            Without the axis of the samples where x is a single one. Where there are scalers, it is
            of the outputs and inputs as they are outside.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        IndexError
            Where there is no such output.
        OverflowError
            Where a gradient is no number (NaN), since layers are beyond the network's type.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 1], "identity", init="zeros")
        >>> nn[0].weights = [[3.0], [-2.0]]
        >>> nn.gradient([1.0, 1.0], output=0).tolist()
        [3.0, -2.0]
        """
        self._check_names(x, "x")
        array = checks.as_array(x, "x")
        is_flat = len(self._input_shape()) == 1
        if is_flat and array.ndim not in (1, 2):
            raise ValueError(f"x must have 1 or 2 dimensions, got shape {array.shape}")
        is_one = array.ndim == 1 or (not is_flat and self._is_one_sample(array))
        # A table itself where messages name its columns.
        given = array.reshape(1, -1) if is_one else x if checks.column_names(x) else array
        inputs = self._rows(given, "x", single=self._single())
        outputs = self._outputs()
        first, count = 0, outputs
        if output is not None:
            first, count = checks.position(output, "output", outputs, "an output"), 1
        found = self._input_gradient(inputs, first, count, self.settings.n_threads)
        shape = () if output is not None else self._output_shape()
        found = found.reshape(len(inputs), *shape, *self._input_shape())
        return found[0] if is_one else found

    def layer_outputs(self, x: ArrayLike) -> dict[str, Array]:
        """Return what every layer gives for samples, by the layer's name.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
            Or samples of the network's input shape.

        Returns
        -------
        dict of str to ndarray of shape (samples, ...)
            In the order of the layers; those within composites are not in it.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([3, 4, foxnn.Dropout(0.5, name="left out"), 2])
        >>> {name: out.shape for name, out in nn.layer_outputs([[1, 2, 3]]).items()}
        {'dense_0': (1, 4), 'left out': (1, 4), 'dense_2': (1, 2)}
        """
        self._check_names(x, "x")
        inputs = self._rows(x, "x", single=self._single())
        ends = [part["end"] for part in self._layers()]
        found = self._node_outputs(inputs, ends, self.settings.n_threads)
        if found is None:
            raise ValueError("x must be finite as input_scaler scales it")
        return dict(zip((layer.name for layer in self), found, strict=True))

    def trace(self, x: ArrayLike, y: ArrayLike | None = None) -> Trace:
        """Return every number of the walk through the network with one sample, by name.

        The network stays as it is, its random numbers too.

        Parameters
        ----------
        x : array-like of shape (inputs,)
        y : array-like of shape (outputs,), optional
            The wanted outputs, or with loss="cross_entropy" a label. With them, the trace holds
            the loss and its gradient, too.

        Returns
        -------
        Trace
            Sums, activations and gradients as arrays; `print` shows them with their formulas.

        Raises
        ------
        ValueError, TypeError
            For another shape, an infinity, NaN, or anything but numbers.
        RuntimeError
            While another thread trains the network.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([3, 1], "identity", dtype="float64")
        >>> nn[0].weights = [[0.1], [0.3], [0.2]]
        >>> trace = nn.trace([0.35, 0.12, 0.6], [0.2])
        >>> list(trace)  # doctest: +NORMALIZE_WHITESPACE
        ['a^0', 'w^1', 'b^1', 'z^1', 'a^1',
         'y', 'C', 'delta^1', 'dC/dw^1', 'dC/db^1']
        >>> trace["z^1"].round(3).tolist(), trace["delta^1"].round(3).tolist()
        ([0.191], [-0.009])
        """
        inputs, wanted = self._one_sample(x, y)
        # A copy stays as it is meanwhile, and can be asked between the epochs of a training.
        copy = self._copy()
        instead = "layer_outputs tells what its layers give"
        check_plain(copy, "trace", instead, needs_bias=True)
        settings = self.settings
        values = forward(copy, inputs, settings.n_threads, settings.correct_summation)
        if wanted is not None:
            values |= backward(copy, inputs, wanted)
        activations = [copy._activation(i) for i in range(len(self))]
        return Trace(values, activations, copy._loss())

    def _classifies(self) -> bool:
        return self._loss() in CLASSIFYING

    def _evaluation(
        self, x: Array, y: Array, weights: NDArray[np.float64] | None
    ) -> dict[str, float]:
        loss, correct = self._evaluate(x, y, weights, self.settings.n_threads)
        return {"loss": loss} | ({"accuracy": correct / len(x)} if self._classifies() else {})

    def _samples(
        self, x: ArrayLike, y: ArrayLike, x_name: str = "x", y_name: str = "y"
    ) -> tuple[Array, Array]:
        self._check_names(x, x_name)
        single = self._single()
        inputs = self._rows(x, x_name, single=single)
        wanted = checks.targets(
            y, y_name, self._outputs(), loss=self._loss(), single=single, shape=self._output_shape()
        )
        checks.same_length(inputs, wanted, x_name, y_name)
        return inputs, wanted

    def _rows(self, x: ArrayLike, name: str, *, single: bool = False, finite: bool = True) -> Array:
        """Return samples as rows of numbers, checked."""
        shape = self._input_shape()
        return checks.matrix(
            x, name, self._inputs(), "inputs", single=single, finite=finite, shape=shape
        )

    def _is_one_sample(self, array: Array) -> bool:
        """Return whether an array is a sample by itself."""
        shape = self._input_shape()
        return array.shape == shape or (shape[-1] == 1 and array.shape == shape[:-1] != ())

    def _one_sample(self, x: ArrayLike, y: ArrayLike | None) -> tuple[Array, Array | None]:
        row = checks.as_array(x, "x")
        if row.shape != (self._inputs(),) and not self._is_one_sample(row):
            raise ValueError(
                f"x must be one sample of shape {self._input_shape()}, got shape {row.shape}"
            )
        row = row.reshape(-1)
        if y is None:
            return checks.matrix(row[None], "x", row.size, "inputs", single=self._single()), None
        wanted, outputs = checks.as_array(y, "y"), self._outputs()
        takes_labels = self._loss() in LABELLED
        if wanted.ndim == 0 and outputs == 1 and not takes_labels:
            wanted = wanted.reshape(1)
        if wanted.shape != (outputs,) and not (wanted.ndim == 0 and takes_labels):
            raise ValueError(
                f"y must have shape ({outputs},), got shape {wanted.shape} "
                "(a class label needs loss='cross_entropy')"
            )
        return self._samples(row[None], wanted.reshape(1, -1) if wanted.ndim else wanted[None])

    def _loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[float, list[tuple[Array, ...]]]:
        """Return the mean loss over samples, and the gradients of each layer's arrays."""
        return loss_and_gradients(self, *self._samples(x, y))
