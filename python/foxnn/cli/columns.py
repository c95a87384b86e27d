"""The columns of the table that a network was trained on, kept in its notes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from foxnn import neural_network
from foxnn.cli.tables import Table, TableError

# The key in the notes of a network.
KEY = "foxnn.table"


@dataclass(frozen=True)
class Columns:
    """The columns of a table and their roles.

    Attributes
    ----------
    inputs, targets : list of str
        Names, or numbers from 1 if there was no header.
    classes : list of str or None
        The classes of the outputs, if the target is a class.
    header : bool
    width : int
        The number of all columns of the table, including unused ones.
    """

    inputs: list[str]
    targets: list[str]
    classes: list[str] | None
    header: bool
    width: int

    def note(self, nn: neural_network) -> None:
        """Store the columns in the notes of a network, and the names of its inputs."""
        nn.notes = nn.notes | {KEY: asdict(self)}
        if self.header:
            nn.input_names = self.inputs

    def positions(self, table: Table) -> list[int]:
        """Return the positions of the inputs in a table.

        They are found by name if both tables have a header. Otherwise the table must hold exactly
        the inputs in their order, or, if the first had no header, all of its columns.

        Raises
        ------
        TableError
            If columns are missing.
        """
        if self.header and table.has_header:
            return [table.find(name) for name in self.inputs]
        width = len(table.columns)
        if width == len(self.inputs):
            return list(range(width))
        if width == self.width and not self.header:
            return [int(name) - 1 for name in self.inputs]
        if self.header:
            raise TableError(
                f"{table.name}: without a header it must hold the {len(self.inputs)} inputs and "
                f"nothing else, got {width} columns"
            )
        raise TableError(
            f"{table.name}: it must hold the {len(self.inputs)} inputs, or all {self.width} "
            f"columns of the table that the network was trained on, got {width} columns"
        )

    def target_positions(self, table: Table) -> list[int]:
        """Return the positions of the targets in a table."""
        if self.header or len(table.columns) == self.width:
            return [table.find(name) for name in self.targets]
        raise TableError(f"{table.name}: it holds inputs only, no targets")


def columns_of(nn: neural_network) -> Columns | None:
    """Return the columns in the notes of a network, or None if there are none.

    Raises
    ------
    ValueError
        If they do not fit the network.
    """
    given = nn.notes.get(KEY)
    if given is None:
        return None
    names = {field.name for field in fields(Columns)}
    if not isinstance(given, dict) or not names <= given.keys():
        raise ValueError(f"the notes of the network must hold {', '.join(sorted(names))}")
    found = Columns(**{name: given[name] for name in names})
    outputs = found.targets if found.classes is None else found.classes
    if not all(map(_are_names, (found.inputs, found.targets, outputs))) or (
        [len(found.inputs), len(outputs)] != [nn.sizes[0], nn.sizes[-1]]
    ):
        raise ValueError("the notes of the network name other inputs or outputs than it has")
    if type(found.header) is not bool or type(found.width) is not int:
        raise ValueError("the notes of the network must hold a header and a width")
    if found.classes is not None and len(found.targets) != 1:
        raise ValueError("the notes of the network must name one target of classes")
    if not (found.header or all(_is_number(name, found.width) for name in found.inputs)):
        raise ValueError("the notes of the network must number inputs without a header")
    return found


def _is_number(name: str, width: int) -> bool:
    return re.fullmatch("[0-9]{1,10}", name) is not None and 1 <= int(name) <= width


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
