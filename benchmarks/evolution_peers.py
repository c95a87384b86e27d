"""How each library evolves, by rule: factories of sides, as evolution_task.py describes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import foxnn
from evolution_neat import neat
from evolution_task import ELITE, TOURNAMENT, Evolved, Evolver, Setting, Task
from foxnn import evolution
from foxnn.evolution.rule import Rule


def _of_foxnn(rule_of: Callable[[Setting, int], Rule]) -> Callable[[Task, int], Evolver]:
    """Run evolve; the fitness function asks all members at once."""

    def make(task: Task, threads: int) -> Evolver:
        pop = task.population(0)
        pop.settings.n_threads = threads
        target = None if task.target is None else -task.target

        def fitness(pop: foxnn.population) -> Any:
            out = pop.get_out(task.x) - task.y
            return -np.square(out, out=out).mean(axis=(1, 2))

        def evolve(start: Any, seed: int) -> Evolved:
            pop.parameters = start
            rule = rule_of(task.setting, seed)
            history = pop.evolve(fitness, task.generations, rule, target=target, progress=False)
            return Evolved(-float(history["best"].max()), history.generations)

        return evolve

    return make


def _genetic(setting: Setting, seed: int) -> Rule:
    return evolution.Genetic(TOURNAMENT, ELITE, 0.5, speed=setting.speed, seed=seed)


def _strategy(setting: Setting, seed: int) -> Rule:
    return evolution.EvolutionStrategy(setting.sigma, setting.learning_rate, seed=seed)


def _covariance(setting: Setting, seed: int) -> Rule:
    return evolution.CMA(setting.spread, seed=seed)


def pygad(task: Task, threads: int) -> Evolver:
    """Run GA with foxnn's operators; one call of the fitness function answers for all members."""
    import pygad as library

    del threads  # NumPy's products use the cores available to the process

    def fitness(ga: Any, parameters: Any, which: Any) -> Any:
        del ga, which
        return -task.errors(np.asarray(parameters), np)

    stop = None if task.target is None else [f"reach_{-task.target}"]

    def evolve(start: Any, seed: int) -> Evolved:
        ga = library.GA(
            num_generations=task.generations - 1,  # the first members are not counted
            num_parents_mating=task.members, fitness_func=fitness, fitness_batch_size=task.members,
            initial_population=start, gene_type=np.float32, parent_selection_type="tournament",
            K_tournament=TOURNAMENT, keep_elitism=ELITE, crossover_type="uniform",
            crossover_probability=0.5, mutation_type="random", mutation_probability=1.0,
            random_mutation_min_val=-task.setting.speed, random_mutation_max_val=task.setting.speed,
            stop_criteria=stop, suppress_warnings=True, random_seed=seed,
        )  # fmt: skip
        ga.run()
        return Evolved(-float(max(ga.best_solutions_fitness)), ga.generations_completed + 1)

    return evolve


def _of_evotorch(searcher_of: Callable[..., Any]) -> Callable[[Task, int], Evolver]:
    """Run the steps of a search; the fitness function answers for all members."""

    def make(task: Task, threads: int) -> Evolver:
        import logging

        import torch
        from evotorch import Problem

        torch.set_num_threads(threads)
        logging.getLogger("evotorch").setLevel(logging.ERROR)

        def evolve(start: Any, seed: int) -> Evolved:
            problem = Problem(
                "min", lambda values: task.errors(values, torch), solution_length=start.shape[1],
                initial_bounds=(-1, 1), vectorized=True, dtype=torch.float32, seed=seed,
            )  # fmt: skip
            searcher = searcher_of(problem, task, start)
            generation, error = 0, math.inf
            while generation < task.generations:
                searcher.step()
                generation += 1
                if task.target is not None:
                    error = float(searcher.status["best_eval"])
                    if error <= task.target:
                        break
            return Evolved(float(searcher.status["best_eval"]), generation)

        return evolve

    return make


def _evotorch_genetic(problem: Any, task: Task, start: Any) -> Any:
    import torch
    from evotorch.algorithms import GeneticAlgorithm
    from evotorch.operators import GaussianMutation, OnePointCrossOver

    operators = [
        OnePointCrossOver(problem, tournament_size=TOURNAMENT),
        GaussianMutation(problem, stdev=task.setting.deviation),
    ]
    searcher = GeneticAlgorithm(
        problem, operators=operators, popsize=task.members, re_evaluate=False
    )
    searcher.population.set_values(torch.from_numpy(start))
    return searcher


def _evotorch_strategy(problem: Any, task: Task, start: Any) -> Any:
    from evotorch.algorithms import PGPE

    return PGPE(
        problem, popsize=task.members, center_learning_rate=task.setting.learning_rate,
        stdev_learning_rate=0.0, stdev_init=task.setting.sigma, optimizer="adam",
        center_init=start[0],
    )  # fmt: skip


def _evotorch_covariance(problem: Any, task: Task, start: Any) -> Any:
    from evotorch.algorithms import CMAES

    return CMAES(
        problem, popsize=task.members, stdev_init=task.setting.spread, center_init=start[0]
    )


def _of_evosax(
    algorithm_of: Callable[[Task, Any], tuple[Any, Any]],
) -> Callable[[Task, int], Evolver]:
    """Run all generations in one compiled loop."""

    def make(task: Task, threads: int) -> Evolver:
        import jax
        import jax.numpy as jnp
        from evosax.algorithms.population_based.base import PopulationBasedAlgorithm

        del threads  # XLA uses the cores available to the process
        algorithm, params = algorithm_of(task, jnp.zeros(task.population(0).parameters.shape[1]))
        target = -math.inf if task.target is None else task.target

        def generation(memory: Any) -> Any:
            state, key, count = memory
            key, asking, telling = jax.random.split(key, 3)
            candidates, state = algorithm.ask(asking, state, params)
            errors = task.errors(candidates, jnp)
            state, _ = algorithm.tell(telling, candidates, errors, state, params)
            return state, key, count + 1

        def goes_on(memory: Any) -> Any:
            return (memory[2] < task.generations) & (memory[0].best_fitness > target)

        @jax.jit
        def run(start: Any, key: Any) -> Any:
            key, first = jax.random.split(key)
            if isinstance(algorithm, PopulationBasedAlgorithm):
                state = algorithm.init(first, start, task.errors(start, jnp), params)
                done = 1
            else:
                state, done = algorithm.init(first, start[0], params), 0
            state, _, count = jax.lax.while_loop(goes_on, generation, (state, key, done))
            return state.best_fitness, count

        def evolve(start: Any, seed: int) -> Evolved:
            error, count = run(jnp.asarray(start), jax.random.key(seed))
            return Evolved(float(error), int(count))

        return evolve

    return make


def _evosax_genetic(task: Task, one: Any) -> tuple[Any, Any]:
    import optax
    from evosax.algorithms import SimpleGA

    steady = optax.constant_schedule(task.setting.deviation)
    algorithm = SimpleGA(task.members, one, std_schedule=steady)
    return algorithm, algorithm.default_params.replace(crossover_rate=0.5)


def _evosax_strategy(task: Task, one: Any) -> tuple[Any, Any]:
    import optax
    from evosax.algorithms import Open_ES

    algorithm = Open_ES(
        task.members, one, optimizer=optax.adam(task.setting.learning_rate),
        std_schedule=optax.constant_schedule(task.setting.sigma),
    )  # fmt: skip
    return algorithm, algorithm.default_params


def _evosax_covariance(task: Task, one: Any) -> tuple[Any, Any]:
    from evosax.algorithms import CMA_ES

    algorithm = CMA_ES(task.members, one)
    return algorithm, algorithm.default_params.replace(std_init=task.setting.spread)


SIDES: dict[str, dict[str, Callable[[Task, int], Evolver]]] = {
    "Genetic": {
        "foxnn": _of_foxnn(_genetic),
        "PyGAD": pygad,
        "neat-python": neat,
        "EvoTorch": _of_evotorch(_evotorch_genetic),
        "evosax": _of_evosax(_evosax_genetic),
    },
    "EvolutionStrategy": {
        "foxnn": _of_foxnn(_strategy),
        "EvoTorch": _of_evotorch(_evotorch_strategy),
        "evosax": _of_evosax(_evosax_strategy),
    },
    "CMA": {
        "foxnn": _of_foxnn(_covariance),
        "EvoTorch": _of_evotorch(_evotorch_covariance),
        "evosax": _of_evosax(_evosax_covariance),
    },
}
