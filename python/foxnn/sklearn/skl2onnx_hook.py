"""Registers the converters to ONNX when a program imports skl2onnx, before or after foxnn.sklearn.

skl2onnx takes seconds to import, so that it is not imported here for programs that do without.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_NAME = "skl2onnx"


class _Loader:
    """Loads skl2onnx as its own loader does, and then registers the converters."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self._loader  # type: ignore[union-attr]
        self._loader.exec_module(module)
        _register()


class _Finder:
    """Finds skl2onnx by the other finders, once."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _NAME or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


def register_when_imported() -> None:
    """Register the converters now, if skl2onnx has been imported, or else when it is."""
    if _NAME in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Finder())


def _register() -> None:
    try:
        import_module("foxnn.sklearn.onnx_converters")
    except Exception as error:  # of another version, say: skl2onnx works for all else
        warnings.warn(
            f"foxnn's estimators cannot be converted by skl2onnx: {error!r}", stacklevel=2
        )
