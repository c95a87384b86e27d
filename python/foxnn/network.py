"""The network that users create and train."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from foxnn import _core, checks
from foxnn.checks import SamplesLike
from foxnn.checks.keywords import answers, telling, unknown
from foxnn.classic.foxnn_interface import FoxnnInterface
from foxnn.support.array_types import ArrayLike

# A network that only predicts never needs the modules of training, whose import takes as long as
# that of all the others: the first training imports them.
if TYPE_CHECKING:
    from foxnn.quantized.network import quantized_network
    from foxnn.training.history import History
    from foxnn.training.kinds import (
        AugmentLike,
        ClassWeightLike,
        EarlyStoppingLike,
        OptimizerLike,
        ScaleLike,
        ScheduleLike,
        ValidationLike,
    )


class neural_network(FoxnnInterface):
    """A network of layers in sequence.

    Parameters
    ----------
    sizes : sequence of int, shapes and layers, str or path
        The number of inputs, and then the neurons of each layer. The first item may be the shape of
        a sample, channels last, such as (28, 28, 1), or (None, 8) for sequences of any length with
        8 numbers a step; the others may be layers of other kinds, such as `foxnn.Dense(8)` or
        `foxnn.Residual(16, 8)`, and layers of another network, which are copied. Or the name of a
        file, which also defines activations and settings: `.safetensors` written by `save`, `.onnx`
        of any library, or FoxNN's text format with any other extension. A `.safetensors` file with
        a state dict of PyTorch's Linear layers is read, too; its activations must be given.
    activation : str, (str, parameters), or a list with one per layer, default="sigmoid"
        `foxnn.activations()` lists the names. It applies to each layer that can have an activation
        but does not name one.
    output_activation : str or (str, parameters), optional
        The activation of the last layer; by default the same as for the others.
    loss : str, (str, parameters) or callable, optional
        By default cross_entropy after softmax, else mse. The loss of a sample is the sum over its
        outputs a and targets y of mse, (a - y)^2 / 2; mae, |a - y|; huber, (a - y)^2 / 2 where
        |a - y| < 1 and |a - y| - 1/2 beyond; log_cosh, log cosh(a - y); cross_entropy, -y log a
        (softmax outputs); binary_cross_entropy, -y log a - (1 - y) log(1 - a) (sigmoid outputs);
        poisson, a - y log a (outputs above zero: exp, softplus). A network of another library that
        ends in logits gets the softmax of cross_entropy, or the sigmoid of binary_cross_entropy.

        ("focal", gamma), by default 2, weighs easy samples down (Lin et al., "Focal loss for dense
        object detection", 2017): -y (1 - a)^gamma log a behind softmax, and behind sigmoid also
        -(1 - y) a^gamma log(1 - a).

        ("quantile", q) or ("quantile", [0.1, 0.5, 0.9]) has an output for each quantile of each
        target, those of a target next to each other: q (y - a) where a < y, and (1 - q) (a - y)
        elsewhere (Koenker and Bassett, "Regression quantiles", 1978). They do not cross: the
        network's answers are the outputs of the last layer, put into order (Chernozhukov et al.,
        "Quantile and probability curves without crossing", 2010). `evaluate` and validation have
        the loss of the answers; training steps follow the last layer's outputs.

        "gaussian_nll" has two outputs for each target, first the means m of all targets, then the
        logarithms s of their variances: (s + (y - m)^2 e^-s) / 2 (Nix and Weigend, "Estimating the
        mean and variance of the target probability distribution", 1994).

        A function f(outputs, targets) returns the losses of the samples, of shape (samples,), and
        the gradient of each by its outputs, in the shape of the outputs. It gets NumPy arrays, once
        a batch, which it must not change: see the page Own losses of the wiki.
    init : str, default="auto"
        How the weights are initialized; `foxnn.initializers()` lists the methods. "auto" is He's
        for rectifiers and Glorot's for other activations; "uniform" is FoxNN's, from -1 to 1.
    dtype : str, optional
        "float32" or "float64". By default float32, or the type in the file.
    seed : int, optional
        From 0 to 2^64 - 1. Determines all random numbers of the network. By default a different
        one each time, or the one in the file.
    only_scale : bool, default=False
        Whether the file holds only weights; all layers are then sigmoid.

    Raises
    ------
    FileNotFoundError, OSError
        For a file that cannot be read.
    foxnn.FileFormatError
        For a file of another kind or a damaged one.
    ValueError
        For a size, name or combination that is not allowed; the message lists what is allowed.
    TypeError
        For an argument of a wrong type.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 5, 4, 2], seed=0)
    >>> nn.get_out([0, 1, 0.1]).shape
    (2,)
    """

    _history: History | None

    @telling()
    @answers("fit")
    def fit(
        self,
        x: SamplesLike,
        y: ArrayLike,
        epochs: int | Literal["auto"] = 10,
        batch_size: int = 32,
        optimizer: OptimizerLike = "adam",
        learning_rate: float = 1e-3,
        validation: ValidationLike | None = None,
        early_stopping: EarlyStoppingLike | None = None,
        schedule: ScheduleLike | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeightLike | None = None,
        callbacks: object = (),
        shuffle: bool = True,
        progress: bool | None = None,
        time_limit: float | None = None,
        *,
        scale: ScaleLike | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | datetime.timedelta = 1,
        augment: AugmentLike | None = None,
        lengths: ArrayLike | None = None,
        truncate: int | None = None,
        label_smoothing: float = 0.0,
        check_loss: bool = True,
        shards: int | None = None,
        communicator: Any = None,
        average_every: int | None = None,
        **others: NoReturn,
    ) -> History:
        """Train the network; the gradient of a step is the mean over its batch.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            Or samples of the network's input shape. Arrays of float32, float64 and uint8 are read
            in place, without a copy, unless a validation share is split off; so are the arrays of a
            CSR matrix. The network keeps the column names of a table (pandas, Polars), or of the
            tables in a list of sequences, and later tables must have the same columns.
        y : array-like of shape (samples, outputs)
            The targets, which may also have the network's output shape. With loss="cross_entropy",
            and with "binary_cross_entropy" and one output, also labels of classes, of shape
            (samples,) or (samples, 1): strings, whole numbers, True and False, or a categorical
            column. If outputs have positions, of shape (samples, positions...). The network keeps
            them as `classes`, and later ones must be among them. Whole numbers from 0 to
            outputs - 1 are the numbers of the outputs, whether all occur or not.
        epochs : int or "auto", default=10
            Passes over the samples. "auto" trains until the loss has not improved for a while, or
            until the validation loss has not, if samples are held out; the network then has the
            weights of its best epoch. Without `validation`, losses of numbers find the number of
            epochs by cross-validation, in five copies of the network, if there are from 20 to 1000
            samples (sample weights of 0 do not count) and at most a million parameters; otherwise
            they hold out a tenth of 100 samples or more. With
            `early_stopping`, its rule says when; `time_limit`, of which cross-validation takes at
            most half, and callbacks end a run, too.
        batch_size : int, default=32
            Samples per step; the last step of an epoch takes the remaining ones.
        optimizer : str or an optimizer, default="adam"
            A name of `foxnn.optimizers()`, or foxnn.SGD, foxnn.Adam, foxnn.AdamW or foxnn.RMSprop.
            Its moments stay with the network: a second fit continues where the first ended, unless
            it names another optimizer or `reset_optimizer` is called.
        learning_rate : float, default=1e-3
        validation : float or tuple, optional
            A share of the samples to hold out, stratified by class unless each position has a
            class of its own; or separate samples: (x, y), (x, y, sample_weight), or for padded
            sequences (x, y, sample_weight, lengths), where sample_weight may be None.
        early_stopping : int or foxnn.EarlyStopping, optional
            The number of epochs without a better val_loss (without validation: loss) after which
            training ends; the network is then set back to its best epoch.
        schedule : one of foxnn.schedules, or callable, optional
            How the learning rate changes: one of foxnn.schedules scales `learning_rate`; a function
            gets the epoch (from 0) and returns the rate.
        l1, l2 : float, default=0.0
            Penalties: the objective is the loss plus l1 |w| + l2 w^2 / 2 for every weight w; biases
            are not penalized. Reported losses do not include the penalties.
        dropout : float or sequence of float, default=0.0
            The probability that an output of a hidden layer is set to zero in a step (the others
            are scaled up by 1 / (1 - dropout)): one for all hidden layers, or one for each
            (Srivastava et al., "Dropout", 2014). Only for networks of flat dense layers; others
            have foxnn.Dropout in their list of layers.
        sample_weight : array-like of shape (samples,), optional
            How much each sample counts, at least 0: losses and gradients are weighted means. If
            outputs have positions, also of shape (samples, positions...): sums over samples of
            means over the positions of each, of weights times losses, divided by those of weights.
        class_weight : dict or "balanced", optional
            How much the samples (or positions) of each class, by its label, count; 1 for others.
            "balanced": all classes count the same, and the total weight stays the same.
        callbacks : callback or sequence of callbacks, default=()
            Objects with any of the methods on_train_begin(network), on_batch_end(batch, logs),
            on_epoch_end(epoch, logs) and on_train_end(history); or functions, called as
            on_epoch_end. Epochs and batches are counted from 0, `logs` is a dict as in History.
            One that returns True stops the training.
        shuffle : bool, default=True
            Whether the samples are put in a new order for each epoch.
        progress : bool, optional
            Whether to show a bar; by default if standard error is a terminal, and in notebooks.
        time_limit : float, optional
            Seconds after which training ends, once the current step is done.
        scale : str, foxnn.Scaler or pair of them, optional
            Fits scalers to the training samples, with which the network then scales its inputs
            ("standard" or "minmax"), and its outputs if they have identity activation and the
            loss is mse, mae or huber. A pair gives the scalers of inputs and outputs separately;
            None in it removes a scaler. Without `scale`, the network keeps its scalers; a method
            that it already uses is not fitted again.
        clip_norm : float, optional
            The gradient is scaled down to this Euclidean norm if it is longer (Pascanu et al.,
            "On the difficulty of training recurrent neural networks", 2013).
        clip_value : float, optional
            Each number of the gradient is clipped to -clip_value ... clip_value.
        checkpoint : str or path, optional
            A .safetensors file that is kept up to date during the run: `foxnn.resume` continues a
            run that was killed at any moment, bit for bit.
        checkpoint_every : int or datetime.timedelta, default=1
            The number of epochs between two checkpoints, or the time between them, which may also
            run out within an epoch. The end of a run is saved, too, even one by `time_limit` or
            Ctrl-C.
        augment : callable or sequence of callables, optional
            Changes of the samples during training: functions f(x, rng), called one after another
            with each batch, of shape (samples, ...) and the network's type, and with a
            numpy.random.Generator, seeded by the network. They return the changed batch, in the
            same shape. `foxnn.augment` has shift, flip, rotate and noise. Samples held out for
            validation are not changed. Sequences must be of one length: those of different lengths
            are refused.
        lengths : array-like of shape (samples,), optional
            How many steps of each padded sequence there are; what follows them counts nowhere. A
            list of arrays (steps, channels) as x has its own. Targets and weights of positions are
            padded likewise, or lists of arrays. The loss of a sequence is the mean over its
            positions.
        truncate : int, optional
            Truncated backpropagation through time: the sequences of a batch are cut into pieces of
            so many steps, each piece is a step of the optimizer, and states are carried from piece
            to piece, but gradients go back to the beginning of their piece only (Williams and Peng,
            "An efficient gradient-based algorithm for on-line training of recurrent network
            trajectories", 1990). It is for networks that answer each step by the steps so far, such
            as recurrent layers with return_sequences=True. Without it, gradients go back through
            the whole sequence.
        label_smoothing : float, default=0.0
            So much of each target y of classes goes to all classes alike: it is learnt as
            (1 - label_smoothing) y + label_smoothing / classes (Szegedy et al., "Rethinking the
            inception architecture for computer vision", 2016). An output behind sigmoid has two
            classes. The training loss is that of these targets; validation and `evaluate` take
            targets as they are.
        check_loss : bool, default=True
            Whether the gradient of a loss that is a function is compared with differences of its
            losses, on the first batch that the network learns by it. That calls it some five
            times more.
        shards : int, optional
            The samples are cut into so many shards of neighbouring samples. A batch takes as many
            of each, in an order shuffled within it, and the gradients of the shards are added in
            one fixed tree: the same steps as on several machines that have the shards between
            them, bit for bit. The batches and the last bits differ from those without shards.
            `augment`, `truncate` and batch normalization do not go with shards. With a
            communicator, 16 by default.
        communicator : mpi4py.MPI.Intracomm, optional
            Trains on several processes, each of which calls `fit` alike with the samples that it
            has (see the page Several machines of the wiki). All of them end with the network and
            history that one process with these samples, rank after rank, and as many `shards`
            would have. Rank 0 shows the bar and writes the checkpoint; a stop on one rank is one on
            all.
        average_every : int, optional
            With a communicator, for slow networks between the machines: each rank makes so many
            steps of its own, along the mean gradient of its part of the batches, and then all ranks
            take the mean of their weights and of what their optimizers remember, in which each
            counts as often as it has shards ("local SGD": Stich, "Local SGD converges fast and
            communicates little", 2019). So do they at the end of each epoch. The result depends on
            the number of ranks, and is the same in each run on as many. `on_batch_end` is called
            after each mean.

        Returns
        -------
        History
            "loss", "learning_rate", "seconds", and where they apply "accuracy", "val_loss",
            "val_accuracy": one value per epoch. Loss and accuracy of the training samples (and of
            their positions, if outputs have any) are means over the epoch, during which the weights
            change; those of an epoch that is cut short are means over the samples that it has used.

        Raises
        ------
        ValueError, TypeError
            For arguments out of range or data that do not fit; the network is left unchanged.
        foxnn.DivergedError
            When the loss is no longer finite; the network then has its weights from the start of
            the epoch, and its optimizer is reset.
        foxnn.RankError
            When another rank of the communicator has ended with an exception.
        KeyboardInterrupt
            On Ctrl-C, after the current step; a long step is abandoned if it has not yet begun to
            change the network. The network can be used and trained further (`early_stopping` does
            not set it back), `history` has the completed epochs, and the checkpoint has the last
            step, unless an older one is being written. The same holds for an exception raised by a
            callback or a schedule, which is passed on.

        Warns
        -----
        foxnn.DataWarning
            If inputs are so large that most outputs of a sigmoid or tanh first layer are saturated;
            if targets are beyond the range of the output activation.
        foxnn.ConvergenceWarning
            If the epochs are over (at least 10) while the loss was still falling steeply: by more
            than a tenth in their last quarter, and still more than a third of that of the best
            constant output; or falling at all, and above that.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([1, 8, 1], "tanh", "identity", seed=1)
        >>> x = [[i / 10] for i in range(100)]
        >>> history = nn.fit(x, [[3 * v + 1] for [v] in x], epochs=200, scale="standard",
        ...                  early_stopping=foxnn.EarlyStopping(patience=50), learning_rate=0.01)
        >>> round(float(nn.predict([[5.0]])[0, 0]))
        16
        """
        if others:
            raise self._refused_on(communicator, unknown("fit", others))
        from foxnn.training.fitting import fitted
        from foxnn.training.options import FitArguments

        given = FitArguments(
            epochs, batch_size, optimizer, learning_rate, validation, early_stopping, schedule, l1,
            l2, dropout, sample_weight, class_weight, callbacks, shuffle, progress, time_limit,
            scale, clip_norm, clip_value, checkpoint, checkpoint_every, augment, lengths, truncate,
            label_smoothing, check_loss, shards, communicator, average_every,
        )  # fmt: skip
        return fitted(self, x, y, given)

    def _predicted_on(self, communicator: Any, x: Any, lengths: Any) -> Any:
        from foxnn.training.joined import predicted

        return predicted(self, communicator, x, lengths)

    def _evaluated_on(self, communicator: Any, given: Any, metrics: Any) -> dict[str, float]:
        from foxnn.training.joined import evaluated

        return evaluated(self, communicator, given, metrics)

    def _refused_on(self, communicator: Any, error: Exception) -> Exception:
        from foxnn.training.mpi import refused_on

        return refused_on(communicator, error)

    @property
    def history(self) -> History | None:
        """The history of the last `fit`, even of one that was interrupted; None before any.

        It grows during a `fit`, from lists that are empty at first. Copies and files of the network
        do not include it.

        Examples
        --------
        >>> import foxnn
        >>> def stop(epoch, logs):
        ...     raise KeyboardInterrupt  # as Ctrl-C does
        >>> nn = foxnn.neural_network([1, 1], seed=0)
        >>> try:
        ...     nn.fit([[0.0], [1.0]], [[0.0], [1.0]], callbacks=stop)
        ... except KeyboardInterrupt:
        ...     len(nn.history["loss"])
        1
        """
        return self._history

    @answers("train_on_batch")
    def train_on_batch(
        self,
        x: SamplesLike,
        y: ArrayLike,
        optimizer: OptimizerLike = "adam",
        learning_rate: float = 1e-3,
        lengths: ArrayLike | None = None,
        *,
        check_loss: bool = True,
        **others: NoReturn,
    ) -> float:
        """Make one training step on these samples.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
        y : array-like of shape (samples, outputs), or labels of shape (samples,)
            As in `fit`. Labels other than the numbers of the outputs need `classes`, which `fit`
            learns and which can be set.
        optimizer : str or an optimizer, default="adam"
            As in `fit`: its moments stay with the network from step to step.
        learning_rate : float, default=1e-3
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `fit`.
        check_loss : bool, default=True
            As in `fit`, for a loss that is a function.

        Returns
        -------
        float
            The mean loss over the samples, at the weights before the step.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        foxnn.DivergedError
            When the loss or a weight is no longer finite; the network keeps its earlier weights,
            and the optimizer is reset.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 4, 1], seed=1)
        >>> losses = [nn.train_on_batch([[0, 1], [1, 1]], [[1], [0]]) for _ in range(100)]
        >>> losses[-1] < losses[0]
        True
        """
        if others:
            raise unknown("train_on_batch", others)
        rate = learning_rate
        if type(rate) is not float:
            rate = checks.real(rate, "learning_rate", 0.0, open_low=True)
        # The type comes first, so that only optimizers of one type are compared.
        key = (type(optimizer), optimizer, rate, self._settings.__dict__.get("n_threads", 0))
        kept = self._step_plan  # read once: another thread may replace it meanwhile
        if kept is None or kept[0] != key:
            kept = self._new_step_plan(key)
        if self._own_loss is not None or check_loss is not True:
            return self._checked_step(x, y, kept[1], lengths, check_loss)
        classes = self._classes
        is_read_there = classes is None or classes.are_numbers
        loss = None
        if is_read_there and lengths is None:
            loss = _core.step(self, x, y, kept[1], False)
        if loss is None:
            loss = _core.step(self, *self._samples(x, y, lengths=lengths), kept[1], True)
        return self._finite_loss(loss)

    def _checked_step(
        self, x: SamplesLike, y: ArrayLike, plan: _core.Plan, lengths: Any, check_loss: bool
    ) -> float:
        """Make a step whose loss may be a function."""
        is_asked = checks.flag(check_loss, "check_loss") and not self._is_loss_checked
        inputs, wanted = self._samples(x, y, lengths=lengths)
        own = self._own(wanted, checks_gradient=is_asked)
        loss = _core.step(self, inputs, wanted, plan, True, own)
        self._is_loss_checked |= own is not None and own.is_checked
        return self._finite_loss(loss)

    def _finite_loss(self, loss: float | None) -> float:
        assert loss is not None
        if loss != loss:
            from foxnn.training.advice import diverged_network

            raise diverged_network(self, "after this step (the optimizer is reset)")
        return loss

    @answers("backward")
    def backward(
        self,
        x: SamplesLike,
        gradient: ArrayLike,
        optimizer: OptimizerLike = "adam",
        learning_rate: float = 1e-3,
        lengths: ArrayLike | None = None,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        **others: NoReturn,
    ) -> Any:
        """Make one step along a gradient by the outputs, and return that by the inputs.

        For losses that depend on more than one network or one batch: policy gradients, two networks
        in a chain, of which the second's gradient by its inputs is the first's by its outputs.

        The outputs are those of `predict`: the samples go through the network as there, dropout
        leaves nothing out, and `BatchNorm` takes its running mean and variance, and keeps them. To
        learn with dropout, or with the statistics of batches, give the network a function as loss.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
        gradient : array-like of shape (samples, outputs)
            d loss / d outputs as `predict` returns them, also in the network's output shape. The
            gradient of the weights is the sum over the samples, as in PyTorch: for the mean, divide
            by their number.
        optimizer : str or an optimizer, default="adam"
            As in `train_on_batch`: its moments stay with the network from step to step.
        learning_rate : float, default=1e-3
            0.0 makes no step, and changes nothing, neither weights nor moments.
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `predict`. A gradient of steps is padded likewise, or a list
            of arrays.
        l1, l2 : float, default=0.0
        clip_norm, clip_value : float, optional
            As in `fit`. They concern the step, not what is returned.

        Returns
        -------
        ndarray of shape (samples, inputs), of the network's type
            d loss / d inputs at the weights before the step. Or samples of the network's input
            shape; a list where x is a list of sequences. Zero where inputs are indices.

        Raises
        ------
        ValueError, TypeError
            As `fit`; the network is left unchanged.
        foxnn.DivergedError
            When an output or a weight is no longer finite; the network keeps its earlier weights,
            and the optimizer is reset.

        Examples
        --------
        A loss of 3 a for the only sample:

        >>> import foxnn
        >>> nn = foxnn.neural_network([2, 1], "identity", init="zeros", dtype="float64")
        >>> nn[0].weights = [[0.5], [-1.0]]
        >>> nn.backward([[1.0, 2.0]], [[3.0]], "sgd", learning_rate=0.1).tolist()
        [[1.5, -3.0]]
        >>> nn[0].weights.round(2).tolist()
        [[0.2], [-1.6]]
        """
        if others:
            raise unknown("backward", others)
        from foxnn.training.backward import gone_back

        told = (optimizer, learning_rate, l1, l2, clip_norm, clip_value)
        return gone_back(self, x, gradient, lengths, told)

    def quantize(self, x: SamplesLike) -> quantized_network:
        """Return a network of 8 bits with about the same answers, which is often faster.

        Weights become int8, with a scale for each neuron or filter; the values between layers
        become uint8, with a scale and a zero for each layer, such that the smallest and the largest
        number that samples give there are just within them. Sums are exact in 32 bits. Outputs are
        float32. `Dense`, convolutions without groups, pools, `BatchNorm` and activations are
        computed so; from the first other layer on, the rest of the network stays in float32.

        It is worthwhile where the processor has dot products of bytes (AVX-512 VNNI, AVX-VNNI). It
        needs a quarter of the memory anywhere.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            Some hundred samples that are like those to be answered, in the type in which these will
            be passed: their range decides. Numbers beyond it are later taken as its ends.

        Returns
        -------
        foxnn.quantized_network
            It answers only. It keeps `classes`, `notes`, scalers, names and settings.

        Raises
        ------
        ValueError
            If the network begins with other layers, or reads sequences of any length, and for
            samples that are not finite, here or in a layer.
        RuntimeError
            While another thread trains the network.

        Notes
        -----
        The same scheme as static quantization in ONNX Runtime and PyTorch: Jacob et al.,
        Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
        Inference, CVPR 2018. A function other than relu is looked up in a table of 1,024 bytes.

        Examples
        --------
        >>> import foxnn
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 200).reshape(100, 2)
        >>> nn = foxnn.neural_network([2, 16, 1], "tanh", "identity", seed=1)
        >>> small = nn.quantize(x)
        >>> bool(np.abs(small.predict(x) - nn.predict(x)).max() < 0.02)
        True
        """
        from foxnn.quantized.network import quantized_from  # late: few programs need it

        return quantized_from(self, x)

    def _new_step_plan(
        self, key: tuple[type, OptimizerLike, float, int]
    ) -> tuple[tuple[Any, ...], _core.Plan]:
        """Return the plan of a step, which is kept for the next one with the same arguments."""
        from foxnn.training.update_rules import RULES, rule_of

        kind, optimizer, rate, threads = key
        rate = checks.real(rate, "learning_rate", 0.0, open_low=True)
        plan = _core.Plan(rule_of(optimizer), rate, shuffle=False, threads=threads)
        _core.check_plan(self, plan)
        # Others than our own may define comparison differently: their plans are never kept.
        self._step_plan = (key, plan) if kind is str or kind in RULES else None
        return key, plan


def _say_neural_network() -> None:
    """Let messages of Python, tracebacks and help name the class that users know."""
    for base in neural_network.__mro__[1:]:
        if base.__module__.partition(".")[0] == "foxnn" and base is not _core.Network:
            # Pickles of methods look for the class in the module of the method.
            vars(sys.modules[base.__module__])[neural_network.__name__] = neural_network
            for name, method in vars(base).items():
                if isinstance(method, FunctionType):
                    name = f"{neural_network.__qualname__}.{name}"
                    # Python names what a decorator calls by its own name.
                    for one in (method, getattr(method, "__wrapped__", method)):
                        one.__qualname__ = name


_say_neural_network()
