"""A layer that looks up a row of a table for each whole number: `Embedding`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.dense_kind import LARGEST
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    checked_name,
    only,
)


def _checked(given: Mapping[str, Any]) -> Options:
    own = only(given, "count", "size")
    return {name: checks.integer(own[name], name, 1, LARGEST) for name in ("count", "size")}


EMBEDDING = Kind(
    "embedding",
    "Embedding",
    _checked,
    lambda shape, options: (*shape, options["size"]),
    lambda shape, options: {"weights": (options["count"], options["size"])},
    lambda options: ([options["count"], options["size"]], {}),
    reads_indices=True,
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Embedding(Description):
    """A vector for each whole number: row i of a table, which is trained, in place of i.

    (Bengio et al., "A neural probabilistic language model", 2003.) It reads the network's inputs:
    it comes first in the network or in a branch, or after Reshape or Flatten. Words, categories
    and other things that are numbered become (..., size) numbers each.

    Parameters
    ----------
    count : int
        The rows of the table. Inputs must be whole numbers from 0 to count - 1, as integers or
        floats; others are refused. At most 2**24 in float32, which holds larger whole numbers only
        roughly.
    size : int
        The numbers of a row.
    name : str, optional

    Notes
    -----
    Its array is "weights" (count, size), which starts uniformly distributed from -0.05 to 0.05, as
    in Keras, whatever `init` is. Penalties and weight decay apply to it.

    A step's gradient is zero for the rows that its batch does not name. Training has the same
    result, bit for bit, as if every step passed these zeros to the optimizer. SGD leaves such rows
    as they are. Momentum, Adam and RMSprop move them by what they remember of earlier gradients; a
    row of a large table makes these steps late, before it is read again. Before a callback, a
    checkpoint and its end, `fit` makes all of them; meanwhile, other threads may see rows that are
    some steps behind. Penalties, AdamW's decay and `clip_norm` need all rows in every step.
    (PyTorch's SparseAdam leaves out the steps of rows that are not named: that is not Adam.)

    No gradient passes through it: `gradient` is zero for its inputs. Inputs cannot be scaled.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([4, foxnn.Embedding(100, 8), foxnn.GlobalAveragePool(), 2])
    >>> nn.layer_outputs([[7, 99, 0, 7]])["embedding_0"].shape
    (1, 4, 8)
    """

    count: int
    size: int
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = EMBEDDING

    def __post_init__(self) -> None:
        self._keep(
            count=checks.integer(self.count, "count", 1, LARGEST),
            size=checks.integer(self.size, "size", 1, LARGEST),
            name=checked_name(self.name),
        )

    def _options(self) -> Options:
        return {"count": self.count, "size": self.size}
