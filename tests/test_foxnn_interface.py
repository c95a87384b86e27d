"""FoxNN's interface: its programs run as they are written, and every name does what FoxNN's did."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
import small_runs
from closeness import assert_within, forward_bound
from forced_runs import inputs, parameters, wanted

SAMPLES = 10
# So small that the error of a sample stays 1: its weight counts how often it was drawn.
SPEED = 1e-6


def make(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([3, 5, 4, 2], **{"seed": 1, **options})


def samples(count: int = 20) -> foxnn.train_data:
    return foxnn.train_data(inputs(count, 3), wanted(count, 2, "mse"))


def bits(nn: foxnn.neural_network) -> bytes:
    return parameters(nn).tobytes()


def counter(seed: int = 3) -> tuple[foxnn.neural_network, foxnn.train_data]:
    """Return a network with a weight for each sample, and those samples."""
    nn = foxnn.neural_network([SAMPLES, 1], "identity", init="zeros", dtype="float64", seed=seed)
    return nn, foxnn.train_data(np.eye(SAMPLES), np.ones((SAMPLES, 1)))


def draws(nn: foxnn.neural_network) -> np.ndarray:
    """Return how often each sample of a counter was trained on."""
    return np.rint(nn[0].weights.ravel() / SPEED).astype(int)


def test_the_program_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([3, 5, 4, 2])
    nn.get_layer(0).set_activation_function("gaussian")
    nn.get_layer(1).set_activation_function("gaussian")
    nn.get_layer(2).set_activation_function("gaussian")
    nn.random_mutation(2)
    nn.smart_mutation(1)
    data = foxnn.train_data()
    data.add_data([1, 2, 3], [1, 0])
    data.add_data([0, 1, 0.1], [0, 1])
    before = nn.testing(data)
    nn.settings.n_threads = 7
    nn.settings.set_mode("Adam")
    nn.train(data_for_train=data, speed=0.01, max_iteration=300, size_train_batch=98)
    assert nn.testing(data) < before
    assert nn.get_out([0, 1, 0.1]).shape == (2,)
    assert len(capsys.readouterr().out.splitlines()) == 2


# get_out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_get_out_for_several_samples(dtype: str) -> None:
    nn, x = make(dtype=dtype), inputs(7, 3)
    out, oracle = nn.get_out(x), reference.copy_of(nn)
    assert (out.shape, out.dtype) == ((7, 2), np.dtype(dtype))
    assert_within(out, oracle.predict(x), forward_bound(oracle, x, dtype))
    assert nn.get_out(x.tolist()).tobytes() == out.tobytes()
    assert nn.get_out(np.asfortranarray(x)).tobytes() == out.tobytes()


def test_get_out_for_one_sample() -> None:
    nn, x = make(), inputs(7, 3)
    together = nn.get_out(x)
    for row, out in zip(x, together, strict=True):
        for form in (row, row.tolist(), tuple(row), row.astype(np.float32)):
            assert nn.get_out(form).shape == (2,)
            assert nn.get_out(form).tobytes() == out.tobytes()


def test_get_out_returns_an_array_of_its_own() -> None:
    nn = make()
    out = nn.get_out([0, 1, 0.1])
    before = out.copy()
    out[:] = 7
    assert nn.get_out([0, 1, 0.1]).tolist() == before.tolist()


# train


def test_the_gradient_is_the_sum_by_hand() -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64")
    nn.train(foxnn.train_data([[1], [2], [3]], [[1], [1], [1]]), 0.125, 1, 0)
    # Every error is -1: the gradients are -(1 + 2 + 3) and -3.
    assert (nn[0].weights.item(), nn[0].bias.item()) == (0.75, 0.375)


def test_the_gradient_is_the_sum_over_the_batch_drawn() -> None:
    x = np.hstack([np.eye(SAMPLES), inputs(SAMPLES, 5)])
    y = wanted(SAMPLES, 3, "mse") + 2.0
    nn = foxnn.neural_network([SAMPLES + 5, 3], "identity", init="zeros", dtype="float64", seed=1)
    oracle = reference.copy_of(nn)
    nn.train(foxnn.train_data(x, y), 0.25, 1, 4)
    drawn = nn[0].weights[:SAMPLES].any(axis=1)
    assert drawn.sum() == 4
    ((dw, db),) = oracle.gradients(x[drawn], y[drawn], "sum")
    # Four products of numbers below 4 and a step of 1/4.
    assert_within(nn[0].weights, -0.25 * dw, 1e-14)
    assert_within(nn[0].bias, -0.25 * db, 1e-14)


@pytest.mark.parametrize("size", [0, SAMPLES, SAMPLES + 1, 1000])
def test_size_0_or_beyond_the_data_takes_all(size: int) -> None:
    nn, data = counter()
    nn.train(data, SPEED, 3, size)
    assert draws(nn).tolist() == [3] * SAMPLES


def test_a_batch_is_one_sample_by_default() -> None:
    nn, data = counter()
    nn.train(data, SPEED, 1)
    assert sorted(draws(nn)) == [0] * 9 + [1]


@pytest.mark.parametrize("size", [1, 3, 4, 5, 9])
def test_batches_are_drawn_without_replacement(size: int) -> None:
    per_epoch = -(-SAMPLES // size)
    for steps in range(1, 2 * per_epoch + 2):
        nn, data = counter()
        nn.train(data, SPEED, steps, size)
        whole, rest = divmod(steps, per_epoch)
        again = min(rest * size, SAMPLES)
        assert sorted(draws(nn)) == [whole] * (SAMPLES - again) + [whole + 1] * again


def test_each_epoch_has_another_order() -> None:
    first = []
    for steps in (1, 3):
        nn, data = counter()
        nn.train(data, SPEED, steps, 5)
        first.append((draws(nn) == draws(nn).max()).tolist())
    assert first[0] != first[1]


def test_no_step_changes_nothing() -> None:
    nn = make()
    before = bits(nn)
    nn.train(samples(), 0.1, 0, 3)
    assert bits(nn) == before


def test_train_is_repeatable_and_hangs_on_the_seed() -> None:
    def trained(seed: int) -> bytes:
        nn = make(seed=seed, init="zeros")
        nn.train(samples(), 0.1, 11, 3)
        return bits(nn)

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


def test_every_mode_learns_and_each_in_its_way() -> None:
    found = set()
    for mode in ("SGD", "Nesterov", "Adam"):
        nn, data = make(), samples()
        nn.settings.set_mode(mode)
        before = nn.testing(data)
        nn.train(data, 0.02, 200, 5)
        assert nn.testing(data) < before
        found.add(bits(nn))
    assert len(found) == 3


def test_an_unknown_mode_is_refused() -> None:
    nn = make()
    nn.settings.set_mode("Nesterov")
    with pytest.raises(ValueError, match="'nestrov'"):
        nn.settings.set_mode("nestrov")
    assert nn.settings.mode == "Nesterov"


# testing and what the settings change


def test_testing_returns_and_prints_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    nn, data = make(dtype="float64"), samples(20)
    x, y = inputs(20, 3), wanted(20, 2, "mse")
    errors = np.abs(nn.get_out(x) - y)
    for min_error in (0.01, 0.5, 0.9, 10.0):
        nn.settings.min_error = min_error
        error = nn.testing(data)
        assert error == pytest.approx(errors.sum(axis=1).mean(), rel=1e-14)
        found = re.fullmatch(r"error = (\S+) n_true = (\d+)/20\n", capsys.readouterr().out)
        assert found is not None
        assert float(found[1]) == pytest.approx(error, rel=1e-15)
        assert int(found[2]) == (errors < min_error).all(axis=1).sum()
    assert int(found[2]) == 20


def test_testing_takes_all_number_types() -> None:
    nn, x, y = make(), inputs(9, 3) > 0, wanted(9, 2, "mse") > 0
    found = {
        nn.testing(foxnn.train_data(x.astype(kind), y.astype(kind)))
        for kind in (np.uint8, np.float32, np.float64, np.int64)
    }
    assert len(found) == 1


def test_max_on_last_layer() -> None:
    nn, x = make(), inputs(30, 3)
    plain = nn.get_out(x)
    nn.settings.max_on_last_layer = True
    assert nn.get_out(x).tolist() == np.eye(2)[plain.argmax(axis=1)].tolist()
    assert nn.get_out(x[3]).tolist() == np.eye(2)[plain[3].argmax()].tolist()
    y = np.eye(2)[[0, 1] * 15]
    expected = 2 * (plain.argmax(axis=1) != y.argmax(axis=1)).mean()
    assert nn.testing(foxnn.train_data(x, y)) == pytest.approx(expected, rel=1e-14)


def test_one_if_value_greater_intermediate_value() -> None:
    nn, x = make(), inputs(30, 3)
    plain = nn.get_out(x)
    nn.settings.one_if_value_greater_intermediate_value = True
    for value in (0.5, float(np.median(plain)), -1.0, 2.0):
        nn.settings.intermediate_value = value
        assert nn.get_out(x).tolist() == (plain > value).astype(float).tolist()
    nn.settings.intermediate_value = float(np.median(plain))
    y = np.zeros((30, 2))
    expected = (plain > np.median(plain)).sum(axis=1).mean()
    assert nn.testing(foxnn.train_data(x, y)) == pytest.approx(expected, rel=1e-14)


def test_the_intermediate_value_itself_becomes_1_as_in_foxnn() -> None:
    nn = make(init="zeros")
    nn.settings.one_if_value_greater_intermediate_value = True
    assert nn.get_out([1, 2, 3]).tolist() == [1.0, 1.0]


def test_the_largest_output_goes_before_the_intermediate_value() -> None:
    nn = make(init="zeros")
    nn[2].bias = [0.5, 1.0]
    nn.settings.one_if_value_greater_intermediate_value = True
    nn.settings.max_on_last_layer = True
    assert nn.get_out([1, 2, 3]).tolist() == [0.0, 1.0]


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize(
    "setting", ["max_on_last_layer", "one_if_value_greater_intermediate_value"]
)
def test_rounding_does_not_change_the_training(setting: str) -> None:
    plain, rounded = make(), make()
    setattr(rounded.settings, setting, True)
    for nn in (plain, rounded):
        nn.train(samples(), 0.1, 9, 4)
        nn.fit(inputs(20, 3), wanted(20, 2, "mse"), 2, 6)
    assert bits(plain) == bits(rounded)


@pytest.mark.parametrize(("part", "held"), [(0.3, 3), (0.55, 5), (0.05, 0)])
def test_part_for_test_is_held_out(part: float, held: int) -> None:
    nn, data = counter()
    nn.settings.set_part_for_test(part)
    assert nn.settings.part_for_test == part
    nn.train(data, SPEED, 4, 0)
    assert sorted(draws(nn)) == [0] * held + [4] * (SAMPLES - held)


def test_part_for_test_hangs_on_the_seed() -> None:
    held = []
    for seed in (3, 3, 4):
        nn, data = counter(seed)
        nn.settings.set_part_for_test(0.5)
        nn.train(data, SPEED, 1, 0)
        held.append((draws(nn) == 0).tolist())
    assert held[0] == held[1] != held[2]


def test_part_for_test_leaves_the_data_as_they_were() -> None:
    x, y = np.eye(SAMPLES), np.ones((SAMPLES, 1))
    data, (nn, _) = foxnn.train_data(x, y), counter()
    nn.settings.set_part_for_test(0.5)
    nn.train(data, SPEED, 3, 2)
    assert data.size() == SAMPLES
    assert all(data.get(i).input.tolist() == np.eye(SAMPLES)[i].tolist() for i in range(SAMPLES))
    assert x.tolist() == np.eye(SAMPLES).tolist()
    assert x.flags.writeable
    assert y.flags.writeable


def test_n_print(capsys: pytest.CaptureFixture[str]) -> None:
    nn, data = counter()
    nn.settings.n_print = 3
    nn.train(data, SPEED, 7, 4)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" train_time")[0] for line in lines] == [
        "iteration = 3/7",
        "iteration = 6/7",
        "iteration = 7/7",
    ]
    quiet, data = counter()
    quiet.train(data, SPEED, 7, 4)
    assert capsys.readouterr().out == ""
    assert bits(quiet) == bits(nn)


def test_n_print_tells_the_error_on_the_part_for_test(capsys: pytest.CaptureFixture[str]) -> None:
    nn, data = counter()
    nn.settings.n_print = 5
    nn.settings.set_part_for_test(0.3)
    nn.train(data, 0.01, 10, 0)
    lines = capsys.readouterr().out.splitlines()
    found = re.search(r" error = (\S+) n_true = 0/3$", lines[-1])
    assert len(lines) == 2
    assert found is not None, lines
    # The weights of samples held out are 0, so their output is the bias.
    assert float(found[1]) == pytest.approx(1.0 - nn[0].bias.item(), rel=1e-14)


def test_the_intermediate_value_is_a_double() -> None:
    nn = foxnn.neural_network([1, 1], "relu", init="zeros")
    nn.settings.one_if_value_greater_intermediate_value = True
    for value, wanted_output in ((1e-50, 0.0), (1e300, 0.0), (0.0, 1.0), (-1e300, 1.0)):
        nn.settings.intermediate_value = value
        assert nn.get_out([1]).tolist() == [wanted_output]


@pytest.mark.parametrize("name", ["set_mode", "print_settings", "_hand_on", "n_thread"])
def test_only_settings_can_be_set(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"{name}.*n_threads"):
        setattr(make().settings, name, 3)


# Layers


def test_layers_by_number() -> None:
    nn = make()
    assert len(nn) == 3
    shapes = [(3, 5), (5, 4), (4, 2)]
    assert [(part.get_N_w(), part.get_N_n()) for part in nn] == shapes
    for i, shape in enumerate(shapes):
        for part in (nn[i], nn.get_layer(i), nn[i - 3], nn.get_layer(i - 3)):
            assert (part.get_N_w(), part.get_N_n()) == shape
            assert part.weights.shape == shape
            assert part.bias.shape == shape[1:]
    for i in (3, -4, 10**30):
        with pytest.raises(IndexError):
            nn.get_layer(i)
        with pytest.raises(IndexError):
            nn[i]


def test_set_activation_function() -> None:
    nn = make(dtype="float64")
    for name in ("gaussian", "sinusoid", "sigmoid", "relu", "identity_x", "tan_h", "arctan"):
        nn.get_layer(1).set_activation_function(name)
        assert nn[1].get_name_activation_function() == name
        oracle, x = reference.copy_of(nn), inputs(5, 3)
        assert_within(nn.get_out(x), oracle.predict(x), forward_bound(oracle, x, "float64"), name)
    assert [part.get_name_activation_function() for part in nn] == ["sigmoid", "arctan", "sigmoid"]


@pytest.mark.parametrize("given", [[0.25], (0.25,), 0.25])
def test_parameters_of_an_activation(given: object) -> None:
    nn = make(dtype="float64")
    nn.get_layer(0).set_activation_function("elu", given)
    assert nn[0].activation_parameters == [0.25]
    oracle, x = reference.copy_of(nn), inputs(5, 3)
    assert_within(nn.get_out(x), oracle.predict(x), forward_bound(oracle, x, "float64"))


def test_weights_and_bias_are_copies_when_read() -> None:
    nn = make()
    before = bits(nn)
    nn[0].weights[:] = 7
    nn[0].bias[:] = 7
    assert bits(nn) == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_and_bias_can_be_set(dtype: str) -> None:
    nn = make(dtype=dtype)
    w, b = inputs(3, 5), inputs(1, 5)[0]
    others = [values.tobytes() for part in list(nn)[1:] for values in (part.weights, part.bias)]
    forms = (w, w.tolist(), w.astype(np.float32), np.asfortranarray(w), w[::-1][::-1])
    for form in forms:
        nn[0].weights = np.zeros((3, 5))
        nn[0].weights = form
        assert (nn[0].weights.tolist(), nn[0].weights.dtype) == (w.tolist(), np.dtype(dtype))
    for form in (b, b.tolist(), np.repeat(b, 2)[::2]):
        nn[0].bias = [0] * 5
        nn[0].bias = form
        assert (nn[0].bias.tolist(), nn[0].bias.dtype) == (b.tolist(), np.dtype(dtype))
    assert others == [
        values.tobytes() for part in list(nn)[1:] for values in (part.weights, part.bias)
    ]
    oracle, x = reference.copy_of(nn), inputs(5, 3)
    assert_within(nn.get_out(x), oracle.predict(x), forward_bound(oracle, x, dtype))


def test_a_layer_is_a_view_of_the_network() -> None:
    nn = make()
    part = nn.get_layer(1)
    part.weights = np.ones((5, 4))
    assert (nn[1].weights == 1).all()
    nn.train(samples(), 0.1, 1)
    assert (part.weights != 1).any()


def test_next_layer() -> None:
    nn, x = make(dtype="float64"), inputs(6, 3)
    before, between = bits(nn), nn.get_out(x)
    added = foxnn.layer(2, 7, "tanh", seed=1)
    added.bias = inputs(1, 7)[0]
    nn.next_layer(added)
    assert (nn.sizes, len(nn)) == ([3, 5, 4, 2, 7], 4)
    assert bits(nn).startswith(before)
    assert nn[-1].get_name_activation_function() == "tan_h"
    expected = np.tanh(between @ added.weights + added.bias)
    assert_within(nn.get_out(x), expected, 1e-14)
    kept = nn[3].weights.tolist()
    added.weights = np.zeros((2, 7))
    assert nn[3].weights.tolist() == kept
    nn.train(foxnn.train_data(x, wanted(6, 7, "mse")), 0.1, 3, 2)
    assert nn[3].weights.tolist() != kept


def test_next_layer_takes_only_what_fits() -> None:
    nn = make()
    before = bits(nn)
    with pytest.raises(ValueError, match="2 inputs"):
        nn.next_layer(foxnn.layer(3, 2))
    with pytest.raises(TypeError, match="new_layer"):
        nn.next_layer([2, 2])  # type: ignore[arg-type]
    assert (bits(nn), nn.sizes) == (before, [3, 5, 4, 2])


def test_the_usual_loss_follows_the_last_layer() -> None:
    nn = make()
    nn.next_layer(foxnn.layer(2, 3, "softmax"))
    assert nn.loss == "cross_entropy"
    nn.get_layer(-1).set_activation_function("sigmoid")
    assert nn.loss == "mse"


def test_a_layer_alone() -> None:
    part = foxnn.layer(4, 3, ("leaky_relu", 0.5), seed=5)
    assert (part.get_N_w(), part.get_N_n()) == (4, 3)
    assert part.get_name_activation_function() == "leaky_relu"
    assert part.activation_parameters == [0.5]
    assert part.weights.tolist() == foxnn.layer(4, 3, ("leaky_relu", 0.5), seed=5).weights.tolist()
    part.weights, part.bias = np.ones((4, 3)), [1, 2, 3]
    assert part.bias.tolist() == [1, 2, 3]
    part.set_activation_function("sin")
    assert part.get_name_activation_function() == "sinusoid"
    assert foxnn.layer(4, 3).get_name_activation_function() == "sigmoid"


# Settings and printing

SETTINGS: dict[str, tuple[object, object]] = {
    "n_threads": (0, 7),
    "n_print": (0, 100),
    "min_error": (0.01, 0.25),
    "max_on_last_layer": (False, True),
    "one_if_value_greater_intermediate_value": (False, True),
    "intermediate_value": (0.5, -0.25),
    "auto_save_name_file": ("auto_save.txt", "mine.txt"),
    "auto_save_iteration": (0, 10),
    "correct_summation": (False, True),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_can_be_read_and_set(name: str) -> None:
    default, other = SETTINGS[name]
    settings = make().settings
    assert getattr(settings, name) == default
    setattr(settings, name, other)
    assert getattr(settings, name) == other
    assert getattr(make().settings, name) == default


def test_constants_of_the_optimizers_can_be_read_and_set() -> None:
    nn = make()
    adam = nn.settings.settings_optimization.adam
    nesterov = nn.settings.settings_optimization.nesterov
    assert (adam.betta_1, adam.betta_2, adam.epsilon) == (0.9, 0.999, 1e-8)
    assert (adam.step_to_zero_after_n, nesterov.gamma) == (0, 0.9)
    adam.set_betta_1(0.5)
    adam.set_betta_2(0.25)
    adam.set_epsilon(1e-3)
    adam.step_to_zero_after_n = 1000
    nesterov.set_gamma(0.75)
    adam, nesterov = (
        nn.settings.settings_optimization.adam,
        nn.settings.settings_optimization.nesterov,
    )
    assert (adam.betta_1, adam.betta_2, adam.epsilon) == (0.5, 0.25, 1e-3)
    assert (adam.step_to_zero_after_n, nesterov.gamma) == (1000, 0.75)
    assert make().settings.settings_optimization.adam.betta_1 == 0.9


@pytest.mark.parametrize("name", ["n_thread", "max_on_lastlayer", "Mode"])
def test_a_misspelt_setting_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(make().settings, name, 1)


def test_print_settings(capsys: pytest.CaptureFixture[str]) -> None:
    nn = make()
    nn.settings.n_threads = 7
    nn.settings.set_mode("Adam")
    nn.settings.settings_optimization.adam.set_betta_1(0.125)
    nn.settings.print_settings()
    printed = capsys.readouterr().out
    for name in SETTINGS:
        assert name in printed
    for line in ("n_threads = 7", "mode = Adam", "part_for_test = 0.0"):
        assert line in printed.splitlines()
    assert re.search(r"adam\.betta_1 = 0\.125$", printed, re.MULTILINE)
    assert re.search(r"nesterov\.gamma = 0\.9$", printed, re.MULTILINE)


def test_print_info(capsys: pytest.CaptureFixture[str]) -> None:
    nn = make()
    nn.get_layer(1).set_activation_function("gaussian")
    nn.get_layer(2).set_activation_function("elu", 0.25)
    nn.print_info()
    lines = capsys.readouterr().out.splitlines()
    for i, numbers in enumerate([(3, 5, "sigmoid"), (5, 4, "gaussian"), (4, 2, "elu", "0.25")]):
        for value in (i, *numbers):
            assert re.search(rf"\b{value}\b", lines[i])
    assert "n_threads = 0" in lines


def test_printing_goes_where_pythons_does() -> None:
    """So that a program can catch it, and a notebook shows it."""
    nn = make()
    found = []
    for call in (nn.print_info, nn.settings.print_settings, lambda: nn.testing(samples())):
        with contextlib.redirect_stdout(io.StringIO()) as caught:
            call()
        found.append(caught.getvalue())
    assert found[0].endswith(found[1])
    assert found[1].startswith("settings:\n")
    assert found[2].startswith("error = ")


def test_repr_of_a_network_makes_it_again() -> None:
    nn = foxnn.neural_network([3, 5, 4, 2], ["elu", ("leaky_relu", 0.25), "softmax"], seed=7)
    shown = repr(nn)
    again = eval(shown, {"neural_network": foxnn.neural_network})
    assert repr(again) == shown
    assert bits(again) == bits(nn)
    for part in ("[3, 5, 4, 2]", "('leaky_relu', [0.25])", "'cross_entropy'", "'float32'", "7"):
        assert part in shown


def test_repr_of_a_layer_makes_one_like_it() -> None:
    for part in (*make(), foxnn.layer(4, 3, ("elu", 0.5)), foxnn.layer(2, 2, "softmax")):
        again = eval(repr(part), {"layer": foxnn.layer})
        assert repr(again) == repr(part)
        assert (again.get_N_w(), again.get_N_n()) == (part.get_N_w(), part.get_N_n())
    assert repr(foxnn.layer(4, 3, ("elu", 0.5))) == "layer(4, 3, ('elu', [0.5]))"


def test_repr_of_the_settings_names_each() -> None:
    settings = make().settings
    settings.n_threads = 7
    settings.settings_optimization.adam.set_betta_1(0.125)
    shown = repr(settings)
    for part in ("n_threads=7", "mode='SGD'", "adam.betta_1=0.125", *(f"{n}=" for n in SETTINGS)):
        assert part in shown


def test_repr_of_train_data() -> None:
    data = foxnn.train_data()
    assert repr(data) == "train_data(0 samples)"
    for count in (1, 2):
        data.add_data([1, 2, 3], [1, 0])
        assert repr(data) == f"train_data({count} samples, 3 inputs, 2 outputs)"


# Mutation


def distance_from_uniform(values: np.ndarray) -> float:
    """Return the Kolmogorov-Smirnov statistic of values against the even law from -1 to 1."""
    ordered, count = np.sort(values), len(values)
    law = (ordered + 1) / 2
    above = np.arange(1, count + 1) / count - law
    below = law - np.arange(count) / count
    return float(max(above.max(), below.max())) * float(np.sqrt(count))


def assert_even(values: np.ndarray) -> None:
    """Check that values are drawn evenly from -1 to 1: their range, their mean, and their law."""
    assert len(values) > 99_000
    assert np.abs(values).max() <= 1
    # The law's standard deviation is 1 / sqrt(3); the seeds are fixed, so nothing here is chance.
    assert abs(values.mean()) < 4 / np.sqrt(3 * len(values))
    # Beyond 1.63 is one case in a hundred.
    assert distance_from_uniform(values) < 1.63


def test_the_check_of_even_numbers_can_fail() -> None:
    even = np.random.default_rng(1).uniform(-1, 1, 100_000)
    assert_even(even)
    for wrong in (even * 1.001, even * 0.98, even + 0.01, np.sign(even) * even**2, np.sin(even)):
        with pytest.raises(AssertionError):
            assert_even(wrong)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("speed", [0.5, 3.0, -2.0])
def test_random_mutation(speed: float, dtype: str) -> None:
    nn = foxnn.neural_network([333, 300, 1], dtype=dtype, init="zeros", seed=1)
    nn.random_mutation(speed)
    assert_even(parameters(nn).astype(np.float64) / speed)
    assert_even(nn[0].weights.ravel().astype(np.float64) / speed)
    # A float32 from -1 to 1 is one of some 2^24, so of 10^5 a few are drawn twice.
    assert np.unique(parameters(nn)).size > 0.99 * parameters(nn).size


def test_random_mutation_adds() -> None:
    nn = foxnn.neural_network([6, 5], dtype="float64", init="zeros", seed=1)
    nn.random_mutation(1)
    first = nn[0].weights
    nn = foxnn.neural_network([6, 5], dtype="float64", init="zeros", seed=1)
    nn[0].weights = np.full((6, 5), 8.0)
    nn.random_mutation(1)
    assert_within(nn[0].weights - 8.0, first, 1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("speed", [0.5, 3.0, -2.0])
def test_smart_mutation(speed: float, dtype: str) -> None:
    nn = foxnn.neural_network([333, 300, 1], dtype=dtype, seed=1)
    nn[0].bias = np.linspace(-4, 4, 300)
    before = parameters(nn).astype(np.float64)
    nn.smart_mutation(speed)
    after = parameters(nn).astype(np.float64)
    allowed = np.abs(before * speed)
    rounding = 4 * np.finfo(dtype).eps * (np.abs(before) + allowed)
    assert (np.abs(after - before) <= allowed + rounding).all()
    moved = before != 0
    assert (after[~moved] == 0).all()
    relative = (after - before)[moved] / allowed[moved]
    assert_even(np.clip(relative, -1, 1))


@pytest.mark.parametrize("kind", ["random_mutation", "smart_mutation"])
def test_mutation_is_the_same_with_any_n_threads(kind: str) -> None:
    found = set()
    for n_threads in (0, 1, 2, 3):
        nn = foxnn.neural_network([333, 300, 1], seed=1)
        nn.settings.n_threads = n_threads
        getattr(nn, kind)(0.5)
        found.add(bits(nn))
    assert len(found) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["random_mutation", "smart_mutation"])
def test_mutation_can_be_repeated(kind: str, dtype: str) -> None:
    def mutated(seed: int, times: int) -> list[float]:
        nn = foxnn.neural_network([6, 5], dtype=dtype, seed=seed)
        nn[0].weights = np.ones((6, 5))
        for _ in range(times):
            getattr(nn, kind)(0.5)
        return nn[0].weights.ravel().tolist()

    assert mutated(1, 2) == mutated(1, 2)
    assert mutated(1, 1) != mutated(2, 1)
    first, second = np.array(mutated(1, 1)), np.array(mutated(1, 2))
    again = second - first if kind == "random_mutation" else second / first - 1
    assert np.abs((first - 1) - again).max() > 0.1


@pytest.mark.parametrize("kind", ["random_mutation", "smart_mutation"])
def test_mutation_by_0_changes_nothing(kind: str) -> None:
    nn = make()
    before = bits(nn)
    getattr(nn, kind)(0)
    assert bits(nn) == before


def test_mutation_never_leaves_an_infinity() -> None:
    """The speed is a number of float64 that a float32 cannot hold."""
    nn = make(dtype="float32")
    before = bits(nn)
    with pytest.raises(ValueError, match="finite"):
        nn.random_mutation(1e300)
    assert bits(nn) == before


# train_data


def rows(data: foxnn.train_data) -> list[tuple[list[float], list[float]]]:
    samples = (data.get(i) for i in range(data.size()))
    return [(sample.input.tolist(), sample.out.tolist()) for sample in samples]


ROWS = [([1, 2, 3], [1, 0]), ([4, 5, 6], [0, 1]), ([7, 8, 9.5], [1, 1])]
X, Y = [x for x, _ in ROWS], [y for _, y in ROWS]


def test_add_data_takes_a_sample() -> None:
    data = foxnn.train_data()
    assert (data.size(), len(data)) == (0, 0)
    data.add_data([1, 2, 3], [1, 0])
    data.add_data(np.array([4, 5, 6], np.uint8), (0, 1))
    data.add_data(input=np.float32([7, 8, 9.5]), out=np.ones(2))
    assert rows(data) == ROWS
    assert (data.size(), len(data)) == (3, 3)


@pytest.mark.parametrize("as_given", [list, np.array, np.asfortranarray])
def test_add_data_takes_several(as_given: Any) -> None:
    data = foxnn.train_data()
    data.add_data(as_given(X), as_given(Y))
    data.add_data(as_given(X[:1]), as_given(Y[:1]))
    assert rows(data) == [*ROWS, ROWS[0]]


def test_add_data_takes_another_train_data() -> None:
    data, other = foxnn.train_data(), foxnn.train_data(X, Y)
    data.add_data(other)
    data.add_data(other)
    data.add_data(foxnn.train_data())
    assert rows(data) == ROWS * 2
    assert rows(other) == ROWS
    data.add_data(data)
    assert rows(data) == ROWS * 4


def test_add_data_keeps_every_number() -> None:
    """Also where the first samples were of a narrower type."""
    data = foxnn.train_data(np.ones((1, 1), np.uint8), np.ones((1, 1), np.float32))
    data.add_data([0.1], [1e300])
    data.add_data([300], [-1])
    assert rows(data) == [([1], [1]), ([0.1], [1e300]), ([300], [-1])]


def test_many_samples_one_by_one() -> None:
    data = foxnn.train_data()
    for i in range(1000):
        data.add_data([i, -i], [2 * i])
    assert rows(data) == [([i, -i], [2 * i]) for i in range(1000)]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_arrays_are_used_in_place(kind: type) -> None:
    x, y = np.array(X).astype(kind), np.array(Y).astype(kind)
    data = foxnn.train_data(x, y)
    for i in range(3):
        assert np.shares_memory(data.get(i).input, x)
        assert np.shares_memory(data.get(i).out, y)
    x[1, 1] = 77
    assert data.get(1).input.tolist() == [4, 77, 6]
    assert np.shares_memory(data.get_first_n(2).get(1).input, x)


# How much memory the data take, by counts of bytes


def memory(work: Callable[[], object]) -> tuple[int, int]:
    """Return the bytes that work leaves taken, and those that it took beyond them on the way."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = work()
        after, peak = tracemalloc.get_traced_memory()
        del kept
        return after - before, peak - after
    finally:
        tracemalloc.stop()


MANY = 60_000


def many(kind: Any, order: Any = "C") -> tuple[np.ndarray, np.ndarray]:
    numbers = np.arange(MANY * 20).reshape(MANY, 20) % 251
    return numbers.astype(kind, order=order), numbers[:, :4].astype(kind, order=order)


def added(x: Any, y: Any) -> foxnn.train_data:
    data = foxnn.train_data()
    data.add_data(x, y)
    return data


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, np.int64, bool])
def test_adding_arrays_is_one_copy(kind: type, order: Any) -> None:
    x, y = many(kind, order)
    taken, beyond = memory(lambda: added(x, y))
    size = 8 if kind is np.int64 else x.itemsize
    assert taken == pytest.approx(24 * MANY * size, rel=0.01)
    assert beyond < 0.02 * taken
    data = added(x, y)
    for i in (0, 1, MANY - 1):
        assert data.get(i).input.tolist() == x[i].tolist()
        assert data.get(i).out.tolist() == y[i].tolist()
        assert not np.shares_memory(data.get(i).input, x)
        assert not np.shares_memory(data.get(i).out, y)
    assert data.get(0).input.dtype == {np.int64: np.float64, bool: np.uint8}.get(kind, kind)


def test_adding_parts_of_wider_arrays_is_one_copy() -> None:
    wide, y = many(np.float64)
    for part in (slice(2, 7), slice(0, 20, 2), slice(None, None, -1), slice(3, 4)):
        x = wide[:, part]
        taken, beyond = memory(lambda x=x: added(x, y))
        assert taken == pytest.approx(x.nbytes + y.nbytes, rel=0.01)
        assert beyond < 0.02 * taken
        assert not np.shares_memory(added(x, y).get(0).input, wide)
        assert added(x, y).get(MANY - 1).input.tolist() == x[-1].tolist()


@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_adding_lists_makes_one_array_of_them(kind: type) -> None:
    x, y = (array.tolist() for array in many(kind))
    taken, beyond = memory(lambda: added(x, y))
    assert taken == pytest.approx(24 * MANY * 8, rel=0.01)
    # numpy.array itself takes 32 bytes a row on the way. Whole numbers come to it as int64, and
    # are converted one array after the other.
    assert beyond < 40 * MANY + (0.02 if kind is np.float64 else 0.7) * taken
    x[0][0] = 77
    assert added(x, y).get(0).input[0] == 77


def test_what_was_added_does_not_follow_the_arrays() -> None:
    x, y = np.array(X), np.array(Y, np.float32)
    for given in (x, x[::-1], x[:, ::-1], [x[0], x[1], x[2]], (*x,)):
        data, before = added(given, y), np.array(given).tolist()
        for array in (x, y):
            array += 1
        assert [sample.input.tolist() for sample in map(data.get, range(3))] == before
        assert data.get(0).out.tolist() == (y[0] - 1).tolist()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_arrays_in_place_take_no_memory(kind: type) -> None:
    x, y = many(kind)
    taken, beyond = memory(lambda: foxnn.train_data(x, y))
    assert taken + beyond < 20_000


def test_arrays_in_place_are_kept_alive() -> None:
    x, y = many(np.float32)
    watched, expected = [weakref.ref(x), weakref.ref(y)], (x[5].tolist(), y[5].tolist())
    data = foxnn.train_data(x, y)
    del x, y
    assert all(reference() is not None for reference in watched)
    assert (data.get(5).input.tolist(), data.get(5).out.tolist()) == expected
    sample = data.get(5)
    del data
    assert sample.input.tolist() == expected[0]
    del sample
    assert all(reference() is None for reference in watched)


def test_a_sample_is_a_view() -> None:
    data = foxnn.train_data(*many(np.float64))
    taken, beyond = memory(lambda: data.get(MANY // 2))
    assert taken + beyond < 5_000
    assert np.shares_memory(data.get(7).input, data.get_first_n(8).get(7).input)


def test_samples_added_one_by_one_are_moved_seldom() -> None:
    """Each time to half as much room again, so that a sample costs a constant time in the mean."""
    data, rooms = foxnn.train_data(), []
    for i in range(10_000):
        data.add_data([i, -i], [2 * i])
        room = data.get(0).input.base.shape[0]
        if not rooms or room != rooms[-1]:
            rooms.append(room)
        assert i < room <= max(16, 3 * (i + 1) // 2)
    moves = [last for first, last in itertools.pairwise(rooms) if last < 1.4 * first]
    assert (moves, len(rooms) < 20) == ([], True)


def test_samples_added_one_by_one_take_what_their_numbers_need() -> None:
    def one_by_one() -> foxnn.train_data:
        data = foxnn.train_data()
        for sample in samples:
            data.add_data(sample, sample[:2])
        data.shrink_to_fit()
        return data

    for kind in (np.float32, np.uint8):
        samples = np.ones((2_000, 100), kind)
        taken, beyond = memory(one_by_one)
        assert taken == pytest.approx(2_000 * 102 * samples.itemsize, rel=0.02)
        # On the way there are the old room and the new, half as large again.
        assert beyond < 2 * taken


def test_adding_leaves_the_callers_arrays_alone() -> None:
    x, y = np.array(X, np.float64), np.array(Y, np.float64)
    data = foxnn.train_data(x, y)
    data.add_data([0, 0, 0], [0, 0])
    assert not np.shares_memory(data.get(0).input, x)
    data.add_data([1, 1, 1], [1, 1])
    assert (x.tolist(), y.tolist()) == (X, Y)
    assert rows(data) == [*ROWS, ([0, 0, 0], [0, 0]), ([1, 1, 1], [1, 1])]
    part = foxnn.train_data(x, y).get_first_n(1)
    part.add_data([5, 5, 5], [5, 5])
    assert (x.tolist(), y.tolist()) == (X, Y)


def test_a_sample_is_read_only() -> None:
    x, y = np.array(X), np.array(Y, np.float64)
    data = foxnn.train_data(x, y)
    for array in (*data.get(0), data.get(2).input, data.get(-1).out):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    assert x.flags.writeable
    assert y.flags.writeable
    with pytest.raises(AttributeError):
        data.get(0).input = x[1]  # type: ignore[misc]


def test_get_by_number() -> None:
    data = foxnn.train_data(X, Y)
    assert data.get(-1).input.tolist() == X[2]
    for i in (3, -4, 10**30):
        with pytest.raises(IndexError):
            data.get(i)
    with pytest.raises(IndexError):
        foxnn.train_data().get(0)


def test_get_first_n() -> None:
    data = foxnn.train_data(X, Y)
    for n in range(6):
        assert rows(data.get_first_n(n)) == ROWS[:n]
    assert rows(data) == ROWS


@pytest.mark.parametrize("n", [1, 4, 9])
def test_get_part(n: int) -> None:
    x = np.arange(10.0)[:, None]
    data = foxnn.train_data(x, 2 * x)
    part = data.get_part(n, seed=1)
    found = rows(part)
    assert part.size() == n == len({sample[0][0] for sample in found})
    assert all(out == [2 * value[0]] for value, out in found)
    assert rows(data.get_part(n, seed=1)) == found
    assert any(rows(data.get_part(n, seed=seed)) != found for seed in range(2, 9))
    assert [sample[0] for sample in rows(data)] == x.tolist()


@pytest.mark.parametrize("n", [0, 3, 4, 1000])
def test_get_part_of_all(n: int) -> None:
    data = foxnn.train_data(X, Y)
    assert sorted(rows(data.get_part(n))) == ROWS


def test_reserve_makes_room_once() -> None:
    data = foxnn.train_data()
    data.reserve(100)
    data.add_data([0, 0], [0])
    data.reserve(1000)
    first = data.get(0).input
    for i in range(1, 1000):
        data.add_data([i, i], [i])
    assert np.shares_memory(first, data.get(0).input)
    assert rows(data)[999] == ([999, 999], [999])


def test_reserve_keeps_the_samples() -> None:
    data = foxnn.train_data(X, Y)
    for n in (0, 2, 3, 50):
        data.reserve(n)
        assert rows(data) == ROWS


def test_shrink_to_fit_gives_room_back() -> None:
    data = foxnn.train_data()
    data.shrink_to_fit()
    data.add_data(X, Y)
    data.reserve(1000)
    assert data.get(0).input.base.shape == (1000, 3)
    data.shrink_to_fit()
    assert data.get(0).input.base.shape == (3, 3)
    assert rows(data) == ROWS
    data.add_data([0, 0, 0], [0, 0])
    assert rows(data) == [*ROWS, ([0, 0, 0], [0, 0])]


def test_room_does_not_come_into_the_training() -> None:
    tight, roomy = samples(), foxnn.train_data()
    roomy.add_data(tight)
    roomy.reserve(500)
    found = []
    for data in (tight, roomy):
        nn = make()
        nn.train(data, 0.1, 9, 4)
        found.append((bits(nn), nn.testing(data)))
    assert found[0] == found[1]


@pytest.mark.usefixtures("own_folder")
def test_auto_save_says_before_the_training_what_it_could_not_write() -> None:
    nn = foxnn.neural_network([3, 4, 1], "tanh", seed=1)
    nn.output_scaler = foxnn.Scaler().fit(small_runs.COLUMN)
    nn.settings.auto_save_name_file, nn.settings.auto_save_iteration = "auto.txt", 2
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match="output_scaler only for identity_x"):
        nn.train(foxnn.train_data(small_runs.ROWS, small_runs.COLUMN), 0.001, 5)
    assert parameters(nn).tobytes() == before


def test_the_rate_of_train_is_its_speed() -> None:
    data = foxnn.train_data(small_runs.FEW, small_runs.ONE_HOT)
    for speed in (1e308, 1e-320):
        with pytest.raises(ValueError, match=r"^speed must be from"):
            small_runs.few().train(data, speed, 1)


def test_sequences_and_pictures_are_no_train_data() -> None:
    ragged = [np.ones((4, 3)), np.ones((2, 3))]
    for x, shape in ((ragged, "samples of different shapes"), (np.ones((2, 4, 3)), "(2, 4, 3)")):
        with pytest.raises(ValueError, match=re.escape(f"got {shape}; fit takes sequences and")):
            foxnn.train_data(x, [[0.0], [1.0]])
    with pytest.raises(ValueError, match=r"x\[0\] has shape \(2,\), x\[1\] has shape \(1,\)"):
        foxnn.train_data([[1.0, 2.0], [1.0]], [[0.0], [1.0]])
