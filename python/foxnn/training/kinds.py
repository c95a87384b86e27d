"""Types of arguments that have several forms, for editors and type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from foxnn.checks import Array, SamplesLike
from foxnn.model.scaler import Scaler
from foxnn.schedules import Schedule
from foxnn.training.early_stopping import EarlyStopping
from foxnn.training.update_rules import UpdateRule

OptimizerLike = str | UpdateRule
#: A share of the samples, or separate samples with or without weights, and lengths.
ValidationLike = (
    float
    | tuple[SamplesLike, ArrayLike]
    | tuple[SamplesLike, ArrayLike, ArrayLike | None]
    | tuple[SamplesLike, ArrayLike, ArrayLike | None, ArrayLike | None]
)
EarlyStoppingLike = int | EarlyStopping
ScheduleLike = Schedule | Callable[[int], float]
_Change = Callable[[Array, np.random.Generator], Any]
AugmentLike = _Change | Sequence[_Change]
ClassWeightLike = Mapping[Any, float] | Literal["balanced"]
ScaleLike = str | Scaler | tuple[str | Scaler | None, str | Scaler | None]
