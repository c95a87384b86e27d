"""What can be drawn over a plane: a network, or an estimator like scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import Array
from foxnn.plot import drawing

if TYPE_CHECKING:
    from foxnn.network import neural_network


class Estimator(Protocol):
    """An estimator or a pipeline: of classes, or of one number."""

    def fit(self, X: Any, y: Any) -> Any:
        """Train."""

    def predict(self, X: Any) -> Any:
        """Return classes or numbers."""

    def get_params(self) -> dict[str, Any]:
        """Return the parameters."""


@dataclass(frozen=True)
class Predictor:
    """What is drawn of it: its outputs for samples, and what they mean."""

    answer: Callable[[Array], Array]  # from (samples, 2) to (samples, outputs), in float64
    outputs: int
    is_share: bool  # the one output is the probability of the second class
    classes: Sequence[Any] | None  # by output; with one output, the two that it tells apart
    single: bool  # whether the inputs must be finite in float32


def predictor_of(nn: neural_network | Estimator, x: Any) -> Predictor:
    """Return what answers over the plane of x.

    Raises
    ------
    TypeError, ValueError
        For something else, or what has other than two inputs or answers in another way.
    """
    if all(callable(getattr(nn, name, None)) for name in ("fit", "predict", "get_params")):
        return _of_estimator(nn, x)
    drawing.check_network(nn, "a foxnn.neural_network or an estimator")
    return _of_network(nn, x)  # type: ignore[arg-type]  # checked


def _check_inputs(count: int) -> None:
    if count != 2:
        raise ValueError(f"nn must have 2 inputs, which span a plane, got {count}")


def _of_network(nn: neural_network, x: Any) -> Predictor:
    nn._check_names(x, "x")
    _check_inputs(nn.sizes[0])
    # A sigmoid output is the probability of the second class, unless it is scaled.
    is_share = nn._output_activation()[0] == "sigmoid" and nn.output_scaler is None
    outputs: int = nn.sizes[-1]
    return Predictor(
        lambda plane: nn.predict(plane).astype(np.float64),
        outputs,
        is_share and outputs == 1,
        nn.classes,
        nn.dtype == "float32",
    )


def _of_estimator(estimator: Any, x: Any) -> Predictor:
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        raise ValueError(f"nn must be fitted, got {checks.shown(estimator)}")
    _check_inputs(count)
    answered = np.shape(estimator.predict(_table(np.zeros((1, 2)), x)))
    if len(answered) > 1 and answered[1] != 1:
        raise ValueError(f"nn must return one output per sample, got {answered[1]}")
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return Predictor(lambda plane: _predicted(estimator, plane, x), 1, False, None, False)
    if len(classes) < 2:
        raise ValueError(f"nn must have at least two classes, got {list(classes)}")
    if not hasattr(estimator, "predict_proba"):

        def chosen(plane: Array) -> Array:
            found: Array = estimator.predict(_table(plane, x))[:, None] == classes
            return found.astype(np.float64)

        return Predictor(chosen, len(classes), False, classes, False)
    two = len(classes) == 2

    def probabilities(plane: Array) -> Array:
        found = np.asarray(estimator.predict_proba(_table(plane, x)), np.float64)
        return found[:, 1:] if two else found

    return Predictor(probabilities, 1 if two else len(classes), two, classes, False)


def _predicted(estimator: Any, plane: Array, x: Any) -> Array:
    return np.asarray(estimator.predict(_table(plane, x)), np.float64).reshape(len(plane), 1)


def _table(plane: Array, x: Any) -> Any:
    """Return samples in the form that x has: an estimator looks for the names of the columns."""
    columns = checks.column_names(x)
    if columns is None:
        return plane
    names = "schema" if type(x).__module__.startswith("polars") else "columns"
    return type(x)(plane, **{names: columns})


def wanted_of(y: ArrayLike, to: Predictor) -> tuple[Array, list[str] | None]:
    """Return targets, and names of classes: their positions, or numbers of the one output.

    Texts alone are classes in their order.
    """
    labels = _labels(y)
    classes = None if to.classes is None else list(to.classes)
    if classes is None and labels and all(isinstance(label, str) for label in labels):
        classes = sorted(set(labels))
        count = 2 if to.outputs == 1 else to.outputs
        if len(classes) != count or (to.outputs == 1 and not to.is_share):
            raise ValueError(
                f"y must hold numbers, or as many texts as nn has classes, got {len(classes)}: "
                f"{checks.shown(classes)}"
            )
    if classes is not None and labels:
        names = [str(name) for name in classes]
        return _positions(labels, classes), names
    array = checks.as_array(y, "y")
    if to.outputs == 1:
        column = checks.targets(array, "y", 1, loss="mse", single=False)
        return column[:, 0].astype(np.float64), None
    if array.ndim == 1:
        return checks.targets(array, "y", to.outputs, loss="cross_entropy", single=False), None
    largest: Array = checks.matrix(array, "y", to.outputs, "outputs").argmax(axis=1)
    return largest, None


def _labels(y: ArrayLike) -> list[Any]:
    """Return one label per sample, or none if there is something else."""
    try:
        given = np.asarray(y)
    except Exception:  # told by name where y is read as numbers
        return []
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    return list(given.tolist()) if given.ndim == 1 else []


def _positions(labels: list[Any], classes: list[Any]) -> Array:
    places = {label: i for i, label in enumerate(classes)}
    try:
        return np.array([places[label] for label in labels], np.int64)
    except (KeyError, TypeError):
        unknown = next(label for label in labels if label not in classes)
        raise ValueError(
            f"y must hold classes of {checks.shown(classes)}, got {checks.shown(unknown)}"
        ) from None
