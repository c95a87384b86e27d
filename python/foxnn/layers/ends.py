"""The activation that bounds the outputs of a network, which its last layer need not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from foxnn import _core
from foxnn.layers.activations import ActivationPair
from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kinds import KINDS

_NONE: ActivationPair = ("identity_x", [])


class End(NamedTuple):
    """An activation whose range the outputs have, and its layer in the list of the network.

    The activation is the identity if nothing is known of them.
    """

    activation: ActivationPair
    place: int


def end_of(network: _core.Network) -> End:
    """Return the last activation behind which layers only pool, arrange or drop its numbers."""
    return _end(network._layers())


def _end(parts: Sequence[Mapping[str, Any]]) -> End:
    for place, part in reversed([*enumerate(parts)]):
        if part["kind"] in COMPOSITES:
            return End(_of_branches(part), place)
        kind = KINDS[part["kind"]]
        if kind.has_activation:
            options = part["options"]
            return End((options["activation"], list(options["parameters"])), place)
        if not kind.keeps_range:
            return End(_NONE, place)
    return End(_NONE, 0)


def _of_branches(part: Mapping[str, Any]) -> ActivationPair:
    """Return the activation with which all branches of a composite end; a sum has no range."""
    if part["kind"] != "parallel":
        return _NONE
    first, *others = [_end(branch).activation for branch in part["branches"]]
    return first if all(other == first for other in others) else _NONE
