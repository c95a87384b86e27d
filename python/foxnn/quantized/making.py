"""From a network to a quantized one: which layers take bytes, and the stages that they become.

The layers from the first one on that has no form of 8 bits stay as they are, in float32: the head.
The activation of the last layer of bytes is in it, so that outputs do not end as bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array, SamplesLike
from foxnn.formats.folding import array_of, folded
from foxnn.formats.saved_network import SavedNetwork
from foxnn.layers.kind import Spec
from foxnn.layers.kinds import leaves, placed, public_name
from foxnn.layers.padding import pads_of
from foxnn.layers.specs import spec_of
from foxnn.layers.steps import varies
from foxnn.model import state
from foxnn.model.byte_stages import Axes, ByteNetwork, Stage
from foxnn.model.scaler import shift_and_scale
from foxnn.model.settings import values_of
from foxnn.quantized.ranges import CUT, Part, Ranges, made_of
from foxnn.quantized.rounding import Bytes, factors, function_of, table_of, weights_of

_AXES = 3

# Layers that only say how the same numbers are arranged, or that do nothing to answers.
_NOTHING = ("flatten", "reshape", "dropout")
# Columns of inputs that differ by no more than this in size have one scale.
_ALIKE = 8.0
_WEIGHTED = ("dense", "conv1d", "conv2d", "conv3d")


def quantized(network: SavedNetwork, x: SamplesLike) -> tuple[ByteNetwork, SavedNetwork, int]:
    """Return the part that takes bytes, the head, and how many layers are in the first.

    See `neural_network.quantize`.
    """
    if varies(network._input_shape()):
        raise ValueError(
            "quantize needs samples of one shape, and not sequences of any length: a network of "
            f"samples {network._input_shape()} stays in {network.dtype}"
        )
    given = state.state_of(network) | {"optimizer": None, "steps": 0, "moments": [None, None]}
    twin = SavedNetwork.__new__(SavedNetwork)
    state.make(twin, given)
    network._check_names(x, "x")
    rows = checks.dense(network._rows(x, "x", single=True))
    if len(rows) == 0:
        raise ValueError("x must have at least one sample")
    parts = twin._layers()
    count = next((i for i, part in enumerate(parts) if not _takes_bytes(part)), len(parts))
    if all(part["kind"] not in _WEIGHTED for part in parts[:count]):
        raise ValueError(_refused(parts, count))
    body = [dict(part) for part in folded(parts[:count], twin._array)]
    made = _Stages(twin, body, Ranges(twin, body, rows))
    return made.network(), _head(twin, made.end, parts[count:]), count


def _refused(parts: Sequence[Part], count: int) -> str:
    """Return why a network is refused that has no layer with weights among its first ones."""
    known = ", ".join(map(public_name, _WEIGHTED))
    found = "a network without any"
    if count < len(parts):
        found = next(
            where for where, part in placed(parts, "layers[{}]".format) if part is parts[count]
        )
        found += " with groups before one" if "groups" in parts[count]["options"] else " before one"
    return f"quantize needs a network that begins with layers of 8 bits ({known}), got {found}"


class _Stages:
    """The stages of layers, one after the other."""

    def __init__(self, network: SavedNetwork, parts: Sequence[Part], ranges: Ranges) -> None:
        self.source, self.ranges = network, ranges
        self.stages: list[Stage] = []
        self.columns = self._columns(parts)
        low, high = ranges.inputs
        given = (low.min(), high.max())
        if self.columns is not None:
            given = ((low * self.columns).min(), (high * self.columns).max())
        self.input = self.now = Bytes.of((float(given[0]), float(given[1])))
        # What follows the bytes: the last shape, an activation, and layers that only arrange.
        self.end: tuple[tuple[int, ...], list[Spec]] = ((), [])
        last = max(i for i, part in enumerate(parts) if part["kind"] not in _NOTHING)
        for i, part in enumerate(parts[: last + 1]):
            if part["kind"] not in _NOTHING:
                _BODIES[part["kind"]](self, part, i, is_last=i == last)
        if not self.stages[-1].gives_numbers:
            scale = np.array([self.now.scale])
            size = self.stages[-1].size
            end = Stage("numbers", size, zero=self.now.zero, factors=factors(scale))
            end.gives_numbers = True
            self.stages.append(end)
        after = [spec_of(part) for part in parts[last + 1 :]]
        self.end = tuple(parts[last]["output_shape"]), [*self.end[1], *after]

    def _columns(self, parts: Sequence[Part]) -> Array | None:
        """Return what makes columns of inputs equally large; None: they are read as they are.

        Bytes have one scale for all columns, in which those of small numbers would be lost. Only
        a dense layer can take it back, in its weights.
        """
        first = next(part for part in parts if part["kind"] not in _NOTHING)
        inputs = math.prod(self.source._input_shape())
        if first["kind"] != "dense" or first["arrays"]["weights"][0] != inputs:
            return None
        low, high = self.ranges.inputs
        sizes = np.broadcast_to(np.maximum(np.abs(low), np.abs(high)), (inputs,))
        if sizes.max() == 0.0:
            return None
        largest = sizes.max()
        # Columns of nothing, or nearly so, need not become large.
        found = np.where(sizes > 0, largest / np.maximum(sizes, largest * 2.0**-40), 1.0)
        return found if found.max() > _ALIKE else None

    def network(self) -> ByteNetwork:
        """Return all of them."""
        scaler = self.source.input_scaler
        scaling = None
        if scaler is not None:
            shift, scale = shift_and_scale(scaler)
            scaling = shift, 1.0 / scale
        if self.columns is not None:
            shift, factor = scaling or (np.zeros_like(self.columns), np.ones_like(self.columns))
            scaling = shift, factor * self.columns
        inputs = math.prod(self.source._input_shape())
        return ByteNetwork(inputs, self.input.rounding(), self.stages, scaling)

    def product(self, part: Part, i: int, is_last: bool, **windows: Any) -> None:
        """Add a layer with weights."""
        weights = array_of(part, "weights", self.source._array)
        if not self.stages and self.columns is not None:
            weights = weights.astype(np.float64) / self.columns[:, None]
        bias = np.zeros(weights.shape[-1])
        if "bias" in part["arrays"]:
            bias = array_of(part, "bias", self.source._array).astype(np.float64)
        whole = weights_of(weights, bias, self.now.scale)
        scales = self.now.scale * whole.scales
        stage = Stage(
            "product", weights=whole.weights, bias=whole.bias, zero=self.now.zero, **windows
        )
        name, parameters = part["options"]["activation"], part["options"]["parameters"]
        if is_last:
            stage.gives_numbers, stage.factors = True, factors(scales)
            options = {"activation": name, "parameters": list(parameters)}
            self.end = (), [{"kind": "activation", "options": options}]
        elif name in CUT:
            self.now = Bytes.of(self.ranges.outputs(i))
            stage.rounding = self.now.rounding()._replace(factor=1.0)
            if name == "relu":
                stage.rounding = stage.rounding._replace(lowest=0.0)
            stage.factors = factors(scales / self.now.scale)
        else:
            self.now = Bytes.of(self.ranges.outputs(i))
            table = table_of(self.source, name, parameters, self.ranges.sums(i), self.now)
            stage.rounding, stage.table = table.rounding, table.entries
            stage.factors = factors(scales / table.scale)
        self.stages.append(stage)

    def table(self, i: int, channels: int, positions: int, values: Array) -> None:
        """Add what becomes of each byte: numbers (256,), or (channels, 256)."""
        self.now = Bytes.of(self.ranges.outputs(i))
        entries = self.now.of_numbers(values).reshape(-1)
        axes = (1, 1, positions)
        self.stages.append(Stage("table", channels, axes, axes, table=entries))


def _dense(to: _Stages, part: Part, i: int, is_last: bool) -> None:
    channels = part["arrays"]["weights"][0]
    positions = math.prod(part["input_shape"]) // channels
    axes = (1, 1, positions)
    to.product(part, i, is_last, channels=channels, inputs=axes, outputs=axes)


def _conv(to: _Stages, part: Part, i: int, is_last: bool) -> None:
    to.product(part, i, is_last, **_windows(part))


def _pool(kind: str) -> Callable[..., None]:
    def body(to: _Stages, part: Part, i: int, is_last: bool) -> None:
        to.stages.append(Stage(kind, **_windows(part)))

    return body


def _activation(to: _Stages, part: Part, i: int, is_last: bool) -> None:
    name, parameters = part["options"]["activation"], part["options"]["parameters"]
    if is_last:  # in float32, of what the bytes stand for
        to.end = (), [spec_of(part)]
        return
    *positions, channels = part["input_shape"]
    values = function_of(to.source, name, parameters, to.now.numbers())
    to.table(i, channels, math.prod(positions), values)


def _batch_norm(to: _Stages, part: Part, i: int, is_last: bool) -> None:
    names = "weights", "bias", "running_mean", "running_variance"
    gain, shift, mean, variance = (
        to.source._array(part["index"], name).astype(np.float64)[:, None] for name in names
    )
    deviation = np.sqrt(variance + part["options"]["epsilon"])
    values = (to.now.numbers() - mean) / deviation * gain + shift
    *positions, channels = part["input_shape"]
    to.table(i, channels, math.prod(positions), values)


def _windows(part: Part) -> dict[str, Any]:
    """Return the windows of a convolution or a pool along three axes, and its channels."""
    *positions, channels = part["input_shape"]
    options = dict(part["options"])
    outputs = list(part["output_shape"][:-1])
    if "kernel" not in options:  # a global pool, of one window
        positions = positions if len(positions) <= _AXES else [math.prod(positions)]
        ones = [1] * len(positions)
        options = {"kernel": positions, "stride": ones, "padding": "valid"}
        outputs = ones
    pads = pads_of((*positions, channels), options)
    dilation = options.get("dilation", [1] * len(positions))

    def axes(lengths: Sequence[float], usual: int = 1) -> Axes:
        first, second, third = [usual] * (_AXES - len(lengths)) + [int(n) for n in lengths]
        return first, second, third

    return {
        "channels": channels,
        "inputs": axes(positions),
        "outputs": axes(outputs),
        "kernel": axes(options["kernel"]),
        "stride": axes(options["stride"]),
        "dilation": axes(dilation),
        "before": axes([before for before, _ in pads], 0),
    }


#: What each kind becomes; the layers from the first one on that is not here are not quantized.
_BODIES: dict[str, Callable[..., None]] = {
    "dense": _dense,
    **{f"conv{axes}d": _conv for axes in (1, 2, 3)},
    **{f"max_pool{axes}d": _pool("largest") for axes in (1, 2, 3)},
    **{f"average_pool{axes}d": _pool("average") for axes in (1, 2, 3)},
    "global_max_pool": _pool("largest"),
    "global_average_pool": _pool("average"),
    "activation": _activation,
    "batch_norm": _batch_norm,
}


def _takes_bytes(part: Mapping[str, Any]) -> bool:
    return part["kind"] in (*_BODIES, *_NOTHING) and part["options"].get("groups", 1) == 1


def _head(
    network: SavedNetwork, end: tuple[tuple[int, ...], list[Spec]], parts: Sequence[Part]
) -> SavedNetwork:
    """Return what follows the bytes, in float32, with everything that a network keeps beside."""
    shape, specs = end
    if not specs and not parts:
        specs = [{"kind": "activation", "options": {"activation": "identity_x", "parameters": []}}]
    before = len(specs)
    made = made_of(network, shape, [*specs, *map(spec_of, parts)])
    rest = leaves(made._layers()[before:])
    for leaf, own in zip(leaves(parts), rest, strict=True):
        for name in leaf["arrays"]:
            with np.errstate(over="ignore"):
                array = network._array(leaf["index"], name).astype(np.float32)
            if not np.isfinite(array).all():
                raise ValueError(
                    f"quantize needs weights that are finite in float32, but {name} of a "
                    f"{public_name(leaf['kind'])} are not: it stays in {network.dtype}"
                )
            made._set_array(own["index"], name, array)
    made._take_loss(network.loss)
    made._loss_given = True
    made._set_scalers(None, network.output_scaler)
    state.set_settings(made.settings, values_of(network.settings))
    made.classes = network.classes
    made.notes = network.notes
    return made
