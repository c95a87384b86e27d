"""Names with an underscore stay in their package, but for those that its friends may use."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "foxnn"
pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the package's sources are not here")

#: By package, the names of others that it uses: parts of a network or of its layers, which users
#: are not shown. `formats` makes networks, `training` changes them, `plot` asks them.
FRIENDS = {
    "formats": {
        "_begin", "_channels", "_check_names", "_classifies", "_forget_misfit", "_least",
        "_loss_given", "_make", "_own_loss", "_reader", "_rows", "_samples", "_set_scalers",
        "_take_loss",
    },
    "training": {
        "_answers_of", "_back_plan", "_channels", "_check_names", "_classes", "_classifies",
        "_evaluation", "_input_names", "_is_loss_checked", "_measured", "_names_of", "_own_loss",
        "_own_mean", "_rows", "_scalers", "_set_scalers", "_varies_at_end", "_weighted",
    },
    "plot": {"_check_names", "_one_sample"},
    "quantized": {
        "_begin", "_check_names", "_loss_given", "_rows", "_set_scalers", "_take_loss",
    },
    "populations": {
        "_as_array", "_check_names", "_classes", "_input_names", "_is_one_sample", "_metrics",
        "_own_loss", "_positions", "_reader", "_rows", "_scalers", "_set_scalers", "_twin",
        "_varies_at_end", "_weighted",
    },
    "model": {"_network", "_part"},
    "checks": {"_refused_on"},
}  # fmt: skip


def package_of(module: str) -> str:
    """Return the package of a module; modules beside the packages are each their own."""
    return module.partition("/")[0]


def defined(tree: ast.AST) -> set[str]:
    """Return the attributes that a module's classes define, in their bodies or by self."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    found.add(member.name)
                elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                    found.add(member.target.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node):
            found.add(node.attr)
    return found


def is_self(node: ast.Attribute) -> bool:
    """Return whether an attribute is the object's or the class's own, or inherited."""
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def reaches(sources: Mapping[str, str], engine: set[str]) -> dict[str, set[str]]:
    """Return the private names of other packages that each package uses, the engine's apart."""
    trees = {module: ast.parse(text) for module, text in sources.items()}
    own: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        own[package_of(module)] |= defined(tree)
    everywhere = set().union(*own.values())
    found: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        package = package_of(module)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
                continue
            if node.attr in everywhere - own[package] - engine and not is_self(node):
                found[package].add(node.attr)
    return dict(found)


def test_private_names_are_used_by_friends_only() -> None:
    stub = (PACKAGE / "_core.pyi").read_text(encoding="utf-8")
    engine = set(re.findall(r"def (_\w+)", stub))
    assert "_layers" in engine
    sources = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }
    assert reaches(sources, engine) == FRIENDS


def test_a_reach_into_another_package_is_found() -> None:
    sources = {
        "a/one.py": "class One:\n    def _own(self): self._part = self._engine()\n",
        "a/two.py": "def use(one): return one._own(), one._part\n",
        "b/three.py": "def use(one): return one._own(), one._layers(), one.public, one._library\n",
        "four.py": "class Four(One):\n    def use(self): return self._own() + other._part\n",
    }
    assert reaches(sources, {"_layers"}) == {"b": {"_own"}, "four.py": {"_part"}}
