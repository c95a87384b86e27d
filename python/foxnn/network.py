"""The network: making one, training it, asking it. The arithmetic is the engine's."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.history import History
from foxnn.layers import Activation, layer, parse_activation
from foxnn.optimizers import rule_of
from foxnn.samples import train_data
from foxnn.settings import Settings

# Purposes of random numbers, as the engine numbers them (foxnn/random.hpp).
_HOLDOUT, _MUTATION = 2, 3


class neural_network(_core.Network):
    """A network of dense layers.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, and then the neurons of each layer.
    activation : str, (str, parameters), or a list with one a layer, default="sigmoid"
        `foxnn.activations()` lists the names.
    output_activation : str or (str, parameters), optional
        Of the last layer; by default as the others.
    loss : str, optional
        `foxnn.losses()` lists the names; by default cross_entropy behind softmax, else mse, which
        is half the squared error.
    init : str, default="auto"
        How the weights begin; `foxnn.initializers()` lists the ways. "auto" is He's for the
        rectifiers and Glorot's for the others; "uniform" is FoxNN's, from -1 to 1.
    dtype : str, default="float32"
        "float32" or "float64".
    seed : int, optional
        From 0 to 2^64 - 1. Everything random that the network does follows from it; by default it
        is another each time.

    Raises
    ------
    ValueError
        For a size, name or combination that is not allowed; the message says what is.
    TypeError
        For an argument of a wrong type.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 5, 4, 2], seed=0)
    >>> nn.get_out([0, 1, 0.1]).shape
    (2,)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Any = "sigmoid",
        output_activation: Any = None,
        loss: str | None = None,
        init: str = "auto",
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        if isinstance(sizes, str | bytes):
            raise TypeError(f"sizes must be a list of layer sizes, got the string {sizes!r}")
        checked = checks.layer_sizes(sizes)
        activations = _activations(activation, output_activation, len(checked) - 1)
        if any(name == "softmax" for name, _ in activations[:-1]):
            raise ValueError("activation 'softmax' is for the output layer only")
        single = _dtype_name(dtype) == "float32"
        start = secrets.randbits(64) if seed is None else checks.integer(seed, "seed", 0, 2**64 - 1)
        super().__init__(checked, activations, checks.text(init, "init"), single, start)
        self._loss_given = loss is not None
        self._set_loss(self._usual_loss() if loss is None else checks.text(loss, "loss"))
        self._settings = Settings()

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

    def __len__(self) -> int:
        return len(self._sizes()) - 1

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
        i = checks.integer(i, "i", -(2**63))
        if not -len(self) <= i < len(self):
            raise IndexError(f"i must be a layer from 0 to {len(self) - 1}, got {i}")
        return _NetworkLayer._of(self, i % len(self))

    def next_layer(self, new_layer: layer) -> None:
        """Append a copy of a layer whose inputs are as many as the network's outputs.

        Raises
        ------
        ValueError
            Where it does not fit.
        """
        if not isinstance(new_layer, layer):
            raise TypeError(
                f"new_layer must be a foxnn.layer, got {checks.shown(new_layer)}"
            )
        if new_layer.get_N_w() != self.sizes[-1]:
            raise ValueError(
                f"new_layer must have {self.sizes[-1]} inputs, as many as the network has outputs, "
                f"got {new_layer.get_N_w()}"
            )
        name, parameters = new_layer._network._activation(new_layer._index)
        self._append(
            new_layer.get_N_n(), name, parameters, new_layer.weights, new_layer.bias
        )
        self._adopt_usual_loss()

    def __repr__(self) -> str:
        activations = [part.get_name_activation_function() for part in self]
        return (
            f"neural_network({self.sizes}, activation={activations}, loss={self.loss!r}, "
            f"dtype={self.dtype!r}, seed={self.seed})"
        )

    def print_info(self) -> None:
        """Print the layers and the settings."""
        for i, part in enumerate(self):
            print(
                f"layer {i}: {part.get_N_w()} inputs, {part.get_N_n()} neurons, "
                f"{part.get_name_activation_function()}"
            )
        self.settings.print_settings()

    # Asking it.

    def get_out(self, x: ArrayLike) -> Array:
        """Return the outputs for one sample or several, rounded as the settings say.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (samples, inputs)

        Returns
        -------
        ndarray of shape (outputs,) or (samples, outputs)

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        """
        array = checks.as_array(x, "x")
        if array.ndim == 1:
            if array.shape[0] != self.sizes[0]:
                raise ValueError(f"x must have {self.sizes[0]} inputs, got {array.shape[0]}")
            return self._rounded(self.predict(array.reshape(1, -1)))[0]
        return self._rounded(self.predict(array))

    def predict(self, x: ArrayLike) -> Array:
        """Return the outputs for many samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)

        Returns
        -------
        ndarray of shape (samples, outputs), of the network's type
        """
        inputs = checks.matrix(x, "x", self.sizes[0], "inputs")
        return self._predict(inputs, self.settings.n_threads)

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> dict[str, float]:
        """Return the mean loss over samples, and the accuracy where the loss classifies.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
        y : array-like of shape (samples, outputs), or labels of shape (samples,)

        Returns
        -------
        dict
            "loss", and with cross_entropy "accuracy": the share of samples whose largest output is
            where the largest wanted output is.
        """
        inputs, wanted = self._samples(x, y)
        loss, correct = self._evaluate(inputs, wanted, self.settings.n_threads)
        if not self._classifies():
            return {"loss": loss}
        return {"loss": loss, "accuracy": correct / len(inputs)}

    def testing(self, data: train_data) -> float:
        """Print and return the mean over samples of the sum of absolute errors.

        Also prints how many samples are true: every output nearer than `settings.min_error`.
        """
        error, n_true = self._test_error(data)
        print(f"error = {error:.15e} n_true = {n_true}/{len(data)}")
        return error

    # Training it.

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: Any = "adam",
        learning_rate: float = 1e-3,
        validation: Any = None,
        *,
        shuffle: bool = True,
        progress: bool | None = None,
    ) -> History:
        """Train the network; the gradient of a step is the mean over its batch.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
            Arrays of float32, float64 and uint8 are read in place, without a copy (with a
            validation share, but for the share).
        y : array-like of shape (samples, outputs)
            Or, with loss="cross_entropy", integer class labels of shape (samples,).
        epochs : int, default=10
            Passes over the samples.
        batch_size : int, default=32
            Samples a step; the last step of an epoch takes what is left.
        optimizer : str, foxnn.SGD or foxnn.Adam, default="adam"
            Its moments stay with the network: a second fit goes on where the first ended, unless
            it names another optimizer, or `reset_optimizer` is called.
        learning_rate : float, default=1e-3
        validation : float or (x, y), optional
            A share of the samples that is held out, or samples of their own.
        shuffle : bool, default=True
            Whether each epoch takes the samples in a new order.
        progress : bool, optional
            Whether to show a bar; by default where standard error is a terminal.

        Returns
        -------
        History
            "loss", "learning_rate", "seconds", and where they apply "accuracy", "val_loss",
            "val_accuracy": one value an epoch. Loss and accuracy of the training samples are means
            over the epoch, while the weights change.

        Raises
        ------
        ValueError, TypeError
            For arguments out of range or data that do not fit; the network is then as before.
        foxnn.DivergedError
            When the loss stops being finite; the network holds the weights of the epoch's start.
        KeyboardInterrupt
            On Ctrl-C, after the running step; the network can be used and trained further.
        """
        epochs = checks.integer(epochs, "epochs", 1)
        batch_size = checks.integer(batch_size, "batch_size", 1)
        rate = checks.real(learning_rate, "learning_rate", 0.0, open_low=True)
        rule = rule_of(optimizer)
        shuffle = checks.flag(shuffle, "shuffle")
        inputs, wanted = self._samples(x, y)
        held_out = None
        if validation is not None:
            inputs, wanted, held_out = self._validation(validation, inputs, wanted)
        trainer = _core.Trainer(
            self, inputs, wanted, batch_size, rule, rate, False, shuffle, self._classifies(),
            self.settings.n_threads,
        )
        history = History()
        with _Progress(epochs, progress) as bar:
            for _ in range(epochs):
                start = time.perf_counter()
                _, samples, loss, correct = trainer.run_epoch()
                seconds = time.perf_counter() - start
                record = {"loss": loss / samples}
                if self._classifies():
                    record["accuracy"] = correct / samples
                if held_out is not None:
                    record |= {f"val_{k}": v for k, v in self.evaluate(*held_out).items()}
                bar.update(record, samples / max(seconds, 1e-9))
                history.add(**record, learning_rate=rate, seconds=seconds)
        return history

    def train(
        self,
        data_for_train: train_data,
        speed: float,
        max_iteration: int,
        size_train_batch: int = 1,
    ) -> None:
        """Make `max_iteration` steps; the gradient of a step is the sum over its batch.

        Parameters
        ----------
        data_for_train : train_data
        speed : float
            The learning rate.
        max_iteration : int
            Steps.
        size_train_batch : int, default=1
            Samples a step; 0, or as many as there are, takes all of them. Batches are drawn
            without replacement until every sample has been taken, then anew.

        Notes
        -----
        `settings.mode` names the optimizer. With `settings.n_print`, progress is printed every so
        many iterations, with the error on the held-out `settings.part_for_test` of the data.
        """
        if not isinstance(data_for_train, train_data):
            raise TypeError(
                f"data_for_train must be a foxnn.train_data, got {checks.shown(data_for_train)}"
            )
        rate = checks.real(speed, "speed", 0.0, open_low=True)
        iterations = checks.integer(max_iteration, "max_iteration", 0)
        batch = checks.integer(size_train_batch, "size_train_batch", 0)
        if self.settings.auto_save_iteration:
            raise ValueError("auto_save_iteration must be 0: this version writes no files")
        inputs, wanted = self._samples(*data_for_train._arrays())
        held_out: train_data | None = None
        if count := int(len(inputs) * self.settings.part_for_test):
            order = _core.shuffled(self.seed, _HOLDOUT, len(inputs), self._next_draw())
            held_out = train_data(inputs[order[:count]], wanted[order[:count]])
            inputs, wanted = inputs[order[count:]], wanted[order[count:]]
        trainer = _core.Trainer(
            self, inputs, wanted, min(batch, len(inputs)) or len(inputs), self.settings._rule(),
            rate, True, True, False, self.settings.n_threads,
        )
        every = self.settings.n_print or iterations
        for done in range(0, iterations, every or 1):
            start = time.perf_counter()
            trainer.run_steps(min(every, iterations - done))
            if self.settings.n_print:
                reached = min(done + every, iterations)
                self._print_iteration(reached, iterations, time.perf_counter() - start, held_out)

    def reset_optimizer(self) -> None:
        """Forget the moments of the optimizer: the next training starts them at zero."""
        self._reset_optimizer()

    def threads_for(self, batch_size: int) -> int:
        """Return how many threads a training step of so many samples gets."""
        batch = checks.integer(batch_size, "batch_size", 1)
        return _core.training_workers(self, batch, self.settings.n_threads)

    # Changing it at random.

    def random_mutation(self, speed: float) -> None:
        """Add to every weight and bias a number drawn evenly from -speed to speed."""
        self._mutate(checks.real(speed, "speed"), relative=False)

    def smart_mutation(self, speed: float) -> None:
        """Draw every weight and bias w anew, evenly from w - |w speed| to w + |w speed|."""
        self._mutate(checks.real(speed, "speed"), relative=True)

    def _mutate(self, speed: float, relative: bool) -> None:
        draw = self._next_draw()
        count = sum(part.weights.size + part.bias.size for part in self)
        steps = speed * (2.0 * _core.uniform(self.seed, _MUTATION, count, draw) - 1.0)
        position = 0
        for part in self:
            for name in ("weights", "bias"):
                old = getattr(part, name)
                step = steps[position : position + old.size].reshape(old.shape)
                setattr(part, name, old + step * (np.abs(old) if relative else 1.0))
                position += old.size

    # Helpers.

    def _usual_loss(self) -> str:
        return "cross_entropy" if self._activation(len(self) - 1)[0] == "softmax" else "mse"

    def _adopt_usual_loss(self) -> None:
        if not self._loss_given:
            self._set_loss(self._usual_loss())

    def _classifies(self) -> bool:
        return self._loss() == "cross_entropy"

    def _samples(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        inputs = checks.matrix(x, "x", self.sizes[0], "inputs")
        wanted = checks.targets(y, self.sizes[-1], labels_allowed=self._classifies())
        checks.same_length(inputs, wanted)
        return inputs, wanted

    def _validation(
        self, validation: Any, x: Array, y: Array
    ) -> tuple[Array, Array, tuple[Array, Array]]:
        if isinstance(validation, tuple | list) and len(validation) == 2:
            return x, y, self._samples(*validation)
        share = checks.real(
            validation, "validation", 0.0, 1.0, open_low=True, open_high=True
        )
        count = int(round(len(x) * share))
        if not 0 < count < len(x):
            raise ValueError(
                f"validation={share} of {len(x)} samples leaves none to train or to validate on"
            )
        order = _core.shuffled(self.seed, _HOLDOUT, len(x), self._next_draw())
        held, kept = order[:count], order[count:]
        return x[kept], y[kept], (x[held], y[held])

    def _rounded(self, out: Array) -> Array:
        settings = self.settings
        if settings.max_on_last_layer:
            largest = out.argmax(axis=1)
            out[:] = 0
            out[np.arange(len(out)), largest] = 1
        elif settings.one_if_value_greater_intermediate_value:
            out[:] = out >= settings.intermediate_value
        return out

    def _test_error(self, data: train_data) -> tuple[float, int]:
        if not isinstance(data, train_data):
            raise TypeError(f"data must be a foxnn.train_data, got {checks.shown(data)}")
        x, y = data._arrays()
        if (x.shape[1], y.shape[1]) != (self.sizes[0], self.sizes[-1]):
            raise ValueError(
                f"data must have {self.sizes[0]} inputs and {self.sizes[-1]} outputs, "
                f"got {x.shape[1]} and {y.shape[1]}"
            )
        errors = np.abs(self._rounded(self.predict(x)) - y.astype(np.float64))
        n_true = int((errors < self.settings.min_error).all(axis=1).sum())
        return float(errors.sum(axis=1).mean()), n_true

    def _print_iteration(
        self, reached: int, iterations: int, seconds: float, held_out: train_data | None
    ) -> None:
        line = f"iteration = {reached}/{iterations} train_time = {seconds:.3f}"
        if held_out is not None:
            error, n_true = self._test_error(held_out)
            line += f" error = {error:.15e} n_true = {n_true}/{len(held_out)}"
        print(line, flush=True)

    def _loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[float, list[tuple[Array, Array]]]:
        """Return the mean loss over samples and its gradient by layer, as weights and bias."""
        inputs, wanted = self._samples(x, y)
        rule = _core.Optimizer("sgd")
        trainer = _core.Trainer(
            self, inputs, wanted, len(inputs), rule, 1.0, False, False, False,
            self.settings.n_threads,
        )
        return trainer.gradient()


class _NetworkLayer(layer):
    """A layer of a network, whose usual loss follows the activation of its output."""

    def set_activation_function(self, name: str, parameters: object = ()) -> None:
        network = self._network
        if isinstance(network, neural_network) and not network._loss_given:
            before = network._loss()
            network._set_loss("mse")
            try:
                super().set_activation_function(name, parameters)
            except BaseException:
                network._set_loss(before)
                raise
            network._adopt_usual_loss()
        else:
            super().set_activation_function(name, parameters)


class _Progress:
    """A bar over the epochs on standard error, or nothing."""

    def __init__(self, epochs: int, shown: bool | None) -> None:
        if shown is None:
            shown = sys.stderr.isatty()
        self._bar = None
        if checks.flag(shown, "progress"):
            from tqdm.auto import tqdm  # late: importing it takes longer than a small training

            self._bar = tqdm(total=epochs, unit="epoch")

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, record: dict[str, float], samples_per_second: float) -> None:
        """Count an epoch and show its numbers."""
        if self._bar is not None:
            shown = {name: f"{value:.4f}" for name, value in record.items()}
            self._bar.set_postfix({**shown, "samples/s": f"{samples_per_second:.0f}"}, refresh=False)
            self._bar.update()


def _dtype_name(dtype: Any) -> str:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    return checks.choice(name, "dtype", ("float32", "float64"))


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
