"""C headers: they compile without a warning, and compute what the network does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs
from c_programs import COMPILERS, FLAGS, checked_function, compiled, function, self_test
from forced_runs import inputs, parameters, wanted
from foxnn.model import state

X = inputs(30, 4)

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")


def networks() -> dict[str, foxnn.neural_network]:
    """Return one for each activation, with its parameters, hidden and at the output."""
    found = {}
    for name in foxnn.activations():
        activations: list[Any] = [name]
        if name in ("elu", "leaky_relu"):
            activations.append((name, 0.3))
        for activation in activations:
            hidden = "tanh" if name in ("exp", "softmax") else activation
            for dtype in ("float32", "float64"):
                nn = foxnn.neural_network([4, 9, 3], hidden, activation, dtype=dtype, seed=2)
                for part in nn:
                    part.bias = np.linspace(-1, 1, part.get_N_n())
                found[f"{activation}-{dtype}"] = nn
    return found


def assert_near(found: np.ndarray, expected: np.ndarray, unit: float = 1.0) -> None:
    within = 1e-6 if expected.dtype == np.float32 else 1e-12
    off = np.abs(found - expected) / np.maximum(unit, np.abs(expected))
    assert off.max() <= within


# What it computes


NETWORKS = networks()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_activation(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nn = NETWORKS[name]
    report = nn.export_c(tmp_path / "net.h")
    count = parameters(nn).size
    wide = np.dtype(nn.dtype).itemsize
    assert report == {"constant_bytes": wide * count, "stack_bytes": wide * 9}
    predict = checked_function(tmp_path / "net.h", nn.dtype)
    told = re.fullmatch(
        r"net: 8 samples agree within (\S+), allowed (\S+)\n", capfd.readouterr().out
    )
    assert told is not None
    assert float(told[1]) <= (1e-6 if nn.dtype == "float32" else 1e-12)
    assert float(told[2]) <= (5e-6 if nn.dtype == "float32" else 1e-10)
    assert_near(predict(X), nn.predict(X))


@pytest.mark.parametrize("optimization", ["-O0", "-O3", "-Os"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_compiler(compiler: str, optimization: str, tmp_path: Path) -> None:
    activations = [name for name in foxnn.activations() if name not in ("exp", "softmax")]
    sizes = [5, *range(3, 3 + len(activations)), 4]
    nn = foxnn.neural_network(sizes, [*activations, "softmax"], seed=1)
    for weights in (None, "int8"):
        nn.export_c(tmp_path / "net.h", weights=weights)
        assert self_test(tmp_path / "net.h", compiler, optimization).returncode == 0


def scaled(dtype: str = "float32", sizes: tuple[int, ...] = (4, 9, 2)) -> foxnn.neural_network:
    nn = foxnn.neural_network(sizes, "tanh", "identity", dtype=dtype, seed=1)
    # A large shift beside a small scale: float alone would lose it.
    x = X + np.array([1e5, -300.0, 0.1, 0.0])
    nn.fit(x, 100 * wanted(30, 2, "mse") + 7, 3, scale="standard")
    return nn


@pytest.mark.parametrize("sizes", [(4, 2), (4, 9, 2), (4, 5, 8, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalers(dtype: str, sizes: tuple[int, ...], tmp_path: Path) -> None:
    nn = scaled(dtype, sizes)
    nn.export_c(tmp_path / "net.h")
    x = (X + np.array([1e5, -300.0, 0.1, 0.0])).astype(dtype)
    assert nn.output_scaler is not None
    assert nn.output_scaler.scale is not None
    unit = float(nn.output_scaler.scale.max())
    assert_near(checked_function(tmp_path / "net.h", dtype)(x), nn.predict(x), unit)


@pytest.mark.parametrize("sizes", [[1, 1], [4, 1], [1, 3, 1, 2], [97, 33, 15, 14, 13]])
def test_shapes(sizes: list[int], tmp_path: Path) -> None:
    nn = foxnn.neural_network(sizes, "relu", "identity", seed=1)
    nn.export_c(tmp_path / "net.h")
    x = inputs(31, sizes[0])
    found = checked_function(tmp_path / "net.h")(x)
    np.testing.assert_allclose(found, nn.predict(x), rtol=1e-5, atol=1e-5)


def test_zeros_in_the_inputs(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3], "identity", seed=1)
    nn[0].bias = [1.0, -2.0, 0.0]
    nn.export_c(tmp_path / "net.h")
    call = function(tmp_path / "net.h")
    assert call(np.zeros((1, 4))).tolist() == [[1.0, -2.0, 0.0]]
    assert np.isnan(call(np.full((1, 4), np.nan))).all()


def test_numbers_read_back_exactly(tmp_path: Path) -> None:
    for dtype in ("float32", "float64"):
        nn = foxnn.neural_network([6, 4], dtype=dtype, seed=1)
        limits = np.finfo(dtype)
        nn[0].weights = np.array(
            [limits.max, -limits.max, limits.tiny, -limits.smallest_subnormal, 0.1, 1 / 3]
            + [-0.0, 1.0, 1e22, 123456789.0, 1e-7, np.pi] * 3,
            dtype,
        ).reshape(6, 4)
        nn.export_c(tmp_path / "net.h", samples=(np.zeros((1, 6)), np.zeros((1, 4))))
        text = (tmp_path / "net.h").read_text()
        block = re.search(r"net_w0\[24\] = \{(.*?)\}", text, re.S)
        assert block is not None
        found = [word.strip() for word in block[1].split(",")]
        assert all(word.endswith("f") == (dtype == "float32") for word in found)
        numbers = np.array([word.rstrip("f") for word in found], dtype).reshape(6, 4)
        assert numbers.tobytes() == nn[0].weights.tobytes()
        # As a compiler reads them, too.
        name = "float" if dtype == "float32" else "double"
        (tmp_path / "print.c").write_text(
            '#include <stdio.h>\n#include "net.h"\nint main(void) {\n'
            f"  return fwrite(net_w0, sizeof({name}), 24, stdout) != 24;\n}}\n"
        )
        done = compiled(COMPILERS[0], tmp_path, *FLAGS, "print.c", "-o", "print", "-lm")
        assert done.stderr == ""
        raw = subprocess.run([tmp_path / "print"], capture_output=True, check=True).stdout
        assert raw == nn[0].weights.tobytes()


def test_the_self_test_can_fail(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 9, 2], "tanh", seed=1)
    nn.export_c(tmp_path / "net.h")
    text = (tmp_path / "net.h").read_text()
    assert self_test(tmp_path / "net.h").returncode == 0
    for old, new in (("tanhf(z)", "tanhf(z) * 1.0001f"), ("tanhf(z)", "z / 0")):
        (tmp_path / "net.h").write_text(text.replace(old, new))
        done = self_test(tmp_path / "net.h", COMPILERS[0], "-Wno-div-by-zero")
        assert done.returncode == 1
        assert re.match(r"net: sample 0, output 0: \S+, not \S+\n", done.stdout)


def test_wide_networks_may_round_more(tmp_path: Path) -> None:
    nn = foxnn.neural_network([500, 500, 3], "identity", init="uniform", seed=1)
    nn.export_c(tmp_path / "net.h")
    done = self_test(tmp_path / "net.h", COMPILERS[0], "-O2")
    assert done.returncode == 0
    allowed = float(done.stdout.split()[-1])
    assert 1e-6 < allowed < 1e-4


# Eight bits


def comment(header: Path) -> str:
    """Return what stands at the beginning of a header, on one line."""
    return " ".join(header.read_text().partition("*/")[0].replace("\n *", " ").split())


def test_eight_bits(tmp_path: Path) -> None:
    nn = scaled(sizes=(4, 30, 20, 2))
    x = X + np.array([1e5, -300.0, 0.1, 0.0])
    y = 100 * wanted(30, 2, "mse") + 7
    before = parameters(nn).tobytes()
    report = nn.export_c(tmp_path / "net.h", weights="int8", samples=(x, y))
    assert parameters(nn).tobytes() == before
    rounded = checked_function(tmp_path / "net.h")(x.astype(np.float32))
    difference = np.abs(rounded - nn.predict(x)).max()
    assert report["largest_difference"] == pytest.approx(difference, rel=1e-3)
    assert 0 < difference < 0.05 * np.ptp(nn.predict(x))
    assert report["loss"] == nn.evaluate(x, y)["loss"]
    assert report["loss_int8"] == pytest.approx(report["loss"], rel=0.2)
    assert report["loss_int8"] != report["loss"]
    # A byte a weight, and four a factor, a bias, and a number of a scaler.
    assert report["constant_bytes"] == (120 + 600 + 40) + 8 * (30 + 20 + 2) + 4 * (3 * 4 + 2 * 2)
    said = comment(tmp_path / "net.h")
    assert f"Weights have 8 bits. On 30 samples the loss is {report['loss_int8']:.6g}" in said
    assert f"without rounding {report['loss']:.6g}; outputs change by" in said


def test_eight_bits_of_a_classifier(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 16, 3], "relu", "softmax", seed=1)
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 1)
    nn.fit(X, labels, 200, learning_rate=0.02)
    report = nn.export_c(tmp_path / "net.h", weights="int8", samples=(X, labels))
    assert report["accuracy"] == nn.evaluate(X, labels)["accuracy"] > 0.9
    found = function(tmp_path / "net.h")(X).argmax(axis=1)
    assert report["accuracy_int8"] == np.mean(found == labels)
    assert "the accuracy" in comment(tmp_path / "net.h")


def test_eight_bits_hold_what_they_can(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 5], "identity", seed=1)
    nn[0].weights = [[127.0, -0.5, 0.0, 1e-44, 3e38], [-3.0, 0.25, 0.0, 0.0, -3e38],
                     [64.0, 0.125, 0.0, 0.0, 0.0]]  # fmt: skip
    nn.export_c(tmp_path / "net.h", weights="int8")
    text = (tmp_path / "net.h").read_text()
    block = re.search(r"static const signed char net_w0\[15\] = \{(.*?)\}", text, re.S)
    assert block is not None
    found = np.array(block[1].split(","), float).reshape(3, 5)
    assert found[:, 0].tolist() == [127, -3, 64]
    assert found[:, 1].tolist() == [-127, 64, 32]
    assert found[:, 2].tolist() == [0, 0, 0]
    assert found[:, 4].tolist() == [127, -127, 0]
    call = function(tmp_path / "net.h")
    assert call(np.eye(3)[:1])[0, 0] == 127.0
    nn64 = foxnn.neural_network([3, 5], "tanh", dtype="float64", seed=1)
    nn64.export_c(tmp_path / "net.h", weights="int8")
    assert self_test(tmp_path / "net.h").returncode == 0


# In other programs


@pytest.mark.parametrize("compiler", [c for c in ("g++", "clang++") if shutil.which(c)])
@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_in_cpp_and_in_two_files_of_a_program(compiler: str, standard: str, tmp_path: Path) -> None:
    NETWORKS["gelu-float32"].export_c(tmp_path / "net.h")
    scaled().export_c(tmp_path / "other.h", weights="int8")
    (tmp_path / "main.cpp").write_text(
        '#include "net.h"\n#include "other.h"\n#include "net.h"\n'
        "float first(const float* x);\n"
        "int main() {\n  const float x[NET_INPUTS] = {1.0f};\n  float y[NET_OUTPUTS];\n"
        "  net_predict(x, y);\n  return y[0] == first(x) ? 0 : 1;\n}\n"
    )
    (tmp_path / "first.cpp").write_text(
        '#include "net.h"\nfloat first(const float* x);\nfloat first(const float* x) {\n'
        "  float y[NET_OUTPUTS];\n  net_predict(x, y);\n  return y[0];\n}\n"
    )
    flags = [f"-std={standard}", *FLAGS[1:], "-Wno-unused-function"]
    done = compiled(compiler, tmp_path, *flags, "main.cpp", "first.cpp", "-o", "main")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


def test_what_the_header_says(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 9, 3], "relu", "softmax", seed=1)
    nn.export_c(tmp_path / "net.h", name="Fox")
    text = (tmp_path / "net.h").read_text()
    assert "static inline void Fox_predict(const float *x, float *y)" in text
    for line in ("#define FOX_INPUTS 4", "#define FOX_OUTPUTS 3", "#define FOX_STACK 36"):
        assert line in text.splitlines()
    assert re.findall(r"#include (.*)", text) == ["<math.h>"]
    assert not re.search(r"\bstatic (?!const|inline)|malloc|double", text)
    assert self_test(tmp_path / "net.h").stdout.startswith("Fox: ")
    before = text
    nn.export_c(tmp_path / "net.h", name="Fox")
    assert (tmp_path / "net.h").read_text() == before


def test_samples_are_those_of_the_self_test(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3], seed=1)
    nn.export_c(tmp_path / "net.h", samples=(X[:3], wanted(3, 3, "mse")))
    assert "#define COUNT 3" in (tmp_path / "net_test.c").read_text()
    assert self_test(tmp_path / "net.h").returncode == 0


# What is refused


@pytest.mark.parametrize(
    ("file", "arguments", "message"),
    [
        ("net.c", {}, "name_file must end in .h"),
        ("net.H", {}, "name_file must end in .h"),
        (".h", {}, "name must be a C identifier"),
        ("my-net.h", {}, "name must be a C identifier .*'my-net'"),
        ("1net.h", {}, "name must be a C identifier"),
        ("_net.h", {}, "name must be a C identifier"),
        ("net.h", {"name": "a b"}, "name must be a C identifier"),
        ("net.h", {"name": "n" * 41}, "name must be a C identifier"),
        ("net.h", {"name": "nét"}, "name must be a C identifier"),
        ("net.h", {"name": ""}, "name must be a C identifier"),
        ('"net.h', {"name": "net"}, "name_file must be a name that C can include"),
        ("nét.h", {"name": "net"}, "name_file must be a name that C can include"),
        ("n\nt.h", {"name": "net"}, "name_file must be a name that C can include"),
        ("net.h", {"weights": "int4"}, "weights must be one of int8; got 'int4'"),
        ("net.h", {"samples": ([[1, 2, 3, 4]], [[1, 2]])}, r"samples\[1\] must have shape"),
        ("net.h", {"samples": ([[1, 2, 3]], [[1, 2, 3]])}, r"samples\[0\] must have shape"),
    ],
)  # fmt: skip
def test_what_is_refused(
    file: str, arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        foxnn.neural_network([4, 3]).export_c(tmp_path / file, **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [{"name": 3}, {"weights": 8}, {"samples": [1, 2]}, {"samples": X}], ids=str
)
def test_types_that_are_refused(arguments: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        foxnn.neural_network([4, 3]).export_c(tmp_path / "net.h", **arguments)
    with pytest.raises(TypeError, match="name_file"):
        foxnn.neural_network([4, 3]).export_c(3)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_what_c_cannot_hold(tmp_path: Path) -> None:
    nn = foxnn.neural_network([2, 1])
    nn.input_scaler = foxnn.Scaler().fit([[1.0, 2.0], [1e150, 3.0]])
    with pytest.raises(ValueError, match="input_scaler must be within the range of float32"):
        nn.export_c(tmp_path / "net.h")
    nn = foxnn.neural_network([2, 1], "exp")
    nn[0].bias = [1e6]
    with pytest.raises(ValueError, match="finite outputs"):
        nn.export_c(tmp_path / "net.h")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nn = foxnn.neural_network([4, 3], seed=1)
    with pytest.raises(FileNotFoundError, match=r"none/net\.h"):
        nn.export_c(tmp_path / "none" / "net.h")
    nn.export_c(tmp_path / "net.h")
    before = (tmp_path / "net.h").read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space.*net\.h"):
        foxnn.neural_network([4, 3], seed=2).export_c(tmp_path / "net.h")
    assert (tmp_path / "net.h").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.h", "net_test.c"]


def test_the_network_stays_as_it_is(tmp_path: Path) -> None:
    nn, same = scaled(), scaled()
    nn.export_c(tmp_path / "net.h", weights="int8")
    mine, other = state.state_of(nn), state.state_of(same)
    assert (mine["draw"], mine["steps"], mine["settings"]) == (
        other["draw"], other["steps"], other["settings"],
    )  # fmt: skip
    nn.fit(X, wanted(30, 2, "mse"), 2, dropout=0.2)
    same.fit(X, wanted(30, 2, "mse"), 2, dropout=0.2)
    assert parameters(nn).tobytes() == parameters(same).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_layer_norm_of_numbers_that_lie_close_together(
    dtype: Any, spread: float, tmp_path: Path
) -> None:
    nn = foxnn.neural_network([300, foxnn.LayerNorm()], dtype=dtype)
    x = (1000.1 + spread * np.random.default_rng(1).normal(size=(5, 300))).astype(dtype)
    exact = x.astype(np.float64)
    exact = exact - exact.mean(1, keepdims=True)
    exact /= np.sqrt((exact**2).mean(1, keepdims=True) + 1e-5)
    assert np.abs(nn.predict(x) - exact).max() < 1e-4
    nn.export_c(tmp_path / "norm.h", samples=(x, np.zeros((5, 300))))
    assert self_test(tmp_path / "norm.h").returncode == 0


NASTY = ['"', "\\", "??/", "ß, 漢\n", "%s", "a\0b", "*/", ""]


@pytest.mark.parametrize(
    ("labels", "kind", "show"),
    [
        (NASTY, "const char *", ""),
        ([5, -(2**63), 2**63 - 1], "long long", "%lld\\n"),
        ([2**64 - 1, 3], "unsigned long long", "%llu\\n"),
    ],
    ids=["strings", "numbers", "large numbers"],
)
def test_classes(labels: list[Any], kind: str, show: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, len(labels)], output_activation="softmax", seed=1)
    nn.classes = labels
    nn.export_c(tmp_path / "net.h")
    assert (tmp_path / "net.h").read_bytes().isascii()
    assert self_test(tmp_path / "net.h", "", "-trigraphs").returncode == 0
    write = f'printf("{show}", net_classes[i])' if show else (
        "fwrite(net_classes[i], 1, i == 5 ? 3 : strlen(net_classes[i]), stdout), putchar(0)"
    )  # fmt: skip
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include <string.h>\n#include "net.h"\nint main(void) {\n  int i;\n'
        f"  float x[NET_INPUTS] = {{0}}, y[NET_OUTPUTS];\n  {kind} first = net_classes[0];\n"
        "  (void)first;\n  net_predict(x, y);\n"
        f"  for (i = 0; i < NET_CLASSES; i++) {{ {write}; }}\n  return 0;\n}}\n"
    )
    done = compiled(
        COMPILERS[0], tmp_path, *FLAGS, "-Wno-format-zero-length", "-trigraphs", "main.c", "-o",
        "main", "-lm",
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    out = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    if show:
        assert [int(line) for line in out.split()] == labels
    else:
        assert out == b"".join(label.encode() + b"\0" for label in labels)


def test_classes_that_are_numbers_are_no_array(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 2], output_activation="softmax", seed=1)
    nn.export_c(tmp_path / "net.h")
    before = (tmp_path / "net.h").read_text()
    for labels in ([0, 1], [False, True]):
        nn.classes = labels
        nn.export_c(tmp_path / "net.h")
        assert (tmp_path / "net.h").read_text() == before


def test_two_classes_of_one_output(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 1], loss="binary_cross_entropy", seed=1)
    nn.classes = ["no", "yes"]
    nn.export_c(tmp_path / "net.h")
    text = (tmp_path / "net.h").read_text()
    assert "second where y[0] is above 0.5. */\n#define NET_CLASSES 2\n" in text
    assert 'net_classes[NET_CLASSES] = {\n  "no",\n  "yes"\n};' in text
    assert self_test(tmp_path / "net.h").returncode == 0


LENET: list[Any] = [
    (14, 13, 1), foxnn.Conv2D(6, 5, padding="same"), foxnn.MaxPool2D(2),
    foxnn.Conv2D(16, 3, dilation=2, groups=2), foxnn.AveragePool2D(2, 1, "same"),
    foxnn.UpSample((1, 2)), foxnn.Conv2D(4, (1, 2), stride=(1, 2), bias=False),
    foxnn.Parallel(foxnn.GlobalMaxPool(), foxnn.GlobalAveragePool()), 20, 10,
]  # fmt: skip
VOLUMES: list[Any] = [
    (5, 4, 6, 2), foxnn.Conv3D(3, (2, 1, 3), padding="same"), foxnn.UpSample(2),
    foxnn.MaxPool3D((2, 3, 2), 2, "same"), foxnn.AveragePool3D(2, 1), foxnn.GlobalAveragePool(), 2,
]  # fmt: skip
STEPS: list[Any] = [
    (40, 3), foxnn.Conv1D(8, 5, stride=2), foxnn.MaxPool1D(3, 2, "same"),
    foxnn.Conv1D(8, 3, groups=8), foxnn.AveragePool1D(2),
    foxnn.Residual(foxnn.Conv1D(8, 3, padding="same")), 3,
]  # fmt: skip
WINDOWED = {"pictures": LENET, "volumes": VOLUMES, "steps": STEPS}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WINDOWED)
def test_convolutions_and_pools(name: str, dtype: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(WINDOWED[name], "relu", "softmax", dtype=dtype, seed=1)
    nn.input_scaler = foxnn.Scaler().fit(inputs(60, nn.sizes[0]) * 3 + 1)
    report = nn.export_c(tmp_path / "net.h")
    for compiler in COMPILERS[1:]:
        assert self_test(tmp_path / "net.h", compiler, "-O2").returncode == 0
    itemsize = np.dtype(dtype).itemsize
    numbers = sum(array.size for part in nn for array in part.arrays.values())
    assert report["constant_bytes"] >= itemsize * numbers
    # No more of the values between the layers than what one layer reads and the next writes.
    widest = max(np.prod(part.output_shape) for part in nn)
    assert report["stack_bytes"] <= itemsize * (3 * widest + nn.sizes[0])
    x = inputs(9, nn.sizes[0])
    x[:, ::3] = 0
    np.testing.assert_allclose(
        checked_function(tmp_path / "net.h", dtype)(x), nn.predict(x), rtol=1e-5, atol=1e-6
    )


def test_convolutions_in_cpp(tmp_path: Path) -> None:
    compiler = next((name for name in ("g++", "clang++", "c++") if shutil.which(name)), None)
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    nn = foxnn.neural_network(LENET, "relu", seed=1)
    nn.export_c(tmp_path / "net.h")
    done = compiled(
        compiler, tmp_path, *(flag for flag in FLAGS if "std" not in flag), "-std=c++11", "-x",
        "c++", "net_test.c", "-o", "test",
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_eight_bits_are_for_numbers_only(tmp_path: Path) -> None:
    for items, message in (
        (STEPS, "8 bits supports dense layers only, but layer 0 is a Conv1D"),
        ([(2, 3), 4], r"8 bits supports flat samples only, .* shape \(2, 3\)"),
        ([6, foxnn.Reshape((3, 2)), foxnn.Conv1D(2, 2)], "8 bits .* layer 0 is a Reshape"),
        (
            [(None, 3), foxnn.LSTM(4), 2],
            "layer 0 is an LSTM; export_c without weights= writes such a network",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            foxnn.neural_network(items, seed=1).export_c(tmp_path / "net.h", weights="int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("own_folder")
def test_header_and_self_test_are_of_one_network() -> None:
    small_runs.single().export_c("net.h")
    before = Path("net.h").read_bytes()
    Path("net_test.c").unlink()
    Path("net_test.c").mkdir()
    with pytest.raises(OSError, match=r"net_test.c"):
        small_runs.single(seed=2).export_c("net.h")
    assert Path("net.h").read_bytes() == before
