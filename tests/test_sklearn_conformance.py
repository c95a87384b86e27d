"""The conformance suite of scikit-learn, on our estimators; no check is expected to fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from foxnn.sklearn import MLPClassifier, MLPRegressor

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    MLPClassifier(hidden_layer_sizes=(20, 10), activation=["gelu", "tanh"], solver="lbfgs"),
    MLPRegressor(solver="sgd", learning_rate="adaptive"),
]


# scikit-learn 1.7 hands pytest an iterator, which pytest 9 asks to be a list.
CHECKS = parametrize_with_checks(ESTIMATORS).mark


@pytest.mark.filterwarnings("ignore")  # Those of trainings that are cut short, mostly.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_a_check_of_scikit_learn(estimator: object, check: Callable[[object], None]) -> None:
    check(estimator)
