"""MLPRegressor: scikit-learn's, on foxnn's engine."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from foxnn import checks
from foxnn.checks import Array
from foxnn.model.blocks import are_blocks
from foxnn.model.losses import levels_of, repeated
from foxnn.sklearn import scores
from foxnn.sklearn.estimator import BaseMLP
from foxnn.sklearn.model import Task
from foxnn.sklearn.samples import EstimatorSamples


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron for regression, like scikit-learn's class of this name.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "quantile"}, default="squared_error"
        Half the squared error; half the Poisson deviance of outputs through exp, for counts and
        rates (y at least 0); or "quantile", the pinball loss of `quantiles`, as a sum over them.
        scikit-learn has the first two, as its first argument, since version 1.7.
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Neurons of the hidden layers.
    activation : str, (str, parameter) or list, default="relu"
        For the hidden layers: "identity", "logistic", "tanh", "relu", or any in
        `foxnn.activations()` except softmax and exp. A list has one for each hidden layer.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        "lbfgs": a quasi-Newton method, on all samples at once; "sgd": stochastic gradient descent,
        with momentum; "adam": that of Kingma and Ba.
    alpha : float, default=0.0001
        The penalty: alpha / 2 times the sum of the squared weights, over the samples of a batch.
    batch_size : int, default="auto"
        Samples per step of sgd and adam; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For sgd: "invscaling" divides it by (samples seen + 1) ** power_t; "adaptive" divides it by
        5, instead of ending the training, each time there is no improvement.
    learning_rate_init : float, default=0.001
        The initial learning rate of sgd and adam.
    power_t : float, default=0.5
        The exponent of "invscaling".
    max_iter : int, default=200
        The maximum number of epochs of sgd and adam, or of iterations of lbfgs.
    shuffle : bool, default=True
        Whether sgd and adam take the samples in a new order in each epoch.
    random_state : int, RandomState instance or None, default=None
        The source of the initial weights, the order of the samples, the split for early stopping,
        and dropout: the same numbers as in scikit-learn (which has no dropout).
    tol : float, default=1e-4
        A loss or score has improved only if it did so by at least this; for lbfgs, the gradient
        that is small enough.
    verbose : bool, default=False
        Whether to print the loss of each epoch.
    warm_start : bool, default=False
        Whether a second fit continues from the weights of the first.
    momentum : float, default=0.9
        The momentum of sgd, from 0 to 1.
    nesterovs_momentum : bool, default=True
        Whether sgd's momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether sgd and adam hold samples out (or use X_val) and end when their score does not
        improve; the model is then that of the best score.
    validation_fraction : float, default=0.1
        The share that is held out.
    beta_1 : float, default=0.9
        Decay of adam's running mean of the gradient.
    beta_2 : float, default=0.999
        Decay of adam's running mean of its square.
    epsilon : float, default=1e-8
        Added to the root of the latter.
    n_iter_no_change : int, default=10
        Epochs without improvement after which sgd and adam end; np.inf for never.
    max_fun : int, default=15000
        The maximum number of evaluations of the loss by lbfgs.
    dropout : float or array-like of shape (n_layers - 2,), default=0.0
        The probability with which an output of a hidden layer is left out of a step, one for all
        layers or one for each; for sgd and adam. Not in scikit-learn.
    n_threads : int, default=0
        The maximum number of threads; 0: as many as are worthwhile. Not in scikit-learn.
    time_limit : float, default=None
        Seconds after which a fit ends and keeps what it has reached. Not in scikit-learn.
    quantiles : float or array-like of shape (n_quantiles,), default=0.5
        Those that loss="quantile" predicts: between 0 and 1, in ascending order. Predictions of
        several do not cross. Not in scikit-learn.

    Attributes
    ----------
    loss_ : float
        The loss with penalty, of the last epoch.
    best_loss_ : float or None
        The minimum of loss_curve_; None with early stopping. For sgd and adam.
    loss_curve_ : list of float
        The loss with penalty of each epoch. For sgd and adam.
    validation_loss_curve_ : list of float or None
        The loss, without penalty, of the samples held out, or of X_val, after each epoch (lbfgs:
        iteration). Not in scikit-learn.
    validation_scores_ : list of float or None
        The R2 score after each epoch of early stopping; for quantiles, D2 as in `score`.
    best_validation_score_ : float or None
        The best of these scores.
    t_ : int
        Samples seen in training.
    coefs_ : list of ndarray
        The weights of each layer, of shape (inputs, neurons). They may be changed.
    intercepts_ : list of ndarray
        The biases of each layer.
    n_features_in_ : int
        Features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have any.
    n_iter_ : int
        Epochs, or iterations of lbfgs, of the last fit.
    n_layers_ : int
        The number of layers, including the inputs.
    n_outputs_ : int
        The number of outputs.
    out_activation_ : str
        "identity" or "exp".
    network_ : foxnn.neural_network
        The network that trains and predicts; it takes its parameters from coefs_ and intercepts_.

    See Also
    --------
    MLPClassifier : The same for classes.

    Examples
    --------
    >>> from foxnn.sklearn import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=1)
    >>> regressor = MLPRegressor(hidden_layer_sizes=20, solver="lbfgs", random_state=1)
    >>> regressor.fit(X[:150], y[:150] / 100).score(X[150:], y[150:] / 100) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", "quantile"})],
        "quantiles": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }
    _y_numeric = True
    _stratifies = False

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        n_threads: int = 0,
        time_limit: float | None = None,
        quantiles: Any = 0.5,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.quantiles = quantiles

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"quantiles": 0.5} | state)  # pickles of 0.1.0 have none

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:
        """Train on samples and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. float32 samples are trained in float32, all others in float64. A sparse
            matrix does not become dense: the first layer uses only the stored numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The wanted outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Samples to validate on, for validation_loss_curve_ and early stopping. Not in
            scikit-learn.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            How much each of them counts.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        self._fit(X, y, sample_weight, False, (X_val, y_val, sample_weight_val))
        return self

    @available_if(BaseMLP._has_epochs)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these samples; for sgd and adam.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The wanted outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        self._fit(X, y, sample_weight, True)
        return self

    def predict(self, X: Any) -> Array:
        """Return the predictions for samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. An array of Dask is answered by its blocks, as an array of Dask.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            With loss="quantile", a column for each quantile; of several targets, those of the first
            come first.
        """
        if are_blocks(X):
            return self._by_blocks("predict", X)
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R2, or for quantiles D2, the share of the pinball loss that is explained.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.

        Returns
        -------
        float
            1 at best. Without inputs, the mean of y has an R2 of 0, and the quantiles of y have a
            D2 of 0 (scikit-learn's d2_pinball_score). A mean over outputs and quantiles.
        """
        if self.loss != "quantile":
            return float(super().score(X, y, sample_weight))
        outputs = self._outputs(X)
        X, y = self._checked(X, y, False)
        return self._score(self._samples(X, y, sample_weight), outputs)

    # What BaseMLP asks for.

    def _task_of(self, targets: Array) -> Task:
        if self.loss == "quantile":
            levels = tuple(self._levels())
            return Task("identity", "quantile", targets.shape[1], levels)
        if self.loss == "poisson":
            return Task("exp", "poisson", targets.shape[1])
        return Task("identity", "mse", targets.shape[1])

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(f"y must be at least 0 for loss='poisson', got {y.min()}")

    def _targets(self, y: Any) -> Array:
        rows = checks.engine_type(y.reshape(len(y), -1))
        if self.loss == "quantile":
            rows = repeated(rows, len(self._levels()), rows.shape[1], "quantile")
        return np.ascontiguousarray(rows)

    def _score(self, samples: EstimatorSamples, outputs: Array) -> float:
        if self.loss == "quantile":
            return scores.d2_pinball(samples, outputs, self._levels())
        return scores.r2(samples, outputs)

    def _levels(self) -> list[float]:
        given = self.quantiles
        return levels_of(given.tolist() if isinstance(given, np.ndarray) else given, "quantiles")
