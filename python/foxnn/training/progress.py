"""The progress bar of a training run."""

from __future__ import annotations

import sys
import warnings

from foxnn import checks


def is_wanted(progress: object) -> bool:
    """Return whether to show a bar: as requested, else on a terminal and in a notebook."""
    if progress is None:
        return sys.stderr.isatty() or _is_in_notebook()
    return checks.flag(progress, "progress")


def _is_in_notebook() -> bool:
    """Return whether a kernel of Jupyter runs the program; it has imported IPython then."""
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    # A shell on a terminal has no kernel.
    return getattr(shell, "kernel", None) is not None


class Progress:
    """A progress bar on standard error, one step per epoch, or nothing.

    Its number of epochs is None if it is unknown; `unit` is what they are called.
    """

    def __init__(self, epochs: int | None, shown: bool, unit: str = "epoch") -> None:
        self._bar = None
        if shown:
            with warnings.catch_warnings():
                # A notebook without ipywidgets gets a bar of characters, without a warning.
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm  # late: the import takes longer than a short run

            self._bar = tqdm(total=epochs, unit=unit)

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

    def count(self, units: int) -> None:
        """Count so many more."""
        if self._bar is not None:
            self._bar.update(units)
