"""The names that modules had in 0.1.0, which imports and pickles may still use."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

# From former to current names, both without "foxnn.". A module of 0.1.0 that has been split maps to
# the one with the names that users or their pickles may contain.
FORMER = {
    "base": "model.base",
    "c_export": "formats.c.export",
    "c_source": "formats.c.source",
    "callbacks": "training.callbacks",
    "checkpoint": "training.checkpoint",
    "doctor": "cli.doctor",
    "drawing": "plot.drawing",
    "early_stopping": "training.early_stopping",
    "errors": "support.errors",
    "extras": "support.extras",
    "files": "formats.paths",
    "fit_data": "training.data",
    "fit_loop": "training.loop",
    "fit_options": "training.options",
    "foxnn_interface": "classic.foxnn_interface",
    "foxnn_text": "formats.foxnn_text",
    "history": "training.history",
    "interpreter": "support.interpreter",
    "kinds": "training.kinds",
    "names": "model.names",
    "notes": "checks.notes",
    "onnx_chain": "formats.onnx.chain",
    "onnx_constants": "formats.onnx.constants",
    "onnx_functions": "formats.onnx.functions",
    "onnx_graph": "formats.onnx.graph",
    "onnx_read": "formats.onnx.read",
    "onnx_shapes": "formats.onnx.shapes",
    "onnx_write": "formats.onnx.write",
    "pieces": "support.pieces",
    "progress": "training.progress",
    "safetensors_file": "formats.safetensors_file",
    "samples": "classic.train_data",
    "saturation": "training.saturation",
    "scaler": "model.scaler",
    "settings": "model.settings",
    "state": "model.state",
    "streams": "support.streams",
    "trace": "model.trace",
    "unpickling": "checks.unpickling",
    "update_rules": "training.update_rules",
    "whole_files": "formats.whole_files",
}


class _Finder:
    """Finds a module by its former name, after all other finders."""

    @staticmethod
    def find_spec(
        fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != "foxnn" or name not in FORMER:
            return None
        # No importlib.abc.Loader: its import would take longer than everything here.
        return ModuleSpec(fullname, _Loader())  # type: ignore[arg-type]


class _Loader:
    """Replaces the module that an import has created with the moved one."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        name = module.__name__
        sys.modules[name] = import_module(f"foxnn.{FORMER[name.removeprefix('foxnn.')]}")


def find_former_names() -> None:
    """Make imports find modules by their former names, too."""
    sys.meta_path.append(_Finder())
