"""What the page learns: points in a plane, digits, or a table; and how programs get the same."""

from __future__ import annotations

from typing import Any, NamedTuple

from foxnn import Scaler, neural_network
from foxnn.cli.tables import TableFormat
from foxnn.cli.wanted import Wanted
from foxnn.playing import digits, planes, tables
from foxnn.playing.knobs import Knobs


class Data(NamedTuple):
    """Samples to learn and to test with, and what they are."""

    x: Any
    y: Any
    x_test: Any
    y_test: Any
    scale: Any = None


class Source:
    """The classic sets of points, of which a knob chooses one."""

    form = "plane"
    title = "A network learns points in a plane"
    picture: tuple[int, ...] | None = None
    names: list[str] | None = None
    labels: list[str] | None = None
    #: Where the knobs stand at the beginning, as far as it is elsewhere than usual.
    start: dict[str, Any] = {}  # noqa: RUF012 - it is read only
    speed = 30.0

    def data(self, knobs: Knobs) -> Data:
        """Return the samples."""
        found = planes.plane_set(knobs.data, noise=knobs.noise, test=knobs.test, seed=knobs.seed)
        return Data(*found)

    def line(self, knobs: Knobs) -> tuple[str, str]:
        """Return what Python imports, and the line that makes the samples."""
        told = f'"{knobs.data}", noise={knobs.noise:g}, test={knobs.test:g}, seed={knobs.seed}'
        return "plane_set", f"x, y, x_test, y_test = plane_set({told})"

    def ends(self, knobs: Knobs) -> tuple[int, int, str, str]:
        """Return inputs and outputs of the network, its last activation, and its loss."""
        if knobs.data == "plane":
            return 2, 1, "identity", "mse"
        return 2, 1, "sigmoid", "binary_cross_entropy"

    def note(self, nn: neural_network) -> None:
        """Let a network know what its data are, before it is saved."""


class Digits(Source):
    """The images of MNIST."""

    form = "digits"
    title = "A network learns to read digits"
    picture = (28, 28)
    start = {  # noqa: RUF012 - it is read only
        "layers": (32,), "activation": "relu", "learning_rate": 0.001, "batch_size": 32,
    }  # fmt: skip
    speed = 0.0

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        x, y, x_test, y_test = digits.mnist(folder)
        self._data = Data(x, y, x_test, y_test, (Scaler("minmax").fit(x), None))

    def data(self, knobs: Knobs) -> Data:
        """Return the samples."""
        return self._data

    def line(self, knobs: Knobs) -> tuple[str, str]:
        """Return what Python imports, and the line that makes the samples."""
        where = "" if self._folder is None else repr(self._folder)
        return "mnist", f"x, y, x_test, y_test = mnist({where})"

    def ends(self, knobs: Knobs) -> tuple[int, int, str, str]:
        """Return inputs and outputs, the last activation, and the loss."""
        return 784, 10, "softmax", "cross_entropy"


class Table(Source):
    """A table in a CSV file."""

    form = "table"
    start = {  # noqa: RUF012 - it is read only
        "layers": (16,), "activation": "relu", "learning_rate": 0.01, "test": 0.2,
    }  # fmt: skip

    def __init__(self, path: str, wanted: Wanted, form: TableFormat) -> None:
        self._path, self._targets = path, list(wanted.targets)
        self._told = tables.told(wanted, form)
        self._read = tables.read(path, wanted, form)
        self.title = f"A network learns {', '.join(self._targets)}"
        self.names, self.labels = self._read.columns.names(), self._read.columns.classes

    def data(self, knobs: Knobs) -> Data:
        """Return the samples."""
        return Data(*tables.divided(self._read, knobs.test, knobs.seed))

    def line(self, knobs: Knobs) -> tuple[str, str]:
        """Return what Python imports, and the line that makes the samples."""
        target = self._targets if len(self._targets) > 1 else self._targets[0]
        told = f"{self._path!r}, {target!r}, test={knobs.test:g}, seed={knobs.seed}"
        told += "".join(f", {name}={value!r}" for name, value in self._told.items())
        return "table", f"x, y, x_test, y_test, scale = table({told})"

    def ends(self, knobs: Knobs) -> tuple[int, int, str, str]:
        """Return inputs and outputs, the last activation, and the loss."""
        inputs, classes = self._read.x.shape[1], self._read.columns.classes
        if classes is None:
            return inputs, self._read.y.shape[1], "identity", "mse"
        return inputs, len(classes), "softmax", "cross_entropy"

    def note(self, nn: neural_network) -> None:
        """Keep the columns in the network."""
        self._read.columns.note(nn)
