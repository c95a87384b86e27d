"""Populations in files: saving one, and making it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foxnn.formats import population_file
from foxnn.formats.paths import FileFormatError
from foxnn.formats.safetensors_file import reason
from foxnn.model.settings import values_of
from foxnn.network import neural_network
from foxnn.populations.state import members_from, state_of

if TYPE_CHECKING:
    from foxnn.populations.population import population


def save(pop: population, name_file: object) -> None:
    """Write a population to a file."""
    path = population_file.path_of(name_file, "name_file")
    population_file.write(path, state_of(pop._members, values_of(pop.settings)))


def load(name_file: object) -> tuple[list[neural_network], dict[str, Any]]:
    """Return the members that a file holds, and their settings."""
    path = population_file.path_of(name_file, "count")
    return made(path, population_file.read(path)[0])


def made(path: str, given: dict[str, Any]) -> tuple[list[neural_network], dict[str, Any]]:
    """Return the members of a state that was read from a file."""
    try:
        return members_from(given)
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"{path}: {reason(error)}") from None
