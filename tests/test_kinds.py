"""Every row of the table of kinds as everything that is promised of a layer."""

from __future__ import annotations

import copy
import importlib
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from c_programs import COMPILERS, called, calling, library
from closeness import assert_within, epsilon
from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kinds import CLASSES, KINDS, check_held
from kinds import ROWS, Row
from layer_reference import APPLIED, Network
from network_model import MUTATION, uniform

per_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
HERE = foxnn.kernel_sets()
# Errors of rounding are independent, and grow as the root of how many there are; this many typical
# ones in a chain of layers are the bound.
UNITS = 4.0


def allowed(nn: Any, scale: float) -> float:
    """Return the bound of rounding errors of numbers of this size: from the type and the layers."""
    most = max([16, *(a.size // a.shape[-1] for a in kinds.arrays(nn).values())])
    return UNITS * np.sqrt(most) * epsilon(nn.dtype) * scale


def largest(arrays: Any) -> float:
    return max([1e-3, *(float(np.abs(array).max()) for array in arrays)])


def test_every_kind_has_rows_and_an_oracle() -> None:
    found: dict[str, set[str]] = {}

    def look(parts: list[Any], place: str) -> None:
        for part in parts:
            found.setdefault(part["kind"], set()).add(place)
            for branch in part.get("branches", ()):
                look(branch, "within")

    for row in ROWS:
        parts = row.network()._layers()
        look(parts[:1], "first")
        look(parts[1:-1], "middle")
        look(parts[-1:], "last")
    assert found.keys() == {*KINDS, *COMPOSITES} <= APPLIED.keys()
    assert [kind for kind, at in found.items() if not {"first", "middle", "last"} <= at] == []


def test_the_table_names_what_the_modules_hold() -> None:
    for name, kind in KINDS.items():
        described = getattr(foxnn, kind.public)
        assert (kind.name, described.kind) == (name, kind)
        assert described.__module__ == CLASSES[kind.public]


# The oracle


@per_dtype
@per_row
def test_outputs_beside_the_oracle(row: Row, dtype: str) -> None:
    nn = row.network(dtype)
    x = kinds.samples(nn, 9)
    expected = Network(nn).predict(x)
    found = nn.predict(x)
    assert found.dtype == dtype
    assert_within(found, expected, allowed(nn, max(1.0, largest([expected]))))
    outputs = nn.layer_outputs(x)
    assert [values.shape[1:] for values in outputs.values()] == [part.output_shape for part in nn]
    assert list(outputs.values())[-1].tobytes() == found.tobytes()


def with_one_oracle(row: Row) -> list[list[Any]]:
    """Return the network in both types with the same parameters, for which one oracle will do.

    But one list of each where the types divide groups in their own way, by their panels.
    """
    single, double = (row.network(dtype) for dtype in ("float32", "float64"))
    if [leaf.index for leaf in kinds.leaves(single)] != [
        leaf.index for leaf in kinds.leaves(double)
    ]:
        return [[single], [double]]
    for leaf in kinds.leaves(single):
        for name, values in leaf.arrays.items():
            double._set_array(leaf.index, name, values)
    return [[single, double]]


@per_row
def test_gradients_beside_the_oracle(row: Row) -> None:
    for networks in with_one_oracle(row):
        x, y = kinds.samples(networks[0], 9), kinds.targets(networks[0], 9)
        expected_loss, expected = Network(networks[0]).gradients(x, y)
        of_inputs = Network(networks[0]).input_gradients(x)
        for nn in networks:
            loss, gradients = kinds.gradients(nn, x, y)
            near = pytest.approx(expected_loss, rel=64 * epsilon(nn.dtype))
            assert (loss, nn.evaluate(x, y)["loss"]) == (near, near)
            assert [own.keys() for own in gradients] == [own.keys() for own in expected]
            bound = allowed(nn, largest(g for own in expected for g in own.values()))
            for own, own_expected in zip(gradients, expected, strict=True):
                for name, gradient in own.items():
                    assert_within(gradient, own_expected[name], bound, f"{name}, {nn.dtype}")
            bound = allowed(nn, largest([of_inputs]))
            shape = (len(x), *nn._output_shape(), *nn._input_shape())
            assert_within(nn.gradient(x), of_inputs.reshape(shape), bound, f"inputs, {nn.dtype}")


@per_dtype
@pytest.mark.parametrize("row", [r for r in ROWS if r.has_positions], ids=lambda row: row.name)
def test_gradients_of_weighted_positions_beside_the_oracle(row: Row, dtype: str) -> None:
    nn = row.network(dtype)
    x, y, weights = kinds.samples(nn, 9), kinds.targets(nn, 9), kinds.weights(nn, 9)
    loss, gradients = kinds.gradients(nn, x, y, weights)
    expected_loss, expected = Network(nn).gradients(x, y, weights=weights)
    assert loss == pytest.approx(expected_loss, rel=64 * epsilon(dtype))
    assert nn.evaluate(x, y, weights)["loss"] == pytest.approx(loss, rel=64 * epsilon(dtype))
    bound = allowed(nn, largest(g for own in expected for g in own.values()))
    for own, own_expected in zip(gradients, expected, strict=True):
        for name, gradient in own.items():
            assert_within(gradient, own_expected[name], bound, name)


@pytest.mark.parametrize("row", [r for r in ROWS if not r.has_kinks], ids=lambda row: row.name)
def test_gradients_beside_differences(row: Row) -> None:
    nn, rng, step = row.network(), np.random.default_rng(0), 1e-5
    x, y = kinds.samples(nn, 5), kinds.targets(nn, 5)
    _, gradients = kinds.gradients(nn, x, y)
    scale = largest(gradient for own in gradients for gradient in own.values())
    for leaf, own in zip(kinds.leaves(nn), gradients, strict=True):
        for name, gradient in own.items():
            for _ in range(3):
                place = tuple(rng.integers(length) for length in gradient.shape)
                losses = []
                for sign in (1, -1):
                    moved = leaf.arrays[name].copy()
                    moved[place] += sign * step
                    nn._set_array(leaf.index, name, moved)
                    losses.append(nn.evaluate(x, y)["loss"])
                nn._set_array(leaf.index, name, leaf.arrays[name])
                assert_within(
                    gradient[place], (losses[0] - losses[1]) / (2 * step), 1e-7 * scale, name
                )
    if nn._index_limit():
        return  # there is nothing between two indices
    of_inputs = nn.gradient(x).reshape(len(x), -1, x[0].size)
    for j in rng.integers(0, x[0].size, 3):
        moves = np.zeros(x[0].size)
        moves[j] = step
        moves = moves.reshape(x[0].shape)
        difference = (nn.predict(x + moves) - nn.predict(x - moves)) / (2 * step)
        assert_within(of_inputs[:, :, j], difference.reshape(len(x), -1), 1e-7)


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_row
def test_training_beside_the_oracle(row: Row) -> None:
    """Two batches of an epoch, and a step of its own, each with the masks of its place."""
    for networks in with_one_oracle(row):
        oracle, draw = Network(networks[0]), networks[0]._draw()
        x, y = kinds.samples(networks[0], 9), kinds.targets(networks[0], 9)
        for first, batch in ((0, slice(0, 6)), (6, slice(6, 9))):
            oracle.gradients(x[batch], y[batch], draw, first)
            oracle.descend(0.1)
        for nn in networks:
            nn.fit(x, y, 1, 6, "sgd", 0.1, shuffle=False)
        draw = networks[0]._draw()
        expected, gradients = oracle.gradients(x, y, draw)
        oracle.descend(0.1)
        drawn = sum(leaf.kind == "dropout" for leaf in oracle.leaves())
        scale = largest(gradient for own in gradients for gradient in own.values())
        for nn in networks:
            assert nn._draw() == draw
            loss = nn.train_on_batch(x, y, optimizer="sgd", learning_rate=0.1)
            assert nn._draw() == draw + drawn
            assert loss == pytest.approx(expected, rel=256 * epsilon(nn.dtype))
            bound = allowed(nn, max(1.0, scale))
            for leaf, own in zip(kinds.leaves(nn), oracle.leaves(), strict=True):
                for name, array in leaf.arrays.items():
                    assert_within(array, own.arrays[name], bound, f"{name}, {nn.dtype}")


# Bits


@pytest.fixture(scope="module")
def usual(forced_run: Callable[..., Any]) -> dict[str, np.ndarray]:
    return forced_run("kinds", isa=foxnn.kernel_set(), threads="1")


@pytest.mark.parametrize("threads", ["2", "3"])
def test_same_bits_with_any_threads(
    threads: str, usual: dict[str, np.ndarray], forced_run: Callable[..., Any]
) -> None:
    found = forced_run("kinds", isa=foxnn.kernel_set(), threads=threads)
    assert differing(usual, found) == ["threads"]


@pytest.mark.parametrize("kernel_set", [name for name in HERE if name != foxnn.kernel_set()])
def test_same_bits_with_every_kernel_set(
    kernel_set: str, usual: dict[str, np.ndarray], forced_run: Callable[..., Any]
) -> None:
    found = forced_run("kinds", isa=kernel_set, threads="1")
    assert differing({name: usual[name] for name in found}, found) == ["kernel_set"]


def differing(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    assert a.keys() == b.keys()
    return [key for key in a if a[key].tobytes() != b[key].tobytes()]


@per_dtype
@per_row
def test_one_sample_is_as_many(row: Row, dtype: str) -> None:
    nn = row.network(dtype)
    x = kinds.samples(nn, 17)
    many = nn.predict(x)
    one = nn.get_out(x[3])
    assert one.shape == nn._output_shape()
    assert one.tobytes() == many[3].tobytes()
    assert nn.get_out(x[3].tolist()).tobytes() == one.tobytes()
    # Few samples take another way through convolutions and pools.
    for first, last in ((5, 7), (4, 7), (3, 8), (1, 8), (2, 10)):
        assert nn.predict(x[first:last]).tobytes() == many[first:last].tobytes()
    assert nn.gradient(x)[3].tobytes() == nn.gradient(x[3]).tobytes()


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_row
def test_samples_may_be_flat(row: Row) -> None:
    results = []
    for flat in (False, True):
        nn = row.network("float32")
        x, y = kinds.samples(nn, 9), kinds.targets(nn, 9)
        if flat:
            x, y = x.reshape(9, -1), y.reshape(9, -1)
        losses = list(nn.fit(x, y, 2, 4, validation=0.25)["loss"])
        evaluated = nn.evaluate(x, y)
        results.append((losses, evaluated, kinds.bits(nn), nn.get_out(x).tobytes()))
        assert nn.predict(x).shape == (9, *nn._output_shape())
    assert results[0] == results[1]


# Freezing

RULES = {
    "sgd": "sgd",
    "momentum": foxnn.SGD(momentum=0.9),
    "adam": "adam",
    "adamw": foxnn.AdamW(weight_decay=0.1),
}


def frozen(row: Row, place: int, dtype: str = "float64") -> Any:
    """Return the network with one leaf frozen, by the view of it."""
    nn = row.network(dtype)
    nn._set_trained(kinds.leaves(nn)[place].index, False)
    return nn


def with_arrays(row: Row) -> list[int]:
    return [i for i, leaf in enumerate(kinds.leaves(row.network())) if leaf.arrays]


def trainings(row: Row) -> dict[str, Callable[[Any, Any, Any], object]]:
    """Return ways to train, by name."""
    found: dict[str, Callable[[Any, Any, Any], object]] = {}
    for name, rule in RULES.items():
        found[f"fit {name}"] = lambda nn, x, y, rule=rule: nn.fit(
            x, y, 2, 4, rule, 0.01, l1=0.01, l2=0.01, clip_norm=0.5
        )
        found[f"step {name}"] = lambda nn, x, y, rule=rule: nn.train_on_batch(
            x, y, optimizer=rule, learning_rate=0.01
        )
    found["train"] = lambda nn, x, y: nn.train(
        foxnn.train_data(x.reshape(len(x), -1), y.reshape(len(y), -1)), 0.01, 3, 4
    )
    return found


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_row
def test_a_frozen_layer_stays(row: Row) -> None:
    for place in with_arrays(row):
        nn = frozen(row, place)
        for name, train in trainings(row).items():
            before = kinds.arrays(nn)
            train(nn, kinds.samples(nn, 9), kinds.targets(nn, 9))
            changed = {key for key, a in kinds.arrays(nn).items() if (a != before[key]).any()}
            assert changed == {k for k in before if not k.startswith(f"{place} ")}, (name, place)
            assert not kinds.leaves(nn)[place].trained


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_row
def test_training_of_the_rest_beside_the_oracle(row: Row) -> None:
    """What is frozen passes gradients on, has no penalty and does not count for the norm."""
    for place in with_arrays(row):
        nn = frozen(row, place)
        x, y = kinds.samples(nn, 9), kinds.targets(nn, 9)
        oracle = Network(nn)
        oracle.gradients(x, y, nn._draw())
        oracle.descend(0.1, l1=0.03, l2=0.05, most=0.2)
        nn.fit(x, y, 1, 9, "sgd", 0.1, shuffle=False, l1=0.03, l2=0.05, clip_norm=0.2)
        for leaf, own in zip(kinds.leaves(nn), oracle.leaves(), strict=True):
            for name, array in leaf.arrays.items():
                assert_within(array, own.arrays[name], allowed(nn, 1.0), name)


# Mutation


@pytest.mark.parametrize("relative", [False, True])
@per_row
def test_mutation_draws_in_the_order_of_the_arrays(row: Row, relative: bool) -> None:
    nn = row.network()
    before, draw = kinds.arrays(nn), nn._draw()
    (nn.smart_mutation if relative else nn.random_mutation)(0.25)
    trained = kinds.trained_arrays(nn)
    count = sum(before[key].size for key in trained)
    steps = 2.0 * uniform(nn.seed, MUTATION, draw, count) - 1.0
    for key, old in before.items():
        expected = old
        if key in trained:
            step, steps = steps[: old.size].reshape(old.shape), steps[old.size :]
            expected = old + 0.25 * step * (np.abs(old) if relative else 1.0)
        assert_within(kinds.arrays(nn)[key], expected, 1e-15 * (1 + np.abs(old)), key)
    assert nn._draw() == draw + 1


# Copies and files


def seen(nn: Any) -> list[tuple[Any, ...]]:
    """Return what a copy has of the layers: all but how they began."""
    return [
        (leaf.kind, {k: v for k, v in leaf.options.items() if k != "init"}, leaf.trained)
        for leaf in kinds.leaves(nn)
    ]


def trained(row: Row, dtype: str) -> Any:
    """Return a network with moments and drawn numbers, a layer of which is frozen."""
    nn = row.network(dtype)
    if places := with_arrays(row):
        nn._set_trained(kinds.leaves(nn)[places[0]].index, False)
    nn.fit(kinds.samples(nn, 9), kinds.targets(nn, 9), 2, 4, "adam", 0.01)
    return nn


def through_a_file(nn: Any, path: Path, **options: Any) -> Any:
    nn.save(str(path))
    return foxnn.neural_network(str(path), **options)


COPIES: dict[str, Callable[[Any, Path], Any]] = {
    "pickle": lambda nn, folder: pickle.loads(pickle.dumps(nn)),
    "deepcopy": lambda nn, folder: copy.deepcopy(nn),
    "safetensors": lambda nn, folder: through_a_file(nn, folder / "net.safetensors"),
}


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_dtype
@per_row
def test_a_copy_goes_on_bit_for_bit(row: Row, dtype: str, tmp_path: Path) -> None:
    nn = trained(row, dtype)
    twins = {way: copied(nn, tmp_path) for way, copied in COPIES.items()}
    before = repr(nn), seen(nn), kinds.bits(nn)
    for way, twin in twins.items():
        assert (repr(twin), seen(twin), kinds.bits(twin)) == before, way
    x, y = kinds.samples(nn, 9), kinds.targets(nn, 9)
    for each in (nn, *twins.values()):
        each.fit(x, y, 2, 4, "adam", 0.01)
        each.random_mutation(0.1)
    for way, twin in twins.items():
        assert kinds.bits(twin) == kinds.bits(nn), way


class Stop:
    """Stops a run after an epoch."""

    def __call__(self, epoch: int, logs: dict[str, float]) -> bool:
        return epoch == 1


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_row
def test_a_run_goes_on_as_if_it_had_not_stopped(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    whole = trained(row, "float32")
    cut = copy.deepcopy(whole)
    x, y = kinds.samples(whole, 9), kinds.targets(whole, 9)
    losses = whole.fit(x, y, 4, 4, "adam", 0.01, validation=0.25)["loss"]
    cut.fit(x, y, 4, 4, "adam", 0.01, validation=0.25, checkpoint=path, callbacks=Stop())
    twin, history = foxnn.resume(path, x, y)
    assert history["loss"] == losses
    assert kinds.bits(twin) == kinds.bits(whole)


# Other formats


def as_onnx(nn: Any, x: np.ndarray, folder: Path) -> np.ndarray:
    """Return the outputs of the network that the file is read as; its graph has nearly the same."""
    onnx = pytest.importorskip("onnx.reference")
    again = through_a_file(nn, folder / "net.onnx")
    if any(leaf.kind == "max_pool3d" for leaf in kinds.leaves(nn)):
        # Whose evaluator leaves the padding of volumes out.
        session = pytest.importorskip("onnxruntime").InferenceSession(str(folder / "net.onnx"))
        (outputs,) = session.run(None, {"x": x.astype(nn.dtype)})
    else:
        graph = onnx.ReferenceEvaluator(str(folder / "net.onnx"))
        (outputs,) = graph.run(None, {graph.input_names[0]: x.astype(nn.dtype)})
    assert_within(outputs, nn.predict(x), 1e-6)  # its erf, behind gelu, is that of float32
    return again.predict(x)


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[..., np.ndarray]]:
    """Return the functions of the headers of all rows, which are compiled together, by row."""
    if not COMPILERS:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("headers")
    names = {row.name: f"net{i}" for i, row in enumerate(ROWS) if "c" not in row.refused_by}
    for row in ROWS:
        if row.name in names:
            row.network().export_c(folder / f"{names[row.name]}.h")
    source = "".join(calling(name, "float64") for name in names.values())
    headers = library(folder, source, "float64")
    return {row: called(headers, name, "float64") for row, name in names.items()}


@pytest.mark.parametrize("row", [r for r in ROWS if "c" not in r.refused_by], ids=lambda r: r.name)
def test_a_c_header_holds_it(row: Row, in_c: dict[str, Callable[..., np.ndarray]]) -> None:
    nn = row.network()
    x = kinds.samples(nn, 9)
    found = in_c[row.name](x.reshape(len(x), -1)).reshape(len(x), *nn._output_shape())
    assert_within(found, nn.predict(x), allowed(nn, 1.0))


_REFUSED = "|".join(
    (r"layer \d+ (is a|has none)", r"layers\[\d+\] \(", "flat samples only", "has no activation")
)

FORMATS: dict[str, Callable[[Any, np.ndarray, Path], Any]] = {
    "onnx": as_onnx,
    "c": lambda nn, x, folder: nn.export_c(folder / "net.h"),
    "txt": lambda nn, x, folder: through_a_file(nn, folder / "net.txt", dtype=nn.dtype).predict(x),
    "trace": lambda nn, x, folder: np.stack([nn.trace(row)[f"a^{len(nn)}"] for row in x]),
}


HELD = [(row, name) for row in ROWS for name in FORMATS if name not in ("c", *row.refused_by)]


@pytest.mark.parametrize(("row", "name"), HELD, ids=[f"{row.name}-{name}" for row, name in HELD])
def test_other_formats_hold_it(row: Row, name: str, tmp_path: Path) -> None:
    nn = row.network()
    x = kinds.samples(nn, 9)
    assert_within(FORMATS[name](nn, x, tmp_path), nn.predict(x), allowed(nn, 1.0))


@pytest.mark.parametrize("row", [row for row in ROWS if row.refused_by], ids=lambda row: row.name)
def test_other_formats_refuse_it(row: Row, tmp_path: Path) -> None:
    nn = row.network()
    x = kinds.samples(nn, 9)
    for name in row.refused_by:
        with pytest.raises(ValueError, match=_REFUSED):
            FORMATS[name](nn, x, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (
            "layer_norm",
            "layers[0] (Residual 'around').layers[1] (Parallel).branches[1][0] (LayerNorm)",
        ),
        ("flatten", "layers[1] (Flatten 'flat')"),
        ("residual", "layers[0] (Residual 'around')"),
    ],
)
def test_a_format_refuses_a_kind_by_place_and_name(lacking: str, message: str) -> None:
    inner = foxnn.Parallel(1, [foxnn.LayerNorm(), 2])
    around = foxnn.Residual(4, inner, name="around")
    nn = foxnn.neural_network([3, around, foxnn.Flatten(name="flat"), 2])
    held = {*KINDS, *COMPOSITES}
    check_held(nn._layers(), held, "a file")
    with pytest.raises(ValueError, match=re.escape(f"a file cannot hold {message}; save it as")):
        check_held(nn._layers(), held - {lacking}, "a file")


def test_what_holds_dense_layers_only_names_the_other_layer(tmp_path: Path) -> None:
    nn = foxnn.neural_network([(4, 4, 1), foxnn.Conv2D(2, 3), foxnn.MaxPool2D(2), 2])
    calls: dict[str, Callable[[], object]] = {
        "FoxNN's text format": lambda: nn.save(tmp_path / "net.txt"),
        "a C header of 8 bits": lambda: nn.export_c(tmp_path / "net.h", weights="int8"),
        "trace without recurrent layers": lambda: nn.trace(np.zeros((4, 4, 1))),
    }
    for what, call in calls.items():
        with pytest.raises(ValueError, match=f"{what} supports .* but layer 0 is a Conv2D; "):
            call()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kind",
    ["an LSTM", "an RNN", "a GRU", "an Embedding", "an AveragePool1D", "a LayerNorm", "a Residual"],
)
def test_kinds_have_their_article(kind: str) -> None:
    first = {
        "Embedding": (9, 3),
        "AveragePool1D": (2,),
        "LayerNorm": (),
        "Residual": (foxnn.Dense(3),),
    }
    name = kind.partition(" ")[2]
    layer = getattr(foxnn, name)(*first.get(name, (3,)))
    nn = foxnn.neural_network([4 if name == "Embedding" else (4, 3), layer], seed=1)
    if name not in ("LSTM", "RNN", "GRU"):  # which are traced
        with pytest.raises(ValueError, match=f"but layer 0 is {kind}; layer_outputs"):
            nn.trace(np.zeros(nn.sizes[0]))
    for draw in (foxnn.plot.weights, foxnn.plot.filters):
        with pytest.raises(ValueError, match=f"but layer 0 is {kind}$"):
            draw(nn)


@pytest.mark.parametrize(("table", "ending"), [("onnx.write", "onnx"), ("c.export", "h")])
def test_onnx_and_c_hold_what_is_in_their_tables(
    table: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    module = importlib.import_module(f"foxnn.formats.{table}")
    held = {kind: body for kind, body in module.BODIES.items() if kind != "layer_norm"}
    monkeypatch.setattr(module, "BODIES", held)
    nn = foxnn.neural_network([3, foxnn.LayerNorm(), 2])
    with pytest.raises(ValueError, match=r"cannot hold layers\[0\] \(LayerNorm\); save it as"):
        nn.save(tmp_path / "net.onnx") if ending == "onnx" else nn.export_c(tmp_path / "net.h")
    assert list(tmp_path.iterdir()) == []
