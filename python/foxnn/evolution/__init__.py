"""Rules of evolution: how the next generation of a population follows from the scores of the last.

`foxnn.population.evolve` runs one; by hand, `rule.ask(pop)` makes the members the candidates of the
next generation, and `rule.tell(scores)` takes their scores, one a member, of which larger are
better.
"""

from foxnn.evolution.covariance import CMA
from foxnn.evolution.genetic import Genetic
from foxnn.evolution.history import EvolutionHistory
from foxnn.evolution.strategy import EvolutionStrategy

__all__ = ["CMA", "EvolutionHistory", "EvolutionStrategy", "Genetic"]
