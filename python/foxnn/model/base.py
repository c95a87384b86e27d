"""The network that the public class builds on: making one, its layers, and what it answers."""

from __future__ import annotations

import contextlib
import math
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.notes import notes_of
from foxnn.checks.unpickling import attributes
from foxnn.formats import endings as formats
from foxnn.formats.c import export as c_export
from foxnn.layers import Activation, layer, parse_activation
from foxnn.model import state
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings
from foxnn.model.trace import Trace, backward, forward, loss_and_gradients
from foxnn.training.history import History
from foxnn.training.kinds import ActivationLike


class BaseNetwork(_core.Network):
    """Layers, loss and settings, and the outputs for samples."""

    def __init__(
        self,
        sizes: Sequence[int] | str | os.PathLike[str],
        activation: ActivationLike | Sequence[ActivationLike] | bool = "sigmoid",
        output_activation: ActivationLike | None = None,
        loss: str | None = None,
        init: str = "auto",
        dtype: str | None = None,
        seed: int | None = None,
        only_scale: bool = False,
    ) -> None:
        if "_settings" in self.__dict__:
            raise TypeError("the network is made already; make another to have other layers")
        if isinstance(sizes, str | os.PathLike):
            if isinstance(activation, bool | int):  # FoxNN's second argument
                if only_scale and not activation:
                    raise ValueError("only_scale must be given once, got False and True")
                activation, only_scale = "sigmoid", checks.flag(activation, "only_scale")
            _refuse_beside_a_file(
                activation=activation, output_activation=output_activation, init=init
            )
            kind = None if dtype is None else _dtype_name(dtype)
            path, alone = formats.path_of(sizes, "sizes"), checks.flag(only_scale, "only_scale")
            formats.load(self, path, alone, loss, kind, seed)
            return
        if isinstance(sizes, bytes):
            raise TypeError(
                f"sizes must be a list of layer sizes, got the bytes {checks.shown(sizes)}"
            )
        if checks.flag(only_scale, "only_scale"):
            raise ValueError("only_scale must be False where no file is read, got True")
        self._make(sizes, activation, output_activation, loss, init, dtype, seed)

    def _make(
        self,
        sizes: Sequence[int],
        activation: Any,
        output_activation: Any,
        loss: str | None,
        init: str,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network that the constructor's arguments tell of."""
        checked = checks.layer_sizes(sizes)
        activations = _activations(activation, output_activation, len(checked) - 1)
        if wrong := {"softmax", "exp", "exponential"} & {name for name, _ in activations[:-1]}:
            raise ValueError(f"activation {wrong.pop()!r} is for the output layer only")
        single = _dtype_name("float32" if dtype is None else dtype) == "float32"
        start = checks.seed(seed)
        super().__init__(checked, activations, checks.word(init, "init"), single, start)
        self._loss_given = loss is not None
        self._set_loss(self._usual_loss() if loss is None else checks.word(loss, "loss"))
        self._settings = Settings(_summation_of(self))
        self._scalers: tuple[Scaler | None, Scaler | None] = None, None
        self._input_names: list[str] | None = None
        self._notes: dict[str, Any] = {}
        self._history: History | None = None  # of the last fit
        # The plan of the last `train_on_batch`, and what it was made from.
        self._step_plan: tuple[tuple[Any, ...], _core.Plan] | None = None

    # What it is made of.

    @property
    def settings(self) -> Settings:
        """FoxNN's settings: threads, the mode of `train`, what `testing` counts, and more."""
        return self._settings

    @property
    def dtype(self) -> str:
        """The type of the parameters: "float32" or "float64"."""
        return "float32" if self._single() else "float64"

    @property
    def seed(self) -> int:
        """The number from which everything random follows."""
        return self._seed()

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self._loss()

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, and then the neurons of each layer."""
        return self._sizes()

    @property
    def input_scaler(self) -> Scaler | None:
        """How inputs are scaled before the first layer, or None; set it to a fitted Scaler.

        Whoever asks or trains the network passes inputs as they are. What is read is a copy.
        """
        return self._scalers[0] and self._scalers[0]._copy()

    @input_scaler.setter
    def input_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(scaler, self._scalers[1])

    @property
    def output_scaler(self) -> Scaler | None:
        """How wanted outputs are scaled, and outputs scaled back, or None; set it likewise.

        Losses are those of the scaled outputs. Only for the losses mse, mae and huber.
        """
        return self._scalers[1] and self._scalers[1]._copy()

    @output_scaler.setter
    def output_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(self._scalers[0], scaler)

    @property
    def input_names(self) -> list[str] | None:
        """The columns of the table (pandas, Polars) that `fit` was given, or None.

        Tables that come later must have the same columns in the same order; set it to None, and
        the next `fit` decides anew.
        """
        return None if self._input_names is None else list(self._input_names)

    @input_names.setter
    def input_names(self, names: Sequence[str] | None) -> None:
        self._input_names = state.names_from(names, self.sizes[0])

    @property
    def notes(self) -> dict[str, Any]:
        """What you want to keep with the network, such as the names of its inputs; empty at first.

        A dict by strings of numbers, strings, lists and dicts. Copies, pickles and safetensors
        files of the network have it too.
        """
        return self._notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        self._notes = notes_of(notes)

    def __len__(self) -> int:
        return self._count()

    def __getitem__(self, i: int) -> layer:
        return self.get_layer(i)

    def __iter__(self) -> Iterator[layer]:
        return (self.get_layer(i) for i in range(len(self)))

    def get_layer(self, i: int) -> layer:
        """Return layer i; a negative i counts from the end.

        Raises
        ------
        IndexError
            Where there is no such layer.
        """
        return _NetworkLayer._of(self, checks.position(i, "i", len(self), "a layer"))

    def next_layer(self, new_layer: layer) -> None:
        """Append a copy of a layer whose inputs are as many as the network's outputs.

        Raises
        ------
        ValueError
            Where it does not fit.
        """
        if not isinstance(new_layer, layer) or new_layer._network is None:
            raise TypeError(f"new_layer must be a foxnn.layer, got {checks.shown(new_layer)}")
        if new_layer.get_N_w() != self.sizes[-1]:
            raise ValueError(
                f"new_layer must have {self.sizes[-1]} inputs, as many as the network has outputs, "
                f"got {new_layer.get_N_w()}"
            )
        name, parameters = new_layer._network._activation(new_layer._index)
        self._append(new_layer.get_N_n(), name, parameters, new_layer.weights, new_layer.bias)
        self._adopt_usual_loss()

    def __reduce__(self) -> tuple[Any, ...]:
        # What a subclass or the user has added goes along.
        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return _unpickled, (type(self), state.state_of(self)), own

    def __setstate__(self, own: object) -> None:
        given = attributes(own, type(self))
        if wrong := _OWN & given.keys():
            raise ValueError(f"{min(wrong)} must stand in the state of the network itself")
        self.__dict__.update(given)

    def __repr__(self) -> str:
        if "_settings" not in self.__dict__:  # a traceback may show one whose making was refused
            return f"<{type(self).__name__}, not made>"
        activations = [part._activation() for part in self]
        return (
            f"neural_network({self.sizes}, activation={activations}, loss={self.loss!r}, "
            f"dtype={self.dtype!r}, seed={self.seed})"
        )

    def print_info(self) -> None:
        """Print the layers and the settings."""
        for i, part in enumerate(self):
            parameters = "".join(f" {value:g}" for value in part.activation_parameters)
            print(
                f"layer {i}: {part.get_N_w()} inputs, {part.get_N_n()} neurons, "
                f"{part.get_name_activation_function()}{parameters}"
            )
        self.settings.print_settings()

    def save(self, name_file: str | os.PathLike[str], only_scale: bool = False) -> None:
        """Write the network to a file that `neural_network` reads.

        The ending says the format: `.safetensors` holds everything, the optimizer and the random
        numbers too, so that training goes on bit for bit; `.onnx` (extra `onnx`) what others need
        to compute the outputs; any other is FoxNN's text, whose numbers read back exactly. FoxNN
        has no scalers: they are worked into the weights of the first and the last layer. The file
        is whole or, where anything goes wrong, as it was before.

        Parameters
        ----------
        name_file : str or path
        only_scale : bool, default=False
            Whether to leave out settings and activations of a text: layers are then read as
            sigmoid.

        Raises
        ------
        ValueError
            For what the format cannot hold. FoxNN's text lacks some activations, and scaled outputs
            that do not come out of identity_x.
        ImportError
            Where onnx is needed and missing.
        OSError
            Where the file cannot be written.
        RuntimeError
            While another thread trains the network.
        """
        path = formats.path_of(name_file, "name_file")
        formats.save(self, path, checks.flag(only_scale, "only_scale"))

    def export_c(
        self,
        name_file: str | os.PathLike[str],
        name: str | None = None,
        weights: str | None = None,
        samples: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> dict[str, float]:
        """Write the network as a C99 header that computes what `predict` does, and a self-test.

        The header needs no library but math.h, keeps no state and allocates nothing: for
        microcontrollers, and for any program in C or C++. Beside `net.h` stands `net_test.c`, a
        program that compares it with recorded outputs of this network and ends with 0 where they
        agree within 1e-6 (of 1, or of an output that is larger; in a network where rounding alone
        does more, eight times as much).

        Parameters
        ----------
        name_file : str or path
            Ends in `.h`.
        name : str, optional
            What names in C begin with: NAME_predict. By default that of the file.
        weights : {"int8"}, optional
            Rounds weights to 8 bits, with a factor for each neuron. By default they are float, or
            double where the network is float64.
        samples : tuple (x, y), optional
            Inputs and wanted outputs, on which the loss of accuracy by 8 bits is measured. The
            self-test takes its first inputs from them.

        Returns
        -------
        dict
            "constant_bytes" and "stack_bytes", and with `weights` and `samples` "loss",
            "loss_int8", where the loss classifies "accuracy" and "accuracy_int8", and
            "largest_difference", that of an output.

        Raises
        ------
        ValueError
            For a name that C cannot take, and for scalers beyond the range of float.
        OSError
            Where the files cannot be written; older ones are still whole.
        RuntimeError
            While another thread trains the network.

        Examples
        --------
        >>> import foxnn, os, tempfile
        >>> nn = foxnn.neural_network([4, 8, 3], "relu", "softmax", seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = nn.export_c(os.path.join(folder, "iris.h"))
        ...     sorted(os.listdir(folder))
        ['iris.h', 'iris_test.c']
        >>> report
        {'constant_bytes': 268, 'stack_bytes': 32}
        """
        return c_export.export(self, name_file, name, weights, samples)

    # What it answers.

    def predict(self, x: ArrayLike) -> Array:
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
        self._check_names(x, "x")
        inputs = checks.matrix(x, "x", self.sizes[0], "inputs", finite=False)
        out = self._predict(inputs, self.settings.n_threads)
        if out is None:
            checks.matrix(x, "x", self.sizes[0], "inputs", single=self._single())
            if self._scalers[0] is not None:
                kind = " in float32" if self._single() else ""
                raise ValueError(f"x must be finite{kind} as input_scaler scales it")
            raise ValueError("x changed while it was read")
        return out

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
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
        if array.ndim not in (1, 2):
            raise ValueError(f"x must have 1 or 2 dimensions, got shape {array.shape}")
        rows = array.reshape(1, -1) if array.ndim == 1 else array
        inputs = checks.matrix(rows, "x", self.sizes[0], "inputs", single=self._single())
        outputs = self.sizes[-1]
        first, count = 0, outputs
        if output is not None:
            first, count = checks.position(output, "output", outputs, "an output"), 1
        found = self._input_gradient(inputs, first, count, self.settings.n_threads)
        if output is not None:
            found = found[:, 0]
        return found[0] if array.ndim == 1 else found

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
        settings = self.settings
        values = forward(copy, inputs, settings.n_threads, settings.correct_summation)
        if wanted is not None:
            values |= backward(copy, inputs, wanted)
        activations = [copy._activation(i) for i in range(len(self))]
        return Trace(values, activations, copy._loss())

    def reset_optimizer(self) -> None:
        """Forget the moments of the optimizer: the next training starts them at zero."""
        self._reset_optimizer()

    def threads_for(self, batch_size: int) -> int:
        """Return how many threads a training step of so many samples gets."""
        batch = checks.integer(batch_size, "batch_size", 1)
        return _core.training_workers(self, batch, self.settings.n_threads)

    # Helpers.

    def _usual_loss(self) -> str:
        return "cross_entropy" if self._activation(len(self) - 1)[0] == "softmax" else "mse"

    def _adopt_usual_loss(self) -> None:
        if not self._loss_given:
            self._set_loss(self._usual_loss())

    def _check_names(self, x: object, name: str) -> None:
        checks.same_columns(x, name, self._input_names)

    def _classifies(self) -> bool:
        return self._loss() in ("cross_entropy", "binary_cross_entropy")

    def _evaluation(
        self, x: Array, y: Array, weights: NDArray[np.float64] | None
    ) -> dict[str, float]:
        loss, correct = self._evaluate(x, y, weights, self.settings.n_threads)
        return {"loss": loss} | ({"accuracy": correct / len(x)} if self._classifies() else {})

    def _set_scalers(self, inputs: Scaler | None, outputs: Scaler | None) -> None:
        for scaler, name in ((inputs, "input_scaler"), (outputs, "output_scaler")):
            if scaler is not None and not isinstance(scaler, Scaler):
                raise TypeError(
                    f"{name} must be a foxnn.Scaler or None, got {checks.shown(scaler)}"
                )
        self._set_scaling(
            None if inputs is None else inputs._for_engine("input_scaler", self.sizes[0]),
            None if outputs is None else outputs._for_engine("output_scaler", self.sizes[-1]),
        )
        self._scalers = inputs and inputs._copy(), outputs and outputs._copy()

    def _samples(
        self, x: ArrayLike, y: ArrayLike, x_name: str = "x", y_name: str = "y"
    ) -> tuple[Array, Array]:
        self._check_names(x, x_name)
        single = self._single()
        inputs = checks.matrix(x, x_name, self.sizes[0], "inputs", single=single)
        wanted = checks.targets(y, y_name, self.sizes[-1], loss=self._loss(), single=single)
        checks.same_length(inputs, wanted, x_name, y_name)
        return inputs, wanted

    def _one_sample(self, x: ArrayLike, y: ArrayLike | None) -> tuple[Array, Array | None]:
        row = checks.as_array(x, "x")
        if row.shape != (self.sizes[0],):
            raise ValueError(
                f"x must be one sample of shape ({self.sizes[0]},), got shape {row.shape}"
            )
        if y is None:
            return checks.matrix(row[None], "x", row.size, "inputs", single=self._single()), None
        wanted, outputs = checks.as_array(y, "y"), self.sizes[-1]
        takes_labels = self._loss() == "cross_entropy"
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
    ) -> tuple[float, list[tuple[Array, Array]]]:
        """Return the mean loss over samples and its gradient by layer, as weights and bias."""
        return loss_and_gradients(self, *self._samples(x, y))


# The attributes that a state says in its own words.
_OWN = {"_settings", "_scalers", "_loss_given", "_step_plan", "_input_names", "_notes", "_history"}


class _NotMade:
    """Stands where a network that was made by its constructor has an attribute of its own."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise TypeError(f"the {owner.__name__} has not been made by its constructor")


# Behind the object's own attributes, so that reading these costs nothing (__getattr__ would).
for _name in _OWN:
    setattr(BaseNetwork, _name, _NotMade())


def _unpickled(cls: type[BaseNetwork], given: Mapping[str, Any]) -> BaseNetwork:
    """Make a network again from its state: for copies and pickles."""
    given = state.checked(given)
    network = cls.__new__(cls)
    # Not the constructor of a subclass, whose arguments are its own.
    state.make(network, given)
    return network


class _NetworkLayer(layer):
    """A layer of a network, whose usual loss follows the activation of its output."""

    def set_activation_function(self, name: str, parameters: object = ()) -> None:
        network = self._network
        if isinstance(network, BaseNetwork) and not network._loss_given:
            loss, activation = network._loss(), network._activation(self._index)
            network._set_loss("mse")
            try:
                super().set_activation_function(name, parameters)
                network._adopt_usual_loss()
            except BaseException:
                network._set_activation(self._index, *activation)
                network._set_loss(loss)
                raise
        else:
            super().set_activation_function(name, parameters)


def _refuse_beside_a_file(**arguments: object) -> None:
    usual = {"activation": "sigmoid", "output_activation": None, "init": "auto"}
    for name, value in arguments.items():
        # Not by !=, which objects of all kinds answer in their own way.
        given = str.__str__(value) if isinstance(value, str) else value
        if not (isinstance(given, str) and given == usual[name]) and given is not usual[name]:
            raise ValueError(
                f"{name} must be left out where a file is read, which says it, got "
                f"{checks.shown(value)}"
            )


def _summation_of(network: _core.Network) -> Callable[[bool], None]:
    # Weak, so that settings and network are no cycle, which would outlive its last user.
    there = weakref.ref(network)

    def set_summation(is_sorted: bool) -> None:
        if (found := there()) is not None:
            found._set_sorted_summation(is_sorted)

    return set_summation


def _dtype_name(dtype: Any) -> str:
    name = ""
    if isinstance(dtype, str | type | np.dtype):
        with contextlib.suppress(TypeError, ValueError):
            name = str(np.dtype(dtype).name)
    if name not in state.DTYPES:
        raise ValueError(
            f"dtype must be one of {', '.join(state.DTYPES)}; got {checks.shown(dtype)}"
        )
    return name


def _activations(activation: Any, output: Any, count: int) -> list[Activation]:
    if isinstance(activation, list):
        if len(activation) != count:
            raise ValueError(
                f"activation must be one name or a list of {count}, one a layer, "
                f"got a list of {len(activation)}"
            )
        parsed = [parse_activation(a, f"activation[{i}]") for i, a in enumerate(activation)]
    else:
        parsed = [parse_activation(activation)] * count
    if output is not None:
        parsed[-1] = parse_activation(output, "output_activation")
    return parsed
