"""What `fit` was told beside its samples, as one value."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from foxnn.training.kinds import (
    ClassWeightLike,
    EarlyStoppingLike,
    OptimizerLike,
    ScaleLike,
    ScheduleLike,
    ValidationLike,
)


@dataclass(frozen=True)
class FitOptions:
    """The arguments of `fit`, under their names and not yet checked."""

    epochs: int
    batch_size: int
    optimizer: OptimizerLike
    learning_rate: float
    validation: ValidationLike | None
    early_stopping: EarlyStoppingLike | None
    schedule: ScheduleLike | None
    l1: float
    l2: float
    dropout: float | Sequence[float]
    sample_weight: ArrayLike | None
    class_weight: ClassWeightLike | None
    callbacks: object
    shuffle: bool
    progress: bool | None
    time_limit: float | None
    scale: ScaleLike | None
    clip_norm: float | None
    clip_value: float | None
    checkpoint: Any
    checkpoint_every: int | datetime.timedelta
