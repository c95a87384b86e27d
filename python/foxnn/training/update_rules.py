"""The optimizers of `fit`: update rules with their constants."""

from __future__ import annotations

from dataclasses import dataclass

from foxnn import _core, checks
from foxnn.checks.unpickling import Constants


def _keep(rule: object, **values: object) -> None:
    # Checked values are plain numbers, so that they print as such.
    for name, value in values.items():
        object.__setattr__(rule, name, value)


@dataclass(frozen=True)
class SGD(Constants):
    """Stochastic gradient descent: w <- w - learning_rate * gradient.

    Parameters
    ----------
    momentum : float, default=0.0
        Fraction of the last step that is kept, at least 0 and below 1:
        v <- momentum * v + gradient; w <- w - learning_rate * v.
    nesterov : bool, default=False
        Nesterov's momentum: the step is along gradient + momentum * v
        (Sutskever et al., "On the importance of initialization and momentum in deep learning",
        2013).

    Examples
    --------
    >>> import foxnn
    >>> foxnn.SGD(momentum=0.9)
    SGD(momentum=0.9, nesterov=False)
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _keep(
            self,
            momentum=checks.real(self.momentum, "momentum", 0.0, 1.0, open_high=True),
            nesterov=checks.flag(self.nesterov, "nesterov"),
        )
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs a momentum above 0, got momentum=0")

    def _rule(self) -> _core.Optimizer:
        name = "nesterov" if self.nesterov else "momentum" if self.momentum > 0 else "sgd"
        return _core.Optimizer(name, momentum=self.momentum)


@dataclass(frozen=True)
class Adam(Constants):
    """Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015).

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the running means of the gradient and of its square, at least 0 and below 1. Both
        means are bias-corrected for their start at zero.
    epsilon : float, default=1e-8
        Added to the square root of the second mean; above 0.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.Adam(beta_2=0.99)
    Adam(beta_1=0.9, beta_2=0.99, epsilon=1e-08)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _keep(
            self,
            beta_1=checks.real(self.beta_1, "beta_1", 0.0, 1.0, open_high=True),
            beta_2=checks.real(self.beta_2, "beta_2", 0.0, 1.0, open_high=True),
            epsilon=checks.real(self.epsilon, "epsilon", 0.0, open_low=True),
        )

    def _rule(self) -> _core.Optimizer:
        return _core.Optimizer("adam", beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon)


@dataclass(frozen=True)
class AdamW(Constants):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Before each step of Adam, every weight is reduced: w <- w - learning_rate * weight_decay * w.
    Biases are not.

    Parameters
    ----------
    weight_decay : float, default=0.01
        At least 0; the product with the learning rate must be below 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        As in `foxnn.Adam`.
    epsilon : float, default=1e-8
        As in `foxnn.Adam`.

    Notes
    -----
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.AdamW(weight_decay=0.1)
    AdamW(weight_decay=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-08)
    """

    weight_decay: float = 0.01
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        adam = Adam(self.beta_1, self.beta_2, self.epsilon)
        _keep(
            self,
            weight_decay=checks.real(self.weight_decay, "weight_decay", 0.0),
            beta_1=adam.beta_1,
            beta_2=adam.beta_2,
            epsilon=adam.epsilon,
        )

    def _rule(self) -> _core.Optimizer:
        return _core.Optimizer(
            "adamw",
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True)
class RMSprop(Constants):
    """RMSprop: the gradient divided by the root of the running mean of its square.

    s <- rho * s + (1 - rho) * gradient^2; v <- momentum * v + gradient / (sqrt(s) + epsilon);
    w <- w - learning_rate * v.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of the running mean of squares, at least 0 and below 1.
    momentum : float, default=0.0
        Fraction of the last step that is kept, at least 0 and below 1.
    epsilon : float, default=1e-8
        Added to the root; above 0.

    Notes
    -----
    T. Tieleman and G. Hinton, "Lecture 6.5: RMSprop", Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.RMSprop(rho=0.99)
    RMSprop(rho=0.99, momentum=0.0, epsilon=1e-08)
    """

    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _keep(
            self,
            rho=checks.real(self.rho, "rho", 0.0, 1.0, open_high=True),
            momentum=checks.real(self.momentum, "momentum", 0.0, 1.0, open_high=True),
            epsilon=checks.real(self.epsilon, "epsilon", 0.0, open_low=True),
        )

    def _rule(self) -> _core.Optimizer:
        return _core.Optimizer(
            "rmsprop", rho=self.rho, momentum=self.momentum, epsilon=self.epsilon
        )


# Types that `fit` takes as an optimizer.
RULES = frozenset((str, SGD, Adam, AdamW, RMSprop))


def rule_of(optimizer: object) -> _core.Optimizer:
    """Return the engine's rule for what the user passed as `optimizer`."""
    if isinstance(optimizer, SGD | Adam | AdamW | RMSprop):
        return optimizer._rule()
    if not isinstance(optimizer, str):
        raise TypeError(
            "optimizer must be a name, foxnn.SGD(...), foxnn.Adam(...), foxnn.AdamW(...) or "
            f"foxnn.RMSprop(...), got {checks.shown(optimizer)}"
        )
    if optimizer.lower() not in _core.optimizers():
        checks.choice(optimizer, "optimizer", _core.optimizers())
    return _core.Optimizer(optimizer.lower())
