"""One sequence through a network as it comes: the answer to one more step, and the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.layers.chain import reader_of_indices
from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kinds import called
from foxnn.layers.windows import shown_padding

if TYPE_CHECKING:
    from foxnn.model.base import BaseNetwork

# Layers that give the same number of steps, each from the step of their input alone.
_AT_EACH_STEP = ("activation", "batch_norm", "dropout", "embedding", "layer_norm")
_WINDOWS = ("conv1d", "max_pool1d", "average_pool1d")
_RECURRENT = ("rnn", "gru", "lstm")

# The most steps of a state: the engine counts in 64 bits, and has room for what comes after. Other
# programs that keep the number as a float hold it exactly, too.
_MOST_STEPS = 2**53
_TO_COME = "; a stream reads steps as they come, forwards, one by one"


class Stream:
    """One sequence that a network reads as it comes; `stream` of a network makes it.

    Called with a step, it returns the answer to all steps so far, with the bits of `predict`. It
    remembers what the next steps need, and sees the weights that the network has at the moment.

    Attributes
    ----------
    network : neural_network
    state : dict of str to ndarray

    Notes
    -----
    A thread that reads a long block lets others run; another call of the same stream meanwhile
    raises RuntimeError. If another thread trains the network meanwhile, later steps of the block
    may be read with other weights than earlier ones. A network of a fixed number of steps, such as
    (5, 3), answers before the fifth step and after it, too, where `predict` refuses the sequence.

    A stream neither pickles nor copies: keep the network and `state`.

    Examples
    --------
    >>> import foxnn
    >>> import numpy as np
    >>> nn = foxnn.neural_network([(None, 2), foxnn.LSTM(4), 1], seed=1)
    >>> x = np.random.default_rng(0).normal(size=(5, 2))
    >>> stream = nn.stream()
    >>> answers = [stream(step) for step in x]
    >>> bool(answers[-1] == nn.get_out(x))
    True
    """

    __slots__ = ("_answer", "_engine", "_nn")

    def __init__(self, network: BaseNetwork) -> None:
        _check_streams(network)
        self._nn = network
        self._engine = _core.Stream(network)
        self._answer = self._engine.answer

    @property
    def network(self) -> BaseNetwork:
        """The network that reads."""
        return self._nn

    def __call__(self, x: ArrayLike) -> Array | None:
        """Return the answer to one more step, or to several.

        Parameters
        ----------
        x : array-like of shape (features,) or (steps, features)
            A step, or a block of steps. For a network whose first layer is `Embedding`, a whole
            number, or several.

        Returns
        -------
        ndarray or None
            Of a step, the answer to all steps so far: (outputs,). Of a block, (steps, outputs), an
            answer after each step, if the network's outputs are sequences; otherwise the answer
            after the last step, (outputs,). None if there is no answer: before the first window of
            a convolution or a pool is complete and, where its stride is above 1, after steps that
            complete none. A block then has fewer answers than steps, perhaps none.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN, and if the layers of the network have changed
            since. The state stays as it was.
        OverflowError
            If an answer is NaN because layers overflow the network's type. The state stays.
        """
        found = self._answer(x)
        return self._checked(x) if found is NotImplemented else found

    def _checked(self, x: ArrayLike) -> Array | None:
        """Return the answer to steps of any kind."""
        network, engine = self._nn, self._engine
        network._check_names(x, "x")
        tail, width = network._input_shape()[1:], engine.channels()
        array = checks.as_array(x, "x")
        is_step = array.shape == tail or (tail == (1,) and array.ndim == 0)
        if not is_step and (array.ndim != 1 + len(tail) or array.shape[1:] != tail):
            raise ValueError(
                f"x must be a step of shape {tail} or a block of shape {_block(tail)}, got "
                f"{array.shape}"
            )
        if len(array.reshape(-1)) == 0:
            raise ValueError(f"x must hold at least one step, got shape {array.shape}")
        rows = checks.matrix(array.reshape(-1, width), "x", width, "features", finite=False)
        if not checks.all_finite(rows, network._single()):
            _refuse_infinite(rows, is_step, network._single())
        if limit := network._index_limit():
            _check_indices(rows, is_step, limit, network)
        out = engine.read(rows)
        if out is None:
            kind = " in float32" if network._single() else ""
            raise ValueError(f"x must be finite{kind} as input_scaler scales it")
        if engine.gives_sequences():
            return out if not is_step else out[0] if len(out) else None
        return out[0].reshape(network._output_shape()) if len(out) else None

    @property
    def state(self) -> dict[str, Array]:
        """What the next answers depend on, besides the weights: a copy is read, a mapping is set.

        "steps" is how many steps were read. Each recurrent layer has its state after the last one,
        (units,): "lstm_0.h" for a layer of the name "lstm_0", and of an LSTM its memory "lstm_0.c",
        too. A convolution or a pool has the steps of its input that it still needs,
        (steps, channels): "conv1d_0.inputs". `np.savez(file, **stream.state)` keeps it.
        """
        steps, arrays = self._engine.state()
        return {"steps": np.array(steps, np.int64)} | dict(zip(self._names(), arrays, strict=True))

    @state.setter
    def state(self, given: Mapping[str, ArrayLike]) -> None:
        if not isinstance(given, Mapping):
            raise TypeError(
                "state must be a mapping of names to arrays, as `state` returns it, got "
                f"{checks.shown(given)}"
            )
        names = ["steps", *self._names()]
        if sorted(map(str, given)) != sorted(names):
            raise ValueError(
                f"state must have the arrays {', '.join(names)}, got {', '.join(map(str, given))}"
            )
        steps_given = np.asarray(given["steps"])
        steps = checks.integer(
            steps_given.item() if steps_given.ndim == 0 else given["steps"],
            'state["steps"]',
            0,
            _MOST_STEPS,
        )
        arrays = []
        for name, (_, _, shape) in zip(names[1:], self._engine.places(steps), strict=True):
            shown = f'state["{name}"]'
            array = checks.as_array(given[name], shown)
            if array.shape != tuple(shape):
                raise ValueError(
                    f"{shown} must have shape {tuple(shape)} after {steps} steps, got {array.shape}"
                )
            kind = np.float32 if self._nn._single() else np.float64
            with np.errstate(over="ignore"):
                values = np.ascontiguousarray(array, kind)
            if not np.isfinite(values).all():
                raise ValueError(f"{shown} must be finite in {np.dtype(kind).name}")
            if steps == 0 and values.any():
                raise ValueError(
                    f"{shown} must be zero after 0 steps, got {values[values != 0][0]}; how many "
                    'steps were read is in state["steps"]'
                )
            arrays.append(values)
        self._engine.set_state(steps, arrays)

    def _names(self) -> Iterator[str]:
        """Yield the names of the state's arrays."""
        names = [layer.name for layer in self._nn]
        for layer, array, _ in self._engine.places(0):
            yield f"{names[layer]}.{array}"

    def reset(self) -> None:
        """Forget all steps: the next one is the first of another sequence."""
        self._engine.reset()

    def __repr__(self) -> str:
        return f"<stream of {self._nn!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a stream neither pickles nor copies: keep its network and its `state`, and set the "
            "state of a new stream"
        )


def _block(tail: tuple[int, ...]) -> str:
    return str(("steps", *tail)).replace("'", "")


def _refuse_infinite(rows: Array, is_step: bool, is_single: bool) -> NoReturn:
    """Raise ValueError for the first number of the steps that is not finite in the type."""
    with np.errstate(over="ignore"):
        wrong = ~np.isfinite(rows.astype(np.float32) if is_single else rows)
    step, channel = (int(i) for i in np.argwhere(wrong)[0])
    value = rows[step, channel]
    kind = " in float32" if is_single else ""
    remedy = ""
    if np.isfinite(value):
        remedy = "; scale the steps, or let the network be of dtype='float64'"
    where = f"channel {channel}" if is_step else f"step {step}, channel {channel}"
    raise ValueError(f"x must be finite{kind}, got {value} in {where}{remedy}")


def _check_indices(rows: Array, is_step: bool, limit: int, network: BaseNetwork) -> None:
    """Raise ValueError where a step is no index of the layer that reads it."""
    step = _core.first_no_index(rows, limit)
    if step >= 0:
        where = "" if is_step else f" in step {step}"
        raise ValueError(
            f"x must hold whole numbers from 0 to {limit - 1}, the indices of "
            f"{reader_of_indices(network, limit)}, got {rows[step, 0]:.15g}{where}"
        )


def _check_streams(network: BaseNetwork) -> None:
    """Raise ValueError unless the network can read a sequence step by step."""
    layers, shape = network._layers(), network._input_shape()
    if len(shape) != 2 and not (len(shape) == 1 and _first_reader(layers) == "embedding"):
        raise ValueError(
            "stream needs a network that reads sequences, of input shape (steps, features), got "
            f"{shape}"
        )
    for i, part in enumerate(layers):
        where, kind, options = called(f"layer {i}", part), part["kind"], part["options"]
        if kind == "embedding" and len(part["input_shape"]) > 1:
            raise ValueError(f"stream: {where} must read one number a step, got several")
        if why := _why_not(kind, options):
            raise ValueError(f"stream: {where} {why}")
        if kind in _RECURRENT and not options.get("return_sequences", False):
            _check_tail(layers, i + 1)
            break


def _first_reader(layers: list[dict[str, Any]]) -> str:
    """Return the kind of the first layer that computes anything."""
    return next((part["kind"] for part in layers if part["kind"] != "dropout"), "")


def _check_tail(layers: list[dict[str, Any]], first: int) -> None:
    for i, part in enumerate(layers[first:], first):
        if part["kind"] in COMPOSITES:
            raise ValueError(f"stream: {called(f'layer {i}', part)} has branches")


def _why_not(kind: str, options: Mapping[str, Any]) -> str | None:
    """Return why a layer cannot read a stream; None if it can."""
    if kind in _RECURRENT:
        for name in ("bidirectional", "reverse"):
            if options.get(name, False):
                return f"has {name}=True, so that it begins at the last step{_TO_COME}"
        return None
    if kind in _WINDOWS:
        if options["padding"] == "valid":
            return None
        padding = shown_padding(options["padding"])
        return f"has padding={padding!r}, so that it reads steps to come{_TO_COME}"
    if kind == "dense" and options.get("each_position", False):
        return None
    if kind in _AT_EACH_STEP:
        return None
    if kind in COMPOSITES:
        return "has branches"
    if kind == "up_sample":
        return "gives several steps for each, where a stream gives one answer at most"
    return f"needs all steps at once{_TO_COME}"
