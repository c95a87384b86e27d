"""The progress bar of a training run."""

from __future__ import annotations

import sys

from foxnn import checks


def is_wanted(progress: object) -> bool:
    """Return whether to show a bar: as requested, else if standard error is a terminal."""
    return sys.stderr.isatty() if progress is None else checks.flag(progress, "progress")


class Progress:
    """A progress bar on standard error, one step per epoch, or nothing.

    Its number of epochs is None where nobody knows it.
    """

    def __init__(self, epochs: int | None, shown: bool) -> None:
        self._bar = None
        if shown:
            from tqdm.auto import tqdm  # late: the import takes longer than a short run

            self._bar = tqdm(total=epochs, unit="epoch")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, record: dict[str, float], samples_per_second: float) -> None:
        """Count an epoch and show its numbers."""
        if self._bar is not None:
            shown = {name: f"{value:.4f}" for name, value in record.items()}
            self._bar.set_postfix(
                {**shown, "samples/s": f"{samples_per_second:.0f}"}, refresh=False
            )
            self._bar.update()
