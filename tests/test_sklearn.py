"""foxnn.sklearn beside scikit-learn's own classes: what goes in, what is learned and answered."""

from __future__ import annotations

import copy
import doctest
import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
import scipy.sparse
import sklearn
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import foxnn
import foxnn.sklearn as ours
import small_runs
from foxnn.sklearn import lbfgs, model, samples, steps
from test_benchmarks import run
from test_codebase import documented_parameters, parameters, sections

RunPython = Callable[..., subprocess.CompletedProcess[str]]

THEIR_VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
# What the tests below use of it: sample_weight, loss="poisson", early stopping for all targets,
# and the texts of today.
NEW = THEIR_VERSION >= (1, 9)
new_scikit_learn = pytest.mark.skipif(not NEW, reason="scikit-learn had it otherwise before")
CLASSIFIERS = (theirs.MLPClassifier, ours.MLPClassifier)
REGRESSORS = (theirs.MLPRegressor, ours.MLPRegressor)
NAMES = ("MLPClassifier", "MLPRegressor")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    return x[:500] / 16, y[:500]


@pytest.fixture(scope="module")
def iris() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_iris(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


@pytest.fixture(scope="module")
def diabetes() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_diabetes(return_X_y=True)
    return x / x.std(axis=0), (y - y.mean()) / y.std()


def both(kinds: tuple[type, type], x: Any, y: Any, weights: Any = None, **settings: Any) -> Any:
    """Return scikit-learn's estimator and ours, trained alike."""
    given = {} if weights is None else {"sample_weight": weights}
    return [
        kind(**{"random_state": 0, "max_iter": 20} | settings).fit(x, y, **given) for kind in kinds
    ]


def assert_same_parameters(a: Any, b: Any, tolerance: float) -> None:
    for one, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# The same training. SGD differs from theirs by rounding alone. So does adam's first step; then the
# engine's epsilon is up to 1 % off, which shows in the sixth digit after some epochs; relu, whose
# kinks magnify it, needs shorter runs.

SGD = {"solver": "sgd", "learning_rate_init": 0.1}
TRAININGS = {
    "sgd": (SGD, 1e-12),
    "sgd without momentum": (SGD | {"momentum": 0.0}, 1e-12),
    "sgd, plain momentum": (SGD | {"nesterovs_momentum": False}, 1e-12),
    "sgd, momentum 1": (SGD | {"momentum": 1.0, "learning_rate_init": 1e-3}, 1e-12),
    "sgd, invscaling": (SGD | {"learning_rate": "invscaling", "power_t": 0.25}, 1e-12),
    "sgd, adaptive": (
        SGD | {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
        1e-12,
    ),
    "sgd, large alpha": (SGD | {"alpha": 2.0}, 1e-12),
    "adam": ({"activation": "tanh"}, 1e-6),
    "adam, relu": ({"max_iter": 5}, 1e-6),
    "adam, tiny epsilon": ({"epsilon": 1e-30, "activation": "tanh"}, 1e-11),
    "logistic": ({"activation": "logistic"}, 1e-6),
    "identity": (SGD | {"activation": "identity"}, 1e-12),
    "not shuffled": (SGD | {"shuffle": False}, 1e-12),
    "one batch": (SGD | {"batch_size": 500}, 1e-12),
    "many batches": (SGD | {"batch_size": 7, "learning_rate_init": 0.01, "max_iter": 4}, 1e-6),
    "two hidden layers": (SGD | {"hidden_layer_sizes": (20, 10)}, 1e-12),
    "no hidden layer": (SGD | {"hidden_layer_sizes": ()}, 1e-12),
    "no hidden layer, logistic": (
        SGD | {"hidden_layer_sizes": (), "activation": "logistic"},
        1e-12,
    ),
    "early stopping": (
        SGD | {"early_stopping": True, "max_iter": 60, "n_iter_no_change": 3, "tol": 1e-2},
        1e-11,
    ),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_follows_scikit_learn(name: str, digits: tuple[np.ndarray, ...]) -> None:
    settings, tolerance = TRAININGS[name]
    a, b = both(CLASSIFIERS, *digits, **settings)
    assert (a.n_iter_, a.t_) == (b.n_iter_, b.t_)
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=tolerance)
    assert b.loss_ == b.loss_curve_[-1]
    if settings.get("early_stopping"):
        np.testing.assert_allclose(b.validation_scores_, a.validation_scores_)
        assert b.best_validation_score_ == pytest.approx(a.best_validation_score_)
        assert b.best_loss_ is None
    else:
        assert b.best_loss_ == pytest.approx(a.best_loss_)
    if "epsilon" in settings or tolerance < 1e-10:
        # An entry of a weight's gradient is as exact as the largest, not as its own size.
        assert_same_parameters(a, b, 1e-9)


def test_many_batches_make_groups(digits: tuple[np.ndarray, ...]) -> None:
    network = foxnn.neural_network([64, 10], "softmax", seed=0)
    task = ours.classifier.Task("softmax", "cross_entropy", 10)
    solver = ours.stochastic.Solver(ours.MLPClassifier(solver="sgd"))
    given = samples.EstimatorSamples(*digits)
    made = steps.Steps(network, task, given, None, solver=solver, batch=7, alpha=1e-4, dropout=[])
    groups = list(made._groups())
    assert groups[:2] == [(0, 56), (56, 112)]  # 71 batches and 3 samples: groups of 8 batches
    assert groups[-2:] == [(448, 497), (497, 500)]
    made.run_epoch(np.random.default_rng(0).permutation(500), 1e-3)
    assert network._steps() == 72
    made.close()


@new_scikit_learn
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("early", [False, True])
def test_weighted_samples_follow_scikit_learn(
    solver: str, early: bool, digits: tuple[np.ndarray, ...]
) -> None:
    weights = np.random.default_rng(0).uniform(0.1, 3.0, 500)
    settings = {"activation": "tanh", "alpha": 0.1, "early_stopping": early, "solver": solver}
    a, b = both(CLASSIFIERS, *digits, weights, learning_rate_init=0.01, **settings)
    tolerance = 1e-12 if solver == "sgd" else 1e-6
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=tolerance)
    if early:
        np.testing.assert_allclose(b.validation_scores_, a.validation_scores_)


def test_samples_without_weight_pull_nowhere(digits: tuple[np.ndarray, ...]) -> None:
    x, y = digits
    weights = np.ones(500)
    weights[200:] = 0.0  # whole batches of them
    settings = SGD | {"shuffle": False, "batch_size": 50, "max_iter": 3, "random_state": 0}
    a = ours.MLPClassifier(**settings).fit(x, y, weights)
    b = ours.MLPClassifier(**settings).fit(x[:200], y[:200])
    assert_same_parameters(a, b, 1e-12)
    with pytest.raises(ValueError, match="sum above 0"):
        ours.MLPClassifier(**settings).fit(x, y, -weights)


TARGETS = {
    "one": lambda y: y,
    "two": lambda y: np.stack([y, np.sin(3 * y)], axis=1),
}


@pytest.mark.parametrize("outputs", TARGETS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_regression_follows_scikit_learn(
    outputs: str, solver: str, diabetes: tuple[np.ndarray, ...]
) -> None:
    x, y = diabetes
    a, b = both(
        REGRESSORS, x, TARGETS[outputs](y), solver=solver, early_stopping=True, activation="tanh"
    )
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, rtol=1e-5)
    np.testing.assert_allclose(b.predict(x), a.predict(x), rtol=1e-3, atol=1e-4)
    assert b.score(x, TARGETS[outputs](y)) == pytest.approx(a.score(x, TARGETS[outputs](y)))


@new_scikit_learn
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch", [50, "all"])
def test_poisson_follows_scikit_learn(
    solver: str, weighted: bool, batch: Any, diabetes: tuple[np.ndarray, ...]
) -> None:
    x, y = diabetes
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.exp(y))
    weights = rng.uniform(0.5, 2.0, len(x)) if weighted else None
    settings = {"loss": "poisson", "solver": solver, "activation": "tanh"}
    settings["batch_size"] = len(x) if batch == "all" else batch
    a, b = both(REGRESSORS, x, counts, weights, **settings)
    assert b.out_activation_ == a.out_activation_ == "exp"
    assert b.loss_ == pytest.approx(a.loss_, rel=1e-6)
    if solver != "lbfgs":
        np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-6)
    with pytest.raises(ValueError, match="y must be at least 0"):
        ours.MLPRegressor(loss="poisson").fit(x, y)


@pytest.mark.parametrize("kinds", [CLASSIFIERS, REGRESSORS], ids=NAMES)
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_lbfgs_follows_scikit_learn(
    kinds: tuple[type, type], activation: str, digits: Any, diabetes: Any
) -> None:
    data = digits if kinds is CLASSIFIERS else diabetes
    a, b = both(kinds, *data, solver="lbfgs", activation=activation, max_iter=15, alpha=0.1)
    assert a.n_iter_ == b.n_iter_
    assert b.loss_ == pytest.approx(a.loss_, rel=1e-6)
    assert not hasattr(b, "loss_curve_")
    assert b.validation_loss_curve_ is None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_lbfgs_adds_up_blocks(
    weighted: bool, sparse: bool, monkeypatch: pytest.MonkeyPatch, digits: Any
) -> None:
    x, y = digits
    weights = np.random.default_rng(0).uniform(0.1, 3.0, 500) if weighted else None
    settings = {"solver": "lbfgs", "random_state": 0, "max_iter": 5, "activation": "tanh"}
    whole = ours.MLPClassifier(**settings).fit(x, y, weights)
    monkeypatch.setattr(lbfgs, "_BLOCK_BYTES", 300_000)
    blocks = ours.MLPClassifier(**settings)
    blocks.fit(scipy.sparse.csr_array(x) if sparse else x, y, weights)
    assert_same_parameters(whole, blocks, 1e-7)


def test_lbfgs_minimizes_the_loss_of_several_outputs(diabetes: tuple[np.ndarray, ...]) -> None:
    # scikit-learn's search goes by a mean over the outputs, its gradient by their sum.
    x, y = diabetes
    a, b = both(
        REGRESSORS, x, TARGETS["two"](y), solver="lbfgs", activation="identity", max_iter=500
    )
    assert b.loss_ <= a.loss_ * (1 + 1e-9)
    assert a.loss_ == pytest.approx(b.loss_, rel=0.05)


@pytest.mark.parametrize("settings", [SGD | {"learning_rate": "invscaling"}, {"max_iter": 3}])
def test_partial_fit_and_warm_start_follow_scikit_learn(
    settings: dict[str, Any], iris: tuple[np.ndarray, ...]
) -> None:
    x, y = iris
    for way in ("partial_fit", "warm_start"):
        fitted = []
        for kind in CLASSIFIERS:
            estimator = kind(random_state=3, activation="tanh", warm_start=way == "warm_start")
            estimator.set_params(**{"max_iter": 4} | settings)
            for part in (slice(None), slice(50, None), slice(0, 120)):
                if way == "partial_fit":
                    estimator.partial_fit(x[part], y[part], classes=[0, 1, 2])
                else:
                    estimator.fit(x, y)
            fitted.append(estimator)
        a, b = fitted
        assert (a.t_, a.n_iter_, len(a.loss_curve_)) == (b.t_, b.n_iter_, len(b.loss_curve_))
        np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-7)
        assert_same_parameters(a, b, 1e-5)


def test_a_warm_start_may_change_the_way_of_training(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    fitted = ours.MLPClassifier(solver="lbfgs", max_iter=5, warm_start=True, random_state=0)
    losses = [fitted.fit(x, y).loss_]
    for settings in ({"solver": "adam"}, {"early_stopping": True}, {"early_stopping": False}):
        fitted.set_params(**settings).fit(x.astype(np.float32), y)
        losses.append(fitted.loss_)
    assert losses[-1] < losses[1] < losses[0]
    assert len(fitted.loss_curve_) == 15
    assert len(fitted.validation_scores_) == 5
    assert fitted.coefs_[0].dtype == np.float64  # as it began
    fitted.set_params(solver="lbfgs", warm_start=False).fit(x, y)
    assert not hasattr(fitted, "loss_curve_")


def test_training_can_begin_with_weights_of_the_users(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    rng = np.random.default_rng(5)
    shapes = [(4, 6), (6, 3)]
    fitted = []
    for kind in CLASSIFIERS:
        estimator = kind(6, "tanh", warm_start=True, shuffle=False, random_state=0, **SGD)
        estimator.set_params(max_iter=1).fit(x, y)
        rng = np.random.default_rng(5)
        estimator.coefs_ = [rng.normal(size=shape) for shape in shapes]
        estimator.intercepts_[0][:] = 0.25
        fitted.append(estimator.set_params(max_iter=10).fit(x, y))
    np.testing.assert_allclose(fitted[1].loss_curve_, fitted[0].loss_curve_, rtol=1e-12)


# What goes in.


@new_scikit_learn
@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_are_scikit_learns_and_more(name: str) -> None:
    a, b = (inspect.signature(getattr(module, name)) for module in (theirs, ours))
    for theirs_, ours_ in zip(a.parameters.values(), b.parameters.values(), strict=False):
        assert (theirs_.name, theirs_.default, theirs_.kind) == (
            ours_.name,
            ours_.default,
            ours_.kind,
        )
    beyond = list(b.parameters)[len(a.parameters) :]
    weight = ["class_weight"] if name == "MLPClassifier" else []
    quantiles = ["quantiles"] if name == "MLPRegressor" else []
    assert beyond == ["dropout", *weight, "n_threads", "time_limit", *quantiles]


WRONG = {
    "solver": "newton",
    "alpha": -1,
    "batch_size": 0,
    "learning_rate": "fast",
    "learning_rate_init": 0,
    "power_t": -0.5,
    "max_iter": 0,
    "shuffle": "yes",
    "random_state": "seed",
    "tol": -1e-3,
    "verbose": -1,
    "warm_start": 2,
    "momentum": 1.5,
    "nesterovs_momentum": None,
    "early_stopping": "on",
    "validation_fraction": 1.0,
    "beta_1": 1.0,
    "beta_2": -0.1,
    "epsilon": 0,
    "n_iter_no_change": 0,
    "max_fun": 1.5,
    "hidden_layer_sizes": -3,
}


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Return the type and the message of the error that a call raises.

    The options in a message come out of a set, in any order.
    """
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    text = re.sub(r"\{(.*?)\}", lambda found: str(sorted(found[1].split(", "))), str(caught.value))
    return type(caught.value).__name__, text


@pytest.mark.parametrize("argument", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_argument_is_refused_as_in_scikit_learn(
    name: str, argument: str, iris: tuple[np.ndarray, ...]
) -> None:
    x, y = iris
    a, b = (
        refusal(lambda m=module: getattr(m, name)(**{argument: WRONG[argument]}).fit(x, y))
        for module in (theirs, ours)
    )
    assert a == b


REFUSED: dict[str, Callable[[Any, Any, Any], object]] = {
    "hidden layer of 0": lambda kind, x, y: kind((5, 0)).fit(x, y),
    "NaN": lambda kind, x, y: kind().fit(np.where(x > 1, np.nan, x), y),
    "lengths": lambda kind, x, y: kind().fit(x, y[:-1]),
    "one dimension": lambda kind, x, y: kind().fit(x[0], y),
    "not fitted": lambda kind, x, y: kind().predict(x),
    "other features": lambda kind, x, y: kind(max_iter=1).fit(x, y).predict(x[:, :2]),
    "small validation": lambda kind, x, y: kind(early_stopping=True).fit(x[:2], y[[0, 60]]),
    "weights": lambda kind, x, y: kind().fit(x, y, sample_weight=np.ones(3)),
}
REFUSED_CLASSES: dict[str, Callable[[Any, Any, Any], object]] = {
    # Their regressor forgets to ask, and makes a whole fit of it.
    "partial_fit of lbfgs": lambda kind, x, y: kind(solver="lbfgs").partial_fit(x, y),
    "no classes": lambda kind, x, y: kind().partial_fit(x, y),
    "other classes": lambda kind, x, y: (
        kind().partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y, classes=[0, 1])
    ),
    "new class": lambda kind, x, y: kind().partial_fit(x, y, classes=[0, 1]),
    "early stopping": lambda kind, x, y: kind(early_stopping=True).partial_fit(
        x, y, classes=[0, 1, 2]
    ),
    "continuous": lambda kind, x, y: kind().fit(x, y + 0.5 * x[:, 0]),
    "warm start": lambda kind, x, y: (
        kind(max_iter=1, warm_start=True).fit(x, y).fit(x[:100], y[:100])
    ),
    "one of a class": lambda kind, x, y: kind(early_stopping=True).fit(x[:51], y[:51]),
}


@new_scikit_learn
@pytest.mark.parametrize("what", [*REFUSED, *REFUSED_CLASSES])
def test_what_does_not_fit_is_refused_as_in_scikit_learn(
    what: str, iris: tuple[np.ndarray, ...]
) -> None:
    if what in REFUSED:
        a, b = (refusal(lambda k=kind: REFUSED[what](k, *iris)) for kind in REGRESSORS)
        assert a == tuple(text.replace("\"'quantile'\", ", "") for text in b)  # which is ours alone
    call = (REFUSED | REFUSED_CLASSES)[what]
    a, b = (refusal(lambda k=kind: call(k, *iris)) for kind in CLASSIFIERS)
    assert a == b


def test_the_rest_of_what_is_refused(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    fitted = ours.MLPClassifier(5, max_iter=1, warm_start=True).fit(x, y)
    with pytest.raises(ValueError, match=r"sizes of the previous call to fit, \[4, 5, 3\]"):
        fitted.set_params(hidden_layer_sizes=6).fit(x, y)
    with pytest.raises(ValueError, match="must be a str among"):
        ours.MLPClassifier(activation="softmax").fit(x, y)
    with pytest.raises(ValueError, match="one for each of the 2 hidden layers, got a list of 1"):
        ours.MLPClassifier((5, 5), ["relu"]).fit(x, y)
    with pytest.raises(ValueError, match="unknown activation 'step'"):
        ours.MLPClassifier((5, 5), ["relu", "step"]).fit(x, y)
    with pytest.raises(ValueError, match="dropout needs solver='sgd' or 'adam'"):
        ours.MLPClassifier(dropout=0.5, solver="lbfgs").fit(x, y)
    with pytest.raises(ValueError, match="one for each of the 1 hidden layers, got 2"):
        ours.MLPClassifier(dropout=[0.5, 0.1]).fit(x, y)
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        ours.MLPClassifier().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="sample_weight_val needs X_val"):
        ours.MLPClassifier().fit(x, y, sample_weight_val=y)
    with pytest.raises(ValueError, match=r"y_val must hold classes of \[0 1 2\] only, got 3"):
        ours.MLPClassifier().fit(x, y, X_val=x, y_val=y + 1)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all samples"):
        ours.MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(NotFittedError):
        ours.MLPClassifier().gradients(x)
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        ours.MLPRegressor(solver="lbfgs").partial_fit(x, y)
    fitted.coefs_ = fitted.coefs_[:1]
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have 2 arrays"):
        fitted.predict(x)


# What comes out.


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
@pytest.mark.parametrize("kinds", [CLASSIFIERS, REGRESSORS], ids=NAMES)
def test_the_attributes_are_scikit_learns_and_more(
    kinds: tuple[type, type], settings: dict[str, Any], iris: tuple[np.ndarray, ...]
) -> None:
    pandas = pytest.importorskip("pandas")
    x, y = iris
    a, b = both(kinds, pandas.DataFrame(x, columns=list("abcd")), y, **settings)
    public = {n for n in vars(a) if n.endswith("_") and not n.startswith("_")}
    assert {n for n in vars(b) if n.endswith("_")} - public == {
        "network_",
        "validation_loss_curve_",
    }
    for name in public:
        value, own = getattr(a, name), getattr(b, name)
        assert type(value) is type(own) or np.isscalar(value), name
        if name in ("classes_", "feature_names_in_"):
            np.testing.assert_array_equal(value, own)
        elif isinstance(value, int | str):
            assert value == own, name
    assert [w.shape for w in a.coefs_] == [w.shape for w in b.coefs_]
    assert [w.dtype for w in a.intercepts_] == [w.dtype for w in b.intercepts_]
    assert isinstance(b.network_, foxnn.neural_network)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_public_is_documented(name: str) -> None:
    kind = getattr(ours, name)
    assert {"Parameters", "Attributes", "Examples", "See Also"} <= sections(kind.__doc__)
    assert documented_parameters(kind.__doc__) == parameters(kind)
    for method in ("fit", "partial_fit", "predict", "gradients"):
        function = getattr(kind, method)
        assert documented_parameters(function.__doc__) == parameters(function)[:None], method


@pytest.mark.parametrize("name", [found.name for found in pkgutil.iter_modules(ours.__path__)])
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"foxnn.sklearn.{name}")).failed == 0


def messages(call: Callable[[], object]) -> list[tuple[type, str]]:
    """Return the types and messages of the warnings that a call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize(
    "settings",
    [{"max_iter": 2}, {"solver": "sgd", "batch_size": 1000, "max_iter": 1}, {"solver": "lbfgs"}],
)
def test_warnings_are_scikit_learns(
    settings: dict[str, Any], diabetes: tuple[np.ndarray, ...]
) -> None:
    a, b = (
        messages(lambda k=kind: k(**{"max_iter": 3, "random_state": 0} | settings).fit(*diabetes))
        for kind in REGRESSORS
    )
    assert a
    assert a == b


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True, "tol": 0.1, "n_iter_no_change": 2},
        SGD | {"learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 40},
        SGD | {"tol": 0.5, "n_iter_no_change": 1},
    ],
)
def test_verbose_prints_as_scikit_learn(
    settings: dict[str, Any], diabetes: tuple[np.ndarray, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for kind in REGRESSORS:
        kind(verbose=True, random_state=0, **settings).fit(*diabetes)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Stopping." in printed[1]
    assert ("Learning rate too small" in printed[1]) == ("learning_rate" in settings)


def unaligned(array: np.ndarray) -> np.ndarray:
    """Return an array that begins at an odd byte, as those that Dask sends to its workers may."""
    room = np.empty(array.nbytes + 1, np.uint8)[1:]
    moved = room.view(array.dtype).reshape(array.shape)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_arrays_need_not_be_aligned(solver: str) -> None:
    X, y = load_diabetes(return_X_y=True)
    weights = np.linspace(0.5, 1.0, len(y))
    plain = ours.MLPRegressor(hidden_layer_sizes=5, solver=solver, max_iter=2, random_state=0).fit(
        X, y, weights
    )
    moved = clone(plain).fit(unaligned(X), unaligned(y), unaligned(weights))
    assert moved.predict(unaligned(X)).tobytes() == plain.predict(X).tobytes()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kinds", [CLASSIFIERS, REGRESSORS], ids=NAMES)
def test_float32_stays_float32(
    kinds: tuple[type, type], solver: str, iris: tuple[np.ndarray, ...]
) -> None:
    x, y = iris
    fitted = kinds[1](solver=solver, random_state=0, activation="tanh", max_iter=30)
    exact = clone(fitted).fit(x, y)
    fitted.fit(x.astype(np.float32), y)
    assert fitted.network_.dtype == "float32"
    assert exact.network_.dtype == "float64"
    assert {w.dtype for w in fitted.coefs_ + fitted.intercepts_} == {np.dtype(np.float32)}
    if kinds is REGRESSORS:
        assert fitted.predict(x).dtype == np.float32
    # 30 epochs and iterations away, a rounding has grown some hundred times.
    assert fitted.loss_ == pytest.approx(exact.loss_, rel=1e-4)


def test_classes_may_be_anything(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    for names in (
        np.array(["b", "a", "c"]),
        np.array(["b", "a", "c"], object),
        np.array([7, 1, 3]),
    ):
        a, b = both(CLASSIFIERS, x, names[y], early_stopping=NEW)
        np.testing.assert_array_equal(a.classes_, b.classes_)
        np.testing.assert_array_equal(a.predict(x), b.predict(x))
        np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), atol=1e-4)
        np.testing.assert_allclose(a.predict_log_proba(x), b.predict_log_proba(x), atol=1e-3)
    two = names[y] == 3
    a, b = both(CLASSIFIERS, x, two)
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), atol=1e-6)
    assert b.predict(x).dtype == bool
    assert b.n_outputs_ == 1
    assert (ours.MLPClassifier(max_iter=2).fit(x[:9], y[:9]).predict(x) == 0).all()


@new_scikit_learn
def test_one_class_is_always_met(iris: tuple[np.ndarray, ...]) -> None:
    x, _ = iris
    a, b = both(CLASSIFIERS, x, np.full(len(x), "only"), early_stopping=True)
    assert b.validation_scores_ == a.validation_scores_ == [1.0] * a.n_iter_
    assert b.score(x, np.full(len(x), "only")) == b.best_validation_score_ == 1.0


@pytest.mark.parametrize("sparse", [False, True])
def test_multilabel_targets(sparse: bool, iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    labels = np.stack([y > 0, x[:, 0] > 0], axis=1).astype(int)
    given = scipy.sparse.csr_matrix(labels) if sparse else labels
    a, b = both(CLASSIFIERS, x, given, early_stopping=NEW, tol=1e-3)
    assert b.out_activation_ == "logistic"
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-6)
    assert not NEW or b.validation_scores_ == pytest.approx(a.validation_scores_)
    found, own = a.predict(x), b.predict(x)
    assert type(found) is type(own)
    np.testing.assert_array_equal(*(v.toarray() if sparse else v for v in (found, own)))
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_samples(container: Any, digits: tuple[np.ndarray, ...]) -> None:
    x, y = digits
    settings = {"random_state": 0, "max_iter": 5, "early_stopping": True}
    dense = ours.MLPClassifier(**settings).fit(x, y)
    sparse = ours.MLPClassifier(**settings).fit(container(x), y)
    assert_same_parameters(dense, sparse, 1e-12)
    np.testing.assert_allclose(sparse.predict_proba(container(x)), dense.predict_proba(x))
    np.testing.assert_allclose(sparse.gradients(container(x[:9])), dense.gradients(x[:9]))
    single = ours.MLPClassifier(batch_size=500, max_iter=2, random_state=0)
    assert_same_parameters(clone(single).fit(container(x), y), single.fit(x, y), 1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_samples_never_become_dense_as_a_whole(solver: str) -> None:
    rng = np.random.default_rng(0)
    places = rng.integers(0, [[20_000], [2_000]], (2, 40_000))
    x = scipy.sparse.csr_array((rng.random(40_000), places), (20_000, 2_000))
    y = rng.integers(0, 2, 20_000)
    estimator = ours.MLPClassifier(2, solver=solver, max_iter=1, max_fun=2)
    tracemalloc.start()
    estimator.fit(x, y).predict(x)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All of it is 320 MB as an array, and 0.5 MB as a sparse matrix.
    assert most < 20e6


def test_weights_can_be_changed(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    a, b = both(CLASSIFIERS, x, y)
    for estimator in (a, b):
        before = estimator.predict_proba(x)
        estimator.coefs_[0][:, 3] = 0.0
        estimator.coefs_[1] = estimator.coefs_[1] * 1.5
        estimator.intercepts_[0] += 0.1
        np.random.default_rng(0).shuffle(estimator.coefs_[0])
        assert not np.allclose(before, estimator.predict_proba(x))
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), atol=1e-4)


CHANGES: dict[str, Callable[[Any], object]] = {
    "an element": lambda fitted: fitted.coefs_[0].__setitem__((1, 2), 5.0),
    "a last digit": lambda fitted: fitted.coefs_[1].__setitem__(
        (0, 0), np.nextafter(fitted.coefs_[1][0, 0], 9.0)
    ),
    "a sign of zero": lambda fitted: (
        fitted.intercepts_[0].fill(0.0),
        fitted.network_,
        fitted.intercepts_[0].fill(-0.0),
    ),
    "all signs": lambda fitted: np.negative(fitted.coefs_[0], out=fitted.coefs_[0]),
    "rows": lambda fitted: fitted.coefs_.__setitem__(0, fitted.coefs_[0][::-1]),
    "an array": lambda fitted: fitted.intercepts_.__setitem__(1, np.ones(3)),
    "a list": lambda fitted: setattr(fitted, "intercepts_", [[0.5] * 6, [1, 2, 3]]),
    "columns": lambda fitted: fitted.coefs_.__setitem__(0, np.asfortranarray(fitted.coefs_[0]) * 2),
}
WAYS_OUT: dict[str, Callable[[Any, Any], Any]] = {
    "network_": lambda fitted, x: fitted.network_.predict(x),
    "pickle": lambda fitted, x: pickle.loads(pickle.dumps(fitted)).network_.predict(x),
    "pickle of network_": lambda fitted, x: pickle.loads(pickle.dumps(fitted.network_)).predict(x),
    "deepcopy": lambda fitted, x: copy.deepcopy(fitted).predict_proba(x),
    "gradients": lambda fitted, x: fitted.gradients(x),
    "predict_proba": lambda fitted, x: fitted.predict_proba(x),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_way_out_sees_changed_weights(
    change: str, way: str, dtype: Any, iris: tuple[np.ndarray, ...]
) -> None:
    x, y = iris
    x = x.astype(dtype)
    fitted = ours.MLPClassifier(6, "tanh", max_iter=2, random_state=0).fit(x, y)
    assert WAYS_OUT[way](fitted, x) is not None  # has looked at them before
    CHANGES[change](fitted)
    network = foxnn.neural_network([4, 6, 3], "tanh", "softmax", dtype=np.dtype(dtype).name)
    for layer, weights, bias in zip(network, fitted.coefs_, fitted.intercepts_, strict=True):
        layer.weights, layer.bias = weights, bias
    expected = network.gradient(x) if way == "gradients" else network.predict(x)
    assert WAYS_OUT[way](fitted, x).tobytes() == expected.tobytes()
    of_network = [layer.bias.tobytes() for layer in fitted.network_]
    assert of_network == [np.asarray(bias, dtype).tobytes() for bias in fitted.intercepts_]
    assert fitted.network_ is fitted.network_


@pytest.mark.parametrize("labels", [["a", "b", "c"], [-3, 7, 10**12], [False, True], ["n", "y"]])
def test_the_network_knows_the_classes(labels: Any, iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    fitted = ours.MLPClassifier(6, solver="lbfgs", random_state=0)
    fitted.fit(x, np.array(labels)[y % len(labels)])
    assert fitted.network_.classes == labels
    assert fitted.network_.predict_classes(x).tolist() == fitted.predict(x).tolist()
    for others in (y * 1.0, np.zeros(150), np.eye(3)[y], np.array([0.0, 2.0])[y % 2]):
        assert fitted.fit(x, others).network_.classes is None


def test_network_is_there_after_a_fit(iris: tuple[np.ndarray, ...]) -> None:
    estimator = ours.MLPClassifier(max_iter=1)
    assert not hasattr(estimator, "network_")
    estimator.fit(*iris)
    with pytest.raises(AttributeError):
        estimator.network_ = foxnn.neural_network([4, 3])
    estimator.coefs_ = estimator.coefs_[:1]
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have 2 arrays"):
        _ = estimator.network_


def test_a_fingerprint_sees_every_bit() -> None:
    # Small, of two blocks of words and a rest, and of a size that is no multiple of a word.
    for array in (np.zeros((3, 2)), np.zeros(5000), np.zeros(9001, np.float16)):
        data, before = array.reshape(-1).view(np.uint8), model.fingerprint(array)
        for at in {0, 1, len(data) // 2, len(data) - 1}:
            for bit in range(8):
                data[at] ^= 1 << bit
                assert model.fingerprint(array) != before
                data[at] ^= 1 << bit
        array[...] = 1.0
        ones = model.fingerprint(array)
        array *= -1.0  # one bit of each
        assert len({ones, before, model.fingerprint(array)}) == 3
        assert model.fingerprint(array.copy()) == model.fingerprint(array)
        before = model.fingerprint(array)
        assert model.fingerprint(array.reshape(1, -1)) != before
    objects = np.array([1.0, None], object)
    assert model.fingerprint(objects) != model.fingerprint(objects)


@pytest.mark.parametrize("copied", ["clone", "pickle", "deepcopy", "joblib"])
def test_copies(copied: str, tmp_path: Any, iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    estimator = ours.MLPClassifier(
        (8, 4), ["gelu", ("elu", 0.5)], dropout=[0.1, 0.0], random_state=0, class_weight="balanced"
    ).set_params(max_iter=3)
    if copied == "clone":
        other = clone(estimator.fit(x, y))
        assert other.get_params() == estimator.get_params()
        assert not hasattr(other, "coefs_")
        np.testing.assert_array_equal(other.fit(x, y).predict_proba(x), estimator.predict_proba(x))
        return
    estimator.set_params(class_weight=None).fit(x, y)
    if copied == "joblib":
        joblib.dump(estimator, tmp_path / "estimator")
        other = joblib.load(tmp_path / "estimator")
    else:
        other = copy.deepcopy(estimator) if copied == "deepcopy" else None
        other = other or pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(other.predict_proba(x), estimator.predict_proba(x))
    for one in (estimator, other):
        one.partial_fit(x, y)  # with the moments that there were
    for one, two in zip(estimator.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_works_where_estimators_work(iris: tuple[np.ndarray, ...]) -> None:
    pandas = pytest.importorskip("pandas")
    x, y = iris
    frame = pandas.DataFrame(x, columns=list("abcd"))
    pipeline = make_pipeline(
        StandardScaler(), ours.MLPClassifier(10, solver="lbfgs", random_state=0, max_iter=300)
    ).set_output(transform="pandas")
    pipeline.fit(frame, y)
    assert pipeline[-1].feature_names_in_.tolist() == list("abcd")
    assert pipeline.score(frame, y) > 0.95
    with pytest.raises(ValueError, match="feature names should match"):
        pipeline[-1].predict(frame[list("badc")])
    scores = cross_val_score(pipeline, x, y, cv=3)
    assert scores.min() > 0.85
    grid = GridSearchCV(
        pipeline, {"mlpclassifier__alpha": [1e-4, 1e6]}, cv=2, n_jobs=2, error_score="raise"
    )
    grid.fit(x, y)
    assert grid.best_params_ == {"mlpclassifier__alpha": 1e-4}
    assert grid.best_score_ > 0.9


def test_weights_are_routed(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = ours.MLPClassifier(5, solver="lbfgs", max_iter=50)
        estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        grid = GridSearchCV(estimator, {"alpha": [1e-4, 1e-3]}, cv=2, error_score="raise")
        grid.fit(x, y, sample_weight=(y != 2) + 1e-9)
        assert set(grid.predict(x)) == {0, 1}


# What scikit-learn does not have.


def test_dropout(digits: tuple[np.ndarray, ...]) -> None:
    x, y = digits
    settings = {"random_state": 0, "max_iter": 60, "hidden_layer_sizes": (50, 30)}
    plain, dropped, again = (
        ours.MLPClassifier(dropout=dropout, **settings).fit(x, y)
        for dropout in (0.0, [0.5, 0.2], np.array([0.5, 0.2]))
    )
    assert dropped.loss_ > 1.5 * plain.loss_
    assert dropped.score(x, y) > 0.9
    assert_same_parameters(dropped, again, 0.0)


def test_class_weight(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    few = np.concatenate([np.arange(60), np.arange(100, 150)])  # 50, 10 and 50
    x, y = x[few, :2], y[few]
    settings = {"random_state": 0, "solver": "lbfgs", "max_iter": 50}
    plain, balanced, asked, weighted = (
        ours.MLPClassifier(class_weight=weight, **settings).fit(x, y, samples_)
        for weight, samples_ in (
            (None, None),
            ("balanced", None),
            ({1: 5.0}, np.full(110, 2.0)),
            (None, np.where(y == 1, 10.0, 2.0)),
        )
    )
    recalls = [np.mean(found.predict(x)[y == 1] == 1) for found in (plain, balanced)]
    assert recalls[1] > recalls[0]
    np.testing.assert_allclose(asked.predict_proba(x), weighted.predict_proba(x), atol=1e-6)


def test_an_activation_a_layer(iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    estimator = ours.MLPClassifier((6, 5, 4), ["gelu", "tanh", ("leaky_relu", 0.2)])
    estimator.set_params(solver="lbfgs", random_state=0).fit(x, y)
    assert [part.get_name_activation_function() for part in estimator.network_] == [
        "gelu",
        "tan_h",
        "leaky_relu",
        "softmax",
    ]
    assert estimator.network_[2].activation_parameters == [0.2]
    assert estimator.score(x, y) > 0.97
    assert ours.MLPRegressor(activation="silu", solver="lbfgs").fit(x, y).score(x, y) > 0.9
    assert ours.MLPRegressor(activation=("elu", 0.5), max_iter=2).fit(x, y).n_iter_ == 2


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_samples_to_validate_on(
    name: str, early: bool, solver: str, iris: tuple[np.ndarray, ...]
) -> None:
    x, y = iris
    estimator = getattr(ours, name)(random_state=0, early_stopping=early, solver=solver)
    weights = np.linspace(0.5, 2.0, 50)
    estimator.set_params(max_iter=25).fit(
        *(x[::3], y[::3]), X_val=x[1::3], y_val=y[1::3], sample_weight_val=weights
    )
    curve = estimator.validation_loss_curve_
    assert len(curve) == estimator.n_iter_
    assert curve[-1] < curve[0]
    if solver == "adam":
        assert estimator.t_ == 50 * estimator.n_iter_
        assert (estimator.validation_scores_ is not None) == early
    if early and solver == "adam":
        best = estimator.score(x[1::3], y[1::3], weights)
        assert best == pytest.approx(estimator.best_validation_score_)
    elif name == "MLPClassifier":
        found = estimator.predict_proba(x[1::3])[np.arange(50), y[1::3]]
        assert curve[-1] == pytest.approx(np.average(-np.log(found), weights=weights))
    else:
        errors = (estimator.predict(x[1::3]) - y[1::3]) ** 2 / 2
        assert curve[-1] == pytest.approx(np.average(errors, weights=weights))


def test_early_stopping_has_a_validation_loss(iris: tuple[np.ndarray, ...]) -> None:
    fitted = ours.MLPRegressor(early_stopping=True, random_state=0, warm_start=True, max_iter=10)
    assert len(fitted.fit(*iris).validation_loss_curve_) == fitted.n_iter_
    assert len(fitted.fit(*iris).validation_loss_curve_) == len(fitted.loss_curve_) == 20


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_time_limit_ends_a_fit_without_a_warning(
    solver: str, digits: tuple[np.ndarray, ...]
) -> None:
    estimator = ours.MLPClassifier(
        300, solver=solver, max_iter=100_000, tol=0.0, n_iter_no_change=np.inf, time_limit=0.2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.fit(*digits)
    assert 0 < estimator.n_iter_ < 100_000
    estimator.set_params(time_limit=1e-9).fit(*digits)
    assert estimator.n_iter_ <= 1


def test_threads_change_nothing(digits: tuple[np.ndarray, ...]) -> None:
    one, two = (
        ours.MLPClassifier(n_threads=n, max_iter=2, random_state=0).fit(*digits) for n in (1, 2)
    )
    assert_same_parameters(one, two, 0.0)
    assert one.network_.settings.n_threads == 1


TASKS = {
    "classes": (ours.MLPClassifier, lambda y: y),
    "two classes": (ours.MLPClassifier, lambda y: y == 1),
    "numbers": (ours.MLPRegressor, lambda y: np.stack([y, -2 * y], axis=1)),
}


@pytest.mark.parametrize("name", TASKS)
def test_gradients(name: str, iris: tuple[np.ndarray, ...]) -> None:
    x, y = iris
    kind, target = TASKS[name]
    fitted = kind(activation="tanh", solver="lbfgs", max_iter=20, random_state=0).fit(x, target(y))
    answer = fitted.predict if kind is ours.MLPRegressor else fitted.predict_proba
    found = fitted.gradients(x[:7])
    step = 1e-6
    for i in range(4):
        shift = step * np.eye(4)[i]
        slope = (answer(x[:7] + shift) - answer(x[:7] - shift)) / (2 * step)
        # A second difference of a smooth function of numbers near 1, and rounding over the step.
        np.testing.assert_allclose(found[:, :, i], slope, atol=1e-8)
    np.testing.assert_array_equal(fitted.gradients(x[:7], output=1), found[:, 1])
    with pytest.raises(IndexError, match="output must be a prediction"):
        fitted.gradients(x, output=found.shape[1])


# When something goes wrong.


def test_a_diverging_training_says_so(diabetes: tuple[np.ndarray, ...]) -> None:
    x, y = diabetes
    settings = SGD | {"learning_rate_init": 1e3, "random_state": 0, "activation": "identity"}
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        ours.MLPRegressor(**settings).fit(x, y)
    stopped = ours.MLPRegressor(early_stopping=True, **settings)
    with pytest.warns(ConvergenceWarning, match="diverged in epoch"):
        stopped.fit(x, y)
    assert np.isnan(stopped.validation_scores_[-1])
    assert np.isnan(stopped.loss_)
    assert np.isfinite(stopped.predict(x)).all()


@new_scikit_learn
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_score_of_outputs_that_overflow_is_nan() -> None:
    """The weights and the loss are still finite then, and the training goes on."""
    x = np.random.default_rng(0).normal(size=(20, 1))
    y = np.exp(np.random.default_rng(1).normal(size=(20, 2)))
    settings = SGD | {"activation": "identity", "early_stopping": True, "loss": "poisson"}
    settings |= {"random_state": 605916303, "hidden_layer_sizes": [3, 2, 4], "alpha": 0.0}
    a, b = both(REGRESSORS, x, y - y.min(), max_iter=2, tol=0.0, **settings)
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_)
    assert np.isnan(b.validation_scores_[1])
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_)
    assert np.isfinite(b.loss_curve_).all()


@pytest.mark.parametrize("early", [False, True])
def test_ctrl_c_ends_a_training(
    early: bool, monkeypatch: pytest.MonkeyPatch, iris: tuple[np.ndarray, ...]
) -> None:
    real, calls = steps.Steps.run_epoch, []

    def interrupted(self: Any, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(steps.Steps, "run_epoch", interrupted)
    estimator = ours.MLPClassifier(random_state=0, early_stopping=early)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator.fit(*iris)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 3
    monkeypatch.undo()
    short = ours.MLPClassifier(random_state=0, early_stopping=early, max_iter=3).fit(*iris)
    assert_same_parameters(short, estimator, 0.0)


@pytest.mark.parametrize("package", ["sklearn", "scipy"])
def test_a_missing_library_is_named(package: str, run_python: RunPython) -> None:
    done = run_python(f"import sys; sys.modules[{package!r}] = None; import foxnn.sklearn")
    assert f'needs {package}, which is missing: pip install "foxnn[sklearn]"' in done.stderr


def test_an_old_scikit_learn_is_named(run_python: RunPython) -> None:
    done = run_python(
        "import sklearn.utils.validation as v; del v.validate_data; import foxnn.sklearn"
    )
    assert "ImportError: foxnn.sklearn needs scikit-learn 1.6 or newer" in done.stderr


def test_the_benchmark_prints_a_table_and_nothing_else() -> None:
    lines = run("sklearn_scores.py", "--seeds", 2, "--only", "iris").splitlines()
    assert len(lines) == 2 + 3
    assert {line.count("|") for line in lines} == {9}
    for line in lines[2:]:
        cells = [cell.strip() for cell in line.split("|")]
        ours_, theirs_ = (float(cell.split()[0]) for cell in cells[2:4])
        assert ours_ == pytest.approx(theirs_, abs=0.02)  # a sample or two of 75


@pytest.mark.parametrize(
    ("y", "y_val"),
    [
        ([0, 1] * 30, [5, 6] * 30),
        ([0, 1] * 30, ["a"] * 60),
        (["n", "y"] * 30, ["no", "yes"] * 30),
        ([0, 1, 2] * 20, [0, 1, 3] * 20),
        (np.eye(2, dtype=int)[[0, 1] * 30], [0, 1] * 30),
    ],
)
def test_labels_to_validate_on_are_known_ones(y: Any, y_val: Any) -> None:
    pytest.importorskip("sklearn")
    from foxnn.sklearn import MLPClassifier

    model = MLPClassifier((4,), max_iter=2, random_state=0, early_stopping=True)
    with pytest.raises(ValueError, match="y_val"):
        model.fit(small_runs.ROWS, np.array(y), X_val=small_runs.ROWS, y_val=np.array(y_val))
