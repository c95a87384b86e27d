"""Populations: their members, what they answer, their parameters, copies and files."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from small_runs import LABELS, X, Y
from test_population_fit import check, classifiers, one_alone, regressions


def trained(count: int = 3) -> foxnn.population:
    pop = regressions(count)
    pop.fit(X, Y, epochs=1, learning_rate=np.linspace(0.01, 0.1, count), scale="standard")
    return pop


def test_members_are_the_networks_of_their_seeds() -> None:
    pop = foxnn.population(3, [4, 8, 2], "tanh", "identity", dtype="float64", seed=2**64 - 2)
    assert pop.seeds == [2**64 - 2, 2**64 - 1, 0]
    for i, seed in enumerate(pop.seeds):
        nn = foxnn.neural_network([4, 8, 2], "tanh", "identity", dtype="float64", seed=seed)
        check(pop[i], nn)
    assert foxnn.population(2, [4, 2]).seeds != foxnn.population(2, [4, 2]).seeds


def test_a_population_is_a_list_of_copies() -> None:
    pop = regressions(5)
    assert len(pop) == 5
    assert len(list(pop)) == 5
    nn = pop[3]
    nn[0].weights = np.zeros((4, 8))
    assert pop[3][0].weights.any()
    pop[-2] = nn
    assert not pop[3][0].weights.any()
    assert pop[2][0].weights.any()
    nn[0].weights = np.ones((4, 8))
    assert not pop[3][0].weights.any()
    some = pop[1:4]
    assert isinstance(some, foxnn.population)
    assert some.seeds == [6, 7, 8]
    assert pop[::-2].seeds == [9, 7, 5]
    some.parameters = np.zeros_like(some.parameters)
    assert pop.parameters[1].any()
    for wrong in (5, -6):
        with pytest.raises(IndexError, match="i must be a member from 0 to 4"):
            pop[wrong]
    with pytest.raises(ValueError, match="a population needs at least one member"):
        pop[3:3]


def test_a_copy_of_a_member_can_do_what_a_network_can() -> None:
    nn, alone = foxnn.population(2, [4, 8, 2], seed=1)[0], foxnn.neural_network([4, 8, 2], seed=1)
    assert vars(nn).keys() == vars(alone).keys()
    found, wanted = (one.backward(X, np.ones((len(X), 2))) for one in (nn, alone))
    np.testing.assert_array_equal(found, wanted)
    assert nn.train_on_batch(X, Y) == alone.train_on_batch(X, Y)


def test_a_population_of_networks_copies_them() -> None:
    networks = [one_alone(i) for i in (4, 1, 1)]
    networks[0].fit(X, Y, epochs=1)
    pop = foxnn.population(networks)
    for member, nn in zip(pop, networks, strict=True):
        check(member, nn)
    networks[0].fit(X, Y, epochs=1)
    assert pop[0]._steps() == 2
    again = foxnn.population(pop)
    assert again.parameters.tobytes() == pop.parameters.tobytes()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"sizes": [4, 9, 2]}, r"count\[1\] must have the same layers"),
        ({"sizes": [5, 8, 2]}, r"count\[1\] must have the same inputs"),
        ({"activation": "relu"}, r"count\[1\] must have the same layers"),
        ({"dtype": "float64"}, r"count\[1\] must have the same dtype"),
        ({"loss": "huber"}, r"count\[1\] must have the same loss"),
    ],
)
def test_networks_of_different_layers_are_refused(other: dict[str, Any], message: str) -> None:
    given = {"sizes": [4, 8, 2], "activation": "tanh", "output_activation": "identity", "seed": 1}
    networks = [foxnn.neural_network(**given), foxnn.neural_network(**given | other)]
    with pytest.raises(ValueError, match=message):
        foxnn.population(networks)
    pop = foxnn.population(networks[:1] * 2)
    before = pop.parameters.tobytes()
    with pytest.raises(ValueError, match="network must have the same"):
        pop[1] = networks[1]
    assert pop.parameters.tobytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, [4, 2]), "count must be an integer from 1"),
        ((2.5, [4, 2]), "count must be an integer"),
        (([],), "count must be at least one network"),
        ((["net"],), r"count\[0\] must be a neural_network"),
        ((None,), "count must be a number of members, a list of networks or the name of a file"),
        ((3,), "count must be networks or the name of a file where sizes are missing"),
        (("net.txt",), "count must be the name of a .safetensors file"),
        ((regressions(2), [4, 2]), "sizes must be left out"),
        ((2, [4]), "sizes must"),
    ],
)
def test_wrong_members_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        foxnn.population(*arguments)
    with pytest.raises(TypeError, match="activation"):
        foxnn.population(2, [3, 1], activaton="tanh")  # type: ignore[arg-type]


def test_members_beyond_the_memory_are_refused_before_they_are_made() -> None:
    for dtype, size in (("float32", "3.73e.03"), ("float64", "7.46e.03")):
        with pytest.raises(MemoryError, match=f"1000000 members of 1001000 parameters take {size}"):
            foxnn.population(10**6, [1000, 1000], dtype=dtype)
    assert len(foxnn.population(2, [1000, 1000])) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[4, 16, 2], [4, 64, 64, 2]])
def test_outputs_are_those_of_each_member(sizes: list[int], dtype: str) -> None:
    pop = foxnn.population(20, sizes, "tanh", seed=1, dtype=dtype)
    x = X.astype(dtype)
    out = pop.get_out(x)
    assert out.shape == (20, 60, 2)
    assert out.dtype == dtype
    own = np.stack([np.roll(x, i, axis=0) for i in range(20)])
    each, first, one = (
        pop.get_out(own, each=True),
        pop.get_out(own[:, 0], each=True),
        pop.get_out(x[0]),
    )
    for i, nn in enumerate(pop):
        assert out[i].tobytes() == nn.predict(x).tobytes()
        assert each[i].tobytes() == nn.predict(own[i]).tobytes()
        assert first[i].tobytes() == nn.get_out(own[i, 0]).tobytes()
        assert one[i].tobytes() == nn.get_out(x[0]).tobytes()
    assert pop.get_out(own[:, 0].tolist(), each=True).tobytes() == first.tobytes()
    assert pop.get_out(np.asfortranarray(own[:, 0]), each=True).tobytes() == first.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("count", "layers"),
    [
        (20, [4, 16, 2]),
        (32, [4, 16, 2]),  # two whole groups in lanes
        (3, [4, 16, 2]),
        (32, [4, foxnn.Dense(3, "relu"), foxnn.Dense(5, "softmax")]),
        (20, [4, 16, foxnn.LayerNorm(), 2]),  # which lanes do not take
    ],
)
@pytest.mark.parametrize("is_scaled", [False, True])
def test_samples_of_each_member_lie_in_any_order(
    count: int, layers: list[Any], dtype: str, is_scaled: bool
) -> None:
    pop = foxnn.population(count, layers, "tanh", dtype=dtype, seed=1)
    if is_scaled:
        pop.fit(X, np.full((60, pop.sizes[-1]), 0.5), epochs=1, scale="standard")
    x = np.random.default_rng(0).normal(size=(count, 4)).astype(dtype)
    wanted = pop.get_out(x, each=True)
    for i, nn in enumerate(pop):
        assert wanted[i].tobytes() == nn.get_out(x[i]).tobytes()
    wide = np.zeros((count, 8), dtype)
    wide[:, ::2] = x
    tall = np.zeros((4, 2 * count), dtype)
    tall[:, 1::2] = x.T
    orders = {
        "columns": np.asfortranarray(x),
        "columns of another type": np.asfortranarray(x.astype(np.float64)),
        "every second column": wide[:, ::2],
        "every second row": tall.T[1::2],
        "backwards": np.ascontiguousarray(x[::-1])[::-1],
        "columns backwards": np.ascontiguousarray(x[:, ::-1])[:, ::-1],
        "frozen": np.asfortranarray(x),
    }
    orders["frozen"].flags.writeable = False
    for name, given in orders.items():
        before = given.copy()
        assert pop.get_out(given, each=True).tobytes() == wanted.tobytes(), name
        assert np.array_equal(given, before)
    shared = np.broadcast_to(x[0], x.shape)
    for given in (shared, np.broadcast_to(x[:1].T, (4, count)).T):
        assert pop.get_out(given, each=True).tobytes() == pop.get_out(x[0]).tobytes()
    repeated = np.broadcast_to(x[:, :1], x.shape)  # one number of each member for all columns
    assert (
        pop.get_out(repeated, each=True).tobytes()
        == pop.get_out(repeated.copy(), each=True).tobytes()
    )
    column = np.asfortranarray(x)
    column[-1, 2] = np.nan
    with pytest.raises(ValueError, match="x must be finite"):
        pop.get_out(column, each=True)
    assert pop.get_out(np.asfortranarray(x), each=True).tobytes() == wanted.tobytes()


def test_answers_follow_every_change_of_a_member() -> None:
    pop, other = (foxnn.population(40, [4, 16, 2], "tanh", seed=seed) for seed in (1, 100))
    x = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    before: list[bytes] = []

    def check_answers() -> None:
        found = pop.get_out(x, each=True)
        for i, nn in enumerate(pop):
            assert found[i].tobytes() == nn.get_out(x[i]).tobytes()
        for _ in range(2):  # nothing has changed since
            assert pop.get_out(x, each=True).tobytes() == found.tobytes()
        assert found.tobytes() not in before
        before.append(found.tobytes())

    rule = foxnn.evolution.Genetic(seed=3)
    changes = [
        lambda: None,
        lambda: setattr(pop, "parameters", pop.parameters + np.float32(0.5)),
        lambda: pop.fit(X, np.zeros((60, 2)), epochs=1),
        lambda: pop.fit(X, np.zeros((60, 2)), epochs=1, scale="standard"),
        lambda: pop.__setitem__(39, foxnn.neural_network([4, 16, 2], "tanh", seed=7)),
        lambda: (rule.ask(pop), rule.tell(np.arange(40.0)), rule.ask(pop)),
    ]
    for change in changes:
        change()
        check_answers()
    for change in changes[1:3]:
        # Another population is asked, and changed, in between: it does not take the change away.
        other.get_out(x, each=True)
        change()
        other.get_out(x, each=True)
        other.parameters = -other.parameters
        other.get_out(x, each=True)
        check_answers()
        # Nor do answers that are refused.
        change()
        with pytest.raises(ValueError, match="x must be finite"):
            pop.get_out(np.full((40, 4), np.inf, np.float32), each=True)
        check_answers()


def test_outputs_are_those_of_scaled_members_and_of_images() -> None:
    pop = trained()
    assert pop.get_out(X)[1].tobytes() == pop[1].predict(X).tobytes()
    layers = [(4, 4, 1), foxnn.Conv2D(3, 2), 2]
    images = np.arange(96).reshape(6, 4, 4, 1) / 96
    pop = foxnn.population(2, layers, seed=1)
    assert pop.get_out(images).shape == (2, 6, 2)
    assert pop.get_out(images[0]).shape == (2, 2)
    each = pop.get_out(images[:2], each=True)
    assert each.tobytes() == np.stack([pop[i].get_out(images[i]) for i in range(2)]).tobytes()
    assert pop.get_out(images.reshape(2, 3, 4, 4, 1), each=True).shape == (2, 3, 2)


@pytest.mark.parametrize(
    ("x", "each", "message"),
    [
        (np.ones((3, 5)), True, r"x must have shape \(3, 4\) or \(3, samples, 4\)"),
        (np.ones((2, 4)), True, r"x must have shape \(3, 4\)"),
        (np.full((3, 4), np.nan), True, "x must be finite"),
        (np.full((3, 4), np.inf), False, "x must be finite"),
        (np.ones(5), False, "x must have 4 inputs"),
        (np.ones((7, 5)), False, "x must have"),
        (np.ones(4), 2, "each must be"),
    ],
)
def test_wrong_samples_are_refused(x: Any, each: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        regressions(3).get_out(x, each)


def test_the_mean_and_the_spread_are_those_of_the_members() -> None:
    pop = trained(4)
    out = np.stack([nn.predict(X) for nn in pop]).astype(np.float64)
    mean, deviation = pop.predict(X, spread=True)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, out.mean(axis=0), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(deviation, out.std(axis=0), rtol=1e-6, atol=1e-7)
    assert pop.predict(X).tobytes() == mean.tobytes()
    x = [np.ones((n, 3)) for n in (2, 4)]
    layers = [(None, 3), foxnn.GRU(2, return_sequences=True)]
    means, spreads = foxnn.population(3, layers, seed=1).predict(x, spread=True)
    assert [m.shape for m in means] == [(2, 2), (4, 2)] == [s.shape for s in spreads]


def test_evaluations_are_those_of_each_member() -> None:
    pop = classifiers()
    pop.fit(X, np.array(["u", "v", "w"])[LABELS], epochs=1)
    names, weights = np.array(["u", "v", "w"])[LABELS], np.linspace(0, 1, 60)
    found = pop.evaluate(X, names, weights, metrics=("f1", "auc"))
    for i, nn in enumerate(pop):
        wanted = nn.evaluate(X, names, weights, metrics=("f1", "auc"))
        assert {name: float(values[i]) for name, values in found.items()} == wanted
    with pytest.raises(ValueError, match="labels in y must be among the classes"):
        pop.evaluate(X, ["x"] * 60)


def test_parameters_are_read_and_set() -> None:
    pop = regressions(3)
    values = pop.parameters
    assert values.shape == (3, 58)
    assert values.dtype == np.float32
    for i, nn in enumerate(pop):
        parts = [array for layer in nn for array in layer.arrays.values()]
        assert values[i].tobytes() == np.concatenate([p.reshape(-1) for p in parts]).tobytes()
    pop.parameters = values.astype(np.float64) * 2
    assert (pop.parameters == 2 * values).all()
    assert (values == pop.parameters / 2).all()
    before = pop.parameters.tobytes()
    for wrong, message in (
        (values[:2], r"parameters must have shape \(3, 58\)"),
        (values[:, :-1], r"parameters must have shape \(3, 58\)"),
        (np.full((3, 58), np.nan), "parameters must be finite"),
        (np.full((3, 58), 1e300), "parameters must be finite in float32"),
        ("many", "parameters must"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            pop.parameters = wrong
    assert pop.parameters.tobytes() == before


@pytest.mark.parametrize("threads", [1, 2, 0])
def test_parameters_are_the_same_on_any_number_of_threads(threads: int) -> None:
    pop = foxnn.population(500, [4, 16, 2], "tanh", seed=1)
    pop.settings.n_threads = threads
    found = pop.parameters
    for i in (0, 31, 32, 499):
        own = np.concatenate([a.reshape(-1) for part in pop[i] for a in part.arrays.values()])
        assert found[i].tobytes() == own.tobytes()
    wanted = np.random.default_rng(0).normal(size=found.shape).astype(np.float32)
    pop.parameters = wanted
    assert pop.parameters.tobytes() == wanted.tobytes()


def test_running_means_are_no_parameters() -> None:
    pop = foxnn.population(2, [3, foxnn.BatchNorm(), 1], seed=1)
    assert pop.parameters.shape == (2, 6 + 4)


def copies(pop: foxnn.population, tmp_path: Path) -> list[foxnn.population]:
    path = tmp_path / "pop.safetensors"
    pop.save(path)
    return [copy.deepcopy(pop), pickle.loads(pickle.dumps(pop)), foxnn.population(path), pop[:]]


def test_copies_pickles_and_files_hold_everything(tmp_path: Path) -> None:
    pop = trained()
    fresh = one_alone(7)
    for part in ("input_scaler", "output_scaler"):
        setattr(fresh, part, getattr(pop[0], part))
    pop[1] = fresh  # has no moments
    pop.settings.n_threads = 1
    for made in copies(pop, tmp_path):
        assert made.settings.n_threads == 1
        assert made.seeds == [5, 12, 7]
        for i in range(3):
            check(made[i], pop[i])
        made.fit(X, Y, epochs=1)
    for i, nn in enumerate(pop):
        nn.fit(X, Y, epochs=1)
        check(made[i], nn)


def test_some_members_may_have_scalers(tmp_path: Path) -> None:
    pop = regressions(3)
    scaled = one_alone(1)
    scaled.fit(X, Y, 1, scale="standard")
    pop[1] = scaled
    for made in copies(pop, tmp_path):
        for i in range(3):
            check(made[i], pop[i])


def test_notes_are_those_of_each_member(tmp_path: Path) -> None:
    pop = regressions(2)
    noted = one_alone(0)
    noted.notes = {"from": "elsewhere"}
    pop[1] = noted
    for made in copies(pop, tmp_path):
        assert [nn.notes for nn in made] == [{}, {"from": "elsewhere"}]


def test_frozen_layers_stay_as_they_are(tmp_path: Path) -> None:
    networks = [one_alone(i) for i in range(2)]
    for nn in networks:
        nn[0].trainable = False
    pop = foxnn.population(networks)
    pop.fit(X, Y, epochs=1)
    for made in copies(pop, tmp_path):
        for i, nn in enumerate(networks):
            assert not made[i][0].trainable
            assert (made[i][0].weights == nn[0].weights).all()
            assert (made[i][1].weights != nn[1].weights).any()
    with pytest.raises(ValueError, match="network must have the same layers"):
        pop[0] = one_alone(0)


def test_layers_of_every_kind_are_saved(tmp_path: Path) -> None:
    from every_kind import of_every_kind

    pop = foxnn.population([of_every_kind(seed=seed) for seed in (1, 2)])
    for made in copies(pop, tmp_path):
        for i in range(2):
            check(made[i], pop[i])


def test_files_of_networks_and_populations_are_told_apart(tmp_path: Path) -> None:
    one, many = tmp_path / "nn.safetensors", tmp_path / "pop.safetensors"
    one_alone(0).save(one)
    regressions(2).save(many)
    with pytest.raises(foxnn.FileFormatError, match="expected a population, got a network"):
        foxnn.population(one)
    with pytest.raises(foxnn.FileFormatError, match=r"a population.*foxnn\.population reads it"):
        foxnn.neural_network(many)
    with pytest.raises(foxnn.FileFormatError, match="got a population without a run"):
        foxnn.resume(many, X, Y)
    with pytest.raises(ValueError, match="name_file must be the name of a"):
        regressions(2).save(tmp_path / "pop.txt")
    with pytest.raises(FileNotFoundError):
        foxnn.population(tmp_path / "none.safetensors")


def test_it_shows_itself(capsys: pytest.CaptureFixture[str]) -> None:
    pop = regressions(3)
    assert repr(pop).startswith("population(3, neural_network([4, 8, 2], ")
    pop.summary()
    assert "3 members, 58 parameters each, 174 together (696 bytes)" in capsys.readouterr().out
    assert "<table" in pop._repr_html_()
    assert "3 members" in pop._repr_html_()
    history = pop.fit(X, Y, epochs=2)
    assert repr(history).startswith("PopulationHistory(3 members, 2 epochs; last: loss=")
    assert "<table" in history._repr_html_()
    with pytest.raises(IndexError, match="i must be a member"):
        history.of(3)


def test_settings_are_those_of_all_members() -> None:
    pop = regressions(2)
    pop.settings.correct_summation = True
    pop.settings.n_threads = 1
    nn = pop[1]
    assert nn.settings.correct_summation
    assert nn.settings.n_threads == 1
    alone = one_alone(1)
    alone.settings.correct_summation = True
    assert pop.get_out(X)[1].tobytes() == alone.predict(X).tobytes()


def test_a_population_that_trains_is_not_changed_by_others() -> None:
    pop = regressions(2)
    refused, began = [], threading.Event()

    def change() -> None:
        began.wait()
        for call in (
            lambda: setattr(pop, "parameters", pop.parameters),
            lambda: pop.__setitem__(0, one_alone(0)),
            lambda: pop.fit(X, Y),
        ):
            try:
                call()
            except RuntimeError:
                refused.append(True)
        refused.append(False)

    other = threading.Thread(target=change)
    other.start()

    def wait(epoch: int, logs: Any) -> None:
        began.set()
        end = time.monotonic() + 30
        while False not in refused and time.monotonic() < end:
            time.sleep(0.01)

    pop.fit(X, Y, epochs=1, callbacks=wait)
    other.join()
    assert refused == [True, True, True, False]


def test_only_a_population_that_is_made_can_be_used() -> None:
    pop = foxnn.population.__new__(foxnn.population)
    assert repr(pop) == "<population, not made>"
    for call in (lambda: len(pop), lambda: pop.get_out(X), lambda: pop.fit(X, Y)):
        with pytest.raises(TypeError, match="has not been made by its constructor"):
            call()
    made = regressions(2)
    with pytest.raises(TypeError, match="made already"):
        made.__init__(2, [4, 1])  # type: ignore[misc]
    assert made.sizes == [4, 8, 2]


def test_the_optimizer_is_reset() -> None:
    pop = trained(2)
    assert pop[0]._steps() > 0
    pop.reset_optimizer()
    assert [nn._steps() for nn in pop] == [0, 0]
