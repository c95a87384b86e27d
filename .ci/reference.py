"""Build the API reference from the docstrings with pdoc: `nox -s docs` writes it to build/docs.

A warning is an error, and so is a public name that is missing from the pages.
"""

from __future__ import annotations

import importlib
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy.typing
import pdoc

OUT = Path(__file__).resolve().parents[1] / "build" / "docs"
MODULES = ("foxnn", "foxnn.sklearn")


def adopt(owner: pdoc.doc.Class) -> None:
    """Show in full the members that a class inherits from private classes, which have no page."""
    for member in owner.members.values():
        origin = member.taken_from[0]
        if origin.startswith("foxnn.") and origin != "foxnn._core":
            member.taken_from = (member.modulename, member.qualname)


def missing(module: pdoc.doc.Module, page: str) -> list[str]:
    """Return the names that the page of a module should document, but does not."""
    shown = set(re.findall(r'id="([^"]+)"', page))
    names = list(getattr(importlib.import_module(module.fullname), "__all__", []))
    submodules = {part.name for part in module.submodules}
    found = [name for name in names if name not in shown | submodules and not name.startswith("_")]
    for owner in module.flattened_own_members:
        if isinstance(owner, pdoc.doc.Class):
            found += [
                member.qualname
                for member in owner.own_members
                if member.docstring
                and not member.name.startswith("_")
                and member.qualname not in shown
            ]
    return found


def name_types() -> None:
    """Let signatures show ArrayLike and NDArray, not the types that these NumPy names stand for."""
    for name in ("ArrayLike", "NDArray"):
        itself = {"__module__": "numpy.typing", "__class_getitem__": classmethod(lambda c, _: c)}
        setattr(numpy.typing, name, type(name, (), itself))


def main() -> int:
    """Write the pages and return the exit code."""
    name_types()  # before foxnn is imported
    warnings.simplefilter("error")
    pdoc.render.configure(docformat="numpy", show_source=False)
    names = list(pdoc.extract.walk_specs(MODULES))
    modules = {name: pdoc.doc.Module.from_name(name) for name in names}
    shutil.rmtree(OUT, ignore_errors=True)
    left_out = []
    for name, module in modules.items():
        for member in module.members.values():
            if isinstance(member, pdoc.doc.Class):
                adopt(member)
        page = pdoc.render.html_module(module, modules)
        left_out += [f"{name}.{missed}" for missed in missing(module, page)]
        path = OUT / f"{name.replace('.', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    (OUT / "index.html").write_text(pdoc.render.html_index(modules), encoding="utf-8")
    (OUT / "search.js").write_text(pdoc.render.search_index(modules), encoding="utf-8")
    if left_out:
        sys.exit(f"missing from the pages: {', '.join(left_out)}")
    print(f"{len(modules)} pages: {OUT / 'foxnn.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
