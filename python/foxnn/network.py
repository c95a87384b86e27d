"""The network as users make and train it."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.foxnn_interface import FoxnnInterface
from foxnn.history import History
from foxnn.progress import Progress, is_wanted
from foxnn.streams import HOLDOUT
from foxnn.update_rules import rule_of


class neural_network(FoxnnInterface):
    """A network of dense layers.

    Parameters
    ----------
    sizes : sequence of int, str or path
        The number of inputs, and then the neurons of each layer; or the name of a file that `save`
        or FoxNN has written, which then says activations and settings, too.
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
    only_scale : bool, default=False
        Whether the file holds weights alone; layers are then sigmoid.

    Raises
    ------
    FileNotFoundError, OSError
        For a file that cannot be read.
    foxnn.FileFormatError
        For a file that holds something else.
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
        shown = is_wanted(progress)
        plan = _core.Plan(
            rule_of(optimizer),
            rate,
            batch_size=batch_size,
            shuffle=checks.flag(shuffle, "shuffle"),
            count_matches=self._classifies(),
            threads=self.settings.n_threads,
        )
        _core.check_plan(self, plan)
        inputs, wanted = self._samples(x, y)
        held_out = None
        if validation is not None:
            inputs, wanted, held_out = self._validation(validation, inputs, wanted)
        history = History()
        with _core.Trainer(self, inputs, wanted, plan) as trainer, Progress(epochs, shown) as bar:
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

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        optimizer: Any = "adam",
        learning_rate: float = 1e-3,
    ) -> float:
        """Make one step on these samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs)
        y : array-like of shape (samples, outputs), or labels of shape (samples,)
        optimizer : str, foxnn.SGD or foxnn.Adam, default="adam"
            As in `fit`: its moments stay with the network from step to step.
        learning_rate : float, default=1e-3

        Returns
        -------
        float
            The mean loss over the samples, at the weights before the step.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        foxnn.DivergedError
            When the loss or a weight stops being finite; the network holds the weights of before,
            and the optimizer begins anew.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 4, 1], seed=1)
        >>> losses = [nn.train_on_batch([[0, 1], [1, 1]], [[1], [0]]) for _ in range(100)]
        >>> losses[-1] < losses[0]
        True
        """
        key = (optimizer, learning_rate, self._settings.__dict__.get("n_threads", 0))
        if self._step_plan is None or self._step_plan[0] != key:
            rate = checks.real(learning_rate, "learning_rate", 0.0, open_low=True)
            plan = _core.Plan(rule_of(optimizer), rate, shuffle=False, threads=key[2])
            _core.check_plan(self, plan)
            self._step_plan = (key, plan)
        loss = _core.step(self, x, y, self._step_plan[1], False)
        if loss is None:
            loss = _core.step(self, *self._samples(x, y), self._step_plan[1], True)
        assert loss is not None
        return loss

    def _validation(
        self, validation: Any, x: Array, y: Array
    ) -> tuple[Array, Array, tuple[Array, Array]]:
        if isinstance(validation, tuple | list) and len(validation) == 2:
            held_x, held_y = validation
            names = "the x of validation", "the y of validation"
            return x, y, self._samples(held_x, held_y, *names)
        share = checks.real(validation, "validation", 0.0, 1.0, open_low=True, open_high=True)
        count = round(len(x) * share)
        if not 0 < count < len(x):
            raise ValueError(
                f"validation={share} of {len(x)} samples leaves none to train or to validate on"
            )
        order = _core.shuffled(self.seed, HOLDOUT, len(x), self._next_draw())
        held, kept = order[:count], order[count:]
        return x[kept], y[kept], (x[held], y[held])
