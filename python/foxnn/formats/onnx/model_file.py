"""What all readers of ONNX files share: operator set, stored numbers, refusals and memory."""

from __future__ import annotations

from typing import Any

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.paths import FileFormatError

# What may be made of a file, as a multiple of its size: many nodes may take one constant.
_MOST_TIMES = 64
_AT_LEAST = 1 << 20

_OLDEST = 7  # from this operator set on, arrays are broadcast as in NumPy


class ModelFile:
    """A model of a file, with what its readers need of it."""

    def __init__(self, path: str, model: Any) -> None:
        self.path, self.model = path, model
        self._room = _MOST_TIMES * model.ByteSize() + _AT_LEAST
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        versions = {opset.domain: opset.version for opset in model.opset_import}
        self._version = int(versions.get("", versions.get("ai.onnx", 0)))
        if self._version < _OLDEST:
            raise self.error(f"expected operator set {_OLDEST} or later, got {self._version}")

    def error(self, expected: str) -> FileFormatError:
        """Return an error of the whole file."""
        return FileFormatError(f"{self.path}: {expected}")

    def refused(self, node: Any, expected: str) -> FileFormatError:
        """Return the error for a node."""
        name = checks.shown(node.name or next(iter(node.output), ""))
        return self.error(f"node {name} ({kind_of(node)}): {expected}")

    def take(self, node: Any, array: Array) -> None:
        """Count memory that a node takes; refuse the node where it is too much for the file."""
        self._room -= array.nbytes
        if self._room < 0:
            raise self.refused(node, f"expected at most {_MOST_TIMES} times the file's numbers")


def kind_of(node: Any) -> str:
    """Return the operator of a node, with its domain where that is not ONNX's own."""
    own = node.domain in ("", "ai.onnx")
    return str(node.op_type if own else f"{node.domain}.{node.op_type}")
