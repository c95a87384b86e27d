"""The work given to the libraries: a network, its training, and samples."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
import mnist_data


@dataclass(frozen=True)
class Work:
    """A network and how it is trained, or the samples to predict."""

    sizes: tuple[int, ...]
    activation: str
    samples: int
    classifies: bool = False
    optimizer: str = "sgd"
    batch: int = 1
    dtype: str = "float32"
    is_mnist: bool = False
    stored: int = 0  # of a sparse sample, how many numbers are not zero; 0: samples are arrays

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return -(-self.samples // self.batch)

    @property
    def title(self) -> str:
        """The sizes of the layers."""
        return str(list(self.sizes))

    @property
    def output_activation(self) -> str:
        """The activation of the last layer."""
        return "softmax" if self.classifies else self.activation

    def network(self) -> foxnn.neural_network:
        """Return the network, the same at every call."""
        return foxnn.neural_network(
            list(self.sizes), self.activation, self.output_activation, dtype=self.dtype, seed=0
        )


def sparse_samples(work: Work, rng: np.random.Generator) -> Any:
    """Return a CSR matrix; a column that is drawn twice for a sample holds the sum."""
    import scipy.sparse

    shape = work.samples, work.sizes[0]
    columns = rng.integers(0, shape[1], (work.samples, work.stored))
    rows = np.repeat(np.arange(work.samples), work.stored)
    values = rng.random(columns.size, dtype=np.float32)
    matrix = scipy.sparse.csr_matrix((values, (rows, columns.ravel())), shape)
    matrix.sum_duplicates()
    return matrix


@dataclass
class Data:
    """The source of samples: MNIST if it is requested and found, otherwise random numbers."""

    folder: Path | None = None
    random_only: bool = False
    _mnist: tuple[Any, ...] | None = None
    _tried: bool = False

    def of(self, work: Work) -> tuple[Any, Any]:
        """Return inputs and targets: labels for classification, numbers otherwise."""
        images = self._images() if work.is_mnist else None
        if images is not None:
            pixels, labels = images
            x = pixels[: work.samples].astype(work.dtype) / np.dtype(work.dtype).type(255)
            kept = labels[: work.samples].astype(np.int64)
            return x, kept if work.classifies else np.eye(10, dtype=work.dtype)[kept]
        rng = np.random.default_rng(0)
        if work.stored:
            return sparse_samples(work, rng), rng.integers(0, work.sizes[-1], work.samples)
        x = rng.random((work.samples, work.sizes[0]), dtype=np.float32).astype(work.dtype)
        if work.classifies:
            return x, rng.integers(0, work.sizes[-1], work.samples)
        return x, rng.random((work.samples, work.sizes[-1])).astype(work.dtype)

    def note(self, work: Work) -> str:
        """Return a note about the samples, or an empty string."""
        if not work.is_mnist:
            return ""
        return "" if self._images() is not None else "random data instead of MNIST"

    def _images(self) -> tuple[Any, Any] | None:
        if not self._tried and not self.random_only:
            self._tried = True
            try:
                self._mnist = mnist_data.load(self.folder)
            except (mnist_data.DataError, OSError) as error:
                print(f"MNIST not found, using random data: {error}", file=sys.stderr)
        return None if self._mnist is None else (self._mnist[0], self._mnist[1])
