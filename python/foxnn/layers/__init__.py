"""Layers: what users see of one, and the activations that it may have."""

from foxnn.layers.activations import Activation, ActivationLike, parse_activation, parse_activations
from foxnn.layers.view import _alone, layer

__all__ = [
    "Activation",
    "ActivationLike",
    "_alone",
    "layer",
    "parse_activation",
    "parse_activations",
]
