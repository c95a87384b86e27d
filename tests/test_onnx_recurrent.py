"""Recurrent layers through ONNX: ours, files of PyTorch, and graphs of other libraries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import GRU, LSTM, RNN, Conv1D, Dense, Embedding, GlobalAveragePool, MaxPool1D, Residual
from test_onnx_graphs import RECORDS, refused
from test_onnx_layers import listed, through
from test_onnx_windows import FLOAT, RNG, assert_close, helper, numpy_helper, onnx, ran

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


# Ours


RECURRENT = [row for row in kinds.ROWS if any(f"{kind}(" in repr(row.items) for kind in KINDS)]


@pytest.mark.parametrize("row", RECURRENT, ids=lambda row: row.name)
def test_onnxruntime_agrees_and_the_list_comes_back(row: kinds.Row, tmp_path: Path) -> None:
    nn = row.network("float32")
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 9).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert listed(again) == listed(nn)
    assert kinds.bits(again) == kinds.bits(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


LENGTHS: dict[str, list[Any]] = {
    **{name: [(None, 3), kind(5, bidirectional=True), 2] for name, kind in KINDS.items()},
    "sequences": [(None, 3), LSTM(5, return_sequences=True), Dense(2)],
    "windows": [
        (None, 3), Conv1D(4, 3, stride=2, padding="same"), MaxPool1D(2, padding="same"),
        Conv1D(4, 4, dilation=2, padding="same"), GRU(5, reverse=True, return_sequences=True),
        GlobalAveragePool(), 2,
    ],
    "words": [(None,), Embedding(9, 4), Residual(GRU(4, return_sequences=True)), LSTM(3)],
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_sequences_of_any_length(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(LENGTHS[name], "tanh", seed=1)
    again = through(nn, tmp_path)
    assert again._input_shape() == nn._input_shape()
    assert listed(again) == listed(nn)
    assert kinds.bits(again) == kinds.bits(nn)
    for steps in (1, 8, 11, 64):
        x = np.float32(RNG.integers(0, 9, (4, steps, *nn._input_shape()[1:])))
        assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
        assert again.predict(x).tobytes() == nn.predict(x).tobytes()
    shape = onnx.load(tmp_path / "net.onnx").graph.input[0].type.tensor_type.shape
    assert [d.dim_param for d in shape.dim][:2] == ["samples", "steps"]


# PyTorch's


TORCH: dict[str, dict[str, Any]] = json.loads((RECORDS / "pytorch_recurrent.json").read_text())
# What foxnn lacks. The newer exporter writes an RNN as one product for each step.
REFUSED = {
    "rnn_relu_script": "(RNN): expected the activations Tanh, got Relu",
    "rnn_dynamo": "(Expand)",
    "rnn_relu_dynamo": "(Expand)",
    "rnn_last_dynamo": "(Expand)",
    "lstm_last_both": "(Gather): expected the last states by the output Y_h, or the last step of",
    "lstm_memory": "(Gather): expected the states h of a layer, not its memory",
    "steps_first": "(LSTM): expected samples as the first axis of the input (batch_first=True)",
}


@pytest.mark.parametrize("name", TORCH)
def test_files_of_pytorch(name: str, tmp_path: Path) -> None:
    stem = name.removeprefix("pytorch_").removesuffix(".onnx")
    message = REFUSED.get(stem) or REFUSED.get(stem.rpartition("_")[0])
    if message is not None:
        assert message in refused(RECORDS / name)
        return
    nn = foxnn.neural_network(RECORDS / name)
    x, expected = (np.float32(TORCH[name][key]) for key in ("inputs", "outputs"))
    assert_close(nn.predict(x), expected)
    assert "Parallel" not in repr(nn)
    assert again_same(nn, x, tmp_path)


def again_same(nn: foxnn.neural_network, x: np.ndarray, folder: Path) -> bool:
    again = through(nn, folder)
    return listed(again) == listed(nn) and again.predict(x).tobytes() == nn.predict(x).tobytes()


# Keras'


KERAS: dict[str, dict[str, Any]] = json.loads((RECORDS / "keras_recurrent.json").read_text())
EVERY, DENSE = "return_sequences=True", "Dense({}, activation='identity_x', bias=False)"
# What each network is read as; a GRU and a SimpleRNN are loops in the file.
READ = {
    "lstm": f"LSTM(4, {EVERY})",
    "lstm_last": f"LSTM(4), {DENSE.format(2)}",
    "gru": f"GRU(4, {EVERY})",
    "gru_last": "GRU(4)",
    "rnn": f"RNN(4, {EVERY})",
    "both": f"LSTM(3, {EVERY}, bidirectional=True)",
    "both_last": f"Parallel(GRU(3), GRU(3, reverse=True)), {DENSE.format(1)}",
    "reversed": "LSTM(4, reverse=True)",
    "deep": f"LSTM(4, {EVERY}), GRU(3, {EVERY}), Dense(2, activation='softmax', bias=False)",
    "any_length": f"LSTM(4, {EVERY}), GRU(3), {DENSE.format(2)}",
    "both_deep": f"Parallel(GRU(3, {EVERY}), GRU(3, {EVERY}, reverse=True)), "
    f"Parallel(RNN(2, {EVERY}), RNN(2, {EVERY}, reverse=True)), Dense(1, activation='tan_h')",
    "both_summed": f"Residual(GRU(3, {EVERY}), shortcut=GRU(3, {EVERY}, reverse=True)), "
    "Dense(2, activation='identity_x', bias=False)",
    "mean": f"GRU(4, {EVERY}), GlobalAveragePool(), {DENSE.format(2)}",
    "largest": f"RNN(4, {EVERY}), GlobalMaxPool()",
    "batch_norm": f"GRU(4, {EVERY}), BatchNorm(epsilon={2.0**-17}), GRU(3)",
    "no_bias": f"GRU(4, bias=False), {DENSE.format(1)}",
    "any_both": f"Parallel(GRU(3, {EVERY}), GRU(3, {EVERY}, reverse=True)), RNN(2)",
}
NOT_KERAS = {
    "gru_before": "(Loop): expected linear_before_reset=1, as PyTorch's GRU and Keras' with",
    "rnn_relu": "(Loop): expected the activations Tanh, got Relu",
    "backwards": "(Loop): expected states in the order of time, reversed again after a layer that",
    "hard": "(Loop): expected a loop over the steps of a GRU or SimpleRNN, as Keras has them, got",
}


@pytest.mark.parametrize("name", KERAS)
def test_files_of_keras(name: str, tmp_path: Path) -> None:
    stem = name.removeprefix("keras_").rpartition("_")[0]
    if stem in NOT_KERAS:
        assert NOT_KERAS[stem] in refused(RECORDS / name)
        return
    nn = foxnn.neural_network(RECORDS / name)
    x, expected = (np.float32(KERAS[name][key]) for key in ("inputs", "outputs"))
    assert_close(nn.predict(x), expected)
    steps = None if stem.startswith("any") else 6
    assert listed(nn).startswith(f"neural_network([({steps}, 3), {READ[stem]}], loss=")
    assert through(nn, tmp_path).predict(x).tobytes() == nn.predict(x).tobytes()
    assert stem == "batch_norm" or again_same(nn, x, tmp_path)  # whose epsilon has more digits


# Graphs by hand


class Sequences:
    """A graph over samples of 6 steps and 3 features, as tf2onnx and others write them."""

    def __init__(self, batch: Any = "n", steps: Any = 6) -> None:
        self.shape = [batch, steps, 3]
        self.last, self.nodes, self.arrays = "x", list[Any](), list[Any]()

    def constant(self, values: Any) -> str:
        array = np.asarray(values)
        kind = np.int64 if array.dtype.kind == "i" else np.float32
        self.arrays.append(numpy_helper.from_array(array.astype(kind), f"c{len(self.arrays)}"))
        return str(self.arrays[-1].name)

    def add(
        self, kind: str, *given: Any, outputs: int = 1, last: int = 0, **said: Any
    ) -> Sequences:
        """Add a node after the last value; arrays are constants, names other values."""
        names = [g if isinstance(g, str) else self.constant(g) for g in given]
        out = [f"n{len(self.nodes)}.{i}" for i in range(outputs)]
        node = helper.make_node(kind, [self.last, *names], out, f"node{len(self.nodes)}")
        node.attribute.extend(helper.make_attribute(key, value) for key, value in said.items())
        self.nodes.append(node)
        self.last = out[last]
        return self

    def start(self, value: str) -> Sequences:
        self.last = value
        return self

    def turn(self, *perm: int) -> Sequences:
        return self.add("Transpose", perm=list(perm or (1, 0, 2)))

    def layer(
        self, kind: str, *states: Any, inputs: int = 3, ways: int = 1, last: int = 0, **said: Any
    ) -> Sequences:
        """Add a recurrent node of 4 units; `last` is which of its outputs is the next value."""
        rows = 4 * GATES[kind]
        shapes = (ways, rows, inputs), (ways, rows, 4), (ways, 2 * rows)
        arrays = [RNG.normal(size=shape) / 2 for shape in shapes]
        if ways == 2:
            said["direction"] = "bidirectional"
        if kind == "GRU":
            said.setdefault("linear_before_reset", 1)
        outputs = 3 if kind == "LSTM" else 2
        said = {key: value for key, value in said.items() if value is not None}
        return self.add(kind, *arrays, *states, outputs=outputs, last=last, hidden_size=4, **said)

    def write(self, folder: Path, opset: int = 14) -> Path:
        ends = [
            helper.make_tensor_value_info("x", FLOAT, self.shape),
            helper.make_tensor_value_info(self.last, FLOAT, None),
        ]
        graph = helper.make_graph(self.nodes, "g", ends[:1], ends[1:], self.arrays)
        opsets = [helper.make_opsetid("", opset)]
        onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), folder / "g.onnx")
        return folder / "g.onnx"


def zeros(net: Sequences, ways: int = 1) -> str:
    """Add initial states as tf2onnx computes them, and return their name."""
    kept = net.last
    net.start("x").add("Shape").add("Slice", np.array([0]), np.array([1]), np.array([0]))
    samples = net.last
    net.start(net.constant(np.array([ways]))).add("Concat", samples, np.array([4]), axis=0)
    net.add("ConstantOfShape")
    found, net.last = net.last, kept
    return found


def with_states(kind: str, net: Sequences, last: int = 0) -> Sequences:
    state = zeros(net)
    return net.layer(kind, "", *[state] * (2 if kind == "LSTM" else 1), last=last)


def both_apart(kind: str) -> Sequences:
    """Return both directions as two nodes, the second of them reversed, side by side."""
    net = Sequences().turn()
    turned = net.last
    first = net.layer(kind, last=1).add("Squeeze", np.array([0])).last
    net.start(turned).layer(kind, last=1, direction="reverse").add("Squeeze", np.array([0]))
    second = net.last
    return net.start(first).add("Concat", second, axis=1)


LENGTHS_OF_ALL = np.full(5, 6)


def backwards(kind: str, last: int = 0, **said: Any) -> Sequences:
    """Return a layer that reads from the last step to the first, of 5 samples."""
    return Sequences(5).turn().add("ReverseSequence", LENGTHS_OF_ALL).layer(kind, last=last, **said)


def rows(net: Sequences) -> Sequences:
    """Add a dense layer at each step, which has the steps of all samples as its rows."""
    net.add("Reshape", np.array([-1, 4])).add("MatMul", RNG.normal(size=(4, 2)))
    return net.add("Add", RNG.normal(size=2)).add("Tanh").add("Reshape", np.array([-1, 6, 2]))


def every_state(kind: str, **given: Any) -> Sequences:
    return Sequences(**given).turn().layer(kind).add("Squeeze", np.array([1])).turn()


def steps_first() -> Sequences:
    return Sequences().turn().layer("RNN").add("Squeeze", np.array([1]))


def split(kind: str) -> Sequences:
    """Return both directions of a node, taken apart and put side by side at every step."""
    net = Sequences().turn().layer(kind, ways=2)
    states, ends = net.last, []
    for i in range(2):
        net.start(states).add("Slice", np.array([i]), np.array([i + 1]), np.array([1]))
        ends.append(net.add("Squeeze", np.array([1])).turn().last)
    return net.start(ends[0]).add("Concat", ends[1], axis=2)


GRAPHS: dict[str, tuple[Callable[[str], Sequences], str]] = {
    "all states of Keras": (
        lambda kind: with_states(kind, Sequences().turn()).add("Squeeze", np.array([1])).turn(),
        "{}(4, return_sequences=True)",
    ),
    "last state of Keras": (
        lambda kind: with_states(kind, Sequences().turn(), 1).add("Squeeze", np.array([0])),
        "{}(4)",
    ),
    "any length": (
        lambda kind: Sequences(steps="t").turn().layer(kind, last=1).add("Squeeze", np.array([0])),
        "{}(4)",
    ),
    "last step as a slice": (
        lambda kind: Sequences().turn().layer(kind).add("Squeeze", np.array([1])).turn()
        .add("Slice", np.array([-1]), np.array([2**31]), np.array([1]))
        .add("Squeeze", np.array([1])),
        "{}(4)",
    ),
    "last step of a reversed one": (
        lambda kind: Sequences().turn().layer(kind, direction="reverse")
        .add("Squeeze", np.array([1])).add("Gather", np.array(0), axis=0),
        "{}(4, reverse=True)",
    ),
    "two nodes side by side": (both_apart, "Parallel({0}(4), {0}(4, reverse=True))"),
    "directions apart": (split, "{}(4, return_sequences=True, bidirectional=True)"),
    "the second direction alone": (
        lambda kind: Sequences().turn().layer(kind, ways=2, last=1)
        .add("Gather", np.array(1), axis=0),
        "{}(4, reverse=True)",
    ),
    "a fixed batch": (
        lambda kind: Sequences(5).turn().layer(kind, ways=2).turn(0, 2, 1, 3)
        .add("Reshape", np.array([6, 5, 8])).turn(),
        "{}(4, return_sequences=True, bidirectional=True)",
    ),
    "read backwards": (
        lambda kind: backwards(kind).add("Squeeze", np.array([1])).turn()
        .add("ReverseSequence", LENGTHS_OF_ALL, time_axis=1, batch_axis=0),
        "{}(4, return_sequences=True, reverse=True)",
    ),
    "read backwards by a reversed one": (
        lambda kind: backwards(kind, direction="reverse").add("Squeeze", np.array([1]))
        .add("ReverseSequence", LENGTHS_OF_ALL).turn(),
        "{}(4, return_sequences=True)",
    ),
    "last state of one read backwards": (
        lambda kind: backwards(kind, last=1).add("Squeeze", np.array([0])),
        "{}(4, reverse=True)",
    ),
    "last step of one read backwards": (
        lambda kind: backwards(kind).add("Squeeze", np.array([1]))
        .add("Gather", np.array(-1), axis=0),
        "{}(4, reverse=True)",
    ),
    "samples reversed first": (
        lambda kind: Sequences(5).add("ReverseSequence", LENGTHS_OF_ALL, time_axis=1, batch_axis=0)
        .turn().layer(kind, last=1).add("Squeeze", np.array([0])),
        "{}(4, reverse=True)",
    ),
    "reversed twice": (
        lambda kind: Sequences(5).turn().add("ReverseSequence", LENGTHS_OF_ALL)
        .add("ReverseSequence", LENGTHS_OF_ALL).turn().turn().layer(kind, last=1)
        .add("Squeeze", np.array([0])),
        "{}(4)",
    ),
    "dense at each step by rows": (
        lambda kind: rows(every_state(kind)),
        "{}(4, return_sequences=True), Dense(2, activation='tan_h')",
    ),
    "lengths that are all steps": (
        lambda kind: Sequences(5).turn().layer(kind, np.full(5, 6)).add("Squeeze", np.array([1]))
        .turn(),
        "{}(4, return_sequences=True)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_of_other_libraries(name: str, kind: str, tmp_path: Path) -> None:
    build, expected = GRAPHS[name]
    net = build(kind)
    for node in net.nodes:  # whose lengths are int32
        for tensor in net.arrays:
            if node.op_type in KINDS and len(node.input) > 4 and tensor.name == node.input[4]:
                lengths = numpy_helper.to_array(tensor).astype(np.int32)
                tensor.CopyFrom(numpy_helper.from_array(lengths, tensor.name))
    path = net.write(tmp_path)
    nn = foxnn.neural_network(path)
    assert expected.format(kind) in listed(nn)
    x = np.float32(RNG.normal(size=(5, 6, 3)))
    assert_close(nn.predict(x), ran(path, x))
    assert again_same(nn, x, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_before_steps(kind: str, tmp_path: Path) -> None:
    """Of layout 1, which onnxruntime does not run, with the same arrays as of layout 0."""
    inner = Sequences().layer(kind, layout=1, ways=2, last=1).add("Flatten", axis=1)
    outer = Sequences().turn().layer(kind, ways=2, last=1).turn().add("Flatten", axis=1)
    outer.arrays = inner.arrays[:3]
    x = np.float32(RNG.normal(size=(5, 6, 3)))
    expected = ran(outer.write(tmp_path), x)
    nn = foxnn.neural_network(inner.write(tmp_path))
    assert_close(nn.predict(x), expected)
    sequences = Sequences().layer(kind, layout=1).add("Squeeze", np.array([2]))
    nn = foxnn.neural_network(sequences.write(tmp_path))
    assert nn._output_shape() == (6, 4)


ONE = np.ones((1, 5, 4))
BROKEN: dict[str, tuple[str, Callable[[], Sequences]]] = {
    "reset before": (
        "expected linear_before_reset=1, as PyTorch's GRU and Keras' with reset_after=True",
        lambda: Sequences().turn().layer("GRU", linear_before_reset=0),
    ),
    "other activations": (
        "expected the activations Sigmoid, Tanh, Tanh, got HardSigmoid, Tanh, Tanh",
        lambda: Sequences().turn().layer("LSTM", activations=["HardSigmoid", "Tanh", "Tanh"]),
    ),
    "clip": ("expected no clip", lambda: Sequences().turn().layer("LSTM", clip=1.0)),
    "coupled": ("input_forget=0", lambda: Sequences().turn().layer("LSTM", input_forget=1)),
    "initial state": (
        "expected states that start with zeros", lambda: Sequences(5).turn().layer("RNN", "", ONE),
    ),
    "peepholes": (
        "no peepholes",
        lambda: Sequences(5).turn().layer("LSTM", "", 0 * ONE, 0 * ONE, np.ones((1, 12))),
    ),
    "lengths": (
        "expected no sequence_lens", lambda: Sequences(2).turn().layer("GRU", np.array([6, 5])),
    ),
    "direction": (
        "expected a direction, got b'up'", lambda: Sequences().turn().layer("GRU", direction="up"),
    ),
    "features": (
        "expected constant arrays of shapes", lambda: Sequences().turn().layer("RNN", inputs=2),
    ),
    "steps first": ("(batch_first=True)", lambda: Sequences().layer("RNN")),
    "layout": ("the order of its layout", lambda: Sequences().turn().layer("RNN", layout=1)),
    "first step": (
        "or the last step of one direction",
        lambda: Sequences().turn().layer("RNN").add("Squeeze", np.array([1])).turn()
        .add("Gather", np.array(0), axis=1),
    ),
    "samples and steps together": (
        "expected samples first",
        lambda: Sequences(5).turn().layer("RNN", ways=2).add("Reshape", np.array([5, 6, 8])),
    ),
    "backwards at the end": (
        "(RNN): expected states in the order of time",
        lambda: backwards("RNN").add("Squeeze", np.array([1])).turn(),
    ),
    "backwards into a layer": (
        "expected states in the order of time",
        lambda: backwards("RNN").add("Squeeze", np.array([1])).turn()
        .add("MatMul", np.ones((4, 2))),
    ),
    "backwards beside the order of time": (
        "(Concat): expected states in the order of time", lambda: beside_backwards(),
    ),
    "last step in the order of time": (
        "(Gather): expected the last states by the output Y_h",
        lambda: backwards("RNN").add("Squeeze", np.array([1])).add("Gather", np.array(0), axis=0),
    ),
    "both directions backwards": (
        "expected one direction of sequences that are read backwards",
        lambda: backwards("RNN", ways=2),
    ),
    "some steps backwards": (
        "(ReverseSequence): expected no sequence_lens",
        lambda: Sequences(5).turn().add("ReverseSequence", np.array([6, 6, 5, 6, 6])),
    ),
    "samples backwards": (
        "expected the steps as its time_axis, and the samples as its batch_axis",
        lambda: Sequences(5).turn()
        .add("ReverseSequence", LENGTHS_OF_ALL, time_axis=1, batch_axis=0),
    ),
    "features backwards": (
        "expected the steps as its time_axis",
        lambda: Sequences(5).add("ReverseSequence", LENGTHS_OF_ALL, time_axis=2, batch_axis=0),
    ),
    "backwards without lengths": (
        "(ReverseSequence): expected sequences of steps, and their lengths",
        lambda: Sequences(5).turn().add("ReverseSequence"),
    ),
    "flat numbers backwards": (
        "(ReverseSequence): expected sequences of steps",
        lambda: Sequences(5).add("Flatten").add("ReverseSequence", LENGTHS_OF_ALL),
    ),
    "a factor of each step": (
        "(Mul): expected samples first",
        lambda: steps_first().add("Mul", np.arange(6.0).reshape(6, 1, 1)),
    ),
    "a function backwards": (
        "(Sin): expected states in the order of time",
        lambda: backwards("RNN").add("Squeeze", np.array([1])).add("Sin"),
    ),
    "means of samples": (
        "(ReduceMean): expected samples first",
        lambda: steps_first().add("ReduceMean", np.array([1]), keepdims=0),
    ),
    "means of steps that are kept": (
        "(ReduceMean): expected samples first", lambda: steps_first().add("ReduceMean", axes=[0]),
    ),
    "means of two values": (
        "(ReduceMean): expected samples first",
        lambda: steps_first().add("ReduceMean", "x", np.array([0]), keepdims=0),
    ),
    "rows at the end": (
        "expected the samples to stay apart",
        lambda: every_state("RNN").add("Reshape", np.array([-1, 4])),
    ),
    "rows of another number of steps": (
        "expected the samples to stay apart",
        lambda: every_state("RNN").add("Reshape", np.array([-1, 4]))
        .add("Reshape", np.array([-1, 3, 8])),
    ),
    "rows that are pooled": (
        "expected the samples to stay apart",
        lambda: every_state("RNN").add("Reshape", np.array([-1, 4])).add("ReduceMean", axes=[1]),
    ),
    "rows as sequences": (
        "(RNN): expected",
        lambda: every_state("RNN").add("Reshape", np.array([-1, 4])).layer("RNN", layout=1),
    ),
    "not turned back": (
        "one output that depends on the input", lambda: Sequences().turn().layer("RNN"),
    ),
    "another number of units": (
        "expected a hidden_size of 4, got 5", lambda: sized(5),
    ),
    "a shape of its own": (
        "(Reshape)",
        lambda: Sequences(steps="t").turn().layer("RNN", last=1).add("Squeeze", np.array([0]))
        .add("Reshape", np.array([0, 5])),
    ),
    "all steps flattened": (
        "expected layers that are the same for any number of steps",
        lambda: Sequences(steps="t").turn().layer("RNN").add("Squeeze", np.array([1])).turn()
        .add("Reshape", np.array([0, -1])).add("Identity"),
    ),
}  # fmt: skip


def beside_backwards() -> Sequences:
    first = backwards("RNN").add("Squeeze", np.array([1])).turn()
    last = first.last
    return (
        first.start("x")
        .turn()
        .layer("RNN")
        .add("Squeeze", np.array([1]))
        .turn()
        .add("Concat", last, axis=2)
    )


def sized(units: int) -> Sequences:
    net = Sequences().turn().layer("RNN")
    for given in net.nodes[-1].attribute:
        if given.name == "hidden_size":
            given.i = units
    return net


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    path = build().write(tmp_path)
    if name == "all steps flattened":  # a layer that no network of any length has
        with pytest.raises(ValueError, match="layers"):
            foxnn.neural_network(path)
        return
    assert re.search(re.escape(expected), refused(path))
