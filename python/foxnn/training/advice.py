"""What warnings and errors of a training advise: only what the network takes."""

from __future__ import annotations

from foxnn.layers.kinds import leaves
from foxnn.model.answers import AnsweringNetwork
from foxnn.support.errors import DivergedError, diverged
from foxnn.training.kinds import ScaleLike
from foxnn.training.scaling import checked_scalers


def takes_scale(network: AnsweringNetwork, scale: ScaleLike) -> bool:
    """Return whether `fit` takes this `scale` for the network."""
    try:
        checked_scalers(network, scale)
    except ValueError:
        return False
    return True


def diverged_network(
    network: AnsweringNetwork, where: str, epoch: int | None = None, loss: float | None = None
) -> DivergedError:
    """Return the error of a network whose training has diverged, as `diverged` does."""
    ways = ["a smaller learning rate"]
    if any("recurrent_weights" in leaf["arrays"] for leaf in leaves(network._layers())):
        ways.append("a shorter gradient (clip_norm=1.0 in fit)")
    if takes_scale(network, ("standard", None)):
        ways.append("scaled inputs (scale='standard' in fit)")
    elif not network._index_limit():
        ways.append("inputs that are scaled before (less their mean, by their standard deviation)")
    *most, last = ways
    return diverged(where, epoch, loss, f"{', '.join(most)}, or {last}" if most else last)
