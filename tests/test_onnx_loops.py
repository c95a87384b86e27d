"""Loops over steps in ONNX files: which are recurrent layers, and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.formats.onnx.constants import NotRead
from foxnn.formats.onnx.cuts import cuts_of
from test_onnx_graphs import RECORDS, refused
from test_onnx_layers import listed
from test_onnx_windows import RNG, helper, numpy_helper, onnx


class Loop:
    """A network of Keras, of 6 steps of 3 features, whose one layer of 4 units is a loop."""

    def __init__(self, kind: str = "gru") -> None:
        self.model = onnx.load(RECORDS / f"keras_{kind}_export.onnx")
        (self.node,) = (n for n in self.model.graph.node if n.op_type == "Loop")
        (self.body,) = (given.g for given in self.node.attribute if given.name == "body")

    def nodes(self, kind: str) -> list[Any]:
        """Return the nodes of an operator in the body."""
        return [node for node in self.body.node if node.op_type == kind]

    def outer(self, kind: str) -> Any:
        """Return the first node of an operator outside of the body."""
        return next(node for node in self.model.graph.node if node.op_type == kind)

    def stored(self, name: str) -> Any:
        both = (*self.body.initializer, *self.model.graph.initializer)
        return next(tensor for tensor in both if tensor.name == name)

    def array(self, name: str) -> np.ndarray:
        return np.array(numpy_helper.to_array(self.stored(name)))

    def store(self, name: str, values: Any) -> None:
        tensor = self.stored(name)
        array = np.asarray(values, numpy_helper.to_array(tensor).dtype)
        tensor.CopyFrom(numpy_helper.from_array(array, name))

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant of the body."""
        name = f"made{len(self.body.initializer)}"
        self.body.initializer.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def save(self, folder: Path) -> Path:
        onnx.save(self.model, folder / "loop.onnx")
        return folder / "loop.onnx"


def test_the_arrays_are_those_of_keras() -> None:
    loop, nn = Loop(), foxnn.neural_network(RECORDS / "keras_gru_export.onnx")
    bias, weights, recurrent = (loop.array(name) for name in loop.node.input[4:])

    def ours(columns: np.ndarray) -> np.ndarray:
        z, r, n = np.split(columns, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    expected = {
        "weights": weights, "recurrent_weights": recurrent, "bias": bias[0],
        "recurrent_bias": bias[1],
    }  # fmt: skip
    assert {name: array.tobytes() for name, array in nn[0].arrays.items()} == {
        name: ours(array).tobytes() for name, array in expected.items()
    }


def turned(loop: Loop) -> None:
    """Give sums and products their inputs in the other order."""
    for node in loop.body.node:
        is_count = loop.body.input[2].name in node.input
        if node.op_type in ("Add", "Mul") and not is_count:
            node.input[:] = node.input[::-1]


def copied(loop: Loop) -> None:
    """Put a copy of each value before what takes it."""
    nodes = list(loop.body.node)
    del loop.body.node[:]
    for i, node in enumerate(nodes):
        for j, name in enumerate(node.input):
            if name:
                node.input[j] = f"copy{i}.{j}"
                loop.body.node.append(helper.make_node("Identity", [name], [node.input[j]]))
        loop.body.node.append(node)


def split_by_sizes(loop: Loop) -> None:
    for node in loop.nodes("Split"):
        sizes = [1, 1] if len(node.output) == 2 else [4, 4, 4]
        node.input.append(loop.constant(sizes, np.int64))


def without_rounds_to_go(loop: Loop) -> None:
    """Leave the number of rounds to Max alone, with a condition that always holds."""
    loop.node.input[1] = ""
    loop.body.output[0].name = loop.body.input[1].name


def by_the_iteration(loop: Loop) -> None:
    """Take the steps by the number of the round, in place of a count that is carried on."""
    (gather,) = loop.nodes("Gather")
    gather.input[1] = loop.body.input[0].name


def with_weights_in_the_body(loop: Loop) -> None:
    names = {given.name: name for given, name in zip(loop.body.input, loop.node.input, strict=True)}
    for node in loop.body.node:
        for i, name in enumerate(node.input):
            if name in names and "Variable" in names[name]:
                node.input[i] = names[name]


def with_a_bias_of_its_own(loop: Loop) -> None:
    """Add 0 to the product of the features, once more."""
    first, second = (node for node in loop.nodes("MatMul"))
    product = first if loop.nodes("Gather")[0].output[0] in first.input else second
    made = helper.make_node("Add", ["again", loop.constant(np.zeros((1, 12)))], [product.output[0]])
    product.output[0] = "again"
    loop.body.node.insert(list(loop.body.node).index(product) + 1, made)


OTHERWISE: list[Callable[[Loop], None]] = [
    turned, copied, split_by_sizes, without_rounds_to_go, by_the_iteration,
    with_weights_in_the_body, with_a_bias_of_its_own,
]  # fmt: skip


@pytest.mark.parametrize("change", OTHERWISE, ids=lambda change: change.__name__)
def test_a_step_written_otherwise(change: Callable[[Loop], None], tmp_path: Path) -> None:
    loop, nn = Loop(), foxnn.neural_network(RECORDS / "keras_gru_export.onnx")
    change(loop)
    assert loop.model != Loop().model
    again = foxnn.neural_network(loop.save(tmp_path))
    assert listed(again) == listed(nn)
    x = np.float32(RNG.normal(size=(5, 6, 3)))
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


def rename(kind: str, other: str, which: int = 0) -> Callable[[Loop], None]:
    def change(loop: Loop) -> None:
        loop.nodes(kind)[which].op_type = other

    return change


def given(kind: str, place: int, name: Callable[[Loop], str]) -> Callable[[Loop], None]:
    """Return a change of an input of the first node of a kind."""

    def change(loop: Loop) -> None:
        loop.nodes(kind)[0].input[place] = name(loop)

    return change


def limit(number: float) -> Callable[[Loop], None]:
    """Return the change of a body's condition: the count must stay below a number."""

    def change(loop: Loop) -> None:
        for node in loop.nodes("Less"):
            loop.store(node.input[1], number)

    return change


def store(place: int, values: Any) -> Callable[[Loop], None]:
    """Return the change of a constant that the loop is given."""
    return lambda loop: loop.store(loop.node.input[place], values)


def narrow(loop: Loop) -> None:
    """Leave a column of the weights of the state out."""
    loop.store(loop.node.input[6], loop.array(loop.node.input[6])[:, :-1])


def begins_with_ones(loop: Loop) -> None:
    ones = numpy_helper.from_array(np.ones((5, 4), np.float32), "ones")
    loop.model.graph.initializer.append(ones)
    loop.node.input[3] = "ones"


def never_begins(loop: Loop) -> None:
    loop.outer("Less").input[:] = loop.outer("Less").input[::-1]


def another_sequence(loop: Loop) -> None:
    """Add the same step of another sequence to that of the first."""
    (gather,) = loop.nodes("Gather")
    turn = helper.make_node("Transpose", loop.outer("Transpose").input, ["other"], perm=[1, 0, 2])
    loop.model.graph.node.insert(0, turn)
    loop.body.node.insert(0, helper.make_node("Gather", ["other", gather.input[1]], ["more"]))
    product = next(n for n in loop.nodes("MatMul") if gather.output[0] in n.input)
    loop.body.node.insert(1, helper.make_node("MatMul", ["more", product.input[1]], ["further"]))
    taken = next(n for n in loop.nodes("Add") if product.output[0] in n.input)
    made = helper.make_node("Add", [product.output[0], "further"], ["both"])
    loop.body.node.insert(list(loop.body.node).index(taken), made)
    taken.input[list(taken.input).index(product.output[0])] = "both"


def two_states(loop: Loop) -> None:
    """Change what else is carried on, too."""
    name = loop.body.output[3].name
    loop.body.node.append(helper.make_node("Add", [name, name], ["twice"]))
    loop.body.output[3].name = "twice"


def counted_by_weights(loop: Loop) -> None:
    loop.body.output[1].name = loop.body.input[6].name


def doubled(loop: Loop) -> None:
    """Make it a loop that doubles the state, and takes no steps."""
    state, made = loop.body.input[3].name, loop.body.output[2].name
    (maker,) = (node for node in loop.body.node if made in node.output)
    maker.op_type, maker.input[:] = "Add", [state, state]


def of_another_axis(loop: Loop) -> None:
    loop.nodes("Gather")[0].attribute.append(helper.make_attribute("axis", 1))


def twice_named(loop: Loop) -> None:
    loop.nodes("Tanh")[0].output[0] = loop.nodes("Sigmoid")[0].output[0]


def of_itself(loop: Loop) -> None:
    loop.nodes("Tanh")[0].input[0] = loop.nodes("Tanh")[0].output[0]


def copy_of_nothing(loop: Loop) -> None:
    del loop.nodes("Identity")[0].input[:]


def without(field: str) -> Callable[[Loop], None]:
    return lambda loop: loop.body.ClearField(field)


def without_body(loop: Loop) -> None:
    del loop.node.attribute[:]


def claims(loop: Loop) -> None:
    """Let the state's weights claim more numbers than there are."""
    tensor = loop.stored(loop.node.input[6])
    tensor.dims[:] = [2**31 - 1, 2**31 - 1]


STEPS = "expected a loop over all steps, from the first to the last"
NO_CELL = "expected a loop over the steps of a GRU or SimpleRNN, as Keras has them"
SIZES = "expected constant arrays of shapes"
BROKEN: dict[str, tuple[str, Callable[[Loop], None]]] = {
    "fewer rounds": (f"{STEPS}, a number of rounds", store(0, 5)),
    "more rounds": (f"{STEPS}, a number of rounds", store(0, 2**40)),
    "a condition that ends it": (f"{STEPS}, got a condition that ends it earlier", limit(5)),
    "no number as a condition": (f"{STEPS}, got a condition that ends", limit(float("nan"))),
    "no first round": (f"{STEPS}, a number of rounds", never_begins),
    "the second step first": (NO_CELL, store(2, 1)),
    "every second step": (
        f"{STEPS}, got Add of the number of rounds in its body",
        lambda loop: loop.store(
            next(n for n in loop.nodes("Add") if loop.body.input[2].name in n.input).input[1], 2
        ),
    ),
    "an array as a count": (NO_CELL, counted_by_weights),
    "features by steps": (f"{NO_CELL}: they read the steps of one sequence", of_another_axis),
    "two sequences": (f"{NO_CELL}: they read the steps of one sequence", another_sequence),
    "states that do not begin with zeros": (
        "expected states that start with zeros", begins_with_ones,
    ),
    "two states": (f"{NO_CELL}: they have one state", two_states),
    "relu of a candidate": (f"{NO_CELL}, got Relu in its body", rename("Tanh", "Relu")),
    "a gate with tanh": (f"{NO_CELL}, got Mul in its body", rename("Sigmoid", "Tanh")),
    "a gate with another": (f"{NO_CELL}, got", rename("Mul", "Add")),
    "2 - z": (
        f"{NO_CELL}, got Sub in its body", given("Sub", 0, lambda loop: loop.constant(2.0)),
    ),
    "1 - r": (
        f"{NO_CELL}, got Add in its body",
        given("Sub", 1, lambda loop: loop.nodes("Sigmoid")[0].output[0]),
    ),
    "no gates": (f"{NO_CELL}, got Add in its body", doubled),
    "a name that does not exist": (
        "expected 'nowhere' before it", given("Tanh", 0, lambda loop: "nowhere"),
    ),
    "a name of its own": ("before it", of_itself),
    "a name twice": ("expected a new name in its body", twice_named),
    "narrow weights": (f"{NO_CELL}, got Add in its body", narrow),
    "weights of other features": (SIZES, store(5, np.ones((2, 12)))),
    "weights of other units": (SIZES, store(6, np.ones((5, 12)))),
    "a bias of one number": (f"{NO_CELL}, got Add in its body", store(4, np.ones((2, 1)))),
    "weights that claim to be large": ("expected 4611686014132420609 numbers in", claims),
    "a copy of nothing": ("expected its constants to be computed", copy_of_nothing),
    "no nodes": ("before it", without("node")),
    "no inputs": (NO_CELL, without("input")),
    "no outputs": (NO_CELL, without("output")),
    "no constants": ("before it", without("initializer")),
    "no body": (NO_CELL, without_body),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, change = BROKEN[name]
    loop = Loop()
    change(loop)
    message = refused(loop.save(tmp_path))
    assert expected in message
    assert "(Loop): " in message or "numbers in" in message


def test_sequences_whose_steps_are_not_first_in_the_file(tmp_path: Path) -> None:
    loop = Loop()
    loop.nodes("Gather")[0].input[0] = loop.model.graph.input[0].name
    assert NO_CELL in refused(loop.save(tmp_path))


def test_a_long_body_takes_no_more_than_its_file(tmp_path: Path) -> None:
    loop = Loop("rnn")
    weights = loop.node.input[6]
    loop.stored(weights).CopyFrom(numpy_helper.from_array(np.ones((100, 100), np.float32), weights))
    product = next(n for n in loop.nodes("MatMul") if loop.body.input[3].name in n.input)
    place, last = list(loop.body.node).index(product) + 1, product.output[0]
    later = list(loop.body.node[place:])
    del loop.body.node[place:]
    for i in range(3000):  # each of them holds the weights again
        loop.body.node.append(helper.make_node("Add", [last, product.output[0]], [f"more{i}"]))
        last = f"more{i}"
    loop.body.node.extend(later)
    path = loop.save(tmp_path)
    with pytest.raises(foxnn.FileFormatError, match="expected at most 64 times the file's numbers"):
        foxnn.neural_network(path)


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers)


ARRAY = np.arange(12.0).reshape(2, 6)
CUTS: dict[str, tuple[str, dict[str, Any], list[Any], list[np.ndarray]]] = {
    "halves": ("Split", {"axis": 1}, [], [ARRAY[:, :3], ARRAY[:, 3:]]),
    "rows": ("Split", {}, [], [ARRAY[:1], ARRAY[1:]]),
    "sizes": ("Split", {"axis": -1}, [ints(4, 2)], [ARRAY[:, :4], ARRAY[:, 4:]]),
    "sizes as attribute": (
        "Split", {"axis": 1, "split": [1, 5]}, [], [ARRAY[:, :1], ARRAY[:, 1:]],
    ),
    "a slice": ("Slice", {}, [ints(1), ints(3), ints(1)], [ARRAY[:, 1:3]]),
    "a slice from the end": ("Slice", {}, [ints(-2), ints(2**63 - 1), ints(-1)], [ARRAY[:, -2:]]),
    "both axes": ("Slice", {}, [ints(1, 2), ints(2, 5)], [ARRAY[1:, 2:5]]),
    "steps of one": (
        "Slice", {}, [ints(0), ints(1), ints(0), ints(1)], [ARRAY[:1]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CUTS)
def test_parts_of_arrays(name: str) -> None:
    kind, given, numbers, expected = CUTS[name]
    cuts = cuts_of(kind, given, [ARRAY, *numbers], len(expected), ARRAY.shape)
    for cut, part in zip(cuts, expected, strict=True):
        np.testing.assert_array_equal(ARRAY[cut], part)


NO_PARTS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "of another sum": ("Split", {"axis": 1}, [ints(4, 3)]),
    "of nothing": ("Split", {"axis": 1}, [ints(6, 0)]),
    "of another number": ("Split", {"axis": 1}, [ints(2, 2, 2)]),
    "of an axis that is not there": ("Split", {"axis": 2}, []),
    "of reals": ("Split", {"axis": 1}, [np.array([3.0, 3.0])]),
    "of samples": ("Split", {"axis": 0}, []),
    "some samples": ("Slice", {}, [ints(1), ints(2**31 - 1), ints(0)]),
    "every second": ("Slice", {}, [ints(0), ints(6), ints(1), ints(2)]),
    "no ends": ("Slice", {}, [ints(0)]),
    "too few ends": ("Slice", {}, [ints(0, 0), ints(6)]),
    "more axes": ("Slice", {}, [ints(0, 0, 0), ints(6, 6, 6)]),
}


@pytest.mark.parametrize("name", NO_PARTS)
def test_parts_that_are_refused(name: str) -> None:
    kind, given, numbers = NO_PARTS[name]
    with pytest.raises(NotRead, match="expected constant parts of an array"):
        cuts_of(kind, given, [ARRAY, *numbers], 2 if kind == "Split" else 1, (None, 6))
