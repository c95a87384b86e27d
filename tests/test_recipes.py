"""The recipes of HACKING: their places exist and have everything; one is followed as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import foxnn
import reference
import test_trace
from foxnn import layers
from foxnn.formats.c import layered as c_layered
from foxnn.formats.onnx import nodes as onnx_nodes
from foxnn.layers.activation_table import ACTIVATIONS
from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kinds import CLASSES, KINDS
from foxnn.model.losses import LOSSES, REPEATING
from foxnn.training.unfinished import constant_loss
from foxnn.training.update_rules import RULES
from layer_reference import APPLIED
from public_calls import CALLS

ROOT = Path(__file__).resolve().parents[1]

here = pytest.mark.skipif(not (ROOT / "cpp").is_dir(), reason="the engine's sources are not here")

# The square of tanh: what is added where, by the file that the recipe names.
ADDED = {
    "cpp/src/kernels/activation-inl.hpp": (
        "struct Tanh {",
        """struct TanhSquared {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    const Vec<T> a = tanh(z), two = Vec<T>::all(T(2));
    slope = two * a * (Vec<T>::all(T(1)) - a * a);
    return a * a;
  }
};

""",
    ),
    "cpp/include/foxnn/activation.hpp": (
        "  ROW(exp, Exp,",
        '  ROW(tanh_squared, TanhSquared, .name = "tanh_squared", .aliases = "tanh2") \\\n',
    ),
    "python/foxnn/layers/activation_table.py": (
        '    "exp": ActivationRow(',
        """    "tanh_squared": ActivationRow(
        "tanh(z)²", "2 tanh(z) (1 - tanh(z)²)", "tanh_F(z) * tanh_F(z)",
        Node("Mul", (Node("Tanh"), Node("Tanh"))),
    ),
""",
    ),
    "tests/reference.py": (
        '    "exp": Activation(',
        """    "tanh_squared": Activation(
        lambda z, _: np.tanh(z) ** 2, lambda z, _: 2.0 * np.tanh(z) * (1.0 - np.tanh(z) ** 2)
    ),
""",
    ),
    "tests/test_activations.py": (
        '    "softplus": (0.0, 1e4),',
        '    "tanh_squared": (1.0, 1.0),\n',
    ),
}
# Named by the recipe, but not for a line of the activation.
OTHERS = {"tests/data/same_bits.txt", "tests/test_recipes.py", "tests/test_same_bits.py"}
# These have a case for every activation.
SUITE = [
    "test_activations.py",
    "test_reference.py",
    "test_numeric_edges.py",
    "test_input_gradient.py",
]

USE = """
import subprocess, sys
import numpy as np
import foxnn, reference
assert "tanh_squared" in foxnn.activations(), foxnn.activations()
nn = foxnn.neural_network([3, 5, 2], ["tanh2", "identity"], dtype="float64", seed=1)
assert nn[0].get_name_activation_function() == "tanh_squared"
x = np.random.default_rng(0).normal(size=(20, 3))
oracle = reference.ACTIVATIONS["tanh_squared"]
hidden = oracle.value(x @ nn[0].weights + nn[0].bias, 0.0)
np.testing.assert_allclose(nn.predict(x), hidden @ nn[1].weights + nn[1].bias, atol=1e-12)
step, (up, down) = 1e-6, (x.copy(), x.copy())
up[:, 0] += step
down[:, 0] -= step
slopes = (nn.predict(up) - nn.predict(down)) / (2 * step)
np.testing.assert_allclose(nn.gradient(x)[:, :, 0], slopes, atol=1e-8)
history = nn.fit(x, np.sin(x[:, :2]), epochs=30, learning_rate=0.01)
assert history["loss"][-1] < history["loss"][0]
assert "tanh_squared(z) = tanh(z)²" in str(nn.trace(x[0], [0.0, 0.0]))
nn.export_c("net.h")
subprocess.run(["cc", "-std=c99", "-o", "net_test", "net_test.c", "-lm"], check=True)
subprocess.run(["./net_test"], check=True)
nn.save("net.onnx")
np.testing.assert_allclose(foxnn.neural_network("net.onnx").predict(x), nn.predict(x), atol=1e-12)
"""


def places(recipe: str) -> set[str]:
    """Return the files that HACKING names in a recipe."""
    text = (ROOT / "HACKING.md").read_text(encoding="utf-8")
    found = re.search(rf"^- \*\*{recipe}\*\*(.*?)(?=^- \*\*)", text, re.M | re.S)
    assert found is not None
    return set(re.findall(r"`((?:cpp|python|tests)/[\w./-]+)`", found[1]))


@here
def test_the_recipe_names_the_places() -> None:
    assert places("A new activation") - OTHERS == set(ADDED)
    for name, (before, _) in ADDED.items():
        assert (ROOT / name).read_text(encoding="utf-8").count(before) == 1, name


@here
@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("activation", "cpp/include/foxnn/activation.hpp"),
        ("loss", "cpp/include/foxnn/loss.hpp"),
        ("initializer", "cpp/include/foxnn/initializer.hpp"),
        ("optimizer", "cpp/include/foxnn/optimizer.hpp"),
        ("layer kind", "python/foxnn/layers/kinds.py"),
    ],
)
def test_the_places_are_there(what: str, table: str) -> None:
    named = places(f"A new {what}")
    assert table in named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_places_of_a_loss_have_every_loss() -> None:
    names = set(foxnn.losses())
    # A trace has no formula of those with several outputs for a target; one name is for two losses.
    assert set(LOSSES) - {"binary_focal"} == names - set(REPEATING)
    assert set(test_trace.COSTS) == set(LOSSES)
    # The oracle computes these from the preactivations, or from whole rows.
    whole = {"cross_entropy", "binary_cross_entropy", "focal", *REPEATING}
    assert reference.LOSSES.keys() | whole == names
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    for name in names:
        assert constant_loss(name, y, None, (None, None)) is not None, name
    assert constant_loss("another", y, None, (None, None)) is None


def test_the_places_of_an_activation_have_every_activation() -> None:
    assert list(ACTIVATIONS) == foxnn.activations()
    # Softmax is no function of a single number.
    assert reference.ACTIVATIONS.keys() | {"softmax"} == set(foxnn.activations())


def test_the_places_of_an_optimizer_have_every_optimizer() -> None:
    rules = {rule.__name__ for rule in RULES}
    assert rules <= set(foxnn.__all__) & CALLS.keys()
    # SGD has three names: with a momentum it is another one.
    assert {name.lower() for name in rules} | {"momentum", "nesterov"} == set(foxnn.optimizers())


def test_the_places_of_a_layer_kind_have_every_kind() -> None:
    kinds = {*KINDS, *COMPOSITES}
    public = {*CLASSES, *COMPOSITES.values()}
    assert public <= set(layers.__all__) & set(foxnn.__all__) & CALLS.keys()
    assert kinds <= APPLIED.keys()
    for table in (onnx_nodes.BODIES, c_layered.BODIES):
        assert table.keys() <= kinds


@pytest.mark.skipif(
    not os.environ.get("FOXNN_RECIPES") or not shutil.which("cmake"),
    reason="it builds the engine: nox -s recipes",
)
def test_an_activation_is_added_by_the_recipe(tmp_path: Path) -> None:
    for name in ("cmake", "cpp", "python", "tests", "CMakeLists.txt", "pyproject.toml", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for name, (before, added) in ADDED.items():
        path = tmp_path / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(before, added + before, 1), encoding="utf-8")
    package = tmp_path / "python" / "foxnn"
    for built in package.glob("_core.*.so"):
        built.unlink()
    pybind11 = subprocess.run(
        [sys.executable, "-m", "pybind11", "--cmakedir"], capture_output=True, text=True, check=True
    )
    build = tmp_path / "build"
    # Neither optimized nor with what debuggers read: that compiles soonest.
    configure = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"]
    configure.append(f"-Dpybind11_DIR={pybind11.stdout.strip()}")
    python = f"-DPython_EXECUTABLE={sys.executable}"
    commands = [
        ["cmake", "-S", str(tmp_path), "-B", str(build), *configure, python],
        ["cmake", "--build", str(build), "--target", "_core", "--parallel", "2"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (module,) = build.glob("_core.*.so")
    shutil.copy(module, package / module.name)
    folder = tmp_path / "use"
    folder.mkdir()
    paths = os.pathsep.join([str(tmp_path / "python"), str(tmp_path / "tests")])
    own = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in "
    own += "type(f).__module__]\n"
    suite = [str(tmp_path / "tests" / name) for name in SUITE]
    options = ["-q", "-p", "no:cacheprovider", "-k", "tanh_squared or contract", *suite]
    for program in (USE, f"import pytest; sys.exit(pytest.main({options}))"):
        done = subprocess.run(
            [sys.executable, "-c", own + program],
            cwd=folder, env={**os.environ, "PYTHONPATH": paths},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert " passed" in done.stdout
