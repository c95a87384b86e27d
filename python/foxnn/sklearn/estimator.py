"""What the classifier and the regressor have in common: parameters, fit, and predictions."""

from __future__ import annotations

import math
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import foxnn
from foxnn import DivergedError
from foxnn.checks import Array
from foxnn.layers.activation_table import FOR_OUTPUT, with_aliases
from foxnn.model.blocks import answers_by_blocks
from foxnn.sklearn import lbfgs, model, stochastic
from foxnn.sklearn.model import Task
from foxnn.sklearn.samples import EstimatorSamples, HeldOut
from foxnn.training.arguments import dropout_rates

_ACTIVATIONS = set(with_aliases(foxnn.activations()) - FOR_OUTPUT)


_REALS = ("alpha", "learning_rate_init", "power_t", "tol", "time_limit", "epsilon")


def _rows(X: Any) -> foxnn.checks.Rows:
    """Return checked samples as the engine reads them, sparse ones as sparse rows."""
    if issparse(X):
        return foxnn.checks.samples(X, "X", -1, "features", finite=False)
    return foxnn.checks.engine_type(X)  # perhaps a copy: what comes from elsewhere is not aligned


class BaseMLP(BaseEstimator):
    """A multi-layer perceptron with scikit-learn's parameters and attributes."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(_ACTIVATIONS), list, tuple],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "n_threads": [Interval(Integral, 0, None, closed="left")],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
    }
    # Fingerprints of coefs_ and intercepts_, as the network has them; None: it has others.
    _written: list[object] | None = None

    @property
    def network_(self) -> foxnn.neural_network:
        """The network, with the parameters that coefs_ and intercepts_ have when it is read."""
        if "network_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no network_ before it is fitted")
        return self._synced()

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> BaseMLP:
        for name in _REALS:  # scikit-learn takes integers of any size
            value = getattr(self, name)
            if isinstance(value, Integral) and math.isinf(foxnn.checks.number(value, name)):
                raise ValueError(f"{name} must be a number that a float can hold, got more")
        hidden = model.layer_sizes(self.hidden_layer_sizes)
        begins = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        samples = self._validated(X, y, sample_weight, incremental, begins)
        if incremental and self.early_stopping and self.solver != "lbfgs":
            raise ValueError("partial_fit does not support early_stopping=True")
        self._task = self._task_of(samples.y)
        self.n_outputs_ = self._task.outputs
        self.out_activation_ = self._task.out_activation
        self._random_state = check_random_state(self.random_state)
        units = [samples.x.shape[1], *hidden, self.n_outputs_]
        activations = model.hidden_activations(self.activation, len(hidden))
        if begins:
            self._begin(units, activations, samples.x.dtype)
        self._prepare_network(units, activations, samples.x.dtype)
        rows, held_out = self._held_out(samples, *validation)
        self.validation_loss_curve_ = None if held_out is None else self._earlier_curve(begins)
        try:
            if self.solver == "lbfgs":
                if np.any(self.dropout):
                    raise ValueError("dropout needs solver='sgd' or 'adam', got solver='lbfgs'")
                lbfgs.train(self, samples, held_out)
            else:
                dropout = dropout_rates(self.dropout, len(hidden))
                training = stochastic.Training(self, samples, rows, held_out, dropout, incremental)
                training.run()
        except DivergedError as error:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            ) from error
        finally:
            self.coefs_, self.intercepts_ = model.read_parameters(self.__dict__["network_"])
            self._written = self._read_fingerprints()
        return self

    def _earlier_curve(self, begins: bool) -> list[float]:
        earlier = None if begins else getattr(self, "validation_loss_curve_", None)
        return earlier or []

    def _begin(self, units: list[int], activations: list[Any], dtype: np.dtype[Any]) -> None:
        """Set the attributes of an estimator that has not been trained."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.coefs_, self.intercepts_ = model.first_parameters(
            units, activations or model.lone_activation(self.activation), self._random_state, dtype
        )
        self.__dict__.pop("network_", None)
        # What another solver has left would not belong to this training.
        for name in stochastic.ATTRIBUTES:
            self.__dict__.pop(name, None)

    def _prepare_network(
        self, units: list[int], activations: list[Any], dtype: np.dtype[Any]
    ) -> None:
        """Have a network of these layers, a new one of this type, with the parameters of coefs_."""
        there = self.__dict__.get("network_")
        wanted = [len(w) for w in self.coefs_] + [len(self.intercepts_[-1])]
        if wanted != units:
            raise ValueError(
                f"the layers must have the sizes of the previous call to fit, {wanted}, got {units}"
            )
        if there is None or there.loss != model.loss_of(self._task):
            seed = model.seed_of(self.coefs_)
            there = model.make_network(units, activations, self._task, dtype, seed)
            self._name_classes(there)
            # Beside the property: pickles hold it by this name.
            self.__dict__["network_"] = there
            self._written = None
        for layer, (name, parameters) in zip(there, activations, strict=False):
            layer.set_activation_function(name, parameters)
        self._synced()

    def _synced(self) -> foxnn.neural_network:
        """Return the network, with the parameters of coefs_ and intercepts_, which may be set."""
        network: foxnn.neural_network = self.__dict__["network_"]
        found = self._read_fingerprints()
        if found != self._written:
            model.write_parameters(network, self.coefs_, self.intercepts_)
            self._written = found
        network.settings.n_threads = int(self.n_threads)
        return network

    def _read_fingerprints(self) -> list[object]:
        return [model.fingerprint(array) for array in (*self.coefs_, *self.intercepts_)]

    # Samples.

    def _validated(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, begins: bool
    ) -> EstimatorSamples:
        """Return the samples to train on, checked as scikit-learn does."""
        X, y = self._checked(X, y, begins)
        self._learn_targets(y, incremental)
        return self._samples(X, y, self._training_weights(X, y, sample_weight))

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=self._y_numeric,
            dtype=(np.float64, np.float32),
            order="C",
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _samples(self, X: Any, y: Any, sample_weight: Any) -> EstimatorSamples:
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
            weights = foxnn.checks.engine_type(weights)
            if not weights.sum() > 0.0:
                raise ValueError("the sample weights must have a sum above 0")
        return EstimatorSamples(_rows(X), self._targets(y), weights)

    def _name_classes(self, network: foxnn.neural_network) -> None:
        """Set the classes that a network's outputs stand for, if any."""

    def _check_known(self, y: Any, name: str) -> None:
        """Refuse targets of another kind than those that were learnt."""

    def _training_weights(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Return how much each sample to train on counts; None: all the same."""
        return sample_weight

    def _held_out(
        self, samples: EstimatorSamples, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> tuple[Array | None, HeldOut | None]:
        """Return the positions of the samples to train on (None: all), and those to validate on."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if X_val is not None:
            X_val, y_val = self._checked(X_val, y_val, False)
            self._check_known(y_val, "y_val")
            return None, HeldOut(self._samples(X_val, y_val, sample_weight_val), self._score)
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val")
        if not self.early_stopping or self.solver == "lbfgs":
            return None, None
        rows, held = stochastic.split(self, samples, self._stratifies and self.n_outputs_ == 1)
        return rows, HeldOut(samples.part(held), self._score)

    # Answers.

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        return self._synced().predict(self._checked_inputs(X))

    def _by_blocks(self, method: str, X: Any) -> Array:
        """Return the answers of this estimator, as it is now, for an array of Dask."""
        check_is_fitted(self)
        answer = getattr(deepcopy(self), method)
        found: Array = answers_by_blocks(X, "X", answer, f"foxnn-{method}")
        return found

    def _checked_inputs(self, X: Any) -> Any:
        X = validate_data(
            self,
            X,
            accept_sparse=["csr", "csc"],
            dtype=(np.float64, np.float32),
            order="C",
            reset=False,
        )
        return _rows(X)

    def gradients(self, X: Any, output: int | None = None) -> Array:
        """Return the derivatives of the predictions with respect to the inputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        output : int, default=None
            The number of the prediction: for a classifier, a column of `predict_proba`; for a
            regressor, an output. By default all of them.

        Returns
        -------
        ndarray of shape (n_samples, n_features), or (n_samples, n_predictions, n_features)
            The latter if `output` is None.
        """
        check_is_fitted(self)
        network = self._synced()
        found = self._gradients_of_predictions(network.gradient(self._checked_inputs(X)))
        if output is None:
            return found
        at = foxnn.checks.position(output, "output", found.shape[1], "a prediction")
        return found[:, at]

    def _gradients_of_predictions(self, gradients: Array) -> Array:
        return gradients

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _has_epochs(self) -> bool:
        if self.solver not in ("sgd", "adam"):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    # What a subclass says.

    _y_numeric: ClassVar[bool]
    _stratifies: ClassVar[bool]

    def _task_of(self, targets: Array) -> Task:
        raise NotImplementedError

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        """Take in what there is to predict, or check it against what was there before."""
        raise NotImplementedError

    def _targets(self, y: Any) -> Array:
        """Return wanted outputs, or labels from 0, as the engine reads them."""
        raise NotImplementedError

    def _score(self, samples: EstimatorSamples, outputs: Array) -> float:
        raise NotImplementedError
