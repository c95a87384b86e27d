"""The callback that shows a training on a page."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.unpickling import attributes
from foxnn.network import neural_network
from foxnn.training.callbacks import Onlooker
from foxnn.training.history import History
from foxnn.watching.curves import Curves
from foxnn.watching.hub import Hub
from foxnn.watching.scene import Scene, Shown
from foxnn.watching.server import PageServer, saved


class Watcher(Onlooker):
    """A callback of `fit` that shows the training on a page in the browser, while it runs.

    It prints the address of the page, which only this machine can open, and which stays until the
    program ends, or `close` is called. Nothing is computed for the page while nobody looks at it,
    and a page is brought up to date only as often as that takes little of the training's time.
    Several trainings may have the same watcher, one after the other.

    Parameters
    ----------
    samples : (x, y), optional
        Samples, as `fit` takes them, to show with the network: the points of a plane of two inputs,
        what the layers make of the first sample, a table of the classes.
    port : int, default=0
        The port of the page; 0 is any that is free.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, 4, 1], seed=1)
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]]
    >>> with foxnn.Watcher((x, y)) as watcher:  # doctest: +ELLIPSIS
    ...     history = nn.fit(x, y, epochs=3, callbacks=watcher)
    The training is shown on http://127.0.0.1:...
    """

    def __init__(
        self, samples: tuple[ArrayLike, ArrayLike] | None = None, *, port: int = 0
    ) -> None:
        self._samples = None if samples is None else _pair(samples)
        self._port = checks.integer(port, "port", 0, 65535)
        self._hub = Hub(self._catch_up)
        self._is_behind = False  # nobody has seen the end
        self._is_training = False
        self._end = "finished"
        self._server: PageServer | None = None
        self._curves = Curves()
        self._history: History | None = None
        self._taken = 0  # epochs of the history that the curves have
        self._network: neural_network | None = None
        self._scene: Scene | None = None

    @property
    def address(self) -> str | None:
        """The address of the page, or None before the first training and after `close`."""
        return None if self._server is None else self._server.address

    def on_train_begin(self, network: neural_network) -> None:
        """Open the page if it is not open, and show the network."""
        if not isinstance(network, neural_network):
            raise TypeError(f"a Watcher shows one network, got {checks.shown(network)}")
        scene = Scene(network, *self._shown(network))
        self._network, self._scene, self._is_behind = network, scene, False
        self._history = None
        self._describe()
        if self._server is None:
            self._server = PageServer(self._hub, _refuse, self._saved, self._port)
            self._server.start()
            print(f"The training is shown on {self._server.address}", flush=True)
        if self._hub.watchers:
            self._show("training")
        self._is_training = True
        self._wait()

    def follow(self, history: History) -> None:
        """Take the history to which the next epochs will be added."""
        self._history, self._taken = history, _epochs(history)

    def look(self) -> None:
        """Show the network as it is now, if somebody looks."""
        if self._hub.watchers:
            self._take_in()
            self._show("training")
        self._wait()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Show the network after an epoch, for callbacks that pass on what they are called with.

        `fit` calls that of a subclass only: it lets a watcher `look` when it is `due`.
        """
        if self._history is None:
            self._curves.add(logs)
        else:  # of a subclass, which `fit` calls
            self._take_in()
        if self._hub.is_due():
            self._show("training")

    on_epoch_end.is_for_others = True  # type: ignore[attr-defined]

    def on_train_end(self, history: object) -> None:
        """Show the end, at once or when somebody comes."""
        self._finish("finished")

    def give_up(self) -> None:
        """Show that the training has been stopped by an error, or by Ctrl-C."""
        if self._is_training:
            self._finish("stopped")

    def _finish(self, end: str) -> None:
        self._take_in()
        self._end, self._is_behind, self._is_training = end, True, False
        if self._hub.watchers:
            self._catch_up()

    def close(self) -> None:
        """Close the page."""
        if self._server is not None:
            self._server.stop()
        self._server = None
        self._hub, self._is_behind, self.due = Hub(self._catch_up), False, math.inf

    def __repr__(self) -> str:
        shown = "" if self._samples is None else "samples, "
        return f"foxnn.Watcher({shown}port={self._port})"

    # A page belongs to the process that shows it: what is kept is what a watcher was made with.

    def __getstate__(self) -> dict[str, Any]:
        return {"_samples": self._samples, "_port": self._port}

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self), "_samples", "_port")
        Watcher.__init__(self, given["_samples"], port=given["_port"])

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self) -> None:
        """Say when the next picture is due."""
        # In this order, since who comes meanwhile sets it in another thread, and must be seen.
        self.due = math.inf
        if self._hub.watchers:
            self.due = self._hub.next

    def _take_in(self) -> None:
        """Let the curves have what the history has."""
        if self._history is not None:
            self._curves.extend(self._history, self._taken)
            self._taken = _epochs(self._history)

    def _catch_up(self) -> None:
        """Be due for one who has come; show the end of a training, if nobody has seen it."""
        self.due = 0.0
        if self._is_behind:
            self._is_behind = False
            assert self._network is not None
            # Layers may have been changed since, perhaps so that the samples do not fit any more.
            with contextlib.suppress(ValueError, RuntimeError, OverflowError):
                self._scene = Scene(self._network, *self._shown(self._network))
                self._describe()
                self._show(self._end)

    def _describe(self) -> None:
        assert self._scene is not None
        self._hub.show("scene", {**self._scene.described(), "knobs": None})

    def _show(self, state: str) -> None:
        began = time.perf_counter()
        assert self._scene is not None
        picture = {"state": state, "curves": self._curves.shown(), **self._scene.picture()}
        self._hub.show("picture", picture, began)

    def _saved(self) -> bytes:
        assert self._network is not None
        return saved(self._network)

    def _shown(self, network: neural_network) -> tuple[Shown | None]:
        """Return the samples as numbers: classes as the numbers of their outputs."""
        if self._samples is None:
            return (None,)
        array, wanted = self._samples
        if tuple(array.shape[1:]) != tuple(network._input_shape()):
            raise ValueError(
                f"samples[0] must have shape (samples, "
                f"{', '.join(map(str, network._input_shape()))}), got {array.shape}"
            )
        if network.classes is not None and wanted.size == len(wanted):
            number = {name: i for i, name in enumerate(network.classes)}
            numbers = [number.get(name, 0) for name in wanted.reshape(-1).tolist()]
            return (Shown(array, np.array(numbers)),)
        if network._classifies() and wanted.ndim > 1 and wanted.shape[-1] > 1:
            wanted = wanted.argmax(axis=-1)
        return (Shown(array, wanted.astype(float)),)


def _pair(samples: object) -> tuple[Array, Array]:
    """Return samples and their targets as arrays of one length."""
    wanted = "samples must be a pair (x, y) or None"
    parts = checks.items(samples, wanted, 3)
    if len(parts) != 2:
        raise ValueError(f"{wanted}, got {checks.shown(samples)}")
    x = checks.as_array(parts[0], "samples[0]")
    try:
        y = np.asarray(parts[1])
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"samples[1] must be an array of targets: {error}") from None
    if x.ndim < 2 or len(x) == 0:
        raise ValueError(f"samples[0] must be samples of numbers, got {checks.shown(parts[0])}")
    if y.ndim == 0 or len(y) != len(x):
        got = checks.shown(parts[1]) if y.ndim == 0 else len(y)
        raise ValueError(f"samples[1] must have {len(x)} targets, got {got}")
    return x, y


def _epochs(history: History) -> int:
    return len(next(iter(history.values()), ()))


def _refuse(wanted: Mapping[str, object]) -> None:
    raise ValueError("this page only shows a training")
