"""Names as arguments: in upper or lower case, by aliases, and messages about unknown ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.checks import elsewhere
from foxnn.checks.names import Names
from foxnn.layers.activation_table import ALIASES

X = np.linspace(-1, 1, 12).reshape(4, 3)
Y = np.eye(2)[[0, 1, 1, 0]]


def network(**given: Any) -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 2], seed=1, **given)


def activation_of(name: str) -> str:
    return str(network(activation=name)[0].get_name_activation_function())


def told(call: Callable[[], object]) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (what it says is looked at)
        call()
    return str(caught.value)


# Taken.


def test_activations_in_every_spelling() -> None:
    known = {name: name for name in foxnn.activations()} | ALIASES
    for name in set(known) - {"softmax", "exp", "exponential"}:
        other = name.title().replace("_", "")
        assert activation_of(name.upper()) == activation_of(other) == known[name]
    assert network(output_activation="SoftMax")[1].get_name_activation_function() == "softmax"
    assert network(activation=[("ELU", 0.5), "Linear"])[0].activation_parameters == [0.5]
    layer = network()[0]
    layer.set_activation_function("ReLU")
    assert layer.get_name_activation_function() == "relu"
    assert foxnn.layer(3, 4, "Tanh").get_name_activation_function() == "tan_h"
    with pytest.raises(ValueError, match="'softmax' is for the output layer only"):
        network(activation="Softmax")


def test_other_names_in_every_spelling() -> None:
    nn = network(init="GlorotNormal", loss="Huber", dtype="Float64")
    same = network(init="glorot_normal", loss="huber", dtype="float64")
    assert repr(nn) == repr(same)
    assert nn[0].weights.tobytes() == same[0].weights.tobytes()
    nn.settings.set_mode("adam")
    assert nn.settings.mode == "Adam"
    for optimizer in ("Adam", "AdamW", "RMSProp", "SGD", "Nesterov"):
        assert optimizer.lower() in foxnn.optimizers()
        nn.fit(X, Y, 1, optimizer=optimizer, scale=("MinMax", None), class_weight=None)
        nn.train_on_batch(X, Y, optimizer)
    assert nn.input_scaler is not None
    assert nn.input_scaler.method == "minmax"
    assert foxnn.EarlyStopping("Val_Loss") == foxnn.EarlyStopping("val_loss")


def test_a_description_keeps_the_listed_spelling() -> None:
    assert repr(foxnn.Dense(3, "ReLU", "HeNormal")) == repr(foxnn.Dense(3, "relu", "he_normal"))
    assert foxnn.Activation("TANH") == foxnn.Activation("tanh")
    assert foxnn.Conv2D(2, 3, padding="SAME") == foxnn.Conv2D(2, 3, padding="same")
    assert repr(foxnn.MaxPool2D(2, padding="Same")) == "MaxPool2D(2, padding='same')"


# Refused.


def test_messages_list_aliases() -> None:
    text = told(lambda: network(activation="nope"))
    assert set(foxnn.activations()) | set(ALIASES) <= set(re.findall(r"\w+", text))
    assert "identity_x (identity, linear)" in text
    assert "mean" not in text


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: network(activation="rleu"), "relu"),
        (lambda: network(output_activation="softmx"), "softmax"),
        (lambda: network(activation="Mish"), "silu"),
        (lambda: network(loss="MeanSquaredError"), "mse"),
        (lambda: network(loss="sparse_categorical_crossentropy"), "cross_entropy"),
        (lambda: network(loss="hubber"), "huber"),
        (lambda: network(init="xavier_uniform"), "glorot_uniform"),
        (lambda: network(init="he_norm"), "he_normal"),
        (lambda: network(dtype="flaot64"), "float64"),
        (lambda: network().fit(X, Y, optimizer="nadam"), "adam"),
        (lambda: network().train_on_batch(X, Y, "rmspop"), "rmsprop"),
        (lambda: network().settings.set_mode("Nestrov"), "Nesterov"),
        (lambda: foxnn.EarlyStopping("val_acc"), "val_accuracy"),
        (lambda: foxnn.Scaler("standart"), "standard"),
        (lambda: foxnn.Dense(3, "reul"), "relu"),
        (lambda: foxnn.Dense(3, init="kaiming_normal"), "he_normal"),
        (lambda: network()[0].set_activation_function("tahn"), "tanh"),
        (lambda: foxnn.Conv2D(2, 3, padding="sames"), "same"),
        (lambda: network().evaluate(X, Y, metrics=("mse", "Recal")), "recall"),
    ],
)
def test_what_may_be_meant(call: Callable[[], object], meant: str) -> None:
    assert f"(did you mean {meant!r}?)" in told(call)


def test_nothing_is_meant_where_nothing_is_alike() -> None:
    for call in (lambda: network(loss="zzz"), lambda: network(dtype="int8")):
        assert "mean" not in told(call)


def test_descriptions_refuse_unknown_names_themselves() -> None:
    for call in (
        lambda: foxnn.Dense(3, "nope"),
        lambda: foxnn.Dense(3, init="nope"),
        lambda: foxnn.Activation("nope"),
        lambda: foxnn.layer(3, 4, "nope"),
        lambda: foxnn.layer(3, 4, init="nope"),
    ):
        assert told(call).startswith("unknown ")


def test_what_others_call_it_leads_to_a_name_that_there_is() -> None:
    from foxnn.layers.names import ACTIVATION_NAMES, INIT_NAMES
    from foxnn.model.losses import LOSS_NAMES
    from foxnn.training.update_rules import OPTIMIZER_NAMES

    for names in (ACTIVATION_NAMES, INIT_NAMES, LOSS_NAMES, OPTIMIZER_NAMES):
        assert names.elsewhere
        for other, ours in names.elsewhere.items():
            assert names.find(ours) == ours
            assert names.find(other) is None
            assert other == other.lower().replace("_", "")


def test_a_spelling_that_two_names_share_stays_with_its_own() -> None:
    names = Names("thing", ["a_b", "ab"])
    assert (names.find("a_b"), names.find("ab"), names.find("A-B")) == ("a_b", "ab", "ab")


# Names that `foxnn` itself does not have.


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("Linear", "it is called Dense"),
        ("MaxPooling2D", "it is called MaxPool2D"),
        ("AvgPool1d", "it is called AveragePool1D"),
        ("Conv2d", "it is called Conv2D"),
        ("GlobalAveragePooling2D", "it is called GlobalAveragePool"),
        ("BatchNorm2d", "it is called BatchNorm"),
        ("UpSampling2D", "it is called UpSample"),
        ("SimpleRNN", "it is called RNN"),
        ("Bidirectional", r"it is an argument: foxnn.LSTM\(64, bidirectional=True\)"),
        ("TimeDistributed", "foxnn.Dense works at each step by itself"),
        ("Masking", "fit and predict take a list of arrays, or a padded array with lengths="),
        ("pack_padded_sequence", "fit and predict take a list of arrays"),
        ("LSTMCell", r"nn.stream\(\) reads a sequence step by step"),
        ("Sequential", "it is a list: foxnn.neural_network"),
        ("MLPClassifier", "it is in foxnn.sklearn"),
        ("load_model", r"foxnn.neural_network\(name_file\) reads a file"),
    ],
)
def test_names_of_other_libraries_are_answered(name: str, here: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'foxnn' has no attribute '{name}': {here}"):
        getattr(foxnn, name)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'nope'$"):
        foxnn.nope  # noqa: B018
    assert not hasattr(foxnn, "__wrapped__")


def test_answers_name_what_there_is() -> None:
    for other, place in elsewhere.NAMES.items():
        assert other == other.lower().replace("_", "")
        for name in re.findall(r"foxnn\.(\w+)", place) if " " in place else [place]:
            assert name in dir(foxnn) or name == "sklearn"
