"""The estimators through skl2onnx: alone and in pipelines, beside their own predictions."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

import onnxruntime
import skl2onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import foxnn
from foxnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
THREE = RNG.integers(0, 3, 60)
LABELS: dict[str, Any] = {
    "numbers": THREE * 10 - 7,
    "texts": np.array(["bee", "ant", "fly"])[THREE],
    "objects": np.array(["bee", "ant", "fly"], object)[THREE],
    "two": THREE > 1,
    "whole floats": THREE - 1.0,
    "one": np.full(60, 4),
    "several": RNG.integers(0, 2, (60, 3)),
}


def run(model: Any, x: np.ndarray, double: bool = False, **options: Any) -> list[np.ndarray]:
    """Return what onnxruntime makes of the samples."""
    kind = DoubleTensorType if double else FloatTensorType
    given = kind([None, x.shape[1]])
    if x.dtype == np.int64:
        given = Int64TensorType([None, x.shape[1]])
    classifies = hasattr(model, "classes_")
    options = {"zipmap": False, **options} if classifies else options
    made = skl2onnx.convert_sklearn(
        model, initial_types=[("x", given)], options={id(model): options} if options else None
    )
    settings = onnxruntime.SessionOptions()
    if double:  # some versions fuse nodes to operators that they have in float32 only
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(made.SerializeToString(), settings)
    x = x if x.dtype == np.int64 else x.astype(np.float64 if double else np.float32)
    return session.run(None, {"x": x})


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("double", [False, True])
def test_a_classifier(labels: str, double: bool) -> None:
    y = LABELS[labels]
    model = MLPClassifier((8, 5), "tanh", max_iter=40, random_state=0).fit(X, y)
    found, probabilities = run(model, X, double)
    # float32: some roundings of numbers near 1.
    expected = model.predict_proba(X)
    np.testing.assert_allclose(probabilities, expected, atol=1e-12 if double else 3e-6)
    assert probabilities.dtype == (np.float64 if double else np.float32)
    np.testing.assert_array_equal(found, model.predict(X).astype(found.dtype))


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_regressor(outputs: int, loss: str) -> None:
    y = np.exp(X[:, :outputs] if outputs > 1 else X[:, 0])
    model = MLPRegressor(loss, (8,), max_iter=40, random_state=0).fit(X, y)
    (found,) = run(model, X)
    np.testing.assert_allclose(found, model.predict(X).reshape(60, -1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(foxnn.activations()) - {"softmax", "exp"}))
def test_every_activation(name: str) -> None:
    model = MLPRegressor(hidden_layer_sizes=(6, 3), activation=name, max_iter=3, random_state=0)
    model.fit(X, X[:, 0])
    if name not in ("arctan", "gelu"):  # onnxruntime has Atan and Erf in float32 only
        (found,) = run(model, X, double=True)
        np.testing.assert_allclose(found.ravel(), model.predict(X), rtol=1e-9, atol=1e-9)
    model.fit(X.astype(np.float32), X[:, 0])
    (found,) = run(model, X)
    own = model.predict(X.astype(np.float32))
    np.testing.assert_allclose(found.ravel(), own, rtol=1e-5, atol=1e-5)


def test_pipelines_and_whole_numbers() -> None:
    whole = np.round(X * 5).astype(np.int64)
    columns = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])])
    for first in (StandardScaler(), columns):
        model = make_pipeline(first, MLPClassifier(8, max_iter=20, random_state=0))
        model.fit(X, LABELS["texts"])
        found, probabilities = run(model, X)
        np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
        assert found.tolist() == model.predict(X).tolist()
    alone = MLPClassifier((), max_iter=20, random_state=0).fit(whole, THREE)
    assert run(alone, whole)[0].tolist() == alone.predict(whole).tolist()
    # Two of them in one graph, whose names must not clash.
    stacked = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=3, max_iter=2))
    both = ColumnTransformer([("a", StandardScaler(), [0, 1, 2, 3])])
    model = make_pipeline(both, stacked).fit(X, X[:, 0])
    (found,) = run(model, X)
    np.testing.assert_allclose(found.ravel(), model.predict(X), atol=1e-5)


def test_options_of_classifiers() -> None:
    model = MLPClassifier(5, max_iter=5, random_state=0).fit(X, LABELS["texts"])
    labels, dicts = run(model, X, zipmap=True)
    assert [max(d, key=d.get) for d in dicts] == labels.tolist() == model.predict(X).tolist()
    positions, _ = run(model, X, nocl=True)
    assert model.classes_[positions].tolist() == labels.tolist()
    *_, classes = run(model, X, output_class_labels=True)
    assert classes.tolist() == model.classes_.tolist()


def test_changed_weights_are_converted() -> None:
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=5, random_state=0).fit(X, X[:, 0])
    model.coefs_[0][:2] = 0.0
    np.testing.assert_allclose(run(model, X)[0].ravel(), model.predict(X), atol=1e-5)


def test_classes_that_onnx_lacks_are_refused() -> None:
    model = MLPClassifier(5, max_iter=2).fit(X, THREE)
    model.classes_ = np.array([0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="classes must be texts or whole numbers"):
        run(model, X)


CONVERTS = """
import sys, warnings
warnings.simplefilter("error")
{imports}
import numpy as np
model = MLPRegressor(hidden_layer_sizes=3, max_iter=1, tol=1e9)
warnings.simplefilter("ignore")
model.fit(np.eye(4), np.arange(4.0))
from skl2onnx import to_onnx
print(len(to_onnx(model, np.eye(4, dtype=np.float32)).graph.node))
"""


@pytest.mark.parametrize(
    "imports",
    [
        "from foxnn.sklearn import MLPRegressor; assert 'skl2onnx' not in sys.modules",
        "import skl2onnx; from foxnn.sklearn import MLPRegressor",
        "import foxnn.sklearn.onnx_converters; from foxnn.sklearn import MLPRegressor",
    ],
    ids=["before", "after", "converters"],
)
def test_the_order_of_imports_does_not_matter(
    imports: str, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_python(CONVERTS.format(imports=imports))
    assert done.stdout.strip() == "4", done.stderr  # Gemm, Relu, Gemm, Identity


def test_a_missing_skl2onnx_is_missed_as_before(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(
        "import sys, foxnn.sklearn\n"
        "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
        "sys.path_importer_cache.clear()\n"
        "try: import skl2onnx\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    assert done.stdout.strip() == "No module named 'skl2onnx'", done.stderr
