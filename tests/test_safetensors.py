"""safetensors files: training goes on bit for bit, and nothing broken gets in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import every_kind
import foxnn
from forced_runs import parameters
from test_pickle import X, Y, network, train_on
from test_states import state

RECORDS = Path(__file__).parent / "data" / "safetensors"


def saved(nn: foxnn.neural_network, folder: Path) -> Path:
    nn.save(folder / "net.safetensors")
    return folder / "net.safetensors"


def again(nn: foxnn.neural_network, folder: Path, **arguments: Any) -> foxnn.neural_network:
    return foxnn.neural_network(saved(nn, folder), **arguments)


# There and back


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_bit_for_bit(dtype: str, tmp_path: Path) -> None:
    nn = network(dtype)
    other = again(nn, tmp_path)
    assert repr(other) == repr(nn)
    assert repr(other.settings) == repr(nn.settings)
    assert (other.input_scaler, other.output_scaler) == (nn.input_scaler, nn.output_scaler)
    assert train_on(other) == train_on(nn)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", foxnn.SGD(momentum=0.5), "nesterov", foxnn.Adam(beta_1=0.5),
     foxnn.AdamW(weight_decay=0.3), foxnn.RMSprop(rho=0.5, momentum=0.5),
     "rmsprop"],
    ids=str,
)  # fmt: skip
def test_the_optimizer_goes_on(optimizer: Any, tmp_path: Path) -> None:
    nn = network(optimizer=optimizer)
    assert train_on(again(nn, tmp_path), optimizer) == train_on(nn, optimizer)


def test_foxnns_own_training_goes_on(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 7, 2], seed=1)
    nn.settings.set_mode("Adam")
    data = foxnn.train_data(X, Y)
    nn.train(data, 0.01, 7, 5)
    other = again(nn, tmp_path)
    for each in (nn, other):
        each.train(data, 0.01, 7, 5)
    assert parameters(other).tobytes() == parameters(nn).tobytes()


@pytest.mark.parametrize("name", foxnn.activations())
def test_every_activation(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3], name, seed=1)
    other = again(nn, tmp_path)
    assert repr(other) == repr(nn)
    assert other.get_out(X).tobytes() == nn.get_out(X).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_of_every_kind(dtype: str, tmp_path: Path) -> None:
    for nn in (every_kind.of_every_kind(dtype), every_kind.trained(dtype)):
        other = again(nn, tmp_path)
        assert repr(other) == repr(nn)
        assert [layer.name for layer in other] == [layer.name for layer in nn]
        assert every_kind.trained_flags(other) == every_kind.trained_flags(nn)
        assert every_kind.train_on(other) == every_kind.train_on(nn)
        before = saved(other, tmp_path).read_bytes()
        assert saved(foxnn.neural_network(saved(other, tmp_path)), tmp_path).read_bytes() == before


def test_layers_of_every_kind_in_another_type(tmp_path: Path) -> None:
    nn = every_kind.trained("float64")
    other = again(nn, tmp_path, dtype="float32")
    assert other.dtype == "float32"
    np.testing.assert_allclose(other.predict(every_kind.X), nn.predict(every_kind.X), rtol=1e-3)
    every_kind.train_on(other)


def test_the_usual_loss_stays_the_usual_one(tmp_path: Path) -> None:
    nn = again(foxnn.neural_network([3, 2], seed=1), tmp_path)
    nn[0].set_activation_function("softmax")
    assert nn.loss == "cross_entropy"
    given = again(foxnn.neural_network([3, 2], "softmax", loss="mse"), tmp_path)
    given[0].set_activation_function("sigmoid")
    given[0].set_activation_function("softmax")
    assert given.loss == "mse"


def test_two_files_of_one_network_are_equal(tmp_path: Path) -> None:
    nn = network()
    assert saved(nn, tmp_path).read_bytes() == saved(nn, tmp_path).read_bytes()
    assert saved(again(nn, tmp_path), tmp_path).read_bytes() == saved(nn, tmp_path).read_bytes()


def test_saving_changes_nothing(tmp_path: Path) -> None:
    nn, other = network(), network()
    saved(nn, tmp_path)
    assert train_on(nn) == train_on(other)


@pytest.mark.parametrize("name", ["näme.safetensors", "a b.SAFETENSORS", "\udcff.safetensors"])
def test_names_of_files(name: str, tmp_path: Path) -> None:
    nn = network()
    nn.settings.auto_save_name_file = name
    nn.save(str(tmp_path / name))
    other = foxnn.neural_network(str(tmp_path / name))
    assert repr(other) == repr(nn)
    assert other.settings.auto_save_name_file == name


def test_a_file_of_format_1_stays_readable() -> None:
    nn = foxnn.neural_network(RECORDS / "format_1.safetensors")
    record = json.loads((RECORDS / "format_1.json").read_text())
    assert repr(nn) == record["repr"]
    assert repr(nn.settings) == record["settings"]
    # float32: some units of its last place.
    np.testing.assert_allclose(nn.predict(record["inputs"]), record["outputs"], rtol=1e-6)
    found = nn.__reduce__()[1][1]
    assert (found["steps"], found["draw"]) == (record["steps"], record["draw"])
    assert found["optimizer"] == record["optimizer"]
    sums = [[float(arrays["weights"].sum()) for arrays in moment] for moment in found["moments"]]
    np.testing.assert_allclose(sums, record["sums_of_moments"], rtol=1e-5)


# What the arguments may change


def test_the_type_is_that_of_the_file(tmp_path: Path) -> None:
    for ours, asked in (("float32", "float64"), ("float64", "float32")):
        nn = network(ours)
        assert again(nn, tmp_path).dtype == ours
        other = again(nn, tmp_path, dtype=asked)
        assert other.dtype == asked
        assert parameters(other).tobytes() == parameters(nn).astype(asked).tobytes()
        np.testing.assert_allclose(other.predict(X), nn.predict(X), rtol=1e-4)
        train_on(other)


@pytest.mark.filterwarnings("error")
def test_numbers_too_large_for_the_type(tmp_path: Path) -> None:
    nn = foxnn.neural_network([2, 1], dtype="float64")
    nn[0].weights = [[1e300], [1]]
    with pytest.raises(
        ValueError, match=r"net\.safetensors.*layers\[0\] \(Dense\).*finite in float32"
    ):
        again(nn, tmp_path, dtype="float32")


def test_a_loss_and_a_seed_may_be_given(tmp_path: Path) -> None:
    nn = again(network(), tmp_path, loss="mae", seed=5)
    assert (nn.loss, nn.seed) == ("mae", 5)
    with pytest.raises(ValueError, match="seed"):
        again(network(), tmp_path, seed=-1)
    with pytest.raises(ValueError, match="cross_entropy"):
        again(network(), tmp_path, loss="cross_entropy")


@pytest.mark.parametrize(
    "argument", [{"activation": "tanh"}, {"output_activation": "relu"}, {"init": "zeros"},
                 {"only_scale": True}],
    ids=str,
)  # fmt: skip
def test_what_the_file_says_is_no_argument(argument: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=next(iter(argument))):
        again(network(), tmp_path, **argument)


def test_weights_alone_are_foxnns(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only_scale"):
        network().save(tmp_path / "net.safetensors", only_scale=True)
    assert list(tmp_path.iterdir()) == []


def test_auto_save(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3, 2], "gelu", seed=1)
    nn.settings.auto_save_name_file = str(tmp_path / "auto.safetensors")
    nn.settings.auto_save_iteration = 5
    nn.train(foxnn.train_data(X, Y), 0.01, 10)
    other = foxnn.neural_network(tmp_path / "auto.safetensors")
    assert parameters(other).tobytes() == parameters(nn).tobytes()


# What others see


def test_arrays_have_readable_names_and_pytorchs_layout(tmp_path: Path) -> None:
    nn = network()
    arrays = load_file(saved(nn, tmp_path))
    names = [f"layers.{i}.{part}" for i in range(3) for part in ("weight", "bias")]
    moments = [f"optimizer.moment_{i}.{name}" for i in (1, 2) for name in names]
    scalers = [f"{which}_scaler.{part}" for which in ("input", "output")
               for part in ("shift", "scale")]  # fmt: skip
    assert set(arrays) == {*names, *moments, *scalers}
    for i, part in enumerate(nn):
        assert np.array_equal(arrays[f"layers.{i}.weight"], part.weights.T)
        assert np.array_equal(arrays[f"layers.{i}.bias"], part.bias)
    assert np.array_equal(arrays["input_scaler.shift"], nn.input_scaler.shift)


def test_arrays_in_branches_have_their_path_in_their_name(tmp_path: Path) -> None:
    nn = every_kind.of_every_kind()
    arrays = load_file(saved(nn, tmp_path))
    weights = [
        "0", "1.0.0", "1.0.2", "4.0.0", "4.1.0", "4.1.1.0.0", "4.1.1.1.0.0.0", "5.0.0", "5.1.0",
        "5.1.1", "7", "9", "15",
    ]  # fmt: skip
    expected = {f"layers.{path}.{name}" for path in weights for name in ("weight", "bias")}
    # Other kinds have their own names for their arrays.
    expected |= {f"layers.{i}.{name}" for i in (11, 12, 14) for name in ("weights", "bias")}
    expected |= {"layers.12.running_mean", "layers.12.running_variance"}
    assert set(arrays) == expected - {"layers.0.bias", "layers.1.0.2.bias"}
    assert np.array_equal(arrays["layers.1.0.2.weight"], nn[1].layers[2].weights.T)
    assert np.array_equal(arrays["layers.4.1.0.bias"], nn[4].layers[1][0].bias)
    assert np.array_equal(arrays["layers.5.1.0.weight"], nn[5].layers[1].weights.T)


def test_the_layers_can_be_computed_by_hand(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 5, 2], "tanh", "identity", seed=1)
    arrays = load_file(saved(nn, tmp_path))
    hidden = np.tanh(X @ arrays["layers.0.weight"].T + arrays["layers.0.bias"])
    out = hidden @ arrays["layers.1.weight"].T + arrays["layers.1.bias"]
    np.testing.assert_allclose(out, nn.predict(X), rtol=1e-5, atol=1e-6)


# Files that are not right


def file_of(
    folder: Path,
    arrays: Callable[[dict[str, Any]], object] = lambda arrays: None,
    head: Callable[[dict[str, Any]], object] = lambda head: None,
) -> Path:
    """Return a file whose arrays and head are changed in place."""
    path = saved(network(), folder)
    found = load_file(path)
    with safetensors.safe_open(path, framework="numpy") as file:
        said = json.loads(file.metadata()["foxnn"])
    arrays(found)
    head(said)
    save_file(found, path, {"foxnn": json.dumps(said)})
    return path


def refused(path: Path, message: str = "") -> None:
    tracemalloc.start()
    try:
        with pytest.raises(foxnn.FileFormatError, match=re.escape(path.name)) as caught:
            foxnn.neural_network(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert re.search(message, str(caught.value)), caught.value


def test_the_helpers_change_nothing_by_themselves(tmp_path: Path) -> None:
    assert train_on(foxnn.neural_network(file_of(tmp_path))) == train_on(network())


@pytest.mark.parametrize("name", sorted(load_file(RECORDS / "format_1.safetensors")))
def test_an_array_that_is_not_right(name: str, tmp_path: Path) -> None:
    full = re.escape(name)
    refused(file_of(tmp_path, lambda a: a.pop(name)), f"expected an array {full}, got none")
    refused(
        file_of(tmp_path, lambda a: a.update({name: a[name].ravel()[:-1]})),
        rf"expected {full} as F\d\d of shape",
    )
    refused(file_of(tmp_path, lambda a: a.update({name: a[name].astype(np.float16)})), "got F16 of")
    bad = lambda a: a.update({name: np.full_like(a[name], np.nan)})  # noqa: E731
    refused(file_of(tmp_path, bad), "finite")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 3}, "expected format 2 or earlier, got format 3 of foxnn '9.0': this is foxnn"),
        ({"format": "1"}, "expected an object with a format"),
        ({"format": None}, "expected an object with a format"),
        ({"state": None}, "expected an object as state"),
        ({"state": []}, "expected an object as state"),
    ],
    ids=str,
)
def test_a_head_that_is_not_right(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    refused(file_of(tmp_path, head=lambda head: head.update({"foxnn": "9.0"} | change)), message)


@pytest.mark.parametrize(
    "key", sorted(set(state()) - {"parameters", "moments", "input_names", "classes", "notes"})
)
def test_a_state_that_lacks_something(key: str, tmp_path: Path) -> None:
    refused(file_of(tmp_path, head=lambda head: head["state"].pop(key)), "")


def said(**options: Any) -> list[dict[str, Any]]:
    """Return the layers of the state with options of the last one changed."""
    layers = state()["layers"]
    layers[2]["options"] |= options
    return layers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99, made by a later foxnn"),
        ({"version": 1}, "sizes must be"),
        ({"input_shape": [5]}, "expected layers.0.weight as F32 of shape"),
        ({"input_shape": "net"}, "input_shape"),
        ({"input_shape": None}, "input_shape"),
        ({"layers": said()[:2]}, "expected no array 'layers.2.bias'"),
        ({"layers": [*said(), said(units=2)[2]]}, r"expected an array layers\.3\.weight"),
        ({"layers": said(units=2**30)}, "expected layers.2.weight as F32 of shape"),
        ({"layers": None}, "layers must be a list of layers"),
        ({"layers": []}, "at least one layer"),
        ({"layers": [3]}, r"layers\[0\] must be a layer with a kind"),
        ({"layers": [{"kind": "conv"}]}, r"layers\[0\] is of an unknown kind 'conv'"),
        ({"layers": said(units=0)}, r"layers\[2\] \(Dense\) units"),
        ({"layers": said(activation="nope")}, "unknown activation 'nope'"),
        ({"layers": said(activation=3)}, "activation"),
        ({"layers": [*said(), {"kind": "flatten", "trained": 5}]}, r"layers\[3\] \(Flatten\)"),
        ({"dtype": "float64"}, "expected layers.0.weight as F64"),
        ({"dtype": ["float64"]}, "dtype"),
        ({"loss": 3}, "loss"),
        ({"loss": "poisson"}, "poisson"),
        ({"moments": [True]}, "two of true and false"),
        ({"moments": 3}, "two of true and false"),
        ({"moments": [True, False]}, "expected no array"),
        ({"optimizer": {"name": "adam"}}, "optimizer must hold"),
        ({"steps": 0}, "steps must be"),
        ({"draw": 2**40}, "draw must be"),
        ({"seed": 1.5}, "seed must be"),
        ({"input_scaler": {"method": "nope"}}, "method must be one of"),
        ({"input_scaler": {"method": "standard", "shift": 3}}, "object with a method"),
        ({"input_scaler": 3}, "object with a method"),
        ({"settings": {"n_threads": -3}}, "n_threads must be"),
        ({"settings": {"__class__": 3}}, "there is no setting"),
    ],
    ids=str,
)
def test_a_state_that_is_not_right(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    refused(file_of(tmp_path, head=lambda head: head["state"].update(change)), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99, made by a later foxnn"),
        ({"version": 2}, "lacks input_shape, layers"),
        ({"sizes": [4, 33]}, "activations must be a list of 1"),
        ({"sizes": [4, 2**30, 5, 2]}, "expected layers.0.weight as F32 of shape"),
        ({"sizes": "net"}, "sizes"),
        ({"sizes": None}, "sizes"),
        ({"activations": 3}, "activations must be a list of 3"),
        ({"activations": ["nope"] * 3}, "unknown activation 'nope'"),
        ({"activations": ["softmax"] * 3}, "softmax"),
        ({"activations": [[["elu"], 1]] * 3}, "activation"),
        ({"steps": 0}, "steps must be"),
    ],
    ids=str,
)
def test_a_file_of_format_1_that_is_not_right(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    whole = RECORDS / "format_1.safetensors"
    with safetensors.safe_open(whole, framework="numpy") as file:
        head = json.loads(file.metadata()["foxnn"])
    path = tmp_path / "net.safetensors"
    save_file(load_file(whole), path, {"foxnn": json.dumps(head)})
    assert repr(foxnn.neural_network(path)) == repr(foxnn.neural_network(whole))
    head["state"] |= change
    save_file(load_file(whole), path, {"foxnn": json.dumps(head)})
    refused(path, message)


def test_files_of_others(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"0.weight": np.ones((2, 3))}, path)
    refused(path, "without 'foxnn' in its metadata")
    save_file({}, path, {"foxnn": "{"})
    refused(path, "expected JSON as foxnn")
    save_file({}, path, {"foxnn": "[" * 100_000})
    refused(path, "expected JSON as foxnn")
    save_file({}, path, {"foxnn": "9" * 5000})
    refused(path, "expected JSON as foxnn")


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"foxnn",
        header(b""),
        header(b"{"),
        header(b"{}", 2**63),
        header(b"{}", 99_000_000),
        header(b"[" * 80),
        header(b'{"layers.0.weight":{"dtype":"F32","shape":[1073741824,4],"data_offsets":[0,16]}}'),
        header(b'{"layers.0.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
    ],
    ids=range(10),
)
def test_small_files_that_promise_much(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(data)
    refused(path)


def test_the_process_stays_small(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    path = tmp_path / "net.safetensors"
    said = {
        "format": 1,
        "state": {"sizes": [2**31 - 1] * 2, "dtype": "float64", "moments": [True] * 2},
    }
    save_file({}, path, {"foxnn": json.dumps(said)})
    program = f"""
import foxnn, resource, safetensors.numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    foxnn.neural_network({str(path)!r})
except foxnn.FileFormatError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    assert int(run_python(program).stdout) < 5_000  # KiB


def test_cut_off_and_changed_anywhere(tmp_path: Path) -> None:
    data = saved(network(), tmp_path).read_bytes()
    path = tmp_path / "broken.safetensors"
    for length in [*range(200), *range(200, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        refused(path)
    path.write_bytes(data + b"\0")
    refused(path)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_noise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = (RECORDS / "format_1.safetensors").read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(min_size=1, max_size=20))
    path = tmp_path_factory.mktemp("noise") / "noise.safetensors"
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    with contextlib.suppress(foxnn.FileFormatError):  # other weights are weights
        foxnn.neural_network(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors"):
        foxnn.neural_network(tmp_path / "absent.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.safetensors"):
        foxnn.neural_network(tmp_path / "folder.safetensors")
    with pytest.raises(IsADirectoryError, match=r"folder\.safetensors"):
        network().save(tmp_path / "folder.safetensors")
    with pytest.raises(FileNotFoundError, match=r"none/net\.safetensors"):
        network().save(tmp_path / "none" / "net.safetensors")
    if os.path.exists("/dev/zero"):
        (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
        with pytest.raises(foxnn.FileFormatError, match="device"):
            foxnn.neural_network(tmp_path / "zero.safetensors")


def test_what_goes_wrong_leaves_the_older_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = saved(network(), tmp_path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space.*net\.safetensors"):
        network("float64").save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
