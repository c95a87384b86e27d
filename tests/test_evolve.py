"""`evolve`: its loop, what ends it, its checkpoints, and that errors leave the population whole."""

from __future__ import annotations

import _thread
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import evolution
from test_evolution import RULES, parabola, rule_of


def small(members: int = 8) -> foxnn.population:
    return foxnn.population(members, [2, 3], seed=1)


def test_a_generation_is_the_population_as_it_was_scored() -> None:
    pop, seen = small(), []
    history = pop.evolve(lambda pop: seen.append(pop.parameters) or parabola(pop), 4)
    np.testing.assert_array_equal(seen[0], small().parameters)
    np.testing.assert_array_equal(seen[-1], pop.parameters)
    np.testing.assert_array_equal(history.scores, parabola(pop))
    assert (history.generations, len(seen), list(history)) == (4, 4, ["best", "mean", "seconds"])
    best = [(-((p.astype(np.float64) - 1) ** 2).sum(axis=1)).max() for p in seen]
    assert history["best"].tolist() == best
    assert repr(history).startswith("EvolutionHistory(4 generations; last: best=-")


@pytest.mark.parametrize("name", RULES)
def test_by_hand_and_in_pieces_the_bits_are_the_same(name: str) -> None:
    whole, pieces, hand = small(), small(), small()
    whole.evolve(parabola, 6, rule_of(name))
    rule = rule_of(name)
    pieces.evolve(parabola, 2, rule)
    history = pieces.evolve(parabola, 4, rule)
    assert history is rule.history
    assert history.generations == rule.generation == 6
    by_hand = rule_of(name)
    for _ in range(6):
        by_hand.ask(hand)
        by_hand.ask(hand)
        by_hand.tell(parabola(hand))
    np.testing.assert_array_equal(pieces.parameters, whole.parameters)
    np.testing.assert_array_equal(hand.parameters, whole.parameters)


def test_callbacks_and_what_ends_an_evolution() -> None:
    class Watch:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def on_train_begin(self, pop: foxnn.population) -> None:
            self.seen.append(len(pop))

        def on_epoch_end(self, generation: int, logs: dict[str, Any]) -> bool:
            assert logs["best"] == logs["scores"].max()
            self.seen.append((generation, *sorted(logs)))
            return generation == 2

        def on_train_end(self, history: evolution.EvolutionHistory) -> None:
            self.seen.append(history.generations)

    watch = Watch()
    small().evolve(parabola, 50, callbacks=watch)
    logs = "best", "mean", "scores", "seconds"
    assert watch.seen == [8, *[(i, *logs) for i in range(3)], 3]
    history = small(100).evolve(parabola, 500, target=-0.5)
    assert history["best"][-1] >= -0.5 > history["best"][-2]
    assert small().evolve(parabola, 10**6, time_limit=0.05).generations < 10**5
    with pytest.raises(ValueError, match="callbacks must not have on_batch_end"):
        small().evolve(parabola, callbacks=type("B", (), {"on_batch_end": print})())


def test_a_bar_counts_generations(capfd: pytest.CaptureFixture[str]) -> None:
    small().evolve(parabola, 3, progress=True)
    shown = capfd.readouterr().err
    assert "3/3" in shown
    assert "best=" in shown
    assert "generation" in shown


# Errors


class Fails:
    """A fitness function that misbehaves in one generation."""

    def __init__(self, at: int, how: Any) -> None:
        self.at, self.how, self.calls = at, how, 0

    def __call__(self, pop: foxnn.population) -> Any:
        self.calls += 1
        return self.how(pop) if self.calls == self.at + 1 else parabola(pop)


def changed(pop: foxnn.population) -> Any:
    pop.parameters = pop.parameters + 1
    return np.zeros(len(pop))


def raised(pop: foxnn.population) -> Any:
    raise LookupError("no such level")


def interrupted(pop: foxnn.population) -> Any:
    _thread.interrupt_main()
    for _ in range(10**7):
        pass


MISBEHAVIOUR = [
    (
        lambda pop: np.zeros(7),
        ValueError,
        r"fitness must return .* 8 members, got .*\(7,\)",
    ),
    (lambda pop: [0.0] * 7 + [np.nan], ValueError, "fitness must return .*, got nan for member 7"),
    (lambda pop: None, TypeError, "fitness must return a finite number for each .* got None"),
    (changed, ValueError, "fitness must leave the members as they are"),
    (raised, LookupError, "no such level"),
    (lambda pop: next(iter(())), StopIteration, None),
    (interrupted, KeyboardInterrupt, None),
]


@pytest.mark.parametrize(("how", "kind", "said"), MISBEHAVIOUR)
@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("name", RULES)
def test_after_an_error_all_is_as_before(
    name: str, at: int, how: Any, kind: type[BaseException], said: str | None
) -> None:
    pop, twin, rule, other = small(), small(), rule_of(name), rule_of(name)
    with pytest.raises(kind, match=said):
        pop.evolve(Fails(at, how), 6, rule)
    assert rule.generation == at
    if at:
        twin.evolve(parabola, at, other)
    np.testing.assert_array_equal(pop.parameters, twin.parameters)
    pop.evolve(parabola, 6 - at, rule)
    twin.evolve(parabola, 6 - at, other)
    np.testing.assert_array_equal(pop.parameters, twin.parameters)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"fitness": 3}, TypeError, "fitness must be a function that takes the population, got 3"),
        ({"generations": 0}, ValueError, "generations must be an integer at least 1, got 0"),
        ({"rule": "genetic"}, TypeError, r"rule must be one of foxnn\.evolution, .* got 'genetic'"),
        ({"target": np.nan}, ValueError, "target must be .* got nan"),
        ({"checkpoint": "a.txt"}, ValueError, r"checkpoint must be .*\.safetensors"),
        ({"epochs": 3}, TypeError, "evolve has no argument 'epochs'"),
    ],
)
def test_wrong_arguments_are_named(given: dict[str, Any], kind: type, said: str) -> None:
    pop = small()
    kept = pop.parameters
    with pytest.raises(kind, match=said):
        pop.evolve(**{"fitness": parabola} | given)
    np.testing.assert_array_equal(pop.parameters, kept)


# Checkpoints


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_resumed_evolution_has_the_same_bits(name: str, dtype: str, tmp_path: Path) -> None:
    whole, broken = (foxnn.population(8, [2, 3], dtype=dtype, seed=1) for _ in range(2))
    history = whole.evolve(parabola, 7, rule_of(name))
    path = tmp_path / "run.safetensors"
    with pytest.raises(LookupError):
        broken.evolve(Fails(4, raised), 7, rule_of(name), checkpoint=path)
    pop, again = foxnn.resume(path, fitness=parabola)
    np.testing.assert_array_equal(pop.parameters, whole.parameters)
    for quantity in ("best", "mean"):
        np.testing.assert_array_equal(again[quantity], history[quantity])
    np.testing.assert_array_equal(again.scores, history.scores)
    longer, more = foxnn.resume(path, fitness=parabola, generations=9)
    assert more.generations == 9
    whole.evolve(parabola, 9, rule := rule_of(name), callbacks=lambda i, logs: False)
    assert rule.generation == 9
    fresh = foxnn.population(8, [2, 3], dtype=dtype, seed=1)
    fresh.evolve(parabola, 9, rule_of(name))
    np.testing.assert_array_equal(longer.parameters, fresh.parameters)


def test_checkpoints_are_written_as_often_as_told(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    seen = []

    def fitness(pop: foxnn.population) -> Any:
        seen.append(path.exists())
        return parabola(pop)

    pop = small()
    pop.evolve(fitness, 7, checkpoint=path, checkpoint_every=3)
    assert seen[:3] == [False] * 3
    assert seen[-1]
    pop, history = foxnn.resume(path, fitness=parabola)  # the last generation is in it
    assert history.generations == 7
    hour = datetime.timedelta(hours=1)
    small().evolve(fitness, 3, checkpoint=tmp_path / "b.safetensors", checkpoint_every=hour)
    assert foxnn.resume(tmp_path / "b.safetensors", fitness=parabola)[1].generations == 3


def test_an_evolution_that_reached_its_target_stays_ended(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    pop = small(100)
    history = pop.evolve(parabola, 500, target=-0.5, checkpoint=path)
    again, found = foxnn.resume(path, fitness=parabola)
    assert found.generations == history.generations < 500
    np.testing.assert_array_equal(again.parameters, pop.parameters)


def test_checkpoints_of_fit_and_of_evolve_are_told_apart(tmp_path: Path) -> None:
    fitted, evolved = tmp_path / "fit.safetensors", tmp_path / "evolve.safetensors"
    x, y = np.zeros((4, 2)), np.zeros((4, 3))
    small().fit(x, y, 1, checkpoint=fitted)
    small().evolve(parabola, 1, checkpoint=evolved)
    with pytest.raises(ValueError, match="fitness must be left out, unless"):
        foxnn.resume(fitted, fitness=parabola)
    with pytest.raises(ValueError, match="fitness must be given again, as it was to evolve"):
        foxnn.resume(evolved, x, y)
    with pytest.raises(ValueError, match="x must be left out for an evolution"):
        foxnn.resume(evolved, x, y, fitness=parabola)
    with pytest.raises(ValueError, match="generations must be left out without fitness"):
        foxnn.resume(fitted, x, y, generations=3)
    with pytest.raises(ValueError, match="generations must be an integer at least 1, got 0"):
        foxnn.resume(evolved, fitness=parabola, generations=0)
    assert len(foxnn.population(evolved)) == 8


def test_a_rule_of_ones_own_works_but_has_no_checkpoint(tmp_path: Path) -> None:
    class Own(evolution.Genetic):
        """A rule of a user."""

    path = tmp_path / "run.safetensors"
    with pytest.raises(ValueError, match="checkpoint must be None for a rule of one's own"):
        small().evolve(parabola, 3, Own(), checkpoint=path)
    assert small().evolve(parabola, 3, Own()).generations == 3
    assert not path.exists()
