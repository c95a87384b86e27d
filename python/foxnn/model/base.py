"""The network that the public class builds on: making one, what it is made of, its pickles."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks.notes import notes_of
from foxnn.checks.unpickling import attributes
from foxnn.layers import ActivationLike, layer, parse_activations
from foxnn.layers.specs import Spec, dense_spec, dense_specs, sizes_of
from foxnn.model import state
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings


class BaseNetwork(_core.Network):
    """Layers, loss and settings."""

    def __init__(
        self,
        sizes: Sequence[int],
        activation: ActivationLike | Sequence[ActivationLike] = "sigmoid",
        output_activation: ActivationLike | None = None,
        loss: str | None = None,
        init: str = "auto",
        dtype: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._refuse_second_making()
        self._make(sizes, activation, output_activation, loss, init, dtype, seed)

    def _refuse_second_making(self) -> None:
        if "_settings" in self.__dict__:
            raise TypeError("the network is made already; make another to have other layers")

    def _make(
        self,
        sizes: Sequence[int],
        activation: Any,
        output_activation: Any,
        loss: str | None,
        init: str,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network that the constructor's arguments tell of."""
        checked = checks.layer_sizes(sizes)
        activations = parse_activations(activation, output_activation, len(checked) - 1)
        if wrong := {"softmax", "exp", "exponential"} & {name for name, _ in activations[:-1]}:
            raise ValueError(f"activation {wrong.pop()!r} is for the output layer only")
        specs = dense_specs(checked, activations, checks.word(init, "init"))
        self._begin(checked[:1], specs, loss, dtype, seed)

    def _begin(
        self,
        shape: Sequence[int],
        specs: Sequence[Spec],
        loss: str | None,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network of these layers, which have been checked."""
        single = dtype_name("float32" if dtype is None else dtype) == "float32"
        super().__init__(shape, specs, single, checks.seed(seed))
        self._loss_given = loss is not None
        self._set_loss(self._usual_loss() if loss is None else checks.word(loss, "loss"))
        self._settings = Settings(_summation_of(self))
        self._scalers: tuple[Scaler | None, Scaler | None] = None, None
        self._input_names: list[str] | None = None
        self._notes: dict[str, Any] = {}
        self._history: Mapping[str, list[float]] | None = None  # of the last fit
        # The plan of the last `train_on_batch`, and what it was made from.
        self._step_plan: tuple[tuple[Any, ...], _core.Plan] | None = None

    # What it is made of.

    @property
    def settings(self) -> Settings:
        """FoxNN's settings: threads, the mode of `train`, what `testing` counts, and more."""
        return self._settings

    @property
    def dtype(self) -> str:
        """The type of the parameters: "float32" or "float64"."""
        return "float32" if self._single() else "float64"

    @property
    def seed(self) -> int:
        """The number from which everything random follows."""
        return self._seed()

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self._loss()

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, and then the neurons of each layer."""
        return sizes_of(self)

    @property
    def input_scaler(self) -> Scaler | None:
        """How inputs are scaled before the first layer, or None; set it to a fitted Scaler.

        Whoever asks or trains the network passes inputs as they are. What is read is a copy.
        """
        return self._scalers[0] and self._scalers[0]._copy()

    @input_scaler.setter
    def input_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(scaler, self._scalers[1])

    @property
    def output_scaler(self) -> Scaler | None:
        """How wanted outputs are scaled, and outputs scaled back, or None; set it likewise.

        Losses are those of the scaled outputs. Only for the losses mse, mae and huber.
        """
        return self._scalers[1] and self._scalers[1]._copy()

    @output_scaler.setter
    def output_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(self._scalers[0], scaler)

    @property
    def input_names(self) -> list[str] | None:
        """The columns of the table (pandas, Polars) that `fit` was given, or None.

        Tables that come later must have the same columns in the same order; set it to None, and
        the next `fit` decides anew.
        """
        return None if self._input_names is None else list(self._input_names)

    @input_names.setter
    def input_names(self, names: Sequence[str] | None) -> None:
        self._input_names = state.names_from(names, self._inputs())

    @property
    def notes(self) -> dict[str, Any]:
        """What you want to keep with the network, such as the names of its inputs; empty at first.

        A dict by strings of numbers, strings, lists and dicts. Copies, pickles and safetensors
        files of the network have it too.
        """
        return self._notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        self._notes = notes_of(notes)

    def __len__(self) -> int:
        return self._count()

    def __getitem__(self, i: int) -> layer:
        return self.get_layer(i)

    def __iter__(self) -> Iterator[layer]:
        return (self.get_layer(i) for i in range(len(self)))

    def get_layer(self, i: int) -> layer:
        """Return layer i; a negative i counts from the end.

        Raises
        ------
        IndexError
            Where there is no such layer.
        """
        return _NetworkLayer._of(self, checks.position(i, "i", len(self), "a layer"))

    def next_layer(self, new_layer: layer) -> None:
        """Append a copy of a layer whose inputs are as many as the network's outputs.

        Raises
        ------
        ValueError
            Where it does not fit.
        """
        if not isinstance(new_layer, layer) or new_layer._network is None:
            raise TypeError(f"new_layer must be a foxnn.layer, got {checks.shown(new_layer)}")
        if new_layer.get_N_w() != self._outputs():
            raise ValueError(
                f"new_layer must have {self._outputs()} inputs, as many as the network has "
                f"outputs, got {new_layer.get_N_w()}"
            )
        name, parameters = new_layer._network._activation(new_layer._index)
        spec = dense_spec(new_layer.get_N_n(), (name, parameters), "zeros")
        self._append([spec], [{"weights": new_layer.weights, "bias": new_layer.bias}])
        self._adopt_usual_loss()

    def __reduce__(self) -> tuple[Any, ...]:
        # What a subclass or the user has added goes along.
        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return _unpickled, (type(self), state.state_of(self)), own

    def __setstate__(self, own: object) -> None:
        given = attributes(own, type(self))
        if wrong := _OWN & given.keys():
            raise ValueError(f"{min(wrong)} must stand in the state of the network itself")
        self.__dict__.update(given)

    def __repr__(self) -> str:
        if "_settings" not in self.__dict__:  # a traceback may show one whose making was refused
            return f"<{type(self).__name__}, not made>"
        activations = [part._activation() for part in self]
        return (
            f"neural_network({self.sizes}, activation={activations}, loss={self.loss!r}, "
            f"dtype={self.dtype!r}, seed={self.seed})"
        )

    def print_info(self) -> None:
        """Print the layers and the settings."""
        for i, part in enumerate(self):
            parameters = "".join(f" {value:g}" for value in part.activation_parameters)
            print(
                f"layer {i}: {part.get_N_w()} inputs, {part.get_N_n()} neurons, "
                f"{part.get_name_activation_function()}{parameters}"
            )
        self.settings.print_settings()

    def reset_optimizer(self) -> None:
        """Forget the moments of the optimizer: the next training starts them at zero."""
        self._reset_optimizer()

    def threads_for(self, batch_size: int) -> int:
        """Return how many threads a training step of so many samples gets."""
        batch = checks.integer(batch_size, "batch_size", 1)
        return _core.training_workers(self, batch, self.settings.n_threads)

    # Helpers.

    def _usual_loss(self) -> str:
        return "cross_entropy" if self._activation(len(self) - 1)[0] == "softmax" else "mse"

    def _adopt_usual_loss(self) -> None:
        if not self._loss_given:
            self._set_loss(self._usual_loss())

    def _check_names(self, x: object, name: str) -> None:
        checks.same_columns(x, name, self._input_names)

    def _set_scalers(self, inputs: Scaler | None, outputs: Scaler | None) -> None:
        for scaler, name in ((inputs, "input_scaler"), (outputs, "output_scaler")):
            if scaler is not None and not isinstance(scaler, Scaler):
                raise TypeError(
                    f"{name} must be a foxnn.Scaler or None, got {checks.shown(scaler)}"
                )
        self._set_scaling(
            None if inputs is None else inputs._for_engine("input_scaler", self._inputs()),
            None if outputs is None else outputs._for_engine("output_scaler", self._outputs()),
        )
        self._scalers = inputs and inputs._copy(), outputs and outputs._copy()


# The attributes that a state says in its own words.
_OWN = {"_settings", "_scalers", "_loss_given", "_step_plan", "_input_names", "_notes", "_history"}


class _NotMade:
    """Stands where a network that was made by its constructor has an attribute of its own."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise TypeError(f"the {owner.__name__} has not been made by its constructor")


# Behind the object's own attributes, so that reading these costs nothing (__getattr__ would).
for _name in _OWN:
    setattr(BaseNetwork, _name, _NotMade())


def _unpickled(cls: type[BaseNetwork], given: Mapping[str, Any]) -> BaseNetwork:
    """Make a network again from its state: for copies and pickles."""
    given = state.checked(given)
    network = cls.__new__(cls)
    # Not the constructor of a subclass, whose arguments are its own.
    state.make(network, given)
    return network


class _NetworkLayer(layer):
    """A layer of a network, whose usual loss follows the activation of its output."""

    def set_activation_function(self, name: str, parameters: object = ()) -> None:
        network = self._network
        if isinstance(network, BaseNetwork) and not network._loss_given:
            loss, activation = network._loss(), network._activation(self._index)
            network._set_loss("mse")
            try:
                super().set_activation_function(name, parameters)
                network._adopt_usual_loss()
            except BaseException:
                network._set_activation(self._index, *activation)
                network._set_loss(loss)
                raise
        else:
            super().set_activation_function(name, parameters)


def _summation_of(network: _core.Network) -> Callable[[bool], None]:
    # Weak, so that settings and network are no cycle, which would outlive its last user.
    there = weakref.ref(network)

    def set_summation(is_sorted: bool) -> None:
        if (found := there()) is not None:
            found._set_sorted_summation(is_sorted)

    return set_summation


def dtype_name(dtype: Any) -> str:
    """Return the name of a type of parameters, from its name, or as NumPy has it."""
    name = ""
    if isinstance(dtype, str | type | np.dtype):
        with contextlib.suppress(TypeError, ValueError):
            name = str(np.dtype(dtype).name)
    if name not in state.DTYPES:
        raise ValueError(
            f"dtype must be one of {', '.join(state.DTYPES)}; got {checks.shown(dtype)}"
        )
    return name
