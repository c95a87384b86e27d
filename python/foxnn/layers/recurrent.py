"""Layers that read a sequence step by step: `RNN`, `GRU`, `LSTM`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.dense_kind import LARGEST
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_name,
)
from foxnn.layers.names import INIT_NAMES

# Options with two values, and their defaults. Those that have the default are left out of a spec.
_FLAGS = {"return_sequences": False, "bidirectional": False, "reverse": False, "bias": True}


def _checked(given: Mapping[str, Any]) -> Options:
    if "units" not in given:
        raise ValueError("lacks the option units")
    if others := sorted(set(given) - {"units", *_FLAGS}):
        raise ValueError(f"has no option {checks.shown(others[0])}")
    options: Options = {"units": checks.integer(given["units"], "units", 1, LARGEST)}
    options |= {name: checks.flag(given[name], name) for name in _FLAGS if name in given}
    _check_directions(options.get("bidirectional", False), options.get("reverse", False))
    return options


def _check_directions(bidirectional: bool, reverse: bool) -> None:
    if bidirectional and reverse:
        raise ValueError(
            "reverse must be False for a layer that is bidirectional, which reads both ways; got "
            "True"
        )


def _output_shape(shape: Shape, options: Options) -> Shape:
    if len(shape) != 2:
        raise ValueError(f"needs an input of shape (steps, features), got {shape}")
    units = options["units"] * (2 if options.get("bidirectional", False) else 1)
    return (shape[0], units) if options.get("return_sequences", False) else (units,)


def _arrays_of(gates: int, *biases: str) -> Callable[[Shape, Options], dict[str, Shape]]:
    def arrays(shape: Shape, options: Options) -> dict[str, Shape]:
        columns = gates * options["units"]
        own: dict[str, Shape] = {
            "weights": (shape[-1], columns),
            "recurrent_weights": (options["units"], columns),
        }
        if options.get("bias", True):
            own |= dict.fromkeys(biases, (columns,))
        if options.get("bidirectional", False):
            own |= {f"reverse_{name}": length for name, length in own.items()}
        return own

    return arrays


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    given = {name: options.get(name, default) for name, default in _FLAGS.items()}
    return [options["units"]], {n: v for n, v in given.items() if v != _FLAGS[n]}


def _kind(name: str, gates: int, *biases: str) -> Kind:
    arrays = _arrays_of(gates, *biases)
    return Kind(name, name.upper(), _checked, _output_shape, arrays, _shown, has_init=True)


@dataclass(frozen=True, repr=False, eq=False)
class _Recurrent(Description):
    """What the descriptions have in common."""

    units: int
    _: KW_ONLY
    return_sequences: bool = False
    bidirectional: bool = False
    reverse: bool = False
    bias: bool = True
    init: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        flags = {name: checks.flag(getattr(self, name), name) for name in _FLAGS}
        _check_directions(flags["bidirectional"], flags["reverse"])
        self._keep(
            units=checks.integer(self.units, "units", 1, LARGEST),
            **flags,
            init=None if self.init is None else INIT_NAMES.known(self.init, "init"),
            name=checked_name(self.name),
        )

    def _options(self) -> Options:
        given = {name: getattr(self, name) for name in _FLAGS}
        return {"units": self.units} | {n: v for n, v in given.items() if v != _FLAGS[n]}


@answering()
class RNN(_Recurrent):
    """A plain recurrent layer: h' = tanh(x W + h U + b) at each step, from a state h of zeros.

    (Elman, "Finding structure in time", 1990.) From (steps, features) to (units,), the state after
    the last step, or to (steps, units). Long sequences are better left to `GRU` and `LSTM`, whose
    gradients do not vanish as fast.

    Parameters
    ----------
    units : int
        Numbers of the state, and outputs.
    return_sequences : bool, default=False
        Whether the outputs are the states after every step, and not the last one.
    bidirectional : bool, default=False
        As in `LSTM`.
    reverse : bool, default=False
        Whether the sequence is read from its end to its beginning.
    bias : bool, default=True
        Whether biases are added.
    init : str, optional
        How "weights" are initialized; by default as for the network.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" W (features, units), "recurrent_weights" U (units, units) and "bias"
    (units,), which starts at 0; with `bidirectional` also "reverse_weights" and so on. U starts as
    a random orthogonal matrix, as in Keras. Penalties and weight decay apply to W and U.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(5, 3), foxnn.RNN(4, return_sequences=True), foxnn.RNN(6), 2])
    >>> [layer.output_shape for layer in nn]
    [(5, 4), (6,), (2,)]
    """

    kind: ClassVar[Kind] = _kind("rnn", 1, "bias")


@answering()
class GRU(_Recurrent):
    """A layer of gated recurrent units, which reads a sequence step by step.

    From (steps, features) to (units,), the state h after the last step, or to (steps, units). At
    each step (Cho et al., "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation", 2014), from a state of zeros and with the sigmoid function s,
    as in PyTorch, and in Keras with `reset_after`:

    - r = s(x Wr + h Ur + br + cr)
    - z = s(x Wz + h Uz + bz + cz)
    - n = tanh(x Wn + bn + r * (h Un + cn))
    - h' = (1 - z) * n + z * h

    Parameters
    ----------
    units : int
        Numbers of the state, and outputs.
    return_sequences : bool, default=False
        Whether the outputs are the states after every step, and not the last one.
    bidirectional : bool, default=False
        As in `LSTM`.
    reverse : bool, default=False
        Whether the sequence is read from its end to its beginning.
    bias : bool, default=True
        Whether biases are added.
    init : str, optional
        How "weights" are initialized; by default as for the network.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" W (features, 3 * units), "recurrent_weights" U (units, 3 * units),
    "bias" b (3 * units,) and "recurrent_bias" c (3 * units,), with the gates in the order r, z, n;
    with `bidirectional` also "reverse_weights" and so on. U starts as a random orthogonal matrix
    for each gate, as in Keras; biases start at 0. Penalties and weight decay apply to W and U.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(5, 3), foxnn.GRU(4, bidirectional=True), 2])
    >>> nn[0].output_shape, nn[0].arrays["reverse_recurrent_weights"].shape
    ((8,), (4, 12))
    """

    kind: ClassVar[Kind] = _kind("gru", 3, "bias", "recurrent_bias")


@answering()
class LSTM(_Recurrent):
    """A layer of long short-term memory, which reads a sequence step by step.

    From (steps, features) to (units,), the state h after the last step, or to (steps, units). At
    each step (Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to
    forget", 2000), from a state h and a memory c of zeros and with the sigmoid function s, as in
    Keras and PyTorch:

    - i = s(x Wi + h Ui + bi)
    - f = s(x Wf + h Uf + bf)
    - g = tanh(x Wg + h Ug + bg)
    - o = s(x Wo + h Uo + bo)
    - c' = f * c + i * g
    - h' = o * tanh(c')

    Parameters
    ----------
    units : int
        Numbers of the state, and outputs.
    return_sequences : bool, default=False
        Whether the outputs are the states after every step, (steps, units), and not the last one.
    bidirectional : bool, default=False
        Whether a second set of arrays reads the sequence from its end to its beginning. The outputs
        of both lie side by side, 2 * units of them: at each step, the states of both at that step;
        without `return_sequences`, the state of each after the last step that it reads.
    reverse : bool, default=False
        Whether the sequence is read from its end to its beginning. The states of `return_sequences`
        stay in the order of the steps.
    bias : bool, default=True
        Whether biases are added.
    init : str, optional
        How "weights" are initialized; by default as for the network. "uniform" draws "bias", too.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" W (features, 4 * units), "recurrent_weights" U (units, 4 * units) and
    "bias" b (4 * units,), with the gates in the order i, f, g, o; with `bidirectional` also
    "reverse_weights" and so on. U starts as a random orthogonal matrix for each gate, and the
    biases of f at 1, as in Keras; the other biases start at 0. Penalties and weight decay apply to
    W and U.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(5, 3), foxnn.LSTM(4), 2])
    >>> nn[0].output_shape, nn[0].arrays["bias"].tolist()[4:8]
    ((4,), [1.0, 1.0, 1.0, 1.0])
    """

    kind: ClassVar[Kind] = _kind("lstm", 4, "bias")
