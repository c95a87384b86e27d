"""Pictures of trainings and networks, drawn with matplotlib: pip install "foxnn[plot]".

Each function draws on the Axes that it is given, or in a new figure of pyplot, and returns the
Axes. Nothing is shown before matplotlib.pyplot.show is called.
"""

from foxnn.plot.boundary import decision_boundary
from foxnn.plot.curves import history
from foxnn.plot.diagram import network
from foxnn.plot.functions import activations
from foxnn.plot.pictures import weights

__all__ = ["activations", "decision_boundary", "history", "network", "weights"]


def __dir__() -> list[str]:
    return sorted(__all__)
