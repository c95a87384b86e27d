"""The class of quantized networks, which answer and are saved, and are not trained."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import Array, SamplesLike
from foxnn.checks.unpickling import attributes
from foxnn.formats.paths import FileFormatError
from foxnn.formats.safetensors_file import reason
from foxnn.formats.saved_network import SavedNetwork
from foxnn.layers.kinds import leaves
from foxnn.layers.summary import size_in_words
from foxnn.layers.view import shown_part
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.byte_stages import ARRAYS, ByteNetwork
from foxnn.model.losses import LossLike, shown_loss
from foxnn.model.settings import Settings
from foxnn.quantized import making

# Raised when a state means something else; earlier ones must still be read.
VERSION = 1


class quantized_network:  # beside neural_network
    """A network of 8 bits, which answers only; `neural_network.quantize` makes one.

    Weights and the values between layers are bytes, sums are whole numbers of 32 bits. Where the
    processor has dot products of bytes, dense layers answer two to three times as fast as in
    float32; the answers have the same bits on every processor and with any number of threads.
    It cannot be trained: train the network, and quantize that again.

    Parameters
    ----------
    name_file : str or path
        A `.safetensors` file that `save` has written.

    Raises
    ------
    foxnn.FileFormatError
        For a file that is not one of a quantized network.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import os, tempfile, foxnn
    >>> nn = foxnn.neural_network([2, 8, 2], "relu", "softmax", seed=1)
    >>> x = [[0.0, 1.0], [1.0, -1.0], [0.5, 0.5]]
    >>> small = nn.quantize(x)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "small.safetensors")
    ...     small.save(path)
    ...     again = foxnn.quantized_network(path)
    >>> bool((again.predict(x) == small.predict(x)).all())
    True
    """

    _body: ByteNetwork
    _head: SavedNetwork
    _shape: tuple[int, ...]
    _layers: list[tuple[str, tuple[int, ...], bool]]
    _input_names: list[str] | None

    def __init__(self, name_file: str | os.PathLike[str]) -> None:
        from foxnn.formats import quantized_file  # late: most are made from networks

        path = quantized_file.path_of(name_file)
        given = quantized_file.read(path)
        try:
            self._take(given)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise FileFormatError(f"{path}: {reason(error)}") from None

    def _adopt(
        self,
        body: ByteNetwork,
        head: SavedNetwork,
        shape: tuple[int, ...],
        layers: list[tuple[str, tuple[int, ...], bool]],
        names: list[str] | None,
    ) -> None:
        self._engine = body.engine()
        self._body, self._head, self._shape = body, head, shape
        self._layers, self._input_names = layers, names

    # What it is made of.

    @property
    def settings(self) -> Settings:
        """FoxNN's settings; `n_threads` is what answers take."""
        return self._head.settings

    @property
    def loss(self) -> LossLike:
        """The loss that `evaluate` returns."""
        return self._head.loss

    @property
    def dtype(self) -> str:
        """The type of the outputs: "float32"."""
        return self._head.dtype

    @property
    def classes(self) -> list[str | int | bool] | None:
        """The labels of the classes, in the order of the outputs, or None."""
        return self._head.classes

    @property
    def notes(self) -> dict[str, Any]:
        """What the network had as `notes`."""
        return self._head.notes

    @property
    def input_names(self) -> list[str] | None:
        """The columns that tables must have, or None."""
        return None if self._input_names is None else list(self._input_names)

    # Answers.

    def predict(self, x: SamplesLike) -> Array:
        """Return the outputs for many samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            Or samples of the network's input shape. Numbers beyond the range of the samples that
            the network was quantized with become its ends. Images of uint8 are read as they are.

        Returns
        -------
        ndarray of shape (samples, outputs), float32
            Or samples of the network's output shape.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 1], "identity", init="zeros")
        >>> nn[0].weights = [[1.0], [-1.0]]
        >>> small = nn.quantize([[0.0, 0.0], [255.0, 255.0]])
        >>> small.predict([[100.0, 10.0]]).round(2).tolist()
        [[90.0]]
        """
        found: Array = self._head.predict(self._numbers(x))
        return found

    def get_out(self, x: SamplesLike) -> Array:
        """Return the outputs for one or more samples.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (samples, inputs), or sparse matrix
            Or of the network's input shape.

        Returns
        -------
        ndarray of shape (outputs,) or (samples, outputs), float32

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        """
        if not checks.is_sparse(x) and not checks.column_names(x):
            array = checks.as_array(x, "x")
            shape = self._shape
            is_one = array.shape == shape or (shape[-1] == 1 and array.shape == shape[:-1] != ())
            if array.ndim == 1 or (len(shape) > 1 and is_one):
                if array.size != self._body.inputs:
                    raise ValueError(f"x must have {self._body.inputs} inputs, got {array.size}")
                one: Array = self.predict(array.reshape(1, -1))[0]
                return one
        return self.predict(x)

    def predict_classes(self, x: SamplesLike) -> Array:
        """Return the class of each sample: that of the largest output.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)

        Returns
        -------
        ndarray of shape (samples,)
            As `neural_network.predict_classes`.

        Raises
        ------
        ValueError
            If the loss is not one for classes.
        """
        return self._head.predict_classes(self._numbers(x))

    def evaluate(
        self,
        x: SamplesLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        metrics: str | Sequence[str] = (),
    ) -> dict[str, float]:
        """Return the mean loss over samples, the accuracy if the loss is for classes, and metrics.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
        y : array-like of shape (samples, outputs), or labels of shape (samples,)
        sample_weight : array-like of shape (samples,), optional
        metrics : str or sequence of str, default=()
            All as in `neural_network.evaluate`.

        Returns
        -------
        dict
            As `neural_network.evaluate`.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN, and for an unknown metric.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([1, 1], "identity", init="zeros")
        >>> nn.quantize([[1.0], [2.0]]).evaluate([[1.0], [2.0]], [[1.0], [3.0]])
        {'loss': 2.5}
        """
        return self._head.evaluate(self._numbers(x), y, sample_weight, metrics=metrics)

    def _numbers(self, x: SamplesLike) -> Array:
        """Return what the bytes of samples end as: the inputs of the head."""
        checks.same_columns(x, "x", self._input_names)
        inputs = self._body.inputs
        rows = x
        if not (type(x) is np.ndarray and checks.is_engine_matrix(x, inputs)):
            rows = checks.samples(
                x, "x", inputs, "inputs", single=True, finite=False, shape=self._shape
            )
        found = self._engine.predict(cast(Any, rows), self.settings.n_threads)
        if found is None:
            checks.samples(x, "x", inputs, "inputs", single=True, finite=True, shape=self._shape)
            raise ValueError("x must be finite in float32 as input_scaler scales it")
        return found

    # Files.

    def save(self, name_file: str | os.PathLike[str]) -> None:
        """Write the network to a `.safetensors` file, which `foxnn.quantized_network` reads.

        Parameters
        ----------
        name_file : str or path

        Raises
        ------
        ValueError
            For another ending.
        OSError
            If the file cannot be written; an older one is unchanged.
        """
        from foxnn.formats import quantized_file  # late: few programs need it

        quantized_file.write(quantized_file.path_of(name_file), self._state())

    def export_c(
        self, name_file: str | os.PathLike[str], name: str | None = None
    ) -> dict[str, float]:
        """Write the network as a C99 header that computes what `predict` does, and a self-test.

        Bytes and sums are computed as they are here, to the last bit; the outputs are those of
        `predict` except for the rounding of the output layer's function. For microcontrollers, too:
        the header needs no library but math.h, keeps no state and allocates nothing.

        Parameters
        ----------
        name_file : str or path
            Ends in `.h`. Beside `net.h` stands `net_test.c`, as `neural_network.export_c` writes
            it.
        name : str, optional
            What names in C begin with: NAME_predict. By default that of the file.

        Returns
        -------
        dict
            "constant_bytes" and "stack_bytes".

        Raises
        ------
        ValueError
            For a name that C cannot take, and a layer behind the bytes that C cannot hold.
        OSError
            If the files cannot be written; older ones are unchanged.
        """
        from foxnn.formats.c import quantized  # late: few programs need it

        return quantized.export(self._body, self._head, self.predict, name_file, name)

    # Copies and texts.

    def _state(self) -> dict[str, Any]:
        """Return everything as plain values and arrays."""
        return {
            "version": VERSION,
            "input_shape": list(self._shape),
            "input_names": self.input_names,
            "layers": [[text, list(shape), is_small] for text, shape, is_small in self._layers],
            "body": self._body.plain(),
            "head": state.state_of(self._head),
        }

    def _take(self, given: Any) -> None:
        """Become the network of a state, which is checked."""
        if missing := {"version", "input_shape", "layers", "body", "head"} - given.keys():
            raise ValueError(f"the state lacks {min(missing)}")
        if checks.integer(given["version"], "version", 1) > VERSION:
            raise ValueError("the state was made by a later foxnn")
        shape = tuple(checks.integer(one, "input_shape", 1) for one in given["input_shape"])
        layers = [
            (
                checks.text(text, "layers"),
                tuple(checks.integer(one, "layers", 1) for one in output),
                checks.flag(is_small, "layers"),
            )
            for text, output, is_small in given["layers"]
        ]
        body = ByteNetwork.checked(given["body"])
        head = SavedNetwork.__new__(SavedNetwork)
        state.make(head, state.checked(given["head"]), "float32")
        engine = body.engine()
        if math.prod(shape) != body.inputs or engine.outputs != head._inputs():
            raise ValueError(f"input_shape {shape} and the head must fit the bytes between them")
        names = state.names_from(given.get("input_names"), _columns(shape))
        self._adopt(body, head, shape, layers, names)

    def __getstate__(self) -> dict[str, Any]:
        return self._state()

    def __setstate__(self, given: object) -> None:
        self._take(attributes(given, type(self)))

    def __repr__(self) -> str:
        if "_layers" not in self.__dict__:
            return f"<{type(self).__name__}, not made>"
        items = [str(self._shape[0] if len(self._shape) == 1 else self._shape)]
        items += [text for text, _, _ in self._layers]
        return f"<quantized_network [{', '.join(items)}], loss={shown_loss(self.loss)}>"

    def summary(self) -> None:
        """Print the layers, what they return and in which type they are computed.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([784, 32, 10], "relu", "softmax", seed=1)
        >>> nn.quantize([[0.0] * 784, [1.0] * 784]).summary()
        layer                            output  computed in
        input                            (784,)  uint8
        Dense(32, activation='relu')     (32,)   int8
        Dense(10, activation='softmax')  (10,)   int8
        25.7 kB of weights
        """
        kept = sum(getattr(stage, name).nbytes for stage in self._body.stages for name in ARRAYS)
        for leaf in leaves(self._head._layers()):
            kept += 4 * sum(map(math.prod, leaf["arrays"].values()))
        rows = [("layer", "output", "computed in"), ("input", str(self._shape), "uint8")]
        rows += [
            (text, str(shape), "int8" if is_small else "float32")
            for text, shape, is_small in self._layers
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            print("  ".join(cells).rstrip())
        print(f"{size_in_words(kept)} of weights")

    def print_info(self) -> None:
        """Print the layers and the settings."""
        for i, (text, _, is_small) in enumerate(self._layers):
            print(f"layer {i}: {text}, {'int8' if is_small else 'float32'}")
        self.settings.print_settings()

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        if name.startswith("_") or (not hasattr(AnsweringNetwork, name) and name not in _TRAINING):
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        raise AttributeError(
            f"a {kind} has no {name}, since it only answers: train the network that it was made "
            "from, or ask that, and quantize it again"
        )


# What a network that can be trained has beside its answers.
_TRAINING = (
    "fit", "train", "train_on_file", "train_on_batch", "backward", "random_mutation",
    "smart_mutation", "testing", "history",
)  # fmt: skip


def _columns(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many names of inputs there may be."""
    return (math.prod(shape), shape[1]) if len(shape) == 2 else (math.prod(shape),)


def quantized_from(network: SavedNetwork, x: SamplesLike) -> quantized_network:
    """Return the quantized network of a network; see `neural_network.quantize`."""
    body, head, count = making.quantized(network, x)
    made = quantized_network.__new__(quantized_network)
    layers = [
        (shown_part(part), tuple(part["output_shape"]), i < count)
        for i, part in enumerate(network._layers())
    ]
    made._adopt(body, head, tuple(network._input_shape()), layers, network.input_names)
    return made
