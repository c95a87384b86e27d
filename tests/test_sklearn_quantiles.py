"""MLPRegressor(loss="quantile"): quantiles as scikit-learn's regressors have them, and MAPIE's."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from foxnn.sklearn import MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (1500, 2))
Y = X[:, 0] + 0.5 * X[:, 1] + (0.2 + 0.3 * (X[:, 0] + 1)) * RNG.standard_normal(1500)
TRAIN, TEST = slice(0, 1000), slice(1000, 1500)


def made(quantiles: Any, **options: Any) -> MLPRegressor:
    usual = {"solver": "adam", "max_iter": 150, "learning_rate_init": 0.01, "random_state": 0}
    return MLPRegressor("quantile", (16,), quantiles=quantiles, **usual | options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_beside_scikit_learns_linear_quantiles(solver: str) -> None:
    """Without hidden layers it is the same model, by another way."""
    for quantile in (0.1, 0.5, 0.9):
        ours = MLPRegressor(
            "quantile", (), solver=solver, quantiles=quantile, alpha=0.0, random_state=0,
            max_iter=400, learning_rate_init=0.01, tol=0.0, n_iter_no_change=1000,
        )  # fmt: skip
        if solver == "lbfgs":
            ours.set_params(max_iter=2000)
        ours.fit(X[TRAIN], Y[TRAIN])
        theirs = QuantileRegressor(quantile=quantile, alpha=0.0).fit(X[TRAIN], Y[TRAIN])
        losses = [
            mean_pinball_loss(Y[TRAIN], model.predict(X[TRAIN]), alpha=quantile)
            for model in (ours, theirs)
        ]
        assert losses[0] <= losses[1] * 1.02


def test_several_quantiles_do_not_cross() -> None:
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    regressor = made(levels).fit(X[TRAIN], Y[TRAIN])
    found = regressor.predict(X[TEST])
    assert found.shape == (500, 5)
    assert (np.diff(found, axis=1) >= 0).all()
    shares = (Y[TEST][:, None] < found).mean(axis=0)
    np.testing.assert_allclose(shares, levels, atol=0.06)
    assert regressor.network_.loss == ("quantile", levels)
    assert regressor.gradients(X[:3]).shape == (3, 5, 2)
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    assert again.network_.loss == ("quantile", levels)


def test_the_curve_is_the_pinball_loss() -> None:
    regressor = made([0.2, 0.8], alpha=0.0, max_iter=3, batch_size=1000)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        regressor.fit(X[TRAIN], Y[TRAIN], X_val=X[TEST], y_val=Y[TEST])
    found = regressor.predict(X[TEST])
    each = [mean_pinball_loss(Y[TEST], found[:, i], alpha=q) for i, q in enumerate((0.2, 0.8))]
    assert regressor.validation_loss_curve_[-1] == pytest.approx(sum(each), rel=1e-9)


@pytest.mark.parametrize("weights", [None, np.arange(500) % 3 + 0.5])
def test_score(weights: Any) -> None:
    regressor = made([0.1, 0.5, 0.9]).fit(X[TRAIN], Y[TRAIN])
    found = regressor.predict(X[TEST])
    expected = [
        d2_pinball_score(Y[TEST], found[:, i], alpha=q, sample_weight=weights)
        for i, q in enumerate((0.1, 0.5, 0.9))
    ]
    score = regressor.score(X[TEST], Y[TEST], weights)
    assert score == pytest.approx(np.mean(expected), abs=2e-3)
    assert score > 0.1
    one = made(0.5).fit(X[TRAIN], Y[TRAIN])
    assert one.predict(X).shape == (1500,)
    assert one.score(X[TEST], Y[TEST]) == pytest.approx(
        d2_pinball_score(Y[TEST], one.predict(X[TEST]), alpha=0.5), abs=2e-3
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_targets_and_weights() -> None:
    y = np.stack([Y, -2 * Y], axis=1)
    regressor = made([0.1, 0.9], max_iter=20, early_stopping=True)
    regressor.fit(X, y, sample_weight=np.arange(1500) % 2 + 1.0)
    found = regressor.predict(X).reshape(1500, 2, 2)
    assert (np.diff(found, axis=2) >= 0).all()
    assert regressor.n_outputs_ == 4
    assert len(regressor.validation_scores_) > 1
    more = made([0.1, 0.9]).partial_fit(X, y).partial_fit(X, y)
    assert more.predict(X).shape == (1500, 4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_in_scikit_learns_tools() -> None:
    regressor = clone(made((0.1, 0.9), max_iter=150))
    assert regressor.quantiles == (0.1, 0.9)
    search = GridSearchCV(regressor, {"quantiles": [0.5, [0.25, 0.75]]}, cv=2)
    assert search.fit(X[:300], Y[:300]).best_score_ > 0.0
    assert (cross_val_score(regressor, X[:300], Y[:300], cv=2) > 0.0).all()


@pytest.mark.parametrize("quantiles", [0.0, 1.0, -1, "half", [0.9, 0.1], [0.5, 0.5], [], [0.5, 2]])
def test_quantiles_that_are_refused(quantiles: Any) -> None:
    with pytest.raises(ValueError, match="quantiles"):
        made(quantiles).fit(X, Y)


def test_quantiles_without_their_loss_do_nothing() -> None:
    options = {"max_iter": 3, "random_state": 1, "hidden_layer_sizes": (5,), "tol": 10.0}
    one, other = (
        MLPRegressor(**options, n_iter_no_change=1, **more).fit(X, Y)
        for more in ({}, {"quantiles": [0.1, 0.9]})
    )
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_intervals_of_mapie() -> None:
    """As with scikit-learn's own: intervals that hold the promised share of new samples."""
    regression = pytest.importorskip("mapie.regression")
    train, conform = slice(0, 700), slice(700, 1000)
    found = {}
    for name, fresh in (
        ("foxnn", lambda q: made(q, alpha=1e-3)),
        ("scikit-learn", lambda q: QuantileRegressor(quantile=q, alpha=0.0)),
    ):
        # Lower, upper and middle, as MAPIE wants them.
        fitted = [fresh(q).fit(X[train], Y[train]) for q in (0.05, 0.95, 0.5)]
        mapie = regression.ConformalizedQuantileRegressor(fitted, confidence_level=0.9, prefit=True)
        mapie.conformalize(X[conform], Y[conform])
        middle, ends = mapie.predict_interval(X[TEST])
        low, high = np.squeeze(ends).T
        np.testing.assert_allclose(middle, fitted[2].predict(X[TEST]))
        found[name] = ((low <= Y[TEST]) & (Y[TEST] <= high)).mean(), (high - low).mean()
    for covered, _ in found.values():
        assert 0.85 <= covered <= 0.95
    assert found["foxnn"][1] == pytest.approx(found["scikit-learn"][1], rel=0.15)
