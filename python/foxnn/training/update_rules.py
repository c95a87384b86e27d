"""The optimizers of `fit`: update rules with their constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from foxnn import _core, checks
from foxnn.checks.keywords import answering
from foxnn.checks.unpickling import Constants

# What is said of a number by position: elsewhere the rate comes first.
_RATE = "the learning rate belongs to fit(learning_rate={})"
# The check of each constant.
_CHECKS: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(
        ("momentum", "beta_1", "beta_2", "rho"),
        lambda value, name: checks.real(value, name, 0.0, 1.0, open_high=True),
    ),
    "epsilon": lambda value, name: checks.real(value, name, 0.0, open_low=True),
    "weight_decay": lambda value, name: checks.real(value, name, 0.0),
    "nesterov": checks.flag,
}


class UpdateRule(Constants):
    """An update rule of the engine, whose constants are the fields of a frozen dataclass."""

    _name: ClassVar[str]  # of the engine

    def __post_init__(self) -> None:
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        self._keep(**{name: _CHECKS[name](getattr(self, name), name) for name in names})

    def _engine_name(self) -> str:
        return self._name

    def _rule(self) -> _core.Optimizer:
        constants = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return _core.Optimizer(self._engine_name(), **constants)


@answering(_RATE)
@dataclass(frozen=True, kw_only=True)
class SGD(UpdateRule):
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
        super().__post_init__()
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs a momentum above 0, got momentum=0")

    def _engine_name(self) -> str:
        return "nesterov" if self.nesterov else "momentum" if self.momentum > 0 else "sgd"

    def _rule(self) -> _core.Optimizer:
        return _core.Optimizer(self._engine_name(), momentum=self.momentum)


@answering(_RATE)
@dataclass(frozen=True, kw_only=True)
class Adam(UpdateRule):
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

    _name = "adam"
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8


@answering(_RATE)
@dataclass(frozen=True, kw_only=True)
class AdamW(UpdateRule):
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

    _name = "adamw"
    weight_decay: float = 0.01
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8


@answering(_RATE)
@dataclass(frozen=True, kw_only=True)
class RMSprop(UpdateRule):
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

    _name = "rmsprop"
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-8


#: All update rules.
RULES = (SGD, Adam, AdamW, RMSprop)
# Beside them, the rules of other libraries, with the nearest.
OPTIMIZER_NAMES = checks.Names(
    "optimizer",
    _core.optimizers(),
    {},
    {
        "adadelta": "rmsprop", "adagrad": "rmsprop", "adamax": "adam", "amsgrad": "adam",
        "gd": "sgd", "gradientdescent": "sgd", "heavyball": "momentum", "lbfgs": "adam",
        "lion": "adamw", "nadam": "adam", "nag": "nesterov", "radam": "adam", "sgdm": "momentum",
    },
)  # fmt: skip
_BY_CALL = [f"foxnn.{rule.__name__}(...)" for rule in RULES]


def rule_of(optimizer: object) -> _core.Optimizer:
    """Return the engine's rule for what the user passed as `optimizer`."""
    if isinstance(optimizer, UpdateRule):
        return optimizer._rule()
    if not isinstance(optimizer, str):
        raise TypeError(
            f"optimizer must be a name, {', '.join(_BY_CALL[:-1])} or {_BY_CALL[-1]}, "
            f"got {checks.shown(optimizer)}"
        )
    if type(optimizer) is not str:  # a class of its own, which may compare as it likes
        optimizer = str.__str__(optimizer)
    if (name := OPTIMIZER_NAMES.find(optimizer)) is None:
        raise ValueError(
            f"optimizer must be one of {OPTIMIZER_NAMES.listed()}; got {checks.shown(optimizer)}"
            f"{OPTIMIZER_NAMES.meant(optimizer)}"
        )
    if name not in _named:
        _named[name] = _core.Optimizer(name)
    return _named[name]


# The rules of names, which nothing changes.
_named: dict[str, _core.Optimizer] = {}


def kind_of(optimizer: object) -> str:
    """Return what the engine calls the rule of a checked optimizer: rules of one kind are alike.

    That of SGD depends on whether there is momentum. Anything else is said as it is.
    """
    if isinstance(optimizer, UpdateRule):
        return optimizer._engine_name()
    name = OPTIMIZER_NAMES.find(optimizer) if type(optimizer) is str else None
    return str(type(optimizer).__name__) if name is None else name
