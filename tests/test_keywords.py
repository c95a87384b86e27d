"""Arguments that other libraries have: by unknown keywords and by position, answered by ours."""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import inspect
import pickle
import re
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import augment, evolution, schedules
from foxnn.checks.habits import HERE, PLACES
from foxnn.checks.keywords import ARGUMENTS
from foxnn.layers.kinds import CLASSES

X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]]


def network() -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 2], "tanh", seed=1)


CALLS: dict[str, Callable[..., Any]] = {
    "fit": lambda **more: network().fit(X, Y, **more),
    "neural_network": lambda **more: foxnn.neural_network([3, 2], **more),
    "evaluate": lambda **more: network().evaluate(X, Y, **more),
    "predict": lambda **more: network().predict(X, **more),
    "train_on_batch": lambda **more: network().train_on_batch(X, Y, **more),
    "backward": lambda **more: network().backward(X, Y, **more),
    "resume": lambda **more: foxnn.resume("never.safetensors", X, Y, **more),
    "Dense": lambda **more: foxnn.Dense(3, **more),
    "Dropout": lambda **more: foxnn.Dropout(0.5, **more),
    "Reshape": lambda **more: foxnn.Reshape(3, **more),
    "Activation": lambda **more: foxnn.Activation("relu", **more),
    "step": lambda **more: schedules.step(3, **more),
    "exponential": lambda **more: schedules.exponential(0.5, **more),
    "cosine": lambda **more: schedules.cosine(3, **more),
    "inverse": lambda **more: schedules.inverse(0.5, **more),
    "warmup": lambda **more: schedules.warmup(3, **more),
    "constant": schedules.constant,
} | {
    name: getattr(foxnn, name)
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "EarlyStopping", "LayerNorm", "Flatten")
}
CALLS |= {
    name: getattr(foxnn, name) for name in ("BatchNorm", "GlobalMaxPool", "GlobalAveragePool")
}
CALLS |= {
    f"{name}{axes}D": functools.partial(getattr(foxnn, f"{name}{axes}D"), *given)
    for name, given in (("Conv", (4, 3)), ("MaxPool", (2,)), ("AveragePool", (2,)))
    for axes in (1, 2, 3)
}
CALLS |= {
    "shift": functools.partial(augment.shift, 2),
    "flip": augment.flip,
    "rotate": functools.partial(augment.rotate, 10),
    "noise": functools.partial(augment.noise, 0.1),
}
CALLS |= {name: functools.partial(getattr(foxnn, name), 4) for name in ("RNN", "GRU", "LSTM")}
CALLS |= {
    "population": lambda **more: foxnn.population(2, [3, 2], **more),
    "population.fit": lambda **more: foxnn.population(2, [3, 2]).fit(X, Y, **more),
    "population.get_out": lambda **more: foxnn.population(2, [3, 2]).get_out(X, **more),
    "population.predict": lambda **more: foxnn.population(2, [3, 2]).predict(X, **more),
    "population.evaluate": lambda **more: foxnn.population(2, [3, 2]).evaluate(X, Y, **more),
    "population.evolve": lambda **more: foxnn.population(2, [3, 2]).evolve(abs, **more),
    "Genetic": evolution.Genetic,
    "EvolutionStrategy": evolution.EvolutionStrategy,
    "CMA": evolution.CMA,
    "cross_validate": lambda **more: foxnn.cross_validate([3, 2], X, Y, **more),
    "search": lambda **more: foxnn.search([3, 2], X, Y, {"l2": [0.1]}, **more),
}
CALLS["UpSample"] = functools.partial(foxnn.UpSample, 2)
CALLS["Embedding"] = functools.partial(foxnn.Embedding, 5, 2)
# What is imported when it is first used.
assert all(getattr(foxnn, name) for name in ("resume", "population", "search", *CLASSES))


def told(call: Callable[[], object]) -> str:
    with pytest.raises(TypeError) as caught:
        call()
    return str(caught.value)


def test_every_call_that_answers_is_tried() -> None:
    assert set(CALLS) == set(ARGUMENTS)


@pytest.mark.parametrize(
    ("call", "keyword", "answer"),
    [
        ("fit", "lr", "it is called learning_rate"),
        ("fit", "validation_split", "it is called validation"),
        ("fit", "validation_data", "it is called validation"),
        ("fit", "verbose", "it is called progress"),
        ("fit", "max_iter", "it is called epochs"),
        ("fit", "X", "it is called x"),
        ("fit", "n_iter_no_change", "it is called early_stopping"),
        ("fit", "momentum", "it belongs to foxnn.SGD(momentum=...)"),
        ("fit", "random_state", "it belongs to foxnn.neural_network(seed=...)"),
        ("fit", "loss", "it belongs to foxnn.neural_network(loss=...)"),
        ("fit", "n_jobs", "nn.settings.n_threads"),
        ("fit", "batch_sise", "(did you mean 'batch_size'?)"),
        ("fit", "zzz", "it takes x, y, epochs"),
        ("neural_network", "hidden_layer_sizes", "it is called sizes"),
        ("neural_network", "learning_rate", "it belongs to fit(learning_rate=...)"),
        ("neural_network", "lr", "it belongs to fit(learning_rate=...)"),
        ("neural_network", "random_state", "it is called seed"),
        ("neural_network", "kernel_initializer", "it is called init"),
        ("neural_network", "device", "computes on the processor"),
        ("evaluate", "batch_size", "the samples itself"),
        ("evaluate", "verbose", "prints nothing"),
        ("predict", "batch_size", "the samples itself"),
        ("train_on_batch", "lr", "it is called learning_rate"),
        ("train_on_batch", "sample_weight", "fit takes it"),
        ("resume", "filepath", "it is called name_file"),
        ("resume", "lr", "it belongs to fit(learning_rate=...)"),
        *(
            (rule, word, "it belongs to fit(learning_rate=...)")
            for rule in ("SGD", "Adam", "AdamW", "RMSprop")
            for word in ("lr", "learning_rate")
        ),
        ("Adam", "eps", "it is called epsilon"),
        ("Adam", "weight_decay", "it belongs to foxnn.AdamW(weight_decay=...)"),
        ("RMSprop", "alpha", "it is called rho"),
        ("EarlyStopping", "restore_best_weights", "it is called restore_best"),
        ("Dropout", "p", "it is called rate"),
        ("Dense", "use_bias", "it is called bias"),
        ("LayerNorm", "normalized_shape", "layer before it"),
        ("LSTM", "hidden_size", "units"),
        ("GRU", "go_backwards", "reverse"),
        ("RNN", "num_layers", "items of the list"),
        ("LSTM", "return_state", "nn.stream() goes on from step to step, and its state is read"),
        ("GRU", "stateful", "nn.stream() goes on from step to step, and its state is read"),
        ("LSTM", "batch_first", "samples come first, then steps"),
        ("LSTM", "mask_zero", "lengths= of fit and predict says how many steps"),
        ("LSTM", "proj_size", "Dense after it narrows its outputs"),
        ("LSTM", "unroll", "it changes no result"),
        ("LSTM", "dropout", "put Dropout between the layers"),
        ("GRU", "recurrent_dropout", "put Dropout between the layers"),
        ("Embedding", "mask_zero", "lengths= of fit and predict says how many steps"),
        ("neural_network", "hidden_size", "it is called sizes"),
        ("neural_network", "num_layers", "items of the list"),
        ("neural_network", "stateful", "nn.stream() goes on from step to step"),
        ("predict", "mask", "lengths= of fit and predict says how many steps"),
        ("predict", "sequence_length", "it is called lengths"),
        ("fit", "batch_first", "samples come first, then steps"),
        ("Conv2D", "kernel_size", "it is called kernel"),
        ("Conv1D", "in_channels", "layer before it"),
        ("MaxPool2D", "pool_size", "it is called size"),
        ("BatchNorm", "num_features", "layer before it"),
        ("Embedding", "input_dim", "it is called count"),
        ("step", "gamma", "it is called factor"),
        ("cosine", "T_max", "it is called epochs"),
        ("population", "size", "sizes"),
        ("population.fit", "lr", "it is called learning_rate"),
        ("population.fit", "verbose", "it is called progress"),
        ("population.predict", "batch_size", "the samples itself"),
        ("population.evaluate", "verbose", "prints nothing"),
        ("cross_validate", "max_iter", "it is called epochs"),
        ("search", "random_state", "it is called seed"),
    ],
)
def test_a_keyword_is_answered(call: str, keyword: str, answer: str) -> None:
    message = told(lambda: CALLS[call](**{keyword: 1}))
    assert message.startswith(f"{call} has no argument {keyword!r}")
    assert answer in message


def test_answers_lead_to_arguments_that_there_are() -> None:
    # Of a method that gets its argument elsewhere in the package, nothing is known here.
    for place in (*PLACES.values(), *HERE.values()):
        if " " not in place and place != "evaluate.metrics":
            call, _, argument = place.rpartition(".")
            assert argument in ARGUMENTS[call], place
    for (call, word), place in HERE.items():
        assert call in ARGUMENTS
        assert word == word.lower()
        assert word not in ARGUMENTS[call], (call, place)
    # scikit-learn's, Keras' and PyTorch's own words, of which every one has an answer.
    words = """
        hidden_layer_sizes solver alpha learning_rate_init power_t max_iter random_state tol
        verbose warm_start momentum nesterovs_momentum validation_fraction beta_1 beta_2 epsilon
        n_iter_no_change max_fun validation_split validation_data initial_epoch steps_per_epoch
        validation_steps validation_batch_size validation_freq metrics loss_weights run_eagerly
        jit_compile lr weight_decay eps betas amsgrad device generator num_workers drop_last
    """
    for word in words.split():
        assert word in PLACES, word


def test_nothing_has_changed_after_an_answer() -> None:
    nn = network()
    before = pickle.dumps(nn)
    told(lambda: nn.fit(X, Y, lr=0.1))  # type: ignore[arg-type]
    told(lambda: nn.train_on_batch(X, Y, lr=0.1))  # type: ignore[arg-type]
    assert pickle.dumps(nn) == before


def test_signatures_do_not_show_what_nobody_can_give() -> None:
    kinds = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    calls = [
        *(foxnn.neural_network, foxnn.resume, foxnn.Adam, schedules.step, foxnn.LayerNorm),
        *(getattr(foxnn.neural_network, name) for name in ("fit", "predict", "evaluate")),
    ]
    for call in calls:
        assert not any(p.kind in kinds for p in inspect.signature(call).parameters.values())


# By position.


@pytest.mark.parametrize("rule", [foxnn.SGD, foxnn.Adam, foxnn.AdamW, foxnn.RMSprop])
def test_a_rate_by_position_belongs_to_fit(rule: Callable[..., Any]) -> None:
    assert "the learning rate belongs to fit(learning_rate=0.001)" in told(lambda: rule(0.001))


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: foxnn.EarlyStopping(5), ("monitor must be", "patience=5")),
        (lambda: foxnn.EarlyStopping("loss", 5), ("takes monitor by position", "patience", "5")),
        (lambda: foxnn.LayerNorm(64), ("takes nothing by position", "epsilon", "layer before")),
        (lambda: foxnn.Dense(3, 4), ("activation must be", "got 4", "its inputs follow from")),
        (lambda: foxnn.Dense(3, "relu", False), ("init must be", "bias=False")),
        (lambda: schedules.constant(0.1), ("takes nothing", "fit(learning_rate=...)")),
        (lambda: schedules.cosine(0.1, 100), ("epochs must be", "fit(learning_rate=...)")),
        (lambda: schedules.step(0.1), ("every must be", "fit(learning_rate=...)")),
        (lambda: schedules.exponential(0.1, 9, 0.5), ("takes decay", "fit(learning_rate=...)")),
    ],
)
def test_what_stands_first_elsewhere(call: Callable[[], object], parts: tuple[str, ...]) -> None:
    message = told(call)
    assert all(part in message for part in parts), message


def test_constants_by_keyword_are_as_before() -> None:
    rule = foxnn.AdamW(weight_decay=0.5, beta_1=0.25)
    assert repr(rule) == "AdamW(weight_decay=0.5, beta_1=0.25, beta_2=0.999, epsilon=1e-08)"
    assert eval(repr(rule), vars(foxnn)) == rule
    assert copy.deepcopy(rule) == pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(copy.copy(rule))


# Names in messages of Python.


def test_signatures_require_the_samples() -> None:
    for call in (foxnn.neural_network.predict, foxnn.population.get_out):
        shown = inspect.signature(call).parameters
        assert shown["x"].default is inspect.Parameter.empty
        assert list(shown)[:2] == ["self", "x"]
        assert not {"surplus", "others"} & {*shown}


def test_messages_name_the_class_that_users_know() -> None:
    nn = network()
    for call in (
        nn.predict, nn.fit, nn.get_out, nn.save, nn.trace, nn.next_layer, foxnn.neural_network,
    ):  # fmt: skip
        assert told(call).startswith("neural_network.")
    assert told(nn[0].set_activation_function).startswith("layer.set_activation_function")
    assert pickle.loads(pickle.dumps(foxnn.neural_network.predict)) is foxnn.neural_network.predict
    assert re.match("<bound method neural_network.evaluate", repr(nn.evaluate))


@pytest.mark.parametrize("module", [foxnn, foxnn.plot, foxnn.schedules])
def test_what_is_listed_is_for_users(module: Any) -> None:
    listed = {name for name in dir(module) if not name.startswith("__")}
    assert listed == {name for name in getattr(module, "__all__", listed) if name[0] != "_"}
    for name in listed:
        value = getattr(module, name)
        assert inspect.getmodule(value) is not None or not inspect.isroutine(value)
        assert not name.startswith("_")
    assert not listed & {"checks", "math", "dataclass", "model", "training", "annotations"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: foxnn.MaxPool2D(), "MaxPool2D must be given size"),
        (lambda: foxnn.Conv1D(stride=2), "Conv1D must be given filters and kernel"),
        (lambda: foxnn.Conv2D(8), "Conv2D must be given kernel"),
        (lambda: foxnn.Embedding(size=4), "Embedding must be given count"),
        (lambda: foxnn.UpSample(), "UpSample must be given factor"),
        (lambda: augment.shift(), "shift must be given positions"),
    ],
)
def test_what_is_lacking_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        call()


def test_a_refused_call_keeps_nothing_in_memory() -> None:
    nn = foxnn.neural_network([2, 1])
    x = np.ones((3, 2))
    seen = weakref.ref(x)
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(TypeError):
            nn.fit(x)  # type: ignore[call-arg]
        del x
        assert seen() is None
    finally:
        gc.enable()


def test_a_call_on_the_class_lacks_what_python_says() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        foxnn.neural_network.fit(np.ones((3, 2)), np.ones(3), communicator=object())  # type: ignore[arg-type,call-arg]
