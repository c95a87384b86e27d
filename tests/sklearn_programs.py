"""Random programs for the estimators of foxnn.sklearn and of scikit-learn, and what they find.

A program makes an estimator and trains it once or a few times. Run with either library it gives
the same outcomes, except where the libraries differ on purpose (the table in wiki/scikit-learn.md);
such programs are not drawn, or what differs is left out of their outcomes.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pandas
import scipy.sparse
from hypothesis import strategies as st

# From so many batches on, foxnn interpolates the penalty in the loss of an epoch.
INTERPOLATED = 16
# Longer trainings magnify rounding beyond what a few copies show.
MOST_STEPS = 20  # an epoch
LABELS = ("two", "three", "texts", "objects", "booleans", "floats", "large", "one", "column")
SEVERAL = ("multilabel", "sparse multilabel")
CONTAINERS = ("array", "array", "fortran", "list", "frame", "whole numbers", "csr", "csc")
# What a call may change in the estimator that the call before it trained.
CHANGES: dict[str, Any] = {
    "solver": ("sgd", "adam"),
    "activation": ("tanh", "logistic"),
    "alpha": (0.0, 0.01),
    "batch_size": ("auto", 4),
    "learning_rate": ("constant", "adaptive"),
    "learning_rate_init": (0.002, 0.05),
    "max_iter": (3, 9),
    "momentum": (0.0, 0.8),
    "shuffle": (True, False),
    "tol": (0.0, 0.05),
}


@dataclass(frozen=True)
class Program:
    """An estimator, its data, and the calls that train it."""

    classifies: bool
    settings: dict[str, Any]
    calls: tuple[tuple[str, dict[str, Any], int], ...]  # method, changed settings, first row
    count: int
    features: int
    targets: str
    weighting: str | None
    container: str
    dtype: str
    keeps_state: bool  # random_state is a RandomState, which the next call finds further on
    seed: int
    noise: int = 0  # of a perturbed copy: its number
    reach: float = 1.0  # how far it is off

    @property
    def epsilon(self) -> float:
        """Return the rounding error of a number."""
        return float(np.finfo(self.dtype).eps)

    def perturbed(self, number: int, reach: float = 1.0) -> Program:
        """Return a copy whose inputs are rounded elsewhere, and whose epsilon is off."""
        return replace(self, noise=number, reach=reach)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program on which both libraries should agree."""

    def one_of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    classifies = one_of(True, False)
    loss = "log_loss" if classifies else one_of("squared_error", "poisson")
    solver = one_of("sgd", "sgd", "adam", "adam", "lbfgs")
    count = one_of(5, 12, 20, 33, 60, 60, 250)
    targets = one_of(*LABELS, *SEVERAL) if classifies else one_of("one", "two", "column", "whole")
    if solver == "lbfgs" and targets == "two" and loss == "squared_error":
        targets = "one"  # scikit-learn's search follows another gradient than its loss has.
    early = solver != "lbfgs" and one_of(False, targets == "one", True)
    batch = one_of("auto", "auto", 1, 5, count // 2, count - 1, count, count + 3)
    if batch != "auto" and count // batch > MOST_STEPS:
        batch = count // MOST_STEPS
    weighting = one_of(None, None, "uniform", "whole", "equal", "some zeros")
    together = count if batch == "auto" else min(batch, count)
    if weighting == "some zeros" and (together < count or early):
        weighting = "uniform"  # A batch without any weight is skipped here, and NaN there.
    settings = {
        "hidden_layer_sizes": one_of((), (), (4,), (6, 3), 5, [3, 2, 4]),
        "activation": one_of("identity", "logistic", "tanh", "relu"),
        "solver": solver,
        "alpha": one_of(0.0, 1e-4, 0.1, 2.0),
        "batch_size": batch,
        "learning_rate": one_of("constant", "invscaling", "adaptive"),
        "learning_rate_init": one_of(1e-3, 0.01, 0.1),
        "power_t": one_of(0.5, 0.1, 0.0),
        "max_iter": one_of(1, 2, 7, 15, 15, 40),
        "shuffle": one_of(True, True, False),
        "random_state": draw(st.integers(0, 2**32 - 1)),
        "tol": one_of(0.0, 1e-4, 0.01, 0.1),
        "momentum": one_of(0.9, 0.5, 0.0, 1.0),
        "nesterovs_momentum": one_of(True, False),
        "early_stopping": early,
        "validation_fraction": one_of(0.1, 0.2, 0.5),
        "beta_1": one_of(0.9, 0.5, 0.0),
        "beta_2": one_of(0.999, 0.9, 0.5),
        "epsilon": one_of(1e-8, 1e-8, 1e-3, 0.1),
        "n_iter_no_change": one_of(10, 1, 2, np.inf),
        "max_fun": one_of(15000, 10),
        "verbose": solver != "lbfgs" and one_of(False, False, True),
        "warm_start": one_of(False, True),
    }
    if weighting is None and count // together >= INTERPOLATED:
        settings["alpha"] = 0.0
    if not classifies:
        settings["loss"] = loss
    return Program(
        classifies,
        settings,
        draw(calls(settings, count, together, weighting == "some zeros")),
        count,
        one_of(1, 2, 5),
        targets,
        weighting,
        one_of(*CONTAINERS),
        one_of("float64", "float64", "float32"),
        draw(st.booleans()),
        draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def calls(
    draw: st.DrawFn, settings: dict[str, Any], count: int, together: int, some_zeros: bool
) -> tuple[tuple[str, dict[str, Any], int], ...]:
    """Draw calls that train: a fit, perhaps others after it or before it."""
    stochastic = settings["solver"] != "lbfgs"
    early, warm = settings["early_stopping"], settings["warm_start"]
    methods = ["fit", "fit", "partial_fit"] if stochastic and not early else ["fit"]
    # After its second fit, the weights that scikit-learn takes for the best are others.
    most = 2 if early and warm else 3
    made = []
    for i in range(draw(st.sampled_from([1, 1, 2, most]))):
        changes: dict[str, Any] = {}
        if i and draw(st.booleans()):
            optional = {name: st.sampled_from(values) for name, values in CHANGES.items()}
            if not stochastic:
                del optional["solver"]
            if some_zeros or count // 4 >= INTERPOLATED:
                del optional["batch_size"]
            if count // together >= INTERPOLATED:
                del optional["alpha"]
            changes = draw(st.fixed_dictionaries({}, optional=optional))
        first = draw(st.sampled_from([0, 0, count // 3]))
        made.append((draw(st.sampled_from(methods)), changes, first))
    return tuple(made)


# The data of a program.


def inputs_of(program: Program) -> Any:
    """Return the samples in their container."""
    rng = np.random.default_rng(program.seed)
    x = rng.normal(size=(program.count, program.features))
    if program.container in ("csr", "csc"):
        x[rng.random(x.shape) < 0.5] = 0.0
    if program.container == "whole numbers":
        x = np.round(2.0 * x)
        if not program.noise:
            return x.astype(np.int64)
    if program.noise:
        noise = np.random.default_rng(program.noise).uniform(-2.0, 2.0, x.shape)
        off = program.reach * program.epsilon * noise
        x = x.astype(program.dtype).astype(np.float64) * (1.0 + off)
    x = x.astype(program.dtype)
    if program.container in ("csr", "csc"):
        return getattr(scipy.sparse, f"{program.container}_array")(x)
    if program.container == "frame":
        return pandas.DataFrame(x, columns=list("abcde"[: program.features]))
    if program.container == "list":
        return x.tolist()  # which is float64
    return np.asfortranarray(x) if program.container == "fortran" else x


def targets_of(program: Program) -> Any:
    """Return labels or numbers of the program's kind."""
    rng = np.random.default_rng(program.seed + 1)
    kind, count = program.targets, program.count
    if not program.classifies:
        width = 2 if kind == "two" else 1
        y = rng.normal(size=(count, width))
        if program.settings["loss"] == "poisson":
            y = rng.poisson(np.exp(y)) if kind == "whole" else np.exp(y) - np.exp(y).min()
        elif kind == "whole":
            y = np.round(3 * y).astype(int)
        return y if kind in ("two", "column") else y[:, 0]
    if kind in SEVERAL:
        y = rng.integers(0, 2, (count, 3))
        return scipy.sparse.csr_array(y) if kind == "sparse multilabel" else y
    y = rng.integers(0, 1 if kind == "one" else 2 if kind in ("two", "booleans") else 3, count)
    names = {
        "texts": np.array(["b", "a", "cc"]),
        "objects": np.array(["b", "a", "cc"], object),
        "booleans": np.array([False, True]),
        "floats": np.array([-1.0, 2.0, 0.0]),
        "large": np.array([10**12, -5, 7]),
    }
    y = names[kind][y] if kind in names else y
    return y.reshape(-1, 1) if kind == "column" else y


def weights_of(program: Program) -> np.ndarray | None:
    """Return how much each sample counts."""
    rng = np.random.default_rng(program.seed + 2)
    count = program.count
    if program.weighting == "uniform":
        return rng.uniform(0.1, 3.0, count)
    if program.weighting == "whole":
        return rng.integers(1, 4, count)
    if program.weighting == "equal":
        return np.full(count, 2.5)
    if program.weighting == "some zeros":
        weights = rng.uniform(0.5, 1.5, count)
        weights[::3] = 0.0
        return weights
    return None


# Running it.

Outcome = dict[str, Any]


def run(program: Program, library: ModuleType) -> list[Outcome]:
    """Return what there is to see after each call, by name; after an error nothing is called."""
    kind = library.MLPClassifier if program.classifies else library.MLPRegressor
    settings = dict(program.settings)
    if program.noise:
        # Of several sizes, since a loss at its minimum may not tell two of them apart.
        most = 0.02 if program.reach == 1.0 else 0.1
        size = np.random.default_rng(program.noise).uniform(0.25, 1.0)
        settings["epsilon"] *= 1.0 + most * size * (-1) ** program.noise
    if program.keeps_state:
        settings["random_state"] = np.random.RandomState(settings["random_state"])
    estimator = kind(**settings)
    x, y, weights = inputs_of(program), targets_of(program), weights_of(program)
    in_float64 = program.settings["solver"] == "lbfgs" and program.dtype == "float32"
    if in_float64 and program.container != "list" and library.__name__.startswith("sklearn"):
        x = x.astype(np.float64)  # foxnn's lbfgs always searches in float64
    outcomes: list[Outcome] = []
    for method, changes, first in program.calls:
        estimator.set_params(**changes)
        rows = slice(first, None)
        given = {} if weights is None else {"sample_weight": weights[rows]}
        if method == "partial_fit" and program.classifies:
            several = program.targets in SEVERAL
            given["classes"] = np.arange(3) if several else np.unique(y)
        outcome: Outcome = {"warnings": [], "lines": 0}
        outcomes.append(outcome)
        printed = io.StringIO()
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            try:
                getattr(estimator, method)(x[rows], y[rows], **given)
                outcome |= learned(estimator) | answers(estimator, x, y, weights)
            except (ValueError, TypeError, AttributeError, OverflowError) as error:
                outcome["error"] = f"{type(error).__name__}: {error}"
                break
            finally:
                outcome["lines"] = printed.getvalue().count("\n")
                outcome["warnings"] = [
                    f"{w.category.__name__}: {w.message}"
                    for w in caught
                    if w.category is not RuntimeWarning  # of NumPy, for numbers that overflow
                ]
    if in_float64:  # foxnn's weights and predictions are float32 all the same
        for outcome in outcomes:
            for name, value in outcome.items():
                if isinstance(value, np.ndarray) and value.dtype == np.float64:
                    outcome[name] = value.astype(np.float32)
    return outcomes


def learned(estimator: Any) -> Outcome:
    """Return the attributes that training has set."""
    names = sorted(
        name
        for name in vars(estimator)
        if name.endswith("_")
        and not name.startswith("_")
        and name not in ("network_", "validation_loss_curve_")
    )
    found: Outcome = {"attributes": names}
    for name in names:
        value = getattr(estimator, name)
        if name in ("coefs_", "intercepts_"):
            found |= {f"{name}[{i}]": array.copy() for i, array in enumerate(value)}
        else:
            found[name] = copy.copy(value)
    return found


def answers(estimator: Any, x: Any, y: Any, weights: Any) -> Outcome:
    """Return what a trained estimator says of its samples."""
    found = {"score": estimator.score(x, y, weights), "predict": estimator.predict(x)}
    if hasattr(estimator, "predict_proba"):
        found["predict_proba"] = estimator.predict_proba(x)
    return {
        name: value.toarray() if scipy.sparse.issparse(value) else value
        for name, value in found.items()
    }
