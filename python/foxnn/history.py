"""What a training run reports: one number an epoch for each quantity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class History(Mapping[str, list[float]]):
    """Lists by name, one value an epoch: loss, val_loss, accuracy, val_accuracy, ...

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([1, 1], seed=0)
    >>> history = nn.fit([[0.0], [1.0]], [[0.0], [1.0]], epochs=3)
    >>> sorted(history)
    ['learning_rate', 'loss', 'seconds']
    >>> len(history["loss"])
    3
    """

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, **values: float) -> None:
        """Append the values of one epoch."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[float]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        epochs = len(next(iter(self._values.values()), []))
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self._values.items())
        return f"History({epochs} epochs; last: {last})" if epochs else "History(0 epochs)"
