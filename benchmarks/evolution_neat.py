"""How neat-python evolves networks whose layers stay as they are."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from evolution_task import ELITE, Evolved, Evolver, Task

# Networks of fixed layers in one species; mutations as foxnn's, but normal.
_NEAT = """
[NEAT]
fitness_criterion = max
fitness_threshold = {threshold}
no_fitness_termination = {endless}
pop_size = {members}
reset_on_extinction = False
[DefaultGenome]
num_inputs = {inputs}
num_hidden = {hidden}
num_outputs = {outputs}
feed_forward = True
initial_connection = full_nodirect
compatibility_disjoint_coefficient = 0.0
compatibility_weight_coefficient = 0.0
conn_add_prob = 0.0
conn_delete_prob = 0.0
node_add_prob = 0.0
node_delete_prob = 0.0
activation_default = tanh_of_array
activation_options = tanh_of_array sigmoid_of_array identity
activation_mutate_rate = 0.0
aggregation_default = sum
aggregation_options = sum
aggregation_mutate_rate = 0.0
response_init_mean = 1.0
response_init_stdev = 0.0
response_replace_rate = 0.0
response_mutate_rate = 0.0
response_mutate_power = 0.0
response_max_value = 1.0
response_min_value = 1.0
enabled_default = True
enabled_mutate_rate = 0.0
{numbers}
[DefaultSpeciesSet]
compatibility_threshold = 3.0
[DefaultStagnation]
species_fitness_func = max
max_stagnation = 100000
species_elitism = 1
[DefaultReproduction]
elitism = {elite}
survival_threshold = 0.2
min_species_size = 2
"""
_NEAT_NUMBER = """{0}_init_mean = 0.0
{0}_init_stdev = 0.5
{0}_init_type = gaussian
{0}_replace_rate = 0.0
{0}_mutate_rate = 1.0
{0}_mutate_power = {1}
{0}_max_value = 30.0
{0}_min_value = -30.0"""


def _neat_config(task: Task, library: Any) -> Any:
    inputs, hidden, outputs = task.sizes
    numbers = (_NEAT_NUMBER.format(name, task.setting.deviation) for name in ("bias", "weight"))
    text = _NEAT.format(
        threshold=-(task.target or 0.0), endless=task.target is None, members=task.members,
        inputs=inputs, hidden=hidden, outputs=outputs, elite=ELITE, numbers="\n".join(numbers),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neat.ini"
        path.write_text(text, encoding="utf-8")
        config = library.Config(
            library.DefaultGenome, library.DefaultReproduction, library.DefaultSpeciesSet,
            library.DefaultStagnation, str(path),
        )  # fmt: skip
    # All samples at once: its networks compute with whatever numbers they are given.
    config.genome_config.add_activation("tanh_of_array", lambda z: np.tanh(z))
    config.genome_config.add_activation("sigmoid_of_array", lambda z: 1 / (1 + np.exp(-z)))
    return config


def _set_genome(genome: Any, parameters: Any, task: Task, config: Any) -> None:
    """Make a genome the network of these parameters."""
    inputs, outputs = config.genome_config.input_keys, config.genome_config.output_keys
    hidden = sorted(set(genome.nodes) - set(outputs))
    first = len(hidden) * len(inputs)
    second = first + len(hidden) + len(hidden) * len(outputs)
    w, v = (
        parameters[:first].reshape(len(inputs), -1),
        parameters[first + len(hidden) : second].reshape(len(hidden), -1),
    )
    for j, key in enumerate(hidden):
        genome.nodes[key].bias = float(parameters[first + j])
        for i, other in enumerate(inputs):
            genome.connections[other, key].weight = float(w[i, j])
        for k, other in enumerate(outputs):
            genome.connections[key, other].weight = float(v[j, k])
    for k, key in enumerate(outputs):
        genome.nodes[key].bias = float(parameters[second + k])
        sigmoid = task.output_activation == "sigmoid"
        genome.nodes[key].activation = "sigmoid_of_array" if sigmoid else "identity"


def neat(task: Task, threads: int) -> Evolver:
    """Evolve weights alone; each network sees all samples at once."""
    import neat as library

    del threads  # it has one
    columns = list(np.ascontiguousarray(task.x.T, np.float64))
    config = _neat_config(task, library)

    def fitness(genomes: Any, config: Any) -> None:
        for _, genome in genomes:
            network = library.nn.FeedForwardNetwork.create(genome, config)
            out = np.stack(network.activate(columns), axis=1)
            genome.fitness = -float(np.square(out - task.y).mean())

    def evolve(start: Any, seed: int) -> Evolved:
        random.seed(seed)
        population = library.Population(config)
        for genome, parameters in zip(population.population.values(), start, strict=True):
            _set_genome(genome, parameters, task, config)
        best = population.run(fitness, task.generations)
        stopped = task.target is not None and -best.fitness <= task.target
        return Evolved(-best.fitness, population.generation + stopped)

    return evolve
