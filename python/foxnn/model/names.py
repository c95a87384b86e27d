"""What is known by name: activations, losses, metrics, initializers, optimizers, kernel sets."""

from __future__ import annotations

from foxnn import _core
from foxnn.model.losses import PUBLIC_LOSSES

#: The types of parameters.
DTYPES = ("float32", "float64")


def activations() -> list[str]:
    """Return the names of the activations, FoxNN's first.

    exp and softmax are for output layers only.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.activations()[:3]
    ['sigmoid', 'sinusoid', 'gaussian']
    """
    return _core.activations()


def losses() -> list[str]:
    """Return the names of the losses; a network may also have a function as its loss.

    Examples
    --------
    >>> import foxnn
    >>> "huber" in foxnn.losses()
    True
    """
    return list(PUBLIC_LOSSES)


def metrics() -> list[str]:
    """Return the names of the metrics of `neural_network.evaluate`; top_5 stands for any number.

    Examples
    --------
    >>> import foxnn
    >>> "r2" in foxnn.metrics()
    True
    """
    from foxnn.model.metrics import names  # late: few evaluations ask for them

    return names()


def initializers() -> list[str]:
    """Return the names of the initializers of weights.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.initializers()[0]
    'auto'
    """
    return _core.initializers()


def optimizers() -> list[str]:
    """Return the names of the optimizers.

    Examples
    --------
    >>> import foxnn
    >>> "adam" in foxnn.optimizers()
    True
    """
    return _core.optimizers()


def kernel_sets() -> list[str]:
    """Return the names of the kernel sets that this processor can run, the slowest first.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.kernel_sets()[0]
    'reference'
    """
    return _core.kernel_sets()


def kernel_set() -> str:
    """Return the name of the kernel set in use; FOXNN_FORCE_ISA forces one.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.kernel_set() in foxnn.kernel_sets()
    True
    """
    return _core.kernel_set()
