"""What states need of a network: its public face and the few methods that make one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from foxnn import _core
from foxnn.checks import Array
from foxnn.layers.kind import Spec
from foxnn.model.losses import LossFunction, LossLike
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings


class Face(Protocol):
    """A network, as states see it."""

    classes: Any
    notes: dict[str, Any]
    _loss_given: bool
    _own_loss: LossFunction | None
    _input_names: list[str] | None

    @property
    def dtype(self) -> str:
        """The type of the parameters."""
        ...

    @property
    def settings(self) -> Settings:
        """FoxNN's settings."""
        ...

    @property
    def input_scaler(self) -> Scaler | None:
        """How inputs are scaled, or None."""
        ...

    @property
    def output_scaler(self) -> Scaler | None:
        """How targets are scaled, or None."""
        ...

    @property
    def input_names(self) -> list[str] | None:
        """The columns of the table, or None."""
        ...

    def _begin(
        self,
        shape: Sequence[int],
        specs: Sequence[Spec],
        loss: LossLike | None,
        dtype: str | None,
        seed: int | None,
    ) -> None: ...
    def _set_scalers(self, inputs: Scaler | None, outputs: Scaler | None) -> None: ...
    def _copy(self) -> _core.Network: ...
    def _inputs(self) -> int: ...
    def _input_shape(self) -> tuple[Any, ...]: ...
    def _layers(self) -> list[Spec]: ...
    def _set_array(self, i: int, name: str, values: Array, /) -> None: ...
    def _set_arrays(self, given: list[tuple[int, str, Array]], /) -> None: ...
    def _set_trained(self, i: int, trained: bool, /) -> None: ...
