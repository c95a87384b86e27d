"""Purposes of random numbers, as the engine numbers its streams (foxnn/random.hpp)."""

HOLDOUT = 2
MUTATION = 3
SELECTION = 5
