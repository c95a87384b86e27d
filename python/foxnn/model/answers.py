"""What a network computes: outputs, losses, gradients, and every intermediate number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from foxnn import checks
from foxnn.checks import Array, Rows, SamplesLike
from foxnn.checks.keywords import LACKING, answers, miscalled, telling, unknown
from foxnn.layers.kinds import leaves
from foxnn.layers.steps import varies
from foxnn.model.base import BaseNetwork
from foxnn.model.blocks import answers_by_blocks, are_blocks
from foxnn.model.losses import (
    CLASSIFYING,
    LABELLED,
    REPEATING,
    outputs_of_each,
    public_name,
    repeated,
    shown_loss,
    sorts_outputs,
)
from foxnn.support.array_types import ArrayLike, NDArray
from foxnn.support.later import ModuleLater

if TYPE_CHECKING:
    from foxnn import _core
    from foxnn.checks import labels as of_classes
    from foxnn.checks.labels import LabelReader
    from foxnn.layers import chain
    from foxnn.model import own_loss, sequences, trace, walk
    from foxnn.model.own_loss import OwnLoss
    from foxnn.model.sequence_trace import SequenceTrace
    from foxnn.model.sequences import SequenceReader
    from foxnn.model.stream import Stream
    from foxnn.model.trace import Trace
else:  # for networks of sequences, losses of the user's own, gradients and traces
    of_classes = ModuleLater("foxnn.checks.labels")
    chain = ModuleLater("foxnn.layers.chain")
    own_loss = ModuleLater("foxnn.model.own_loss")
    sequences = ModuleLater("foxnn.model.sequences")
    trace = ModuleLater("foxnn.model.trace")
    walk = ModuleLater("foxnn.model.walk")


def not_finite(network: AnsweringNetwork) -> ValueError:
    """Return the error for samples x that were finite, and that the engine has found not to be."""
    if network._scalers[0] is not None:
        kind = " in float32" if network._single() else ""
        return ValueError(f"x must be finite{kind} as input_scaler scales it")
    return ValueError("x changed while it was read")


def asked_metrics(metrics: str | Sequence[str]) -> dict[str, str]:
    """Return the metrics that `evaluate` is asked for, checked."""
    if isinstance(metrics, tuple) and len(metrics) == 0:
        return {}
    from foxnn.model import metrics as by_name  # late: few evaluations ask for them

    return by_name.checked(metrics)


class AnsweringNetwork(BaseNetwork):
    """A network with the methods that compute outputs, and what follows from them."""

    # On several processes, which the network that can be trained defines.
    _predicted_on: Callable[..., Any]
    _evaluated_on: Callable[..., dict[str, float]]
    _refused_on: Callable[..., Exception]

    @answers("predict")
    def predict(
        self,
        x: SamplesLike,
        lengths: ArrayLike | None = None,
        *surplus: NoReturn,
        communicator: Any = None,
        **others: NoReturn,
    ) -> Array:
        """Return the outputs for many samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            Sequences of different lengths are a list of arrays (steps, channels), or one array with
            `lengths`. An array of Dask is answered by its blocks.
        lengths : array-like of shape (samples,), optional
            How many steps of each padded sequence there are. What follows them is not looked at.
        communicator : mpi4py.MPI.Intracomm, optional
            The samples of all its ranks are divided between them evenly; each gets the outputs for
            those that it has given.

        Returns
        -------
        ndarray of shape (samples, outputs), of the network's type
            Or samples of the network's output shape. Infinite where the output is beyond that type.
            If outputs are sequences, those of a list are a list of arrays, and those of a padded
            array have zeros after their ends. For an array of Dask, another one, which is computed
            when Dask is asked to, by the network as it is now.

        Raises
        ------
        OverflowError
            If an output is not a number (NaN), since layers before it are beyond the type.
        """
        if x is LACKING or surplus or others:
            error = miscalled("predict", (x, lengths), surplus, others)
            raise self._refused_on(communicator, error)
        if communicator is not None:
            if are_blocks(x):
                raise ValueError("communicator must be left out for an array of Dask")
            found: Array = self._predicted_on(communicator, x, lengths)
            return found
        reader = None
        inputs: Rows | None = self._read_in_place(x) if lengths is None else None
        if inputs is None:
            if are_blocks(x):
                return self._by_blocks("predict", x, lengths)
            self._check_names(x, "x")
            reader = self._reader(x, "x", lengths, finite=False)
            inputs = self._rows(x, "x", finite=False) if reader is None else reader.rows
        out = self._predict(inputs, self._settings.n_threads)
        if out is None:
            self._reader(x, "x", lengths, single=self._single())
            self._rows(x, "x", single=self._single())
            raise not_finite(self)
        return out if reader is None else reader.put_back(out)

    def predict_classes(self, x: SamplesLike, lengths: ArrayLike | None = None) -> Array:
        """Return the class of each sample: that of the largest output.

        With loss="binary_cross_entropy", an output above a half means the second class. If there
        are several such outputs (multilabel), 1 or 0 is returned for each of them.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `predict`.

        Returns
        -------
        ndarray of shape (samples,)
            Labels of `classes`, or the numbers of the outputs where the network has no classes. If
            outputs have positions, of shape (samples, positions...). A list of such arrays where
            `predict` returns a list.

        Raises
        ------
        ValueError
            If the loss is not one for classes.
        OverflowError
            As `predict`.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 2], output_activation="softmax", init="zeros")
        >>> nn[0].weights = [[1.0, 0.0], [0.0, 1.0]]
        >>> nn.classes = ["left", "right"]
        >>> nn.predict_classes([[3.0, 1.0], [2.0, 5.0]]).tolist()
        ['left', 'right']
        """
        if not self._classifies():
            names = dict.fromkeys(map(public_name, CLASSIFYING))
            raise ValueError(
                f"predict_classes needs loss={' or '.join(map(repr, names))}, got a network "
                f"with loss={shown_loss(self.loss)}"
            )
        if are_blocks(x):
            return self._by_blocks("predict_classes", x, lengths)
        out = self.predict(x, lengths)
        if isinstance(out, list):
            return [self._classes_of(one) for one in out]
        return self._classes_of(out)

    def _by_blocks(self, method: str, x: Any, lengths: Any) -> Array:
        """Return the answers of this network, as it is now, for an array of Dask."""
        if lengths is not None:
            raise ValueError("lengths must be left out for an array of Dask, got some")
        answer = getattr(self._twin(), method)
        found: Array = answers_by_blocks(x, "x", answer, f"foxnn-{method}")
        return found

    def _classes_of(self, out: Array) -> Array:
        """Return the classes that outputs stand for."""
        if self._loss() in LABELLED:
            numbers = out.argmax(axis=-1)
        elif self._channels() > 1:
            return (out > 0.5).astype(np.int64)
        else:
            numbers = (out[..., 0] > 0.5).astype(np.int64)
        return numbers if self._classes is None else self._classes.of(numbers)

    @telling()
    @answers("evaluate")
    def evaluate(
        self,
        x: SamplesLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        metrics: str | Sequence[str] = (),
        lengths: ArrayLike | None = None,
        communicator: Any = None,
        **others: NoReturn,
    ) -> dict[str, float]:
        """Return the mean loss over samples, the accuracy if the loss is for classes, and metrics.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
        y : array-like of shape (samples, outputs), or labels of shape (samples,)
            If outputs have positions, also of the network's output shape, or labels of shape
            (samples, positions...).
        sample_weight : array-like of shape (samples,), optional
            How much the loss and the metrics of each count; at least 0. If outputs have positions,
            also of shape (samples, positions...).
        metrics : str or sequence of str, default=()
            Names of `foxnn.metrics()`, computed as scikit-learn does. Of numbers: mse, rmse, mae,
            mape, max_error, r2, explained_variance, means over the outputs. Of classes: accuracy,
            balanced_accuracy, precision, recall, f1, mcc (Matthews), auc, average_precision,
            log_loss, brier, and top_5 or any other number; precision, recall and f1 are those of
            the second of two classes, or the mean over more classes; auc and average_precision are
            then the mean of one class against all others. Metrics of classes also work for other
            losses if the targets are 0 and 1.
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `predict`. The targets and weights of positions are padded
            likewise, or lists of arrays.
        communicator : mpi4py.MPI.Intracomm, optional
            Evaluates the samples of all its ranks, each of which gives those that it has; all get
            the same answer, which does not depend on the number of ranks. For metrics, each of them
            gathers the outputs of all.

        Returns
        -------
        dict
            "loss", and with cross_entropy and binary_cross_entropy "accuracy": the share of samples
            whose largest output is where the largest wanted output is; of sigmoid outputs, those
            whose every output is on the right side of a half. Each sample counts once, whatever its
            weight, unless metrics name "accuracy". If outputs have positions, each position counts
            as a sample. Then the metrics, by the names that were given;
            NaN where a metric is not defined, such as the auc of samples that are all of one class.

        Raises
        ------
        ValueError
            For an unknown metric, or one that is not for such targets or outputs.
        OverflowError
            If the loss or an output is not a number (NaN), since layers are beyond the type.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([1, 1], "identity", init="zeros")
        >>> nn.evaluate([[1.0], [2.0]], [[1.0], [3.0]], metrics=("mae", "r2"))
        {'loss': 2.5, 'mae': 2.0, 'r2': -4.0}
        """
        if others:
            raise self._refused_on(communicator, unknown("evaluate", others))
        if communicator is not None:
            return self._evaluated_on(communicator, (x, y, sample_weight, lengths), metrics)
        asked = asked_metrics(metrics)
        inputs, wanted, weights = self._weighted(x, y, sample_weight, lengths=lengths)
        found = self._evaluation(inputs, wanted, weights)
        if math.isnan(found["loss"]) and (weights is None or weights.any()):
            why = f"layers go beyond {self.dtype}; scale x"
            if self._own_loss is not None:
                why = f"{shown_loss(self.loss)} has returned NaN, or {why}"
            raise OverflowError(f"the loss is not a number (NaN): {why}")
        return found | self._metrics(asked, inputs, wanted, weights) if asked else found

    def _metrics(
        self,
        asked: Mapping[str, str],
        inputs: Rows,
        wanted: Array,
        weights: NDArray[np.float64] | None,
        threads: int | None = None,
    ) -> dict[str, float]:
        return self._measured(asked, self._answers_of(inputs, wanted, weights, threads))

    def _measured(self, asked: Mapping[str, str], answers: tuple[Any, ...]) -> dict[str, float]:
        from foxnn.model import metrics as by_name

        return by_name.values(asked, by_name.Answers(*answers), self._single())

    def _answers_of(
        self,
        inputs: Rows,
        wanted: Array,
        weights: NDArray[np.float64] | None,
        threads: int | None = None,
    ) -> tuple[Array, Array, Array, str]:
        """Return what metrics are measured by: outputs, targets, weights and the loss.

        `threads`: how many there may be, in place of the settings.
        """
        from foxnn.model import metrics as by_name

        outputs = self._predict(inputs, self.settings.n_threads if threads is None else threads)
        if outputs is None:
            raise ValueError("x must be finite as input_scaler scales it")
        if self._own_loss is not None and wanted.shape != outputs.shape:
            raise ValueError(
                f"metrics must be left out for targets of shape {wanted.shape}, which is not "
                f"that of the outputs, {outputs.shape}"
            )
        if sorts_outputs(self):
            raise ValueError("metrics must be left out for several quantiles of each target")
        count, each = self._channels(), 1
        if not self._varies_at_end():
            each = math.prod(self._positions())
        has_labels = checks.are_labels(wanted) and self._own_loss is None
        rows = by_name.one_hot(wanted, count) if has_labels else wanted
        if weights is None:
            weights = np.ones(len(inputs))
        if self._varies_at_end():
            each = outputs.shape[1]
        by_position = weights.reshape(-1) if weights.ndim > 1 else weights.repeat(each)
        outputs, rows = outputs.reshape(-1, count), rows.reshape(-1, count)
        means = self._target_shape()[-1]  # of gaussian_nll; else all
        outputs, rows = outputs[:, :means], rows[:, :means]
        if (there := sequences.mask_of(inputs, each)) is not None:
            which = there.reshape(-1)
            outputs, rows, by_position = outputs[which], rows[which], by_position[which]
        return (
            outputs.astype(np.float64),
            rows.astype(np.float64, copy=False),
            by_position,
            self._loss(),
        )

    def gradient(self, x: SamplesLike, output: int | None = None) -> Array:
        """Return how the outputs change with the inputs: d output / d input.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (samples, inputs), or sparse matrix
        output : int, optional
            The number of the output; a negative one counts from the end. By default all outputs.

        Returns
        -------
        ndarray of shape (samples, inputs), or (samples, outputs, inputs) for all outputs
            Without the axis of the samples if x is a single one. If there are scalers, it is the
            gradient of the outputs and inputs before scaling. Of a list of sequences of any length,
            a list of the gradients of each; of an array, one padded with zeros.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        IndexError
            If there is no such output.
        OverflowError
            If a gradient is not a number (NaN), since layers are beyond the network's type.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 1], "identity", init="zeros")
        >>> nn[0].weights = [[3.0], [-2.0]]
        >>> nn.gradient([1.0, 1.0], output=0).tolist()
        [3.0, -2.0]
        """
        self._check_names(x, "x")
        if varies(self._input_shape()):
            of_sequences: Array = sequences.gradient_of(self, x, output)
            return of_sequences
        is_one, rows = False, x
        if not checks.is_sparse(x):
            array = self._as_array(x, "x")
            is_flat = len(self._input_shape()) == 1
            if is_flat and array.ndim not in (1, 2):
                raise ValueError(f"x must have 1 or 2 dimensions, got shape {array.shape}")
            is_one = array.ndim == 1 or (not is_flat and self._is_one_sample(array))
            # The table itself if it has columns that messages can name.
            rows = array.reshape(1, -1) if is_one else x if checks.column_names(x) else array
        inputs = self._rows(rows, "x", single=self._single())
        outputs = self._outputs()
        first, count = 0, outputs
        if output is not None:
            first, count = checks.position(output, "output", outputs, "an output"), 1
        found = self._input_gradient(inputs, first, count, self.settings.n_threads)
        shape = () if output is not None else self._output_shape()
        found = found.reshape(len(inputs), *shape, *self._input_shape())
        return found[0] if is_one else found

    def layer_outputs(self, x: SamplesLike, lengths: ArrayLike | None = None) -> dict[str, Any]:
        """Return the outputs of every layer, by the layer's name.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            Or samples of the network's input shape.
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `predict`.

        Returns
        -------
        dict of str to ndarray of shape (samples, ...), or to a list
            In the order of the layers, without those within composites. Of a list of sequences of
            any length, outputs that are sequences are a list of arrays (steps, ...), as in
            `predict`.

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
        if varies(self._input_shape()):
            return sequences.layer_outputs_of(self, x, lengths)
        self._reader(x, "x", lengths)  # refuses lengths
        inputs = self._rows(x, "x", single=self._single())
        ends = list(range(len(self)))
        found = self._node_outputs(inputs, ends, self.settings.n_threads)
        if found is None:
            raise ValueError("x must be finite as input_scaler scales it")
        return dict(zip((layer.name for layer in self), found, strict=True))

    def trace(self, x: ArrayLike, y: ArrayLike | None = None) -> Trace:
        """Return every number of the walk through the network with one sample, by name.

        The network is not changed, nor are its random numbers.

        Parameters
        ----------
        x : array-like of shape (inputs,), or (steps, features) with recurrent layers
        y : array-like of shape (outputs,), or of the shape of the outputs, optional
            The wanted outputs, or with loss="cross_entropy" a label. With them, the trace holds
            the loss and its gradient, too.

        Returns
        -------
        Trace
            Sums, activations and gradients as arrays; `print` shows them with their formulas. Of a
            network with recurrent layers, their gates and states and the outputs of all layers at
            each step of a sequence, which `print` shows as tables.

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
        # A copy stays as it is meanwhile, and can be asked between the epochs of a training.
        copy = self._copy()
        if y is not None and (self._own_loss is not None or self._loss() in REPEATING):
            raise ValueError(
                "y must be left out: a trace has no formula of a loss that is a function, and none "
                f"of {' and '.join(REPEATING)}; got loss={shown_loss(self.loss)}"
            )
        if any("recurrent_weights" in part["arrays"] for part in leaves(copy._layers())):
            return self._trace_of_sequence(copy, x, y)
        instead = "layer_outputs returns the outputs of its layers"
        chain.check_plain(copy, "trace without recurrent layers", instead, needs_bias=True)
        inputs, wanted = self._one_sample(x, y)
        settings = self.settings
        values = walk.forward(copy, inputs, settings.n_threads, settings.correct_summation)
        if wanted is not None:
            for leaf in leaves(copy._layers()):
                copy._set_trained(leaf["index"], True)  # frozen layers have a gradient, too
            values |= walk.backward(copy, inputs, wanted)
        activations = [copy._activation(i) for i in range(len(self))]
        return trace.Trace(values, activations, copy._loss())

    def _trace_of_sequence(
        self, copy: _core.Network, x: ArrayLike, y: ArrayLike | None
    ) -> SequenceTrace:
        # Few networks need it.
        from foxnn.model.sequence_trace import sequence_trace, with_gradients

        inputs, _ = self._one_sample(x, None)
        samples = None
        if y is not None:
            if varies(self._input_shape()):
                one: Any = [y]
                samples = self._samples([x], one)
            else:
                samples = self._samples(checks.as_array(x, "x")[None], np.asarray(y)[None])
        found = sequence_trace(copy, inputs, self.settings.n_threads)
        return found if samples is None else with_gradients(found, copy, *samples)

    def stream(self) -> Stream:
        """Return a stream: the network reads one sequence as it comes, step by step.

        For chains of `RNN`, `GRU` and `LSTM` that read forwards, of `Conv1D`, `MaxPool1D` and
        `AveragePool1D` with padding="valid", and of layers that work at each step (`Dense`,
        `Activation`, `LayerNorm`, `BatchNorm`, `Dropout`, `Embedding`); behind the last state of a
        recurrent layer, dense layers and others without branches.

        Returns
        -------
        Stream
            Called with a step, it returns the answer to all steps so far, with the bits of
            `predict`. It has `state`, which can be kept and set, and `reset`.

        Raises
        ------
        ValueError
            If a layer needs steps to come.

        Examples
        --------
        >>> import foxnn
        >>> import numpy as np
        >>> nn = foxnn.neural_network(
        ...     [(None, 2), foxnn.Conv1D(3, 2), foxnn.GRU(4, return_sequences=True)], seed=1
        ... )
        >>> stream = nn.stream()
        >>> print(stream([0.5, 1.0]))  # no window is complete yet
        None
        >>> stream([0.0, -1.0]).shape, stream(np.ones((10, 2))).shape
        ((4,), (10, 4))
        >>> {name: array.shape for name, array in stream.state.items()}
        {'steps': (), 'conv1d_0.inputs': (1, 2), 'gru_1.h': (4,)}
        """
        from foxnn.model.stream import Stream

        return Stream(self)

    def _classifies(self) -> bool:
        return self._loss() in CLASSIFYING

    def _own(self, y: Array, **options: Any) -> OwnLoss | None:
        """Return the loss that is a function, with targets, or None for one of the engine's."""
        return None if self._own_loss is None else own_loss.OwnLoss(self._own_loss, y, **options)

    def _trainer(
        self,
        x: Rows,
        y: Array,
        plan: _core.Plan,
        weights: NDArray[np.float64] | None = None,
        own: OwnLoss | None = None,
        shards: _core.Shards | None = None,
    ) -> _core.Trainer:
        """Return a trainer on these samples; `own` is the loss that `_own` returns."""
        from foxnn import _core

        return _core.Trainer(self, x, y if own is None else None, plan, weights, own, shards)

    def _evaluation(
        self, x: Rows, y: Array, weights: NDArray[np.float64] | None
    ) -> dict[str, float]:
        if (own := self._own(y)) is not None:
            return {"loss": self._own_mean(own, x, weights, self.settings.n_threads)}
        loss, correct, positions = self._evaluate(x, y, weights, self.settings.n_threads)
        if not self._classifies():
            return {"loss": loss}
        return {"loss": loss, "accuracy": correct / positions}

    def _own_mean(self, own: OwnLoss, x: Rows, weights: Array | None, threads: int) -> float:
        try:
            outputs = self._predict(x, threads)
        except OverflowError:
            return math.nan
        return math.nan if outputs is None else own.mean(outputs, weights)

    def _samples(
        self,
        x: SamplesLike,
        y: ArrayLike,
        x_name: str = "x",
        y_name: str = "y",
        labels: LabelReader | None = None,
        lengths: ArrayLike | None = None,
    ) -> tuple[Rows, Array]:
        """Return inputs and targets, checked; labels are by default of the classes there are."""
        inputs, wanted, _ = self._weighted(
            x, y, None, x_name, y_name, labels=labels, lengths=lengths
        )
        return inputs, wanted

    def _weighted(
        self,
        x: SamplesLike,
        y: ArrayLike,
        weights: ArrayLike | None,
        x_name: str = "x",
        y_name: str = "y",
        weight_name: str = "sample_weight",
        labels: LabelReader | None = None,
        lengths: ArrayLike | None = None,
        lengths_name: str = "lengths",
    ) -> tuple[Rows, Array, NDArray[np.float64] | None]:
        """Return inputs, targets and weights, checked."""
        self._check_names(x, x_name)
        single, shape, outputs = self._single(), self._output_shape(), self._outputs()
        reader = self._reader(x, x_name, lengths, lengths_name, single=single)
        inputs = self._rows(x, x_name, single=single) if reader is None else reader.rows
        if reader is not None:
            y = reader.targets(y, y_name)
            if reader.outputs is not None:
                shape = (reader.steps, *shape[1:])
                outputs = math.prod(shape)
        labels = of_classes.LabelReader(self._classes) if labels is None else labels
        each = outputs_of_each(self._loss(), self._loss_parameters())
        try:
            if self._own_loss is not None:
                wanted = own_loss.own_targets(y, y_name, shape, single=single)
            else:
                *positions, channels = shape
                wanted = labels.targets(
                    y, y_name, outputs // each, loss=self._loss(), single=single,
                    shape=(*positions, channels // each),
                )  # fmt: skip
        except (TypeError, ValueError):
            if reader is not None:
                reader.refuse_of_steps(y, y_name)
            raise
        checks.same_length(inputs, wanted, x_name, y_name)
        if each > 1:
            wanted = repeated(wanted, each, shape[-1] // each, self._loss())
        if self._own_loss is not None:
            self._check_for_own(inputs, weights, weight_name)
        if reader is not None:
            return inputs, wanted, reader.weights(weights, weight_name)
        return inputs, wanted, checks.weights(weights, weight_name, len(inputs), self._positions())

    def _check_for_own(self, inputs: Rows, weights: Any, weight_name: str) -> None:
        """Refuse what a loss that is a function cannot be told: lengths, weights of positions."""
        lengths = getattr(inputs, "output_lengths", None)
        if lengths is not None and lengths.min() < lengths.max():
            raise ValueError(
                "loss must be one of foxnn's for outputs that are sequences of different lengths: "
                "a function does not get to know where they end"
            )
        if weights is not None and np.ndim(weights) > 1 and np.size(weights) > len(inputs):
            raise ValueError(
                f"{weight_name} must have one number for each sample where the loss is a function, "
                f"which weighs positions itself; got shape {np.shape(weights)}"
            )

    def _reader(
        self,
        x: SamplesLike,
        name: str,
        lengths: ArrayLike | None,
        lengths_name: str = "lengths",
        *,
        single: bool = False,
        finite: bool = True,
    ) -> SequenceReader | None:
        """Return the sequences of a network that reads such, checked; None for other networks."""
        if varies(self._input_shape()):
            return sequences.SequenceReader(
                self, x, name, lengths, lengths_name, single=single, finite=finite
            )
        if lengths is not None:
            raise ValueError(
                f"{lengths_name} must be left out for a network whose samples have one shape, "
                f"{self._input_shape()}; that of sequences begins with None"
            )
        return None

    def _read_in_place(self, x: SamplesLike) -> Array | None:
        """Return samples of an array that the engine reads as it is; None for all others.

        Finding that out first saves a small prediction a third of its time.
        """
        if type(x) is not np.ndarray or self._least or self._index_limit():
            return None
        return x if checks.is_engine_matrix(x, self._inputs()) else None

    def _rows(
        self, x: SamplesLike, name: str, *, single: bool = False, finite: bool = True
    ) -> Rows:
        """Return samples as rows of numbers, dense or sparse, checked."""
        shape = self._input_shape()
        if varies(shape):
            return sequences.SequenceReader(self, x, name, single=single, finite=finite).rows
        try:
            rows = checks.samples(
                x, name, self._inputs(), "inputs", single=single, finite=finite, shape=shape
            )
        except (TypeError, ValueError):
            self._refuse_uneven(x, name)
            raise
        self._check_indices(rows, name, x)
        return rows

    def _as_array(self, x: SamplesLike, name: str) -> Array:
        """Return dense samples, or a single one, as an array."""
        try:
            return checks.as_array(x, name)
        except (TypeError, ValueError):
            self._refuse_uneven(x, name)
            raise

    def _refuse_uneven(self, x: object, name: str) -> None:
        """Refuse sequences of different lengths where samples have one."""
        shape = self._input_shape()
        if len(shape) == 2 or (len(shape) == 1 and self._index_limit()):
            checks.refuse_uneven(x, name, shape)

    def _check_indices(self, rows: Rows, name: str, given: object) -> None:
        """Refuse samples that layers cannot read as indices, where there are such layers."""
        limit = self._index_limit()
        if limit:
            checks.indices(rows, name, limit, chain.reader_of_indices(self, limit), given)

    def _is_one_sample(self, array: Array) -> bool:
        """Return whether an array is a sample by itself."""
        shape = self._input_shape()
        return array.shape == shape or (shape[-1] == 1 and array.shape == shape[:-1] != ())

    def _one_sample(self, x: ArrayLike, y: ArrayLike | None) -> tuple[Array, Array | None]:
        """Return one dense sample as a row, and its target."""
        if varies(form := self._input_shape()):
            if (given := checks.shape_of(x)) is not None and len(given) > len(form):
                wants = ", ".join(["steps", *map(str, form[1:])])
                raise ValueError(f"x must be one sequence of shape ({wants}), got shape {given}")
            reader = sequences.SequenceReader(self, [x], "x", single=self._single())
            return checks.dense(reader.rows), None
        row = checks.as_array(x, "x")
        if row.shape != (self._inputs(),) and not self._is_one_sample(row):
            raise ValueError(
                f"x must be one sample of shape {self._input_shape()}, got shape {row.shape}"
            )
        row = row.reshape(-1)
        if y is None:
            rows = checks.matrix(row[None], "x", row.size, "inputs", single=self._single())
            self._check_indices(rows, "x", row[None])
            return rows, None
        outputs, kind = self._outputs(), checks.target_kind(self._loss())
        is_one = isinstance(y, str | bool | int | float | np.generic)
        if is_one and self._classes is not None and of_classes.may_be_labels(kind, outputs):
            inputs, checked = self._samples(row[None], np.array([y]))
            return checks.dense(inputs), checked
        wanted = checks.as_array(y, "y")
        takes_labels = self._loss() in LABELLED
        if wanted.ndim == 0 and outputs == 1 and not takes_labels:
            wanted = wanted.reshape(1)
        if wanted.shape != (outputs,) and not (wanted.ndim == 0 and takes_labels):
            raise ValueError(
                f"y must have shape ({outputs},), got shape {wanted.shape} "
                "(a class label needs loss='cross_entropy')"
            )
        target = wanted.reshape(1, -1) if wanted.ndim else wanted[None]
        inputs, checked = self._samples(row[None], target)
        return checks.dense(inputs), checked

    def _loss_and_gradients(
        self, x: SamplesLike, y: ArrayLike
    ) -> tuple[float, list[tuple[Array, ...]]]:
        """Return the mean loss over samples, and the gradients of each layer's arrays."""
        inputs, wanted = self._samples(x, y)
        return walk.loss_and_gradients(self, inputs, wanted, self._own(wanted))
