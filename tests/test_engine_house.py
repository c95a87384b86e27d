"""The engine's folders: their includes only go down, and only the layers know the kinds by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "cpp"
pytestmark = pytest.mark.skipif(not ENGINE.is_dir(), reason="the engine's sources are not here")

# From the bottom to the top; a folder includes its own files and those of folders below it.
STOREYS = [
    "base", "kernels", "data", "quantized", "layers", "network", "training", "population",
]  # fmt: skip


def sources() -> dict[str, str]:
    """Return the text of every file of cpp/src, by its path there."""
    folder = ENGINE / "src"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.[ch]pp"))
    }


def upward(files: dict[str, str]) -> Iterator[str]:
    """Yield the includes that run up."""
    for name, text in files.items():
        for included in re.findall(r'^#include "(\w+)/', text, re.MULTILINE):
            # A kernel sees the rows of a batch and what can be chosen by name; public headers have
            # no storey of their own.
            if included == "foxnn":
                continue
            if STOREYS.index(included) > STOREYS.index(name.partition("/")[0]):
                yield f"{name} includes {included}"


def circles(headers: dict[str, str]) -> list[str]:
    """Return the public headers that include themselves in the end."""
    graph = {
        name: re.findall(r'#include "foxnn/(\w+\.hpp)"', text) for name, text in headers.items()
    }

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph[name]
        return seen

    return [name for name in graph if name in reaches(name)]


def test_every_folder_has_a_storey() -> None:
    assert {name.partition("/")[0] for name in sources()} == set(STOREYS)


def test_includes_only_go_down() -> None:
    assert list(upward(sources())) == []
    faked = {"kernels/gemm-inl.hpp": '#include "layers/dense.hpp"\n#include "base/cost.hpp"\n'}
    assert list(upward(faked)) == ["kernels/gemm-inl.hpp includes layers"]


def test_kernels_and_teams_know_nothing_of_layers() -> None:
    allowed = {"activation.hpp", "loss.hpp", "optimizer.hpp", "rows.hpp", "cpu.hpp"}
    for name, text in sources().items():
        if name.startswith(("kernels/", "base/parallel")):
            assert set(re.findall(r'#include "foxnn/(\w+\.hpp)"', text)) <= allowed, name


def test_public_headers_have_no_circle() -> None:
    headers = {p.name: p.read_text(encoding="utf-8") for p in (ENGINE / "include/foxnn").glob("*")}
    assert "layer.hpp" in headers
    assert circles(headers) == []
    assert circles({"a.hpp": '#include "foxnn/b.hpp"', "b.hpp": '#include "foxnn/a.hpp"'}) == [
        "a.hpp",
        "b.hpp",
    ]


# A kind that is asked for, or made, by its name or its class.
A_KIND = re.compile(r'\bDense\b|\bNarrowPart\b|dynamic_cast|\bkind\b\)? *[!=]=? *"')
# The plan splits composites, and makes what joins their branches. That of lanes makes what turns a
# value.
MAY_KNOW_KINDS = {"network/plan.cpp", "network/lane_plan.cpp", "population/lane_layout.cpp"}


def knowing_kinds(files: dict[str, str]) -> list[str]:
    """Return the files outside the layers that refer to a kind."""
    return [
        name
        for name, text in files.items()
        if not name.startswith("layers/") and A_KIND.search(text)
    ]


def test_only_layers_know_the_kinds() -> None:
    bindings = {f"bindings/{p.name}": p.read_text() for p in (ROOT / "python/bindings").iterdir()}
    assert set(knowing_kinds(sources() | bindings)) == MAY_KNOW_KINDS
    faked = {
        "network/network.cpp": 'while (layer(i).spec().kind == "arrange") --i;',
        "training/step.hpp": 'make({.kind = "add"});',
        "layers/kinds.cpp": 'if (spec.kind == "dense") {}',
        "network/loss.cpp": "if (activation.kind == ActivationKind::softmax) {}",
    }
    assert knowing_kinds(faked) == ["network/network.cpp", "training/step.hpp"]
