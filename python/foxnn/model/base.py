"""The network that the public class builds on: making one, what it is made of, its pickles."""

from __future__ import annotations

import contextlib
import copy
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from foxnn import _core, checks
from foxnn.checks.unpickling import attributes
from foxnn.layers import ActivationLike, LayerView, layer, parse_activations, view_at
from foxnn.layers.activation_table import FOR_OUTPUT
from foxnn.layers.composition import Composite
from foxnn.layers.items import (
    Parsed,
    check_names,
    checked_copies,
    is_plain,
    located,
    parse_items,
)
from foxnn.layers.kind import Description, Spec
from foxnn.layers.kinds import give_inputs, leaves
from foxnn.layers.names import INIT_NAMES
from foxnn.layers.specs import beyond_memory, dense_specs, sizes_of, spec_of
from foxnn.layers.steps import least_steps, varies, with_steps
from foxnn.layers.view import VIEWS, is_bare_number, is_number, shown_part
from foxnn.model.losses import (
    LossFunction,
    LossLike,
    as_given,
    engine_name,
    outputs_of_each,
    parse_loss,
    shown_loss,
)
from foxnn.model.names import DTYPES
from foxnn.model.scaler import Scaler, copied, for_engine
from foxnn.model.settings import Settings, values_of
from foxnn.support.later import ModuleLater

if TYPE_CHECKING:
    from foxnn.checks import labels as of_classes
    from foxnn.checks import notes as of_notes
    from foxnn.checks.labels import Classes
    from foxnn.layers import chain, summary
    from foxnn.model import state
    from foxnn.support import html
else:  # for copies, pickles and files; messages; what notebooks show
    of_classes = ModuleLater("foxnn.checks.labels")
    of_notes = ModuleLater("foxnn.checks.notes")
    chain = ModuleLater("foxnn.layers.chain")
    html = ModuleLater("foxnn.support.html")
    state = ModuleLater("foxnn.model.state")
    summary = ModuleLater("foxnn.layers.summary")

_Network = TypeVar("_Network", bound="BaseNetwork")


class BaseNetwork(_core.Network):
    """Layers, loss and settings."""

    def __init__(
        self,
        sizes: Sequence[Any],
        activation: ActivationLike | Sequence[ActivationLike] = "sigmoid",
        output_activation: ActivationLike | None = None,
        loss: LossLike | None = None,
        init: str = "auto",
        dtype: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._refuse_second_making()
        self._make(sizes, activation, output_activation, loss, init, dtype, seed)

    def _refuse_second_making(self) -> None:
        if "_settings" in self.__dict__:
            raise TypeError("the network is made already; make another one for other layers")

    def _make(
        self,
        sizes: Sequence[Any],
        activation: Any,
        output_activation: Any,
        loss: LossLike | None,
        init: str,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network that the constructor's arguments describe."""
        if not isinstance(sizes, list | tuple) and hasattr(sizes, "__next__"):
            sizes = checks.items(sizes, "sizes must be a list of layers", 1_000_002)  # one too many
        if not is_plain(sizes):
            self._make_of_items(sizes, activation, output_activation, loss, init, dtype, seed)
            return
        checked = checks.layer_sizes(sizes)
        activations = parse_activations(activation, output_activation, len(checked) - 1)
        for i, (name, _) in enumerate(activations[:-1]):
            if name in FOR_OUTPUT:
                which = f"activation[{i}]" if isinstance(activation, list) else "activation"
                raise ValueError(f"{which} {name!r} is for the output layer only")
        specs = dense_specs(checked, activations, INIT_NAMES.known(init, "init"))
        self._begin(checked[:1], specs, loss, dtype, seed)

    def _make_of_items(
        self,
        items: Sequence[Any],
        activation: Any,
        output_activation: Any,
        loss: LossLike | None,
        init: str,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network of a list that holds layers, or begins with a shape."""
        word = INIT_NAMES.known(init, "init")
        parsed: Parsed = parse_items(list(items), activation, output_activation, word)
        try:
            self._begin(parsed.shape, parsed.specs, loss, dtype, seed)
        except ValueError as error:
            raise located(error, parsed) from None
        copies = checked_copies(self, parsed)
        for place, leaf in enumerate(leaves(self._layers()) if copies else ()):
            if place in copies:
                for name, array in copies[place].items():
                    self._set_array(leaf["index"], name, array)
                self._set_trained(leaf["index"], parsed.copied[place][1])

    def _begin(
        self,
        shape: Sequence[Any],
        specs: Sequence[Spec],
        loss: LossLike | None,
        dtype: str | None,
        seed: int | None,
    ) -> None:
        """Become the network of these layers, which have been checked."""
        single = dtype_name("float32" if dtype is None else dtype) == "float32"
        # The engine plans for sequences of two steps or more: of a single one, all layers are flat.
        lengths = tuple(shape)
        self._least = least_steps(specs, lengths) if varies(lengths) else 0
        planned = with_steps(lengths, max(2, self._least)) if varies(lengths) else lengths
        try:
            super().__init__(planned, specs, single, checks.seed(seed), varies(shape))
        except MemoryError:
            raise beyond_memory(planned, specs, single) from None
        self._loss_given = loss is not None
        self._take_loss(self._usual_loss() if loss is None else loss)
        self._settings = Settings(_summation_of(self))
        self._scalers: tuple[Scaler | None, Scaler | None] = None, None
        self._input_names: list[str] | None = None
        self._classes: Classes | None = None
        self._notes: dict[str, Any] = {}
        self._history: Mapping[str, list[float]] | None = None  # of the last fit
        # The plan of the last `train_on_batch`, and what it was made from; and of `backward`.
        self._step_plan: tuple[tuple[Any, ...], _core.Plan] | None = None
        self._back_plan: tuple[tuple[Any, ...], _core.Plan] | None = None

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
    def loss(self) -> LossLike:
        """The loss as the constructor takes it: a name, a name with its numbers, or a function.

        Examples
        --------
        >>> import foxnn
        >>> foxnn.neural_network([3, 2], "identity").loss
        'mse'
        >>> foxnn.neural_network([3, 2], "identity", loss=("quantile", [0.1, 0.9])).loss
        ('quantile', [0.1, 0.9])
        """
        if self._own_loss is not None:
            return self._own_loss
        return as_given(self._loss(), self._loss_parameters())

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, and then the neurons of each layer."""
        return sizes_of(self)

    @property
    def input_scaler(self) -> Scaler | None:
        """How inputs are scaled before the first layer, or None; set it to a fitted Scaler.

        `predict` and `fit` take unscaled inputs. Reading returns a copy.
        """
        return self._scalers[0] and copied(self._scalers[0])

    @input_scaler.setter
    def input_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(scaler, self._scalers[1])

    @property
    def output_scaler(self) -> Scaler | None:
        """How targets are scaled, and outputs scaled back, or None; set it to a fitted Scaler.

        Losses are those of the scaled outputs. Only for the losses mse, mae and huber.
        """
        return self._scalers[1] and copied(self._scalers[1])

    @output_scaler.setter
    def output_scaler(self, scaler: Scaler | None) -> None:
        self._set_scalers(self._scalers[0], scaler)

    @property
    def input_names(self) -> list[str] | None:
        """The columns of the table (pandas, Polars) that `fit` was given, or None.

        Later tables must have the same columns in the same order; set it to None to let the next
        `fit` decide anew. For sequences, they are the names of the channels, which the tables in a
        list have.
        """
        return None if self._input_names is None else list(self._input_names)

    @input_names.setter
    def input_names(self, names: Sequence[str] | None) -> None:
        self._input_names = state.names_from(names, state.columns_of(self))

    @property
    def classes(self) -> list[str | int | bool] | None:
        """The labels of the classes, in the order of the outputs, or None.

        `fit` learns them from its y: strings, whole numbers, True and False; sorted, or in the
        order of a categorical column. Later labels must be among them. Set them if `fit` does not
        see all of them, or set None to let the next `fit` decide anew. A single output that
        separates two classes has two labels.

        Examples
        --------
        >>> import foxnn
        >>> nn = foxnn.neural_network([1, 2], output_activation="softmax", seed=1)
        >>> history = nn.fit([[0.0], [1.0]], ["no", "yes"], epochs=200, learning_rate=0.1)
        >>> nn.classes, nn.predict_classes([[0.9], [0.2]]).tolist()
        (['no', 'yes'], ['yes', 'no'])
        """
        return None if self._classes is None else list(self._classes.labels)

    @classes.setter
    def classes(self, labels: Sequence[str | int | bool] | None) -> None:
        self._classes = (
            None
            if labels is None
            else of_classes.Classes.checked(labels, "classes", self._count_of_classes())
        )

    def _count_of_classes(self) -> int:
        return of_classes.count_of(checks.target_kind(self._loss()), self._channels())

    def _forget_misfit(self) -> None:
        """Forget the classes if outputs or loss have changed and their number no longer fits."""
        if self._classes is not None and len(self._classes) != self._count_of_classes():
            self._classes = None

    @property
    def notes(self) -> dict[str, Any]:
        """What you want to keep with the network, such as the names of its inputs; empty at first.

        A dict by strings of numbers, strings, lists and dicts. Copies, pickles and safetensors
        files of the network have it too.
        """
        return self._notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        self._notes = of_notes.notes_of(notes)

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> list[Any]: ...
    def __getitem__(self, i: int | slice) -> Any:
        if isinstance(i, slice):
            return [self.get_layer(k) for k in range(len(self))[i]]
        return self.get_layer(i)

    def __iter__(self) -> Iterator[Any]:
        return (self.get_layer(i) for i in range(len(self)))

    def get_layer(self, i: int) -> Any:
        """Return layer i; a negative i counts from the end.

        Raises
        ------
        IndexError
            If there is no such layer.
        """
        return view_at(self, (checks.position(i, "i", len(self), "a layer"),))

    def next_layer(self, new_layer: Any) -> None:
        """Append a layer that fits after the last one.

        Parameters
        ----------
        new_layer : foxnn.layer, a layer of a network, or a description
            A layer is copied with its weights; for a description such as `foxnn.Dense(5)`, the
            weights are drawn.

        Raises
        ------
        ValueError
            If it does not fit.
        """
        is_made = not isinstance(new_layer, LayerView) or new_layer._network is not None
        if not isinstance(new_layer, LayerView | Description | Composite) or not is_made:
            raise TypeError(
                "new_layer must be a foxnn.layer, a layer of a network or a description such as "
                f"foxnn.Dense(5), got {checks.shown(new_layer)}"
            )
        if isinstance(new_layer, layer) and not new_layer._part()["options"].get("each_position"):
            self._check_inputs_of(new_layer)
        shape = self._output_shape()
        parsed = parse_items(
            [shape, new_layer], "sigmoid", None, "auto", "new_layer", give_inputs(self._layers())
        )
        check_names([*self._layers(), *parsed.specs], len(self), "new_layer")
        least, steps = self._least_with(parsed.specs)
        try:
            planned = with_steps(shape, steps) if varies(shape) else shape
            drawn = _core.Network(
                planned, parsed.specs, self._single(), self._next_seed(), varies(shape)
            )
        except ValueError as error:
            raise located(error, parsed) from None
        arrays = _core.parameters(drawn)
        for place, given in checked_copies(drawn, parsed).items():
            arrays[place] = given
        if least > self._least:
            self._plan_for(max(2, least))
        self._append(parsed.specs, arrays)
        self._least = least
        for place, leaf in enumerate(leaves(self._layers()[-1:]) if parsed.copied else ()):
            if place in parsed.copied:
                self._set_trained(leaf["index"], parsed.copied[place][1])
        self._adopt_usual_loss()

    def _least_with(self, specs: Sequence[Spec]) -> tuple[int, int]:
        """Return the fewest steps of inputs that layers can read after those that there are.

        Also the steps that are then left of them, for which the layers can be planned.
        """
        if not varies(self._input_shape()):
            return 0, 0
        all_specs = [*map(spec_of, self._layers()), *specs]
        least = least_steps(all_specs, self._input_shape())
        left = int(self._steps_after(np.array([max(2, least)]))[0]) if self._varies_at_end() else 0
        return least, left

    def _varies_at_end(self) -> bool:
        """Return whether the outputs have as many positions as the inputs leave."""
        return varies(self._output_shape())

    def _check_inputs_of(self, new_layer: layer) -> None:
        inputs = len(new_layer.weights)
        if inputs != self._outputs():
            raise ValueError(
                f"new_layer must have {self._outputs()} inputs, as many as the network has "
                f"outputs, got {inputs}"
            )

    def _next_seed(self) -> int:
        """Return a seed for layers that are appended: another for each place."""
        return (self._seed() + len(self)) % 2**64

    def _twin(self: _Network) -> _Network:
        """Return a copy, as `copy.deepcopy` does, in a tenth of the time."""
        twin = type(self).__new__(type(self))
        _core.Network.__init__(twin, self)
        twin._least, twin._loss_given = self._least, self._loss_given
        twin._settings = Settings(_summation_of(twin))
        state.set_settings(twin._settings, values_of(self._settings))
        twin._scalers = self._scalers  # which nobody changes: properties return copies
        twin._input_names, twin._classes = self.input_names, self._classes
        twin._notes = of_notes.notes_of(self._notes)
        twin._own_loss, twin._is_loss_checked = self._own_loss, self._is_loss_checked
        twin._history = twin._step_plan = twin._back_plan = None
        twin.__dict__.update(
            copy.deepcopy({k: v for k, v in self.__dict__.items() if k not in _OWN})
        )
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        # What a subclass or the user has added goes along.
        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return _unpickled, (type(self), state.state_of(self)), own

    def __getstate__(self) -> dict[str, Any]:
        """Return the complete state, for libraries that do not use `__reduce__`."""
        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return {_STATE: state.state_of(self), **own}

    def __setstate__(self, own: object) -> None:
        given = attributes(own, type(self))
        if wrong := _OWN & given.keys():
            raise ValueError(f"{min(wrong)} belongs in the network's own state")
        if _STATE in given:
            self._refuse_second_making()
            given = dict(given)
            state.make(self, state.checked(given.pop(_STATE)))
        self.__dict__.update(given)

    def __repr__(self) -> str:
        if "_settings" not in self.__dict__:  # a traceback may show one whose making was refused
            return f"<{type(self).__name__}, not made>"
        rest = f"loss={shown_loss(self.loss)}, dtype={self.dtype!r}, seed={self.seed})"
        parts = self._layers()
        if len(self._input_shape()) == 1 and all(is_number(part) for part in parts):
            activations = [_as_given(part["options"]) for part in parts]
            return f"neural_network({self.sizes}, activation={activations}, {rest}"
        items = [self._input_shape(), *map(shown_part, parts)]
        # A number that takes all positions together has no place for its activation.
        named = [_as_given(leaf["options"]) for leaf in leaves(parts) if is_bare_number(leaf)]
        activation = f"activation={named}, " if named else ""
        return f"neural_network([{', '.join(map(str, items))}], {activation}{rest}"

    def print_info(self) -> None:
        """Print the layers and the settings."""
        for i, part in enumerate(self._layers()):
            if not is_number(part) and not is_bare_number(part):
                print(f"layer {i}: {shown_part(part)}")
                continue
            inputs, neurons = part["arrays"]["weights"]
            numbers = "".join(f" {value:g}" for value in part["options"]["parameters"])
            name = part["options"]["activation"]
            print(f"layer {i}: {inputs} inputs, {neurons} neurons, {name}{numbers}")
        self.settings.print_settings()

    def summary(self) -> None:
        """Print the layers: what they are and return, their parameters, and which are trained.

        Examples
        --------
        >>> import foxnn
        >>> foxnn.neural_network([(28, 28, 1), 16, foxnn.Residual(8, 16), 10]).summary()
        layer          kind            output       parameters  trainable
        input                          (28, 28, 1)
        dense_0        Dense, sigmoid  (16,)            12,560  yes
        residual_1     Residual        (16,)               280  yes
          dense_1_0_0  Dense, sigmoid  (8,)                136  yes
          dense_1_0_1  Dense, sigmoid  (16,)               144  yes
        dense_2        Dense, sigmoid  (10,)               170  yes
        parameters: 13,010 (52.0 kB)
        trainable: 13,010
        not trainable: 0
        """
        print("\n".join(summary.summary_lines(self._input_shape(), list(self), self._item_size())))

    def _repr_html_(self) -> str:
        """Return what notebooks show: the loss, a diagram, and the table of `summary`."""
        from foxnn.layers.diagram import diagram  # late: for notebooks only

        if "_settings" not in self.__dict__:
            return html.escaped(repr(self))
        shown = shown_loss(self.loss).strip("'")
        head = f"{type(self).__name__}: loss {shown}, {self.dtype}, seed {self.seed}"
        shape, layers = self._input_shape(), list(self)
        table = summary.summary_html(shape, layers, self._item_size())
        return f"<p>{html.escaped(head)}</p>\n{diagram(shape, layers)}\n{table}"

    def _item_size(self) -> int:
        return 4 if self._single() else 8

    def reset_optimizer(self) -> None:
        """Forget the moments of the optimizer: the next training starts them at zero."""
        self._reset_optimizer()

    def threads_for(self, batch_size: int) -> int:
        """Return how many threads a training step of so many samples gets."""
        batch = checks.integer(batch_size, "batch_size", 1)
        return _core.training_workers(self, batch, self.settings.n_threads)

    # Helpers.

    def _channels(self) -> int:
        """Return the number of outputs at a position, or of all where they have none."""
        return int(self._output_shape()[-1])

    def _target_shape(self) -> tuple[int, ...]:
        """Return the shape of a target, which several outputs may be for."""
        *positions, channels = self._output_shape()
        return *positions, channels // outputs_of_each(self._loss(), self._loss_parameters())

    def _positions(self) -> tuple[int, ...]:
        """Return the positions of the outputs along each axis."""
        return self._output_shape()[:-1]

    def _take_loss(self, loss: LossLike) -> None:
        """Take a loss over, which is checked."""
        given = parse_loss(loss)
        self._set_loss(engine_name(given.name, self._output_activation()[0]), given.parameters)
        self._own_loss: LossFunction | None = given.function
        self._is_loss_checked = False

    def _usual_loss(self) -> str:
        return "cross_entropy" if self._output_activation()[0] == "softmax" else "mse"

    def _adopt_usual_loss(self) -> None:
        if not self._loss_given:
            self._set_loss(self._usual_loss())
        self._forget_misfit()

    def _check_names(self, x: object, name: str, seen: list[str] | None = None) -> None:
        """Refuse tables whose columns are not those seen earlier, by default by the network."""
        if self._is_list_of_steps(x):
            checks.same_columns_of_each(x, name, seen or self._input_names)
        else:
            checks.same_columns(x, name, seen or self._input_names)

    def _names_of(self, x: object) -> list[str] | None:
        """Return the names that samples give to the inputs, or to the channels of sequences."""
        return checks.names_of_each(x) if self._is_list_of_steps(x) else checks.column_names(x)

    def _is_list_of_steps(self, x: object) -> bool:
        """Return whether samples may be a list of tables whose rows are steps."""
        if self._least:  # sequences of any length
            return True
        is_of_tables = isinstance(x, list | tuple) and len(x) > 0 and hasattr(x[0], "columns")
        return is_of_tables and len(self._input_shape()) == 2

    def _set_scalers(self, inputs: Scaler | None, outputs: Scaler | None) -> None:
        for scaler, name in ((inputs, "input_scaler"), (outputs, "output_scaler")):
            if scaler is not None and not isinstance(scaler, Scaler):
                raise TypeError(
                    f"{name} must be a foxnn.Scaler or None, got {checks.shown(scaler)}"
                )
        if varies(self._input_shape()) and (inputs is not None or outputs is not None):
            raise ValueError(
                "input_scaler and output_scaler must be None for sequences of any length: scale "
                "their steps before"
            )
        if inputs is not None and (limit := self._index_limit()):
            reader = chain.reader_of_indices(self, limit)
            raise ValueError(
                f"input_scaler must be None, since {reader} reads the inputs as indices"
            )
        self._set_scaling(
            None if inputs is None else for_engine(inputs, "input_scaler", self._inputs()),
            None if outputs is None else for_engine(outputs, "output_scaler", self._outputs()),
        )
        self._scalers = inputs and copied(inputs), outputs and copied(outputs)


# The attributes that a state says in its own words.
_OWN = {
    "_settings",
    "_scalers",
    "_loss_given",
    "_own_loss",
    "_is_loss_checked",
    "_step_plan",
    "_back_plan",
    "_least",
    "_input_names",
    "_classes",
    "_notes",
    "_history",
}

# Where a state holds what the network itself is; pickles have it beside the state.
_STATE = "foxnn.network"


class _NotMade:
    """Stands in for an attribute that only a network made by its constructor has."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise TypeError(f"the {owner.__name__} has not been made by its constructor")


# After the object's own attributes, so that reading these costs nothing (__getattr__ would).
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


def _as_given(options: Mapping[str, Any]) -> str | tuple[str, list[float]]:
    name, parameters = options["activation"], options["parameters"]
    return (name, parameters) if parameters else name


# Views of a network's dense layers are those of layers that are alone, but for the loss.
_NetworkLayer.set_activation_function.__qualname__ = layer.set_activation_function.__qualname__
VIEWS["dense"] = _NetworkLayer


def _summation_of(network: _core.Network) -> Callable[[bool], None]:
    # Weak: settings and network would otherwise form a cycle, which outlives its last user.
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
            name = str(np.dtype(dtype.lower() if isinstance(dtype, str) else dtype).name)
    if name not in DTYPES:
        hint = checks.meant(dtype, DTYPES) if isinstance(dtype, str) and not name else ""
        raise ValueError(
            f"dtype must be one of {', '.join(DTYPES)}; got {checks.shown(dtype)}{hint}"
        )
    return name
