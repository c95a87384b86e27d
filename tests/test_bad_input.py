"""Bad input: the error says what came and what is allowed, and the object is as it was.

Each subject has one table: a name for the case, the call, the error, and parts of its message.
"""

from __future__ import annotations

import functools
import itertools
import math
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs
from foxnn import schedules
from foxnn.checks import shown
from wrong_values import UsersOwn, answering, raising

NAN, INF = math.nan, math.inf
ENORMOUS = 2**2000  # beyond every type of number but Python's own
ErrorType = type[Exception] | tuple[type[Exception], ...]


def constant(values: Any) -> np.ndarray:
    array = np.array(values, np.float64)
    array.flags.writeable = False
    return array


X = constant(np.linspace(-1, 1, 24).reshape(8, 3))
Y = constant(np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]])
LABELS = constant(Y.argmax(axis=1))
W = constant(np.linspace(-2, 2, 12).reshape(3, 4))


def with_one(array: np.ndarray, value: Any) -> np.ndarray:
    """Return a copy whose element 1 (of row 1) is another."""
    copy = array.copy()
    copy[(1,) * copy.ndim] = value
    return copy


def network(dtype: str = "float32") -> foxnn.neural_network:
    """Return a network that has been trained: it has moments and has drawn random numbers."""
    nn = foxnn.neural_network([3, 4, 2], ["tanh", ("elu", 0.5)], dtype=dtype, seed=1)
    nn.settings.n_threads = 2
    nn.fit(X, Y, epochs=2, batch_size=3, validation=0.25)
    return nn


def classifier() -> foxnn.neural_network:
    nn = foxnn.neural_network([3, 4, 2], "relu", "softmax", seed=2)
    nn.fit(X, LABELS, epochs=2, batch_size=3)
    return nn


def samples() -> foxnn.train_data:
    return foxnn.train_data(X, Y)


def objects(values: np.ndarray) -> np.ndarray:
    """Return an array of objects, all of them numbers but one."""
    array = values.astype(object)
    array[1, 0] = {}
    return array


def bits(nn: foxnn.neural_network) -> list[bytes]:
    return [values.tobytes() for part in nn for values in (part.weights, part.bias)]


def snapshot(nn: foxnn.neural_network) -> list[object]:
    """Return what a user can see of a network."""
    activations = [(p.get_name_activation_function(), p.activation_parameters) for p in nn]
    seen = [nn.sizes, nn.loss, nn.dtype, nn.seed, activations, repr(nn.settings), bits(nn)]
    return [*seen, nn.get_out(X).tobytes(), nn.evaluate(X, Y)]


def future(nn: foxnn.neural_network) -> list[bytes]:
    """Go on training, which shows what a user cannot see: moments, steps and random draws."""
    nn.fit(X, Y, epochs=1, batch_size=3, validation=0.25)
    nn.train(samples(), 0.1, max_iteration=3, size_train_batch=2)
    nn.random_mutation(0.1)
    return bits(nn)


def content(data: foxnn.train_data) -> list[object]:
    return [
        data.size(),
        [(s.input.tolist(), s.out.tolist()) for s in map(data.get, range(len(data)))],
    ]


def refused(call: Callable[[], object], error: ErrorType, *parts: str) -> None:
    errors = error if isinstance(error, tuple) else (error,)
    with pytest.raises(errors) as caught:
        call()
    assert caught.type in errors
    missing = [part for part in parts if part not in str(caught.value)]
    assert not missing, f"no {missing} in {str(caught.value)!r}"


def network_refuses(
    make: Callable[[], foxnn.neural_network],
    call: Callable[[foxnn.neural_network], object],
    error: ErrorType,
    *parts: str,
) -> None:
    """Check the error, and that the network is, and goes on, as one that was never asked."""
    nn, untouched = make(), make()
    before = snapshot(nn)
    refused(lambda: call(nn), error, *parts)
    assert snapshot(nn) == before
    assert future(nn) == future(untouched)


def data_refuses(call: Callable[[foxnn.train_data], object], error: ErrorType, *parts: str) -> None:
    data, untouched = samples(), samples()
    refused(lambda: call(data), error, *parts)
    assert content(data) == content(untouched)
    assert repr(data) == repr(untouched)
    for each in (data, untouched):
        each.add_data([1, 2, 3], [4, 5])
    assert content(data) == content(untouched)


def table(*cases: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Parametrize a test by rows of: name, call, error, parts of the message."""
    rows = [pytest.param(call, error, parts, id=name) for name, call, error, *parts in cases]
    return pytest.mark.parametrize(("call", "error", "parts"), rows)


def wrong(
    name: str, allowed: str, values: Iterable[object], types: Iterable[object]
) -> Iterator[Any]:
    """Yield rows of name, value, error, parts: `values` are out of range, `types` no such thing."""
    for error, bad in ((ValueError, values), (TypeError, types)):
        for value in bad:
            shown = repr(value)[:40]
            parts = (name, allowed, f"got {shown}")
            yield pytest.param(name, value, error, parts, id=f"{name}={shown}")


def wrongs(*rows: tuple[str, str, Iterable[object], Iterable[object]]) -> pytest.MarkDecorator:
    """Parametrize a test by rows of: name, what is allowed, values out of range, wrong types."""
    cases = [case for row in rows for case in wrong(*row)]
    return pytest.mark.parametrize(("name", "value", "error", "parts"), cases)


@pytest.fixture(autouse=True)
def _prints_nothing(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


NOT_WHOLE = (1.5, 2.0, NAN, "3", None, True, [1], 1j)
NO_NUMBER = ("0.1", None, True, 1j, [0.1], np.array([0.1, 0.2]))


# Making a network.

make = foxnn.neural_network
SIZE = "an integer from 1 to 2147483647"
KNOWN_ACTIVATIONS = foxnn.activations()


@table(
    ("empty", lambda: make([]), ValueError, "sizes", "at least one layer", "got 0"),
    ("empty-tuple", lambda: make(()), ValueError, "sizes", "at least one layer", "got 0"),
    ("one", lambda: make([3]), ValueError, "sizes", "at least one layer", "got 1"),
    ("number", lambda: make(3), TypeError, "sizes", "a list", "got 3"),
    ("none", lambda: make(None), TypeError, "sizes", "a list", "got None"),
    ("zero-inputs", lambda: make([0, 3]), ValueError, "sizes[0]", SIZE, "got 0"),
    ("zero-neurons", lambda: make([3, 0]), ValueError, "sizes[1]", SIZE, "got 0"),
    ("negative", lambda: make([3, -1, 2]), ValueError, "sizes[1]", SIZE, "got -1"),
    ("fractional", lambda: make([3, 1.5]), TypeError, "sizes[1]", SIZE, "got 1.5"),
    ("float", lambda: make([3.0, 2]), TypeError, "sizes[0]", SIZE, "got 3.0"),
    ("float-array", lambda: make(np.ones(2)), TypeError, "sizes[0]", SIZE, "1.0"),
    ("nan", lambda: make([3, NAN]), TypeError, "sizes[1]", SIZE, "got nan"),
    ("bool", lambda: make([3, True]), TypeError, "sizes[1]", SIZE, "got True"),
    ("numpy-bool", lambda: make([np.True_, 3]), TypeError, "sizes[0]", SIZE, "True"),
    ("string", lambda: make([3, "2"]), TypeError, "sizes[1]", "a number or a layer", "got '2'"),
    ("nested", lambda: make([[3, 2]] * 2), TypeError, "sizes[1]", "a number or a layer", "[3, 2]"),
    ("nothing", lambda: make([3, None]), TypeError, "sizes[1]", "a number or a layer", "got None"),
    ("2**31", lambda: make([3, 2**31]), ValueError, "sizes[1]", SIZE, "got 2147483648"),
    ("2**40", lambda: make([2**40, 3]), ValueError, "sizes[0]", SIZE, f"got {2**40}"),
    ("2**64+1", lambda: make([2**64 + 1, 3]), ValueError, "sizes[0]", SIZE),
)
def test_sizes(call: Callable[[], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(call, error, *parts)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[2**30, 2**30], [2**31 - 1] * 2, [2**31 - 1] * 5])
def test_more_than_any_memory(sizes: list[int], dtype: str) -> None:
    refused(
        lambda: make(sizes, dtype=dtype), MemoryError, "not enough memory: sizes[1] (Dense) has ",
        f"weights of shape ({sizes[0]}, {sizes[1]}), which take", "GiB",
    )  # fmt: skip
    refused(lambda: foxnn.layer(*sizes[:2]), (MemoryError, ValueError))


def test_no_layer_is_made_where_a_later_one_has_no_room(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    pytest.importorskip("resource")
    program = """if True:
        import resource, foxnn
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        foxnn.neural_network([2, 2])
        before = peak()
        try:
            foxnn.neural_network([2**10, 2**15, 2**31 - 1, 2**31 - 1])
        except (MemoryError, ValueError):
            print(peak() / before)
    """
    done = run_python(program)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5


@table(
    ("unknown", lambda: make([3, 2], "rellu"), ValueError, "'rellu'", *KNOWN_ACTIVATIONS),
    ("empty", lambda: make([3, 2], ""), ValueError, "''", *KNOWN_ACTIVATIONS),
    ("number", lambda: make([3, 2], 1), TypeError, "activation", "a name", "got 1"),
    ("none", lambda: make([3, 2], None), TypeError, "activation", "a name", "got None"),
    ("output-unknown", lambda: make([3, 2], output_activation="x"), ValueError, "'x'", "relu"),
    ("output-number", lambda: make([3, 2], output_activation=1), TypeError, "output_act", "got 1"),
    ("list-short", lambda: make([3, 2, 1], ["relu"]), ValueError, "list of 2", "list of 1"),
    ("list-long", lambda: make([3, 2], ["relu"] * 2), ValueError, "list of 1", "list of 2"),
    ("list-empty", lambda: make([3, 2], []), ValueError, "activation", "list of 1", "list of 0"),
    ("list-number", lambda: make([3, 2, 1], ["relu", 1]), TypeError, "activation[1]", "got 1"),
    ("list-unknown", lambda: make([3, 2, 1], ["relu", "x"]), ValueError, "'x'", "relu"),
    ("hidden-softmax", lambda: make([3, 2, 1], "softmax"), ValueError, "softmax", "output layer"),
    ("list-softmax", lambda: make([3, 2, 1], ["softmax", "relu"]), ValueError, "output layer"),
    ("alpha-negative", lambda: make([3, 2], ("elu", -1.0)), ValueError, "alpha", "elu", "-1"),
    ("alpha-tiny", lambda: make([3, 2], ("elu", -1e-10)), ValueError, "alpha", "got -1e-10"),
    ("alpha-nan", lambda: make([3, 2], ("elu", NAN)), ValueError, "parameters", "got nan"),
    ("alpha-inf", lambda: make([3, 2], ("leaky_relu", [INF])), ValueError, "finite", "got inf"),
    ("alpha-float32", lambda: make([3, 2], ("elu", 1e39)), ValueError, "alpha", "1e+39"),
    ("alpha-two", lambda: make([3, 2], ("leaky_relu", [1, 2])), ValueError, "one", "got 2"),
    ("alpha-string", lambda: make([3, 2], ("elu", "1")), TypeError, "parameters", "got '1'"),
    ("alpha-bool", lambda: make([3, 2], ("elu", True)), TypeError, "parameters", "got True"),
    ("alpha-none", lambda: make([3, 2], ("elu", None)), TypeError, "parameters", "got None"),
    ("alpha-enormous", lambda: make([3, 2], ("elu", ENORMOUS)), ValueError, "parameters", "finite"),
    ("none-taken", lambda: make([3, 2], ("relu", [1])), ValueError, "no parameters", "got 1"),
    ("pair-alone", lambda: make([3, 2], ("elu",)), TypeError, "(name, parameters)", "('elu',)"),
)
def test_activations(call: Callable[[], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(call, error, *parts)


@table(
    ("loss", lambda: make([3, 2], loss="mean"), ValueError, "loss 'mean'", *foxnn.losses()),
    ("loss-type", lambda: make([3, 2], loss=1), TypeError, "loss", "a string", "got 1"),
    ("loss-misfit", lambda: make([3, 2], loss="cross_entropy"), ValueError, "cross_e", "softmax"),
    ("init", lambda: make([3, 2], init="he"), ValueError, "init 'he'", *foxnn.initializers()),
    ("init-type", lambda: make([3, 2], init=None), TypeError, "init", "a string", "got None"),
    ("dtype", lambda: make([3, 2], dtype="float16"), ValueError, "dtype", "float32, float64", "16"),
    ("dtype-int", lambda: make([3, 2], dtype=int), ValueError, "dtype", "float32, float64", "int"),
    ("dtype-name", lambda: make([3, 2], dtype="single!"), ValueError, "dtype", "'single!'"),
    ("keyword", lambda: make([3, 2], activations="relu"), TypeError, "'activations'"),
)
def test_names(call: Callable[[], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(call, error, *parts)


@wrongs(("seed", f"an integer from 0 to {2**64 - 1}", [-1, 2**64], [1.5, "1", True, NAN, [1]]))
def test_seed(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(lambda: make([3, 2], **{name: value}), error, *parts)
    refused(lambda: foxnn.layer(3, 2, **{name: value}), error, *parts)
    data_refuses(lambda data: data.get_part(2, **{name: value}), error, *parts)


# Layers.


@wrongs(
    ("N_in", SIZE, [0, -1, 2**31, 2**70], NOT_WHOLE),
    ("N_neurons", SIZE, [0, -1, 2**31, 2**70], NOT_WHOLE),
)
def test_layer_sizes(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(lambda: foxnn.layer(**{"N_in": 2, "N_neurons": 2, name: value}), error, *parts)


@table(
    ("activation", lambda: foxnn.layer(2, 2, "x"), ValueError, "'x'", *KNOWN_ACTIVATIONS),
    ("activation-type", lambda: foxnn.layer(2, 2, 1), TypeError, "activation", "got 1"),
    ("alpha", lambda: foxnn.layer(2, 2, ("elu", -2)), ValueError, "alpha", "elu", "-2"),
    ("init", lambda: foxnn.layer(2, 2, init="x"), ValueError, "'x'", *foxnn.initializers()),
    ("init-type", lambda: foxnn.layer(2, 2, init=1), TypeError, "init", "got 1"),
)
def test_layers(call: Callable[[], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(call, error, *parts)


@table(
    ("unknown", lambda part: part("x"), ValueError, "'x'", *KNOWN_ACTIVATIONS),
    ("type", lambda part: part(1), TypeError, "name", "a string", "got 1"),
    ("softmax", lambda part: part("softmax"), ValueError, "softmax", "output layer"),
    ("negative", lambda part: part("elu", -1), ValueError, "alpha", "elu", "-1"),
    ("two", lambda part: part("elu", [1, 2]), ValueError, "one", "got 2"),
    ("nan", lambda part: part("leaky_relu", [NAN]), ValueError, "parameters", "got nan"),
    ("too-large", lambda part: part("elu", 1e39), ValueError, "alpha", "1e+39"),
    ("string", lambda part: part("elu", "1"), TypeError, "parameters", "got '1'"),
    ("none", lambda part: part("elu", None), TypeError, "parameters", "got None"),
    ("not-taken", lambda part: part("tanh", 1), ValueError, "no parameters", "got 1"),
)
def test_set_activation_function(
    call: Callable[[Callable[..., None]], object], error: ErrorType, parts: tuple[str, ...]
) -> None:
    for make_one in (network, classifier):
        network_refuses(make_one, lambda nn: call(nn[0].set_activation_function), error, *parts)


def test_the_output_layer_keeps_softmax_where_cross_entropy_was_asked_for() -> None:
    def asked() -> foxnn.neural_network:
        return foxnn.neural_network([3, 4, 2], "tanh", "softmax", "cross_entropy", seed=3)

    network_refuses(
        asked,
        lambda nn: nn[-1].set_activation_function("relu"),
        ValueError,
        "cross_entropy",
        "softmax",
    )


@table(
    ("misfit", lambda nn: nn.next_layer(foxnn.layer(3, 2)), ValueError, "new_layer", "2", "got 3"),
    ("none", lambda nn: nn.next_layer(None), TypeError, "new_layer", "foxnn.layer", "got None"),
    ("size", lambda nn: nn.next_layer(2), TypeError, "new_layer", "foxnn.layer", "got 2"),
    ("network", lambda nn: nn.next_layer(nn), TypeError, "new_layer", "foxnn.layer"),
    ("class", lambda nn: nn.next_layer(foxnn.layer), TypeError, "new_layer", "foxnn.layer"),
)
def test_next_layer(
    call: Callable[[Any], object], error: ErrorType, parts: tuple[str, ...]
) -> None:
    network_refuses(network, call, error, *parts)


def test_nothing_comes_behind_softmax() -> None:
    for activation in ("relu", "softmax"):
        new = foxnn.layer(2, 2, activation)
        network_refuses(classifier, lambda nn, new=new: nn.next_layer(new), ValueError, "softmax")


@pytest.mark.parametrize("get", [foxnn.neural_network.get_layer, foxnn.neural_network.__getitem__])
@pytest.mark.parametrize(
    ("i", "error"),
    [(2, IndexError), (-3, IndexError), (2**40, IndexError), (-(2**40), IndexError)]
    + [(2**70, IndexError), *((i, TypeError) for i in NOT_WHOLE)],
    ids=repr,
)
def test_get_layer(get: Callable[[Any, Any], object], i: Any, error: ErrorType) -> None:
    network_refuses(network, lambda nn: get(nn, i), error, "i must be", f"got {i!r}")


PARAMETERS: list[tuple[Any, ...]] = [
    ("flat", W.ravel(), ValueError, "(3, 4)", "got (12,)"),
    ("transposed", W.T, ValueError, "(3, 4)", "got (4, 3)"),
    ("short", W[:2], ValueError, "(3, 4)", "got (2, 4)"),
    ("3d", W[None], ValueError, "(3, 4)", "got (1, 3, 4)"),
    ("0d", 1.0, ValueError, "(3, 4)", "got ()"),
    ("empty", [], ValueError, "(3, 4)", "got (0,)"),
    ("ragged", [[1, 2], [3]], ValueError, "rectangular"),
    ("nan", with_one(W, NAN), ValueError, "finite"),
    ("inf", with_one(W, INF), ValueError, "finite"),
    ("-inf", with_one(W, -INF), ValueError, "finite"),
    ("beyond-float32", with_one(W, 1e39), ValueError, "finite"),
    ("none", None, TypeError, "real numbers", "got None"),
    ("string", "abc", TypeError, "real numbers", "got 'abc'"),
    ("strings", W.astype(str), TypeError, "real numbers"),
    ("complex", W * 1j, TypeError, "real numbers", "complex128"),
    ("objects", objects(W), TypeError, "real numbers", "got {} in sample 1, column 0"),
]


@table(*PARAMETERS)
def test_weights(call: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    network_refuses(network, lambda nn: setattr(nn[0], "weights", call), error, "weights", *parts)


@table(
    ("long", np.ones(5), ValueError, "(4,)", "got (5,)"),
    ("row", np.ones((1, 4)), ValueError, "(4,)", "got (1, 4)"),
    ("0d", 1.0, ValueError, "(4,)", "got ()"),
    ("ragged", [1, [2, 3], 4, 5], ValueError, "rectangular"),
    ("nan", [1, 2, NAN, 4], ValueError, "finite"),
    ("inf", [1, 2, 3, INF], ValueError, "finite"),
    ("beyond-float32", [1, -1e39, 3, 4], ValueError, "finite"),
    ("none", None, TypeError, "real numbers", "got None"),
    ("strings", list("abcd"), TypeError, "real numbers"),
    ("complex", [1j, 2, 3, 4], TypeError, "real numbers", "complex128"),
)
def test_bias(call: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    network_refuses(network, lambda nn: setattr(nn[0], "bias", call), error, "bias", *parts)


# Samples.

BAD_MATRICES: list[tuple[Any, ...]] = [
    ("narrow", X[:, :2], ValueError, "(samples, 3)", "got (8, 2)"),
    ("wide", np.ones((8, 4)), ValueError, "(samples, 3)", "got (8, 4)"),
    ("3d", X[None], ValueError, "(samples, 3)", "got (1, 8, 3)"),
    ("0d", 5.0, ValueError, "(samples, 3)", "got ()"),
    ("no-sample", X[:0], ValueError, "at least one sample", "got shape (0, 3)"),
    ("ragged", [[1, 2, 3], [1, 2]], ValueError, "rectangular"),
    ("nan", with_one(X, NAN), ValueError, "finite", "got nan", "sample 1, column 1"),
    ("inf", with_one(X, INF), ValueError, "finite", "got inf", "sample 1, column 1"),
    ("-inf", with_one(X, -INF), ValueError, "finite", "got -inf", "sample 1, column 1"),
    ("nan-float32", with_one(X.astype("f4"), NAN), ValueError, "finite", "got nan"),
    ("nan-float16", with_one(X.astype("f2"), NAN), ValueError, "finite", "got nan"),
    ("nan-strided", with_one(np.asfortranarray(X), NAN), ValueError, "finite", "got nan"),
    ("nan-big-endian", with_one(X.astype(">f8"), NAN), ValueError, "finite", "got nan"),
    ("string", "abc", TypeError, "real numbers", "got 'abc'"),
    ("strings", [["1", "2", "3"]] * 8, TypeError, "real numbers", "got [['1'"),
    ("bytes", b"abc", TypeError, "real numbers", "got b'abc'"),
    ("none", None, TypeError, "real numbers", "got None"),
    ("nones", [[None, 1, 2]] * 8, TypeError, "real numbers", "got None in sample 0, column 0"),
    ("complex", X * 1j, TypeError, "real numbers", "complex128"),
    ("objects", objects(X), TypeError, "real numbers", "got {} in sample 1, column 0"),
    ("dates", np.zeros((8, 3), "M8[s]"), TypeError, "real numbers", "datetime64"),
    ("record", np.zeros(8, "f4,f4,f4"), TypeError, "real numbers"),
    ("dict", {1: 2}, TypeError, "real numbers", "got {1: 2}"),
    ("generator", (i for i in range(3)), TypeError, "real numbers", "generator"),
]


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda nn, x: nn.get_out(x), id="get_out"),
        pytest.param(lambda nn, x: nn.predict(x), id="predict"),
        pytest.param(lambda nn, x: nn.evaluate(x, Y), id="evaluate"),
        pytest.param(lambda nn, x: nn.fit(x, Y, progress=False), id="fit"),
    ],
)
@table(
    *BAD_MATRICES,
    ("sample-short", [1, 2], ValueError, "3", "2"),
    ("sample-empty", [], ValueError, "3", "0"),
    ("sample-nan", [[1, 2, NAN]], ValueError, "finite", "got nan", "column 2"),
)
def test_inputs(
    use: Callable[[Any, Any], object], call: Any, error: ErrorType, parts: tuple[str, ...]
) -> None:
    network_refuses(network, lambda nn: use(nn, call), error, "x must", *parts)


LARGEST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize("value", [1e39, -1e300, LARGEST * (1 + 1e-7)])
def test_numbers_beyond_float32(value: float) -> None:
    """A network of float64 takes them; one of float32 would take them for infinities."""
    spoilt, message = with_one(X, value), "x must be finite in float32"
    network_refuses(network, lambda nn: nn.predict(spoilt), ValueError, message, "column 1")
    network_refuses(network, lambda nn: nn.fit(spoilt, Y, 1), ValueError, message, "column 1")
    network_refuses(network, lambda nn: nn.evaluate(X, with_one(Y, value)), ValueError, "y must be")
    assert np.isfinite(make([3, 2], dtype="float64").predict(spoilt)).all()
    assert make([3, 2], "arctan").predict(with_one(X, LARGEST)).shape == (8, 2)


USES_OF_BOTH = {
    "fit": lambda nn, x, y: nn.fit(x, y, 1),
    "evaluate": lambda nn, x, y: nn.evaluate(x, y),
}
per_use = pytest.mark.parametrize("use", USES_OF_BOTH.values(), ids=USES_OF_BOTH)


@per_use
@table(
    ("wide", np.ones((8, 3)), ValueError, "y must", "(samples, 2)", "got (8, 3)"),
    ("3d", Y[None], ValueError, "y must", "(samples, 2)", "got (1, 8, 2)"),
    ("0d", 1, ValueError, "y must", "(samples, 2)", "got ()"),
    ("labels", LABELS, ValueError, "y must", "(samples, 2)", "got (8,)", "cross_entropy"),
    ("no-sample", Y[:0], ValueError, "y must", "at least one sample", "(0, 2)"),
    ("short", Y[:7], ValueError, "x and y", "same number of samples", "8 and 7"),
    ("ragged", [[1, 2], [3]], ValueError, "y must", "rectangular"),
    ("nan", with_one(Y, NAN), ValueError, "y must", "finite", "got nan", "sample 1, column 1"),
    ("inf", with_one(Y, INF), ValueError, "y must", "finite", "got inf", "sample 1, column 1"),
    ("string", "abc", TypeError, "y must", "real numbers", "got 'abc'"),
    ("none", None, TypeError, "y must", "real numbers", "got None"),
    ("complex", Y * 1j, TypeError, "y must", "real numbers", "complex128"),
    ("objects", objects(Y), TypeError, "y must", "real numbers", "got {} in sample 1"),
)
def test_targets(
    use: Callable[..., object], call: Any, error: ErrorType, parts: tuple[str, ...]
) -> None:
    network_refuses(network, lambda nn: use(nn, X, call), error, *parts)


@per_use
@table(
    ("negative", with_one(LABELS, -1), ValueError, "from 0 to 1", "got -1"),
    ("too-large", with_one(LABELS, 2), ValueError, "from 0 to 1", "got 2"),
    ("unsigned", np.full(8, 2**64 - 1, np.uint64), ValueError, "from 0 to 1", f"got {2**64 - 1}"),
    ("enormous", with_one(LABELS, 1e300), ValueError, "from 0 to 1", "got 1e+300"),
    ("infinite", with_one(LABELS, INF), ValueError, "from 0 to 1", "got inf"),
    ("fractional", with_one(LABELS, 0.5), ValueError, "whole numbers", "got 0.5"),
    ("nan", with_one(LABELS, NAN), ValueError, "whole numbers", "got nan"),
    ("short", LABELS[:7], ValueError, "same number of samples", "8 and 7"),
    ("empty", [], ValueError, "at least one label"),
    ("columns", LABELS[:, None, None], ValueError, "(samples, 2)", "got (8, 1, 1)"),
    ("strings", list("ababaabb"), ValueError, "among the classes 0, 1", "got 'a'"),
    ("missing", [None, *LABELS[1:]], ValueError, "no missing labels", "got None in sample 0"),
    ("mixed", ["a", *LABELS[1:]], TypeError, "one kind", "float64, str"),
    ("bytes", [b"a"] * 8, TypeError, "strings, whole numbers", "got b'a'"),
    ("complex", LABELS * 1j, TypeError, "real numbers", "complex128"),
)
def test_labels(
    use: Callable[..., object], call: Any, error: ErrorType, parts: tuple[str, ...]
) -> None:
    network_refuses(classifier, lambda nn: use(nn, X, call), error, "y", *parts)


# Training.


@wrongs(
    ("epochs", "an integer at least 1", [0, -1], NOT_WHOLE),
    ("batch_size", "an integer at least 1", [0, -1], NOT_WHOLE),
    ("batch_size", "an integer", [2**70], []),
    ("learning_rate", "number above 0", [0, -0.1, NAN, INF, -INF, ENORMOUS], NO_NUMBER),
    ("optimizer", "sgd, momentum, nesterov, adam", ["adma", "", "Adma"], []),
    ("optimizer", "a name, foxnn.SGD", [], [None, 3, b"sgd", foxnn.SGD, ["adam"]]),
    ("validation", "above 0 and below 1", [0, 0.0, 1, 1.0, -0.1, 1.5, NAN, INF], ["0.1", True]),
    (
        "validation",
        "a share, (x, y), (x, y, sample_weight) or (x, y, sample_weight, lengths)",
        [(X,), (X, Y, None, None, X), []],
        [],
    ),
    ("validation", "above 0 and below 1", [], [{}]),
    ("shuffle", "True or False", [], ["yes", 2, None, 0.5]),
    ("progress", "True or False", [], ["yes", 2, 0.5]),
)
def test_fit(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    """The other arguments have effects, none of which may remain."""
    others = {"optimizer": "sgd", "validation": 0.25, "epochs": 1}
    network_refuses(network, lambda nn: nn.fit(X, Y, **{**others, name: value}), error, *parts)


@table(
    ("no-part", 0.01, ValueError, "validation=0.01", "8 samples"),
    ("all", 0.99, ValueError, "validation=0.99", "8 samples"),
    ("narrow", (X[:, :2], Y), ValueError, "validation", "(samples, 3)", "got (8, 2)"),
    ("wide", [X, X], ValueError, "validation", "(samples, 2)", "got (8, 3)"),
    ("short", (X, Y[:3]), ValueError, "validation", "same number", "8 and 3"),
    ("nan", (X, with_one(Y, NAN)), ValueError, "validation", "finite", "got nan"),
    ("none", (X, None), TypeError, "validation", "real numbers", "got None"),
    ("no-sample", (X[:0], Y[:0]), ValueError, "validation", "at least one sample"),
)
def test_validation(call: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    network_refuses(network, lambda nn: nn.fit(X, Y, 1, validation=call), error, *parts)


@per_use
def test_shares_of_classes_below_zero(use: Callable[..., object]) -> None:
    shares = with_one(np.full((8, 2), 0.5), -0.25)
    network_refuses(classifier, lambda nn: use(nn, X, shares), ValueError, "y must", "got -0.25")


def test_unknown_arguments() -> None:
    network_refuses(network, lambda nn: nn.fit(X, Y, epoch=3), TypeError, "'epoch'")
    network_refuses(network, lambda nn: nn.train(samples(), 0.1, 1, batch=3), TypeError, "'batch'")
    refused(lambda: foxnn.Adam(betta_1=0.9), TypeError, "'betta_1'")


@wrongs(
    ("momentum", "at least 0 and below 1", [-0.1, 1, 1.5, NAN, INF], NO_NUMBER),
    ("nesterov", "True or False", [], ["yes", 2, None, 0.5]),
    ("beta_1", "at least 0 and below 1", [-0.1, 1, 1.5, NAN, INF], NO_NUMBER),
    ("beta_2", "at least 0 and below 1", [-0.1, 1, 1.5, NAN, INF], NO_NUMBER),
    ("epsilon", "above 0", [0, -1e-8, NAN, INF, ENORMOUS], NO_NUMBER),
)
def test_update_rules(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    rule = foxnn.SGD if name in ("momentum", "nesterov") else foxnn.Adam
    refused(lambda: rule(**{name: value}), error, *parts)


def test_nesterov_needs_a_momentum() -> None:
    refused(lambda: foxnn.SGD(nesterov=True), ValueError, "nesterov", "momentum", "above 0")


def test_an_epsilon_that_is_zero_in_float32() -> None:
    """Where a gradient is 0 too, the step would be 0 / 0."""
    rule = foxnn.Adam(epsilon=1e-60)
    network_refuses(network, lambda nn: nn.fit(X, Y, optimizer=rule), ValueError, "epsilon")


@wrongs(
    ("data_for_train", "foxnn.train_data", [], [None, "x", 3, [[1, 2, 3]], (1, 2)]),
    ("speed", "above 0", [0, -0.1, NAN, INF, ENORMOUS], NO_NUMBER),
    ("max_iteration", "an integer at least 0", [-1], NOT_WHOLE),
    ("max_iteration", "an integer", [2**70], []),
    ("size_train_batch", "an integer at least 0", [-1], NOT_WHOLE),
)
def test_train(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    usual = {"data_for_train": samples(), "speed": 0.1, "max_iteration": 1}

    def part_for_test() -> foxnn.neural_network:
        nn = network()
        nn.settings.set_part_for_test(0.25)
        return nn

    network_refuses(part_for_test, lambda nn: nn.train(**{**usual, name: value}), error, *parts)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("data_for_train", lambda nn, data: nn.train(data, 0.1, 1)),
        ("data", lambda nn, data: nn.testing(data)),
    ],
    ids=["train", "testing"],
)
@table(
    ("empty", foxnn.train_data, ValueError, "no samples"),
    ("narrow", lambda: foxnn.train_data(X[:, :2], Y), ValueError, "3", "got 2"),
    ("wide", lambda: foxnn.train_data(X, X), ValueError, "2", "3"),
    ("array", lambda: X, TypeError, "foxnn.train_data", "got array"),
    ("none", lambda: None, TypeError, "foxnn.train_data", "got None"),
)
def test_data_that_do_not_fit(
    name: str,
    use: Callable[[Any, Any], object],
    call: Callable[[], object],
    error: ErrorType,
    parts: tuple[str, ...],
) -> None:
    message = "data" if call is foxnn.train_data else f"{name} must"
    network_refuses(network, lambda nn: use(nn, call()), error, message, *parts)


@pytest.mark.parametrize("name", ["random_mutation", "smart_mutation"])
@pytest.mark.parametrize(
    ("speed", "error"),
    [*((v, ValueError) for v in (NAN, INF, -INF, ENORMOUS)), *((v, TypeError) for v in NO_NUMBER)],
    ids=lambda value: repr(value)[:20],
)
def test_mutation(name: str, speed: Any, error: ErrorType) -> None:
    shown = f"got {speed!r}"[:40]
    network_refuses(network, lambda nn: getattr(nn, name)(speed), error, "speed", shown)


@pytest.mark.parametrize("name", ["random_mutation", "smart_mutation"])
@pytest.mark.parametrize(("dtype", "speed"), [("float32", 1e40), ("float64", 1.7e308)])
def test_mutation_beyond_the_type(name: str, dtype: str, speed: float) -> None:
    """All parameters stay as they were, also those of layers in which no number overflows."""

    def large() -> foxnn.neural_network:
        nn = network(dtype)
        nn[1].weights = np.full((4, 2), float(np.finfo(dtype).max) / 2) * [1, -1]
        return nn

    nn = large()
    before = bits(nn)
    refused(lambda: getattr(nn, name)(speed), ValueError, "speed")
    assert bits(nn) == before


@wrongs(("batch_size", "an integer at least 1", [0, -1], NOT_WHOLE))
def test_threads_for(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    network_refuses(network, lambda nn: nn.threads_for(value), error, name, *parts)


# Settings.

FLAGS = ["yes", 2, -1, 0.5, None]


@wrongs(
    ("n_threads", "an integer from 0 to 2147483647", [-1, 2**31], NOT_WHOLE),
    ("n_print", "an integer at least 0", [-1], NOT_WHOLE),
    ("min_error", "above 0", [0, -0.1, NAN, INF], NO_NUMBER),
    ("max_on_last_layer", "True or False", [], FLAGS),
    ("one_if_value_greater_intermediate_value", "True or False", [], FLAGS),
    ("intermediate_value", "a finite number", [NAN, INF, -INF], []),
    ("intermediate_value", "a number", [], NO_NUMBER),
    ("part_for_test", "at least 0 and below 1", [-0.1, 1, 1.5, NAN], NO_NUMBER),
    ("auto_save_name_file", "a string", [], [None, 3, b"net.txt"]),
    ("auto_save_iteration", "an integer at least 0", [-1], NOT_WHOLE),
    ("correct_summation", "True or False", [], FLAGS),
    ("mode", "SGD, Nesterov, Adam", ["sdg", "ADAMS", "", "Adam "], []),
    ("mode", "a string", [], [None, 3, foxnn.SGD()]),
    ("settings_optimization", "", [], [None, 3, "Adam"]),
)
def test_settings(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    network_refuses(network, lambda nn: setattr(nn.settings, name, value), error, *parts)


@wrongs(
    ("adam.betta_1", "at least 0 and below 1", [-0.1, 1, 1.5, NAN], NO_NUMBER),
    ("adam.betta_2", "at least 0 and below 1", [-0.1, 1, 1.5, NAN], NO_NUMBER),
    ("adam.epsilon", "above 0", [0, -1e-8, NAN, INF], NO_NUMBER),
    ("adam.step_to_zero_after_n", "an integer at least 0", [-1], NOT_WHOLE),
    ("nesterov.gamma", "above 0 and below 1", [0, 1, -0.1, 1.5, NAN], NO_NUMBER),
)
def test_settings_of_the_optimizers(
    name: str, value: Any, error: ErrorType, parts: tuple[str, ...]
) -> None:
    of, constant_name = name.split(".")
    parts = (constant_name, *parts[1:])

    def assign(nn: foxnn.neural_network) -> None:
        setattr(getattr(nn.settings.settings_optimization, of), constant_name, value)

    def call_setter(nn: foxnn.neural_network) -> None:
        getattr(getattr(nn.settings.settings_optimization, of), f"set_{constant_name}")(value)

    network_refuses(network, assign, error, *parts)
    if constant_name != "step_to_zero_after_n":
        network_refuses(network, call_setter, error, *parts)


def optimization(nn: foxnn.neural_network) -> Any:
    return nn.settings.settings_optimization


@table(
    ("set_mode", lambda nn: nn.settings.set_mode("Adagrad"), ValueError, "SGD, Nesterov, Adam"),
    ("set_part", lambda nn: nn.settings.set_part_for_test(1), ValueError, "part_for_test", "got 1"),
    (
        "unknown",
        lambda nn: setattr(nn.settings, "nthreads", 2),
        AttributeError,
        "'nthreads'",
        "n_t",
    ),
    ("read-unknown", lambda nn: nn.settings.nthreads, AttributeError, "nthreads"),
    ("adam", lambda nn: setattr(optimization(nn).adam, "beta_1", 0.5), AttributeError, "betta_1"),
    ("nesterov", lambda nn: setattr(optimization(nn).nesterov, "g", 0.5), AttributeError, "gamma"),
    ("no-rule", lambda nn: setattr(optimization(nn), "adagrad", 1), AttributeError, "adagrad"),
    ("over-adam", lambda nn: setattr(optimization(nn), "adam", 1), (TypeError, AttributeError)),
    ("over-settings", lambda nn: setattr(nn, "settings", None), AttributeError, "settings"),
)
def test_settings_by_their_setters_and_unknown_ones(
    call: Callable[[Any], object], error: ErrorType, parts: tuple[str, ...]
) -> None:
    network_refuses(network, call, error, *parts)


def test_steps_to_zero_beyond_every_integer() -> None:
    def ask(nn: foxnn.neural_network) -> None:
        optimization(nn).adam.step_to_zero_after_n = 2**70
        nn.settings.set_mode("Adam")
        nn.train(samples(), 0.1, 1)

    refused(functools.partial(ask, network()), ValueError, "step_to_zero_after_n")


# Samples under FoxNN's interface.


@table(
    ("x-only", lambda: foxnn.train_data(X), TypeError, "both x and y"),
    ("y-only", lambda: foxnn.train_data(None, Y), TypeError, "both x and y"),
    ("three", lambda: foxnn.train_data(X, Y, X), TypeError),
    ("lengths", lambda: foxnn.train_data(X, Y[:7]), ValueError, "x and y", "8 and 7"),
    ("no-sample", lambda: foxnn.train_data(X[:0], Y[:0]), ValueError, "x must", "at least one"),
    ("empty", lambda: foxnn.train_data([], []), ValueError, "x must", "(samples, inputs)"),
    ("1d", lambda: foxnn.train_data(X[0], Y[0]), ValueError, "x must", "got (3,)"),
    ("y-1d", lambda: foxnn.train_data(X, LABELS), ValueError, "y must", "got (8,)"),
    ("3d", lambda: foxnn.train_data(X[None], Y), ValueError, "x must", "got (1, 8, 3)"),
    ("0d", lambda: foxnn.train_data(1, 1), ValueError, "x must", "got ()"),
    ("no-inputs", lambda: foxnn.train_data(X[:, :0], Y), ValueError, "x must", "(8, 0)"),
    ("no-outputs", lambda: foxnn.train_data(X, Y[:, :0]), ValueError, "y must", "(8, 0)"),
    ("ragged", lambda: foxnn.train_data([[1, 2], [3]], Y), ValueError, "x must", "rectangular"),
    ("y-ragged", lambda: foxnn.train_data(X, [[1, 2], [3]]), ValueError, "y must", "rectangular"),
    ("nan", lambda: foxnn.train_data(with_one(X, NAN), Y), ValueError, "x must", "finite", "nan"),
    ("inf", lambda: foxnn.train_data(X, with_one(Y, INF)), ValueError, "y must", "finite", "inf"),
    ("complex", lambda: foxnn.train_data(X * 1j, Y), TypeError, "x must", "real numbers"),
    ("strings", lambda: foxnn.train_data(X, Y.astype(str)), TypeError, "y must", "real numbers"),
    ("objects", lambda: foxnn.train_data(objects(X), Y), TypeError, "x must", "got {}"),
    ("itself", lambda: foxnn.train_data(samples(), samples()), TypeError, "x must", "real"),
)
def test_train_data(call: Callable[[], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    refused(call, error, *parts)


@table(
    ("no-out", lambda data: data.add_data(X), TypeError, "out is missing"),
    ("no-input", lambda data: data.add_data(None, Y), TypeError, "input must", "got None"),
    ("lengths", lambda data: data.add_data(X, Y[:7]), ValueError, "input and out", "8 and 7"),
    ("narrow", lambda data: data.add_data([1, 2], [1, 2]), ValueError, "input must", "3", "2"),
    ("out-narrow", lambda data: data.add_data([1, 2, 3], [1]), ValueError, "out must", "2", "1"),
    ("rows-narrow", lambda data: data.add_data(X[:, :2], Y), ValueError, "input must", "(8, 2)"),
    ("rows-wide", lambda data: data.add_data(X, X), ValueError, "out must", "(8, 3)"),
    ("mixed", lambda data: data.add_data(X, Y[0]), ValueError, "input and out", "(8, 3)", "(2,)"),
    ("3d", lambda data: data.add_data(X[None], Y[None]), ValueError, "input and out", "(1, 8, 3)"),
    ("0d", lambda data: data.add_data(1, 1), ValueError, "input and out", "()"),
    ("no-sample", lambda data: data.add_data(X[:0], Y[:0]), ValueError, "input must", "(0, 3)"),
    ("nan", lambda data: data.add_data([1, NAN, 3], [1, 2]), ValueError, "input must", "got nan"),
    ("inf", lambda data: data.add_data(X, with_one(Y, INF)), ValueError, "out must", "got inf"),
    ("strings", lambda data: data.add_data(list("abc"), [1, 2]), TypeError, "input must", "real"),
    ("complex", lambda data: data.add_data(X, Y * 1j), TypeError, "out must", "complex128"),
    ("ragged", lambda data: data.add_data([[1], [1, 2]], Y), ValueError, "input", "rectangular"),
    ("twice", lambda data: data.add_data(data, Y), TypeError, "out must be left out"),
    (
        "other-width",
        lambda data: data.add_data(foxnn.train_data(Y, X)),
        ValueError,
        "3 inputs and 2 outputs",
        "got 2 and 3",
    ),
)
def test_add_data(call: Callable[[Any], object], error: ErrorType, parts: tuple[str, ...]) -> None:
    data_refuses(call, error, *parts)


def test_data_without_samples_stay_so() -> None:
    data = foxnn.train_data()
    refused(lambda: data.add_data([1, NAN], [1]), ValueError, "input must", "got nan")
    refused(lambda: data.add_data([], []), ValueError, "at least one column")
    refused(lambda: data.get(0), IndexError, "got 0")
    assert (data.size(), repr(data)) == (0, "train_data(0 samples)")
    data.add_data([1], [2])
    assert content(data) == [1, [([1.0], [2.0])]]


@wrongs(
    ("get_first_n", "n must be an integer at least 0", [-1], NOT_WHOLE),
    ("get_part", "n must be an integer at least 0", [-1], NOT_WHOLE),
    ("reserve", "n must be an integer at least 0", [-1], NOT_WHOLE),
)
def test_counts_of_samples(name: str, value: Any, error: ErrorType, parts: tuple[str, ...]) -> None:
    data_refuses(lambda data: getattr(data, name)(value), error, *parts[1:])


@pytest.mark.parametrize("n", [2**62, 2**70])
def test_room_beyond_every_memory(n: int) -> None:
    data_refuses(lambda data: data.reserve(n), (ValueError, MemoryError), "n must", f"got {n}")


@pytest.mark.parametrize(
    ("i", "error"),
    [*((i, IndexError) for i in (8, -9, 2**70)), *((i, TypeError) for i in NOT_WHOLE)],
    ids=repr,
)
def test_get(i: Any, error: ErrorType) -> None:
    data_refuses(lambda data: data.get(i), error, "i must be", f"got {i!r}")


# An object that was never made.


def test_a_network_that_was_not_made_is_refused_not_read() -> None:
    nn = foxnn.neural_network.__new__(foxnn.neural_network)
    assert repr(nn) == "<neural_network, not made>"
    for use in (
        lambda: nn.sizes,
        lambda: nn._layers(),
        lambda: foxnn._core.answer(nn, [1.0]),
        lambda: foxnn._core.Network._copy(nn),
    ):
        refused(use, TypeError, "the neural_network has not been made by its constructor")


def test_any_value_can_be_shown_in_a_short_time() -> None:
    nested: Any = []
    for _ in range(10_000):
        nested = [nested]
    for value in (
        *(10**5000, nested, "x" * 10**7, [0.0] * 10**6, {i: i for i in range(10**5)}),
        *(raising("__repr__")(), answering(__repr__=3)(), raising("__repr__", error=KeyError)()),
    ):
        assert 0 < len(shown(value)) <= 60
    assert shown([1, "a", None]) == "[1, 'a', None]"


@pytest.mark.parametrize("value", ["x" * 10_000, "\ud800", "a\0b", "a\nb"])
def test_names_of_the_engine(value: str) -> None:
    for call in (
        lambda: foxnn.neural_network([3, 2], value),
        lambda: foxnn.neural_network([3, 2], init=value),
        lambda: foxnn.neural_network([3, 2], loss=value),
        lambda: small_runs.few()[0].set_activation_function(value),
        lambda: small_runs.few().fit(small_runs.FEW, small_runs.ONE_HOT, optimizer=value),
    ):
        with pytest.raises(ValueError, match=r"must be (a known name|one of)") as caught:
            call()
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["a\0b.txt", "\ud800.txt"])
def test_names_that_no_file_can_have(value: str) -> None:
    nn = small_runs.few()
    for call in (
        lambda: nn.save(value),
        lambda: foxnn.neural_network(value),
        lambda: foxnn.train_data(value),
        lambda: nn.train_on_file(value, 0.1, 1),
    ):
        with pytest.raises(ValueError, match="must be a name that a file can have"):
            call()


def test_what_a_users_object_raises_comes_through() -> None:
    nn, wrong = small_runs.few(), raising("__float__", "__index__", "__array__", "__iter__")()
    for name in ("epochs", "learning_rate", "sample_weight", "callbacks", "l2"):
        with pytest.raises(UsersOwn):
            nn.fit(small_runs.FEW, small_runs.ONE_HOT, **{name: wrong})


def test_iterators_without_end() -> None:
    with pytest.raises(ValueError, match="sizes must not list more than"):
        foxnn.neural_network(itertools.repeat(3))
    with pytest.raises(ValueError, match="parameters must be a few numbers"):
        small_runs.few()[0].set_activation_function("elu", range(2**62))


@pytest.mark.parametrize("dtype", [3, "\ud800", object(), [], np.int64, "f2", {"a": 1}])
def test_types_that_no_network_has(dtype: Any) -> None:
    with pytest.raises(ValueError, match="dtype must be one of float32, float64; got "):
        foxnn.neural_network([3, 2], dtype=dtype)


def test_what_was_made_without_its_constructor() -> None:
    nn, bare = small_runs.few(), foxnn.neural_network.__new__(foxnn.neural_network)
    for use in (
        lambda: bare.predict(small_runs.FEW),
        lambda: bare.settings,
        lambda: bare.fit(small_runs.FEW, small_runs.ONE_HOT),
        lambda: bare.notes,
        lambda: len(bare),
    ):
        with pytest.raises(TypeError, match="the neural_network has not been made by its const"):
            use()
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        _ = nn.weights
    for call, match in (
        (lambda: nn.next_layer(foxnn.layer.__new__(foxnn.layer)), "new_layer"),
        (lambda: nn.train(foxnn.train_data.__new__(foxnn.train_data), 0.1, 1), "data_for_train"),
        (lambda: setattr(nn, "input_scaler", foxnn.Scaler.__new__(foxnn.Scaler)), "input_scaler"),
        (
            lambda: nn.fit(
                small_runs.FEW, small_runs.ONE_HOT, schedule=schedules.step.__new__(schedules.step)
            ),
            "schedule",
        ),
        (
            lambda: nn.fit(small_runs.FEW, small_runs.ONE_HOT, schedule=schedules.Schedule()),
            "schedule",
        ),
        (lambda: schedules.warmup(3, schedules.Schedule()), "then"),
    ):
        with pytest.raises((TypeError, ValueError), match=match):
            call()
    for kind in (foxnn.layer, foxnn.Trace, foxnn.History, foxnn.Scaler, foxnn.train_data):
        assert repr(kind.__new__(kind))
