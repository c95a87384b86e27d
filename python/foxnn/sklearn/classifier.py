"""MLPClassifier: scikit-learn's, on foxnn's engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import _check_sample_weight

import foxnn
from foxnn import checks
from foxnn.checks import Array
from foxnn.model.blocks import are_blocks
from foxnn.sklearn import scores
from foxnn.sklearn.estimator import BaseMLP
from foxnn.sklearn.model import Task
from foxnn.sklearn.samples import EstimatorSamples


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron for classification, like scikit-learn's class of this name.

    It minimizes the log loss: with softmax outputs for three and more classes, one sigmoid output
    for two, and a sigmoid output per label for multilabel targets.

    Parameters
    ----------
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
    class_weight : dict, list of dict or "balanced", default=None
        The weights of the classes, as elsewhere in scikit-learn; they multiply the sample weights.
        Not in scikit-learn.
    n_threads : int, default=0
        The maximum number of threads; 0: as many as are worthwhile. Not in scikit-learn.
    time_limit : float, default=None
        Seconds after which a fit ends and keeps what it has reached. Not in scikit-learn.

    Attributes
    ----------
    classes_ : ndarray or list of ndarray of shape (n_classes,)
        Class labels for each output.
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
        The accuracy after each epoch of early stopping.
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
        "softmax" or "logistic".
    network_ : foxnn.neural_network
        The network that trains and predicts; it takes its parameters from coefs_ and intercepts_.

    See Also
    --------
    MLPRegressor : The same for numbers.

    Examples
    --------
    >>> from foxnn.sklearn import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(20, solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.97
    True
    >>> clf.predict_proba(X[:2]).shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
    _y_numeric = False
    _stratifies = True
    loss = "log_loss"

    def __init__(
        self,
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
        class_weight: Any = None,
        n_threads: int = 0,
        time_limit: float | None = None,
    ) -> None:
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
        self.class_weight = class_weight
        self.n_threads = n_threads
        self.time_limit = time_limit

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
    ) -> MLPClassifier:
        """Train on samples and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. float32 samples are trained in float32, all others in float64. A sparse
            matrix does not become dense: the first layer uses only the stored numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or for multilabel targets an indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Samples to validate on, for validation_loss_curve_ and early stopping. Not in
            scikit-learn.
        y_val : array-like of shape (n_val,) or (n_val, n_labels), default=None
            Their classes.
        sample_weight_val : array-like of shape (n_val,), default=None
            How much each of them counts.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        self._fit(X, y, sample_weight, False, (X_val, y_val, sample_weight_val))
        return self

    @available_if(BaseMLP._has_epochs)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on these samples; for sgd and adam.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their classes.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.
        classes : array of shape (n_classes,), default=None
            All classes that will occur; needed in the first call.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if multilabel else classes)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once, which partial_fit does not "
                "see: give a dict of weights"
            )
        self._fit(X, y, sample_weight, True)
        return self

    def predict(self, X: Any) -> Array:
        """Return the classes of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. An array of Dask is answered by its blocks, as an array of Dask.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        if are_blocks(X):
            return self._by_blocks("predict", X)
        outputs = self._outputs(X)
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        classes: Array = self._label_binarizer.inverse_transform(outputs)
        return classes

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, in the order of `classes_`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. An array of Dask is answered by its blocks, as an array of Dask.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            For multilabel targets, of each label.
        """
        if are_blocks(X):
            return self._by_blocks("predict_proba", X)
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. An array of Dask is answered by its blocks, as an array of Dask.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        if are_blocks(X):
            return self._by_blocks("predict_log_proba", X)
        probabilities = self.predict_proba(X)
        logarithms: Array = np.log(probabilities, out=probabilities)
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # What BaseMLP asks for.

    def _task_of(self, targets: Array) -> Task:
        if self._label_binarizer.y_type_ == "multiclass":
            return Task("softmax", "cross_entropy", len(self.classes_))
        return Task("logistic", "binary_cross_entropy", targets.shape[1])

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return
        classes = unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous "
                    f"call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _name_classes(self, network: foxnn.neural_network) -> None:
        labels = self.classes_.tolist()
        several = self._label_binarizer.y_type_.startswith("multilabel")
        # A network has two classes at least, and none that are floats.
        if not several and len(labels) > 1 and all(isinstance(x, str | int) for x in labels):
            network.classes = labels

    def _check_known(self, y: Any, name: str) -> None:
        several = self._label_binarizer.y_type_.startswith("multilabel")
        if several != (np.ndim(y) == 2):
            wanted = f"(n_samples, {self.n_outputs_})" if several else "(n_samples,)"
            raise ValueError(f"{name} must have shape {wanted}, as y had, got {np.shape(y)}")
        if several:
            if np.shape(y)[1] != self.n_outputs_:
                raise ValueError(
                    f"{name} must have {self.n_outputs_} columns, as y had, got {np.shape(y)[1]}"
                )
        elif len(unknown := np.setdiff1d(unique_labels(y), self.classes_)):
            raise ValueError(
                f"{name} must hold classes of {self.classes_} only, got {unknown.tolist()[0]!r}"
            )

    def _targets(self, y: Any) -> Array:
        known: Array = self.classes_
        if self._label_binarizer.y_type_ == "multiclass" and y.ndim == 1:
            labels = np.searchsorted(known, y)
            if (known[np.minimum(labels, len(known) - 1)] != y).any():
                raise ValueError(f"y must hold classes of {known} only")
            return np.asarray(labels, np.int64)
        binary: Array = self._label_binarizer.transform(y)
        return np.ascontiguousarray(binary, np.uint8)

    def _training_weights(self, X: Any, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        if isinstance(self.class_weight, Mapping):
            for label, weight in self.class_weight.items():
                checks.real(weight, f"class_weight[{checks.shown(label)}]", 0.0)
        weights = compute_sample_weight(self.class_weight, y)
        if sample_weight is not None:
            weights = weights * _check_sample_weight(sample_weight, X, dtype=np.float64)
        return weights

    def _gradients_of_predictions(self, gradients: Array) -> Array:
        if self.n_outputs_ > 1:
            return gradients
        return np.concatenate([-gradients, gradients], axis=1)

    def _score(self, samples: EstimatorSamples, outputs: Array) -> float:
        if len(self.classes_) == 1:  # It is always predicted.
            return 1.0
        return scores.accuracy(samples, outputs)
