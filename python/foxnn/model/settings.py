"""FoxNN's settings of a network, with FoxNN's names; every value is checked when it is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foxnn import _core, checks
from foxnn.checks.unpickling import attributes

# FoxNN's modes, and the engine's names for them.
_MODES = {"SGD": "sgd", "Nesterov": "nesterov", "Adam": "adam"}


class _Checked:
    """An attribute that checks a value before it takes it."""

    def __init__(self, default: Any, check: Any) -> None:
        self._default = default
        self._check = check

    @property
    def is_object(self) -> bool:
        """Whether it has no default value."""
        return self._default is None

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.__dict__.get(self._name, self._default)

    def __set__(self, instance: Any, value: object) -> None:
        instance.__dict__[self._name] = self._check(value, self._name)


class _Handed(_Checked):
    """An attribute that is passed to the network first: a refused value is not kept."""

    def __set__(self, instance: Any, value: object) -> None:
        checked = self._check(value, self._name)
        if instance._hand_on is not None and checked != self.__get__(instance):
            instance._hand_on(checked)
        super().__set__(instance, checked)


def _count(value: object, name: str) -> int:
    return checks.integer(value, name, 0)


def _threads(value: object, name: str) -> int:
    return checks.integer(value, name, 0, 2**31 - 1)


def _share(value: object, name: str) -> float:
    return checks.real(value, name, 0.0, 1.0, open_low=True, open_high=True)


def _below_one(value: object, name: str) -> float:
    return checks.real(value, name, 0.0, 1.0, open_high=True)


def _above_zero(value: object, name: str) -> float:
    return checks.real(value, name, 0.0, open_low=True)


def _part(kind: type) -> Any:
    """Return a check that allows settings of one kind only."""

    def check(value: object, name: str) -> object:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}, got {checks.shown(value)}")
        return value

    return check


class _Fixed:
    """An object with a fixed set of attributes, so that a misspelled name is an error."""

    def __setattr__(self, name: str, value: object) -> None:
        if not isinstance(getattr(type(self), name, None), _Checked):
            known = ", ".join(
                n for n, kind in vars(type(self)).items() if isinstance(kind, _Checked)
            )
            raise AttributeError(f"there is no setting {name!r}; there are {known}")
        object.__setattr__(self, name, value)

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self))
        if unknown := [n for n in given if not isinstance(getattr(type(self), n, None), _Checked)]:
            raise ValueError(f"there is no setting {checks.shown(unknown[0])}")
        for name, kind in vars(type(self)).items():
            if isinstance(kind, _Checked) and kind.is_object and name not in given:
                raise ValueError(f"the state of {type(self).__name__} lacks {name}")
        for name, value in given.items():
            setattr(self, name, value)


class AdamSettings(_Fixed):
    """Constants of the mode "Adam"; FoxNN's spelling of beta is kept."""

    betta_1 = _Checked(0.9, _below_one)
    betta_2 = _Checked(0.999, _below_one)
    epsilon = _Checked(1e-8, _above_zero)
    step_to_zero_after_n = _Checked(0, _count)

    def set_betta_1(self, value: float) -> None:
        """Set the decay of the mean of the gradients, at least 0 and below 1."""
        self.betta_1 = value

    def set_betta_2(self, value: float) -> None:
        """Set the decay of the mean of their squares, at least 0 and below 1."""
        self.betta_2 = value

    def set_epsilon(self, value: float) -> None:
        """Set the constant that is added to the root, above 0."""
        self.epsilon = value


class NesterovSettings(_Fixed):
    """The constant of the mode "Nesterov"."""

    gamma = _Checked(0.9, _share)

    def set_gamma(self, value: float) -> None:
        """Set the momentum, above 0 and below 1."""
        self.gamma = value


class OptimizationSettings(_Fixed):
    """Constants of the optimizers: `.adam` and `.nesterov`."""

    adam = _Checked(None, _part(AdamSettings))
    nesterov = _Checked(None, _part(NesterovSettings))

    def __init__(self) -> None:
        self.adam = AdamSettings()
        self.nesterov = NesterovSettings()


class Settings(_Fixed):
    """How a network trains and predicts under FoxNN's interface.

    Attributes
    ----------
    n_threads : int
        The maximum number of threads; 0, the default: as many as make it faster.
    n_print : int
        `train` reports every `n_print` iterations; 0: never.
    min_error : float
        `testing` counts a sample as correct if every output is closer than this to its target.
    max_on_last_layer : bool
        The largest output becomes 1 and the others 0, in `get_out` and `testing`.
    one_if_value_greater_intermediate_value : bool
        Outputs of at least `intermediate_value` become 1 and the others 0, in `get_out` and
        `testing`.
    intermediate_value : float
    part_for_test : float
        Fraction of the data that `train` holds out to report the error on; at least 0, below 1.
    auto_save_name_file : str
    auto_save_iteration : int
        `train` saves the network every `auto_save_iteration` iterations; 0: never.
    correct_summation : bool
        The products of a neuron are summed in order of their magnitude, from the smallest, in
        training and prediction: closer to `math.fsum` if large products cancel among many small
        ones, but up to a thousand times slower. It cannot be changed while the network trains.
    mode : str
        "SGD", "Nesterov" or "Adam".
    settings_optimization : OptimizationSettings

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 2])
    >>> nn.settings.set_mode("Adam")
    >>> nn.settings.n_threads = 7
    >>> nn.settings.mode, nn.settings.n_threads
    ('Adam', 7)
    """

    n_threads = _Checked(0, _threads)
    n_print = _Checked(0, _count)
    min_error = _Checked(0.01, _above_zero)
    max_on_last_layer = _Checked(False, checks.flag)
    one_if_value_greater_intermediate_value = _Checked(False, checks.flag)
    intermediate_value = _Checked(0.5, checks.real)
    part_for_test = _Checked(0.0, _below_one)
    auto_save_name_file = _Checked("auto_save.txt", checks.text)
    auto_save_iteration = _Checked(0, _count)
    correct_summation = _Handed(False, checks.flag)
    mode = _Checked("SGD", lambda value, name: checks.choice(value, name, _MODES))
    settings_optimization = _Checked(None, _part(OptimizationSettings))

    # Passes `correct_summation` on to the network that the settings belong to.
    _hand_on: Callable[[bool], None] | None = None

    def __init__(self, hand_on: Callable[[bool], None] | None = None) -> None:
        object.__setattr__(self, "_hand_on", hand_on)
        self.settings_optimization = OptimizationSettings()

    def __getstate__(self) -> dict[str, Any]:
        # A copy belongs to no network.
        return {name: value for name, value in self.__dict__.items() if name != "_hand_on"}

    def set_mode(self, mode: str) -> None:
        """Set the optimizer of `train`: "SGD", "Nesterov" or "Adam"."""
        self.mode = mode

    def set_part_for_test(self, part: float) -> None:
        """Set the fraction of the data that `train` holds out, at least 0 and below 1."""
        self.part_for_test = part

    def print_settings(self) -> None:
        """Print every setting, one per line."""
        print("settings:")
        for name, value in values_of(self).items():
            print(f"{name} = {value}")

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in values_of(self).items())
        return f"Settings({values})"


def rounds_outputs(settings: Settings) -> bool:
    """Return whether answers of FoxNN's interface are rounded."""
    values = settings.__dict__
    return bool(
        values.get("max_on_last_layer") or values.get("one_if_value_greater_intermediate_value")
    )


def values_of(settings: Settings) -> dict[str, object]:
    """Return all settings by name, those of the optimizers with dotted names."""
    adam, nesterov = settings.settings_optimization.adam, settings.settings_optimization.nesterov
    plain = {
        name: getattr(settings, name)
        for name, kind in vars(type(settings)).items()
        if isinstance(kind, _Checked) and name != "settings_optimization"
    }
    prefix = "settings_optimization"
    return {
        **plain,
        f"{prefix}.adam.betta_1": adam.betta_1,
        f"{prefix}.adam.betta_2": adam.betta_2,
        f"{prefix}.adam.epsilon": adam.epsilon,
        f"{prefix}.adam.step_to_zero_after_n": adam.step_to_zero_after_n,
        f"{prefix}.nesterov.gamma": nesterov.gamma,
    }


def optimizer_of(settings: Settings) -> _core.Optimizer:
    """Return the optimizer of `train`."""
    adam = settings.settings_optimization.adam
    return _core.Optimizer(
        _MODES[settings.mode],
        momentum=settings.settings_optimization.nesterov.gamma,
        beta_1=adam.betta_1,
        beta_2=adam.betta_2,
        epsilon=adam.epsilon,
        restart_after=adam.step_to_zero_after_n,
    )
