"""The rules of evolution: against the NumPy oracle, on any threads, and on what they must climb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import evolution_reference as reference
import foxnn
from foxnn import _core, evolution
from foxnn.evolution.rule import Rule

DTYPES = ["float32", "float64"]


def parabola(pop: foxnn.population) -> Any:
    """Return scores whose largest is at weights of 1."""
    return -((pop.parameters.astype(np.float64) - 1) ** 2).sum(axis=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("members", "n"), [(1, 1), (3, 64), (7, 65), (40, 131)])
@pytest.mark.parametrize("smart", [False, True])
def test_children_beside_the_oracle(dtype: str, members: int, n: int, smart: bool) -> None:
    random = np.random.default_rng(n)
    parents = random.normal(size=(5, n)).astype(dtype)
    mothers, fathers = random.integers(0, 5, (2, members)).astype(np.uint32)
    given = (parents, mothers, fathers, 2, 0.7, 0.3, smart, 2**63 + 5, 2**31 + 3)
    bits = _core.bred(*given, 1)
    assert bits.dtype == dtype
    np.testing.assert_array_equal(bits, reference.bred(*given))
    for threads in (2, 3):
        np.testing.assert_array_equal(_core.bred(*given, threads), bits)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("pairs", "n"), [(1, 1), (2, 3), (5, 128), (70, 131)])
def test_perturbations_beside_the_oracle(dtype: str, pairs: int, n: int) -> None:
    center = np.linspace(-1, 1, n)
    expected = reference.perturbations(pairs, n, 2**63 + 5, 9)
    found = _core.perturbed(center, pairs, 0.25, dtype == "float32", 2**63 + 5, 9, 1)
    assert found.dtype == dtype
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(found[0::2], center + 0.25 * expected, 0, tolerance)
    np.testing.assert_allclose(found[1::2], center - 0.25 * expected, 0, tolerance)
    weights = np.linspace(-1, 2, pairs)
    sums = _core.summed_perturbations(weights, n, 2**63 + 5, 9, 1)
    np.testing.assert_allclose(sums, weights @ expected, 0, 1e-12)
    for threads in (2, 3):
        again = _core.perturbed(center, pairs, 0.25, dtype == "float32", 2**63 + 5, 9, threads)
        np.testing.assert_array_equal(again, found)
        np.testing.assert_array_equal(
            _core.summed_perturbations(weights, n, 2**63 + 5, 9, threads), sums
        )
    kept = np.empty((pairs, n))
    again = _core.perturbed(center, pairs, 0.25, dtype == "float32", 2**63 + 5, 9, 2, kept)
    np.testing.assert_array_equal(again, found)
    np.testing.assert_allclose(kept, expected, 0, 1e-13)
    for threads in (1, 2):
        given = weights, n, 2**63 + 5, 9, threads, kept
        np.testing.assert_array_equal(_core.summed_perturbations(*given), sums)
    with pytest.raises(ValueError, match="normals must have a number for each weight"):
        _core.summed_perturbations(weights, n, 2**63 + 5, 9, 1, kept[:, :-1].copy())


def test_perturbations_are_normal() -> None:
    found = _core.perturbed(np.zeros(1000), 500, 1.0, False, 1, 0, 0)[0::2].ravel()
    assert abs(found.mean()) < 5e-3
    assert abs(found.std() - 1) < 5e-3
    inside = (np.abs(found) < 1).mean(), (np.abs(found) < 2).mean()
    np.testing.assert_allclose(inside, [0.6827, 0.9545], atol=3e-3)
    others = _core.perturbed(np.zeros(1000), 500, 1.0, False, 1, 1, 0)[0::2].ravel()
    assert abs(np.corrcoef(found, others)[0, 1]) < 0.01


@pytest.mark.parametrize("mutation", ["random", "smart"])
def test_a_generation_of_the_genetic_rule(mutation: str) -> None:
    pop = foxnn.population(30, [3, 4, 2], seed=3)
    first = pop.parameters
    rule = evolution.Genetic(4, 3, 0.6, mutation, 0.2, 0.5, seed=11)
    rule.ask(pop)
    np.testing.assert_array_equal(pop.parameters, first)
    scores = np.round(parabola(pop), 1)  # with equal ones
    rule.tell(scores)
    rule.ask(pop)
    mothers, fathers = reference.selected(scores, 4, 3, 0.6, 11, 1)
    assert len(set(mothers)) > 5
    assert (mothers != fathers).any()
    expected = reference.bred(first, mothers, fathers, 3, 0.5, 0.2, mutation == "smart", 11, 1)
    np.testing.assert_array_equal(pop.parameters, expected)
    np.testing.assert_array_equal(pop.parameters[0], first[scores.argmax()])
    kept = pop.parameters
    pop.parameters = np.zeros_like(kept)
    rule.ask(pop)
    np.testing.assert_array_equal(pop.parameters, kept)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_step_of_the_strategy(optimizer: str) -> None:
    pop = foxnn.population(12, [3, 4, 2], dtype="float64", seed=3)
    rule = evolution.EvolutionStrategy(0.2, 0.03, optimizer, 0.01)
    center = pop.parameters[0]
    m = v = np.zeros_like(center)
    for generation in range(3):
        noise = reference.perturbations(6, len(center), 3, generation)
        rule.ask(pop)
        np.testing.assert_allclose(pop.parameters[0::2], center + 0.2 * noise, 0, 1e-12)
        np.testing.assert_allclose(pop.parameters[1::2], center - 0.2 * noise, 0, 1e-12)
        scores = np.round(parabola(pop))
        shaped = reference.ranks(scores)
        gradient = (shaped[0::2] - shaped[1::2]) @ noise / (12 * 0.2) - 0.01 * center
        rule.tell(scores)
        if optimizer == "adam":
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            gradient = m / (1 - 0.9 ** (generation + 1))
            gradient /= np.sqrt(v / (1 - 0.999 ** (generation + 1))) + 1e-8
        center = center + 0.03 * gradient
        assert rule.center is not None
        np.testing.assert_allclose(rule.center, center, 0, 1e-10)
    np.testing.assert_array_equal(foxnn.population([rule.best(pop)]).parameters[0], rule.center)


RULES: dict[str, Callable[[], Rule]] = {
    "genetic": lambda: evolution.Genetic(elite=2, speed=0.1),
    "smart": lambda: evolution.Genetic(mutation="smart", speed=0.3),
    "strategy": lambda: evolution.EvolutionStrategy(0.1),
    "cma": lambda: evolution.CMA(),
}
# The best score that each must reach from -10 in 60 generations of 40 members; smart mutations
# keep signs, so those weights that begin negative only go to 0.
REACHED = {"genetic": -0.6, "smart": -6.5, "strategy": -0.3, "cma": -0.01}


def rule_of(name: str) -> Rule:
    if name == "cma":
        pytest.importorskip("cma")
    return RULES[name]()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_climbs(name: str) -> None:
    rule = rule_of(name)
    pop = foxnn.population(40, [3, 3], seed=1)
    started = parabola(pop).max()
    history = pop.evolve(parabola, 60, rule)
    assert started < REACHED[name] - 1
    assert history["best"][-1] > REACHED[name]
    np.testing.assert_array_equal(parabola(pop), history.scores)
    assert (history["mean"] <= history["best"]).all()
    found = parabola(foxnn.population([rule.best(pop)]))[0]
    assert found > REACHED[name]
    if name in ("genetic", "smart"):
        assert (np.diff(history["best"]) >= 0).all()  # the elite stays
        assert found == history["best"][-1]


SEEDED = """
import numpy as np, foxnn
from foxnn import evolution
for rule in (evolution.Genetic(elite=2), evolution.EvolutionStrategy()):
    pop = foxnn.population(300, [30, 20, 3], seed=5)
    pop.evolve(lambda pop: -abs(pop.parameters - 1).sum(axis=1), 4, rule)
    print(pop.parameters.tobytes().hex()[-2000:], float(pop.parameters.astype("f8").sum()))
"""


def test_threads_and_kernel_sets_leave_the_bits(run_python: Any) -> None:
    said = {
        (isa, threads): run_python(SEEDED, FOXNN_FORCE_ISA=isa, FOXNN_FORCE_THREADS=threads)
        for isa in foxnn.kernel_sets()
        for threads in ("1", "3")
    }
    found = {done.stdout for done in said.values()}
    assert len(found) == 1
    assert len(found.pop()) > 4000


def test_the_seed_is_that_of_the_rule_or_of_the_first_member() -> None:
    def evolved(first: int, seed: int | None) -> Any:
        pop = foxnn.population(8, [2, 2], init="zeros", seed=first)
        pop.evolve(parabola, 5, evolution.Genetic(seed=seed))
        return pop.parameters

    np.testing.assert_array_equal(evolved(3, None), evolved(4, 3))
    assert (evolved(3, None) != evolved(4, None)).any()


def test_cma_leaves_the_generator_of_numpy_alone() -> None:
    pytest.importorskip("cma")
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    foxnn.population(6, [2, 2], seed=1).evolve(parabola, 3, evolution.CMA())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# Refusals


@pytest.mark.parametrize("name", RULES)
def test_wrong_scores_leave_the_rule_as_it_was(name: str) -> None:
    pop, twin = (foxnn.population(6, [2, 2], seed=1) for _ in range(2))
    rule, other = rule_of(name), rule_of(name)
    with pytest.raises(RuntimeError, match="tell must follow ask"):
        rule.tell([0.0] * 6)
    for generation in range(3):
        rule.ask(pop)
        other.ask(twin)
        for wrong, said in (
            ([0.0] * 5, r"got an array of shape \(5,\)"),
            ([[0.0]] * 6, r"got an array of shape \(6, 1\)"),
            ([0, 1, 2, np.nan, 4, 5], "got nan for member 3"),
            ([0, 1, 2, 3, 4, np.inf], "got inf for member 5"),
            (np.ma.masked_equal(np.arange(6.0), 4), "got 1 masked numbers"),
        ):
            with pytest.raises(
                ValueError, match=f"scores must be a finite number for each of the 6.*{said}"
            ):
                rule.tell(wrong)
        with pytest.raises(TypeError, match=r"scores must be .*got 'text'"):
            rule.tell("text")
        for one in (rule, other):
            one.tell(np.sin(np.arange(6.0) + generation))
    rule.ask(pop)
    other.ask(twin)
    np.testing.assert_array_equal(pop.parameters, twin.parameters)


def test_a_rule_refuses_other_populations() -> None:
    rule = evolution.Genetic(elite=4)
    with pytest.raises(ValueError, match=r"elite must be below the 4 members .* got 4"):
        rule.ask(foxnn.population(4, [2, 2]))
    with pytest.raises(TypeError, match=r"pop must be a foxnn\.population, got \[1, 2\]"):
        rule.ask([1, 2])
    with pytest.raises(RuntimeError, match="best must follow tell"):
        rule.best(foxnn.population(6, [2, 2]))
    rule.ask(foxnn.population(6, [2, 2]))
    for other in ((7, [2, 2], None), (6, [3, 2], None), (6, [2, 2], "float64")):
        pop = foxnn.population(other[0], other[1], dtype=other[2])
        kept = pop.parameters
        with pytest.raises(ValueError, match="pop must have the 6 members of 6 parameters"):
            rule.ask(pop)
        np.testing.assert_array_equal(pop.parameters, kept)
    with pytest.raises(ValueError, match=r"pop must have an even number of members .* got 5"):
        evolution.EvolutionStrategy().ask(foxnn.population(5, [2, 2]))


def test_cma_refuses_few_members() -> None:
    pytest.importorskip("cma")
    with pytest.raises(ValueError, match="pop must have at least 4 members for CMA, got 3"):
        evolution.CMA().ask(foxnn.population(3, [2, 2]))


def test_weights_beyond_the_type_are_refused() -> None:
    pop, rule = foxnn.population(6, [2, 2], seed=1), evolution.Genetic(elite=0, speed=1e300)
    rule.ask(pop)
    rule.tell(np.arange(6))
    kept = pop.parameters
    with pytest.raises(ValueError, match=r"no longer finite: speed must be smaller, got 1e\+300"):
        rule.ask(pop)
    np.testing.assert_array_equal(pop.parameters, kept)


def test_what_is_too_large_of_a_strategy_is_named() -> None:
    pop = foxnn.population(6, [2, 2], seed=1)
    with pytest.raises(ValueError, match=r"generation 0 .*: sigma must be smaller, got 1e\+40"):
        evolution.EvolutionStrategy(sigma=1e40).ask(pop)
    rule = evolution.EvolutionStrategy(learning_rate=1e40)
    rule.ask(pop)
    rule.tell(np.arange(6))
    with pytest.raises(ValueError, match=r"1 .*: learning_rate must be smaller, got 1e\+40"):
        rule.ask(pop)
