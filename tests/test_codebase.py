"""The code base itself: versions agree, everything public is documented, examples run."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import foxnn
from foxnn.support.former import FORMER

RunPython = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[1]
in_the_repository = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(), reason="the repository is not here"
)
NAMES = [name for name in foxnn.__all__ if name != "__version__"]


def of_a_module(name: str) -> Iterator[tuple[str, Any]]:
    """Yield what a public module, or a module of a public package, defines for users."""
    module = getattr(foxnn, name)
    for member, value in vars(module).items():
        origin = getattr(value, "__module__", "")
        if not member.startswith("_") and f"{origin}.".startswith(f"{module.__name__}."):
            yield f"{name}.{member}", value


PUBLIC_MODULES = [name for name in NAMES if isinstance(getattr(foxnn, name), ModuleType)]
# Everything that users call, by its name after "foxnn.".
PUBLIC: dict[str, Any] = {n: getattr(foxnn, n) for n in NAMES if n not in PUBLIC_MODULES}
for _name in PUBLIC_MODULES:
    PUBLIC |= of_a_module(_name)
CLASSES = [name for name, thing in PUBLIC.items() if inspect.isclass(thing)]
# All modules, in packages at any depth, by their names after "foxnn.".
MODULES = [
    found.name.removeprefix("foxnn.")
    for found in pkgutil.walk_packages(foxnn.__path__, "foxnn.")
    if found.name != "foxnn._core"
]


@in_the_repository
def test_the_version_is_one() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    assert found[1] == foxnn.__version__ == importlib.metadata.version("foxnn")


# Public names


def by_kind(name: str) -> tuple[int, str]:
    """Order as ruff does: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_all_is_true_and_sorted() -> None:
    assert dir(foxnn) == sorted(foxnn.__all__)
    every = {**vars(foxnn), **{name: getattr(foxnn, name) for name in dir(foxnn)}}
    there = {
        name
        for name, value in every.items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(NAMES) - set(PUBLIC_MODULES) == there
    assert foxnn.__all__ == sorted(set(foxnn.__all__), key=by_kind)


def sections(text: str) -> set[str]:
    """Return the titles of a numpydoc text."""
    return set(re.findall(r"^([A-Z][A-Za-z ]+)\n-{3,}$", inspect.cleandoc(text), re.MULTILINE))


def documented_parameters(text: str) -> list[str]:
    """Return the names under "Parameters"."""
    body = inspect.cleandoc(text).partition("Parameters\n----------\n")[2]
    body = re.split(r"\n[A-Z][A-Za-z ]+\n-{3,}\n", body)[0]
    lines = re.findall(r"^([\w*, ]+?)(?: :.*)?$", body, re.MULTILINE)
    names = [name for line in lines if not line.startswith(" ") for name in line.split(", ")]
    return [name.lstrip("*") for name in names if name]


def parameters(function: Any) -> list[str]:
    """Return the names of what a function or a class takes."""
    try:
        found = list(inspect.signature(function).parameters)
    except ValueError:  # pybind11 writes the signature into the text
        found = re.findall(r"(\w+):", function.__doc__.splitlines()[0].partition("->")[0])
    return [name for name in found if name != "self"]


def members(name: str) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class, those inherited from foxnn too."""
    for owner in PUBLIC[name].__mro__:
        if owner.__module__.startswith("foxnn") and owner.__module__ != "foxnn._core":
            for member, value in vars(owner).items():
                if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                    yield f"{name}.{member}", value


METHODS = dict(pair for name in CLASSES for pair in members(name))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_a_docstring_with_its_sections(name: str) -> None:
    thing = PUBLIC[name]
    text = thing.__doc__
    assert text
    assert text.strip()
    if name in CLASSES and issubclass(thing, BaseException):
        return
    expected = parameters(thing)
    if expected:
        assert {"Parameters", "Examples"} <= sections(text)
        assert documented_parameters(text) == expected


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_has_a_docstring(name: str) -> None:
    method = METHODS[name]
    assert method.__doc__, name
    if not isinstance(method, property) and "Parameters" in sections(method.__doc__):
        assert documented_parameters(method.__doc__) == parameters(method)


def test_the_checks_of_docstrings_can_fail() -> None:
    assert {"plot.history", "plot.weights", "schedules.cosine"} <= set(PUBLIC)
    assert {"neural_network.fit", "neural_network.get_out", "train_data.get_part"} <= set(METHODS)
    fit = foxnn.neural_network.fit
    assert documented_parameters(fit.__doc__ or "") == parameters(fit)
    assert len(parameters(fit)) > 5
    assert sections(fit.__doc__ or "") == {"Parameters", "Returns", "Raises", "Warns", "Examples"}
    assert documented_parameters("X.\n\nParameters\n----------\na, b : int\n    C.\nd\n") == [
        "a",
        "b",
        "d",
    ]


@pytest.mark.parametrize("name", ["", *MODULES])
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"foxnn.{name}" if name else "foxnn")
    result = doctest.testmod(module, verbose=False)
    assert result.failed == 0
    shown = inspect.getsource(module)
    assert (result.attempted > 0) == (re.search(r"^ *>>> ", shown, re.MULTILINE) is not None)


# The package


@pytest.mark.parametrize(
    "package", ["tqdm", "scipy", "matplotlib", "sklearn", "pandas", "safetensors"]
)
def test_importing_foxnn_leaves_others_alone(package: str, run_python: RunPython) -> None:
    done = run_python(f"import sys, foxnn; print({package!r} in sys.modules)")
    assert (done.stdout.strip(), done.stderr) == ("False", "")


LATER = {"augment", "plot", "schedules", "resuming", "training"}


def test_importing_foxnn_leaves_trainings_and_pictures_for_later(run_python: RunPython) -> None:
    loaded = "{name.split('.')[1] for name in sys.modules if name.startswith('foxnn.')}"
    done = run_python(f"import sys, foxnn; print(sorted({LATER} & {loaded}))")
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    every = "from foxnn import *; print(plot.history.__name__, Adam().beta_1, resume.__name__)"
    done = run_python(every)
    assert (done.stdout.strip(), done.stderr) == ("history 0.9 resume", "")


# Modules whose import takes as long as that of two to five modules of foxnn, unless NumPy has
# imported them before.
SLOW = {"dataclasses", "difflib", "json", "mmap", "numpy.typing", "threading", "zlib"}


def test_importing_foxnn_imports_few_modules(run_python: RunPython) -> None:
    done = run_python(
        "import sys, numpy; before = {*sys.modules}; import foxnn; print({*sys.modules} - before)"
    )
    found = ast.literal_eval(done.stdout)
    assert found & SLOW == set()
    own = {name for name in found if name.partition(".")[0] == "foxnn"}
    assert {"foxnn", "foxnn._core", "foxnn.network"} <= own
    assert len(own) <= 52  # each takes some 0.2 ms
    makes = "foxnn.neural_network([3, 2]).get_out([0, 1, 2])"
    unread = {"foxnn.formats.endings", "foxnn.layers.dense", "foxnn.model.state"}
    done = run_python(f"import sys, foxnn; {makes}; print({{*sys.modules}} & {unread})")
    assert done.stdout.strip() == "set()"


def test_answers_leave_trainings_for_later(run_python: RunPython) -> None:
    answer = "foxnn.neural_network([2, 3, 1], seed=1).predict([[0.0, 1.0]])"
    done = run_python(f"import sys, foxnn; {answer}; print('foxnn.training' in sys.modules)")
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_a_name_that_the_package_lacks() -> None:
    with pytest.raises(AttributeError, match="module 'foxnn' has no attribute 'nothing'"):
        foxnn.nothing  # noqa: B018


@pytest.mark.parametrize("name", ["py.typed", "_core.pyi"])
def test_types_come_with_the_package(name: str) -> None:
    assert any((Path(folder) / name).is_file() for folder in foxnn.__path__)


def test_the_stub_names_what_the_engine_has() -> None:
    path = next(p for f in foxnn.__path__ if (p := Path(f) / "_core.pyi").is_file())
    named = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            named.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    core = importlib.import_module("foxnn._core")
    there = {name for name in vars(core) if not name.startswith("_")} | {"__version__"}
    assert named == there


# The modules of 0.1.0, by their names after "foxnn.".
IN_0_1_0 = """
    __main__ base c_export c_source callbacks checkpoint checks cli cli.columns cli.convert
    cli.info cli.network_files cli.options cli.predict cli.tables cli.targets cli.train doctor
    drawing early_stopping errors extras files fit_data fit_loop fit_options formats
    foxnn_interface foxnn_text history interpreter kinds layers names network notes onnx_chain
    onnx_constants onnx_functions onnx_graph onnx_read onnx_shapes onnx_write pieces plot
    progress resuming safetensors_file samples saturation scaler schedules settings sklearn
    sklearn.classifier sklearn.estimator sklearn.lbfgs sklearn.model sklearn.regressor
    sklearn.samples sklearn.scores sklearn.solver sklearn.steps sklearn.stochastic state streams
    trace unpickling update_rules whole_files
"""


@pytest.mark.parametrize("name", IN_0_1_0.split())
def test_a_former_name_of_a_module_is_still_imported(name: str) -> None:
    if name.startswith("sklearn"):
        pytest.importorskip("sklearn")
    module = importlib.import_module(f"foxnn.{name}")
    now = FORMER.get(name, name)
    assert module is importlib.import_module(f"foxnn.{now}")
    assert module.__name__ == f"foxnn.{now}"


def test_there_are_no_other_former_names() -> None:
    assert set(FORMER) <= set(IN_0_1_0.split())
    assert not set(FORMER) & set(MODULES)
    with pytest.raises(ModuleNotFoundError, match=r"foxnn\.never"):
        importlib.import_module("foxnn.never")


def test_a_former_name_in_a_new_process(run_python: RunPython) -> None:
    lines = "import foxnn.base", "from foxnn.samples import train_data", "from foxnn import doctor"
    shown = "print(foxnn.base.__name__, train_data.__module__, doctor.__name__)"
    done = run_python("; ".join((*lines, "import foxnn", shown)))
    assert done.stdout.split() == [
        "foxnn.model.base",
        "foxnn.classic.train_data",
        "foxnn.cli.doctor",
    ]


# The order of the package

# From the ground up, by the first name after "foxnn."; "" is foxnn itself. A module may import of
# its own storey and of those below.
STOREYS = (
    ("_core",),
    ("support",),
    ("checks",),
    ("layers",),
    ("model",),
    ("formats",),
    ("plot", "quantized"),
    ("augment", "evolution", "schedules"),
    ("training",),
    ("classic",),
    ("network",),
    ("populations",),
    ("resuming",),
    ("watching",),
    ("",),
    ("cli", "playing", "sklearn"),
    ("__main__",),
)
STOREY = {name: i for i, names in enumerate(STOREYS) for name in names}


def for_type_checkers(tree: ast.AST) -> set[ast.AST]:
    """Return all that stands under "if TYPE_CHECKING"."""
    return {
        within
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for part in node.body
        for within in ast.walk(part)
    }


def imports(text: str, modules: Collection[str]) -> set[str]:
    """Return what a source imports of foxnn, in functions too, by the names after "foxnn."."""
    tree, found = ast.parse(text), set()
    left_out = for_type_checkers(tree)
    for node in ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an import of foxnn says the whole name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "ModuleLater":
            names = [ast.literal_eval(node.args[0])]
        else:
            continue
        for name in names:
            package, _, inner = name.partition(".")
            while package == "foxnn" and inner and inner not in modules:
                inner = inner.rpartition(".")[0]
            if package == "foxnn":
                found.add(inner)
    return found


def arrows(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Return for each module those that it imports."""
    modules = {*sources, "_core"}
    return {name: imports(text, modules) - {name} for name, text in sources.items()}


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the imports of a storey above, as texts."""
    storey = {name: STOREY[name.partition(".")[0]] for name in {*graph, *chain(*graph.values())}}
    return [
        f"{name or 'foxnn'} imports {other or 'foxnn'}"
        for name, others in graph.items()
        for other in others
        if storey[other] > storey[name]
    ]


def package_arrows() -> dict[str, set[str]]:
    names = ["", *MODULES]
    modules = [importlib.import_module(f"foxnn.{name}" if name else "foxnn") for name in names]
    return arrows(dict(zip(names, map(inspect.getsource, modules), strict=True)))


def test_no_import_runs_up() -> None:
    graph = package_arrows()
    assert upward(graph) == []
    assert {"network", "training.checkpoint"} <= graph["resuming"] | graph[""]
    assert {name.partition(".")[0] for name in {*graph, "_core"}} == set(STOREY)


def test_no_circle_of_imports() -> None:
    TopologicalSorter(package_arrows()).prepare()


def test_few_modules_lie_flat() -> None:
    flat = {path.stem for path in Path(foxnn.__file__).parent.glob("*.py")} - {"__init__"}
    assert "network" in flat
    assert len(flat) <= 12


@pytest.mark.parametrize(
    "text",
    [
        "import foxnn.formats.paths",
        "from foxnn.formats import paths",
        "from foxnn.formats.paths import path_of",
        "def late():\n    from foxnn import checks, formats",
        "import foxnn",
        "from foxnn import neural_network",
        'paths = ModuleLater("foxnn.formats.paths")',
    ],
)
def test_the_order_can_fail(text: str) -> None:
    others = {"": "", "checks": "", "formats": "", "formats.paths": "import foxnn.model.base"}
    graph = arrows({**others, "model.base": text})
    assert len(upward(graph)) == 1
    if "paths" in text:
        with pytest.raises(CycleError):
            TopologicalSorter(graph).prepare()
    guarded = "if TYPE_CHECKING:\n    " + text.replace("\n", "\n    ")
    assert upward(arrows({**others, "model.base": guarded})) == []


# What a training runs. NumPy's products are BLAS's, whose threads then wait busily for a while and
# are in the way of the engine's.
RUN_BY_FIT = ("checks", "layers", "model", "training", "classic", "network")


def products(text: str) -> list[int]:
    """Return the lines of a source in which NumPy multiplies matrices or vectors."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (
            isinstance(node, ast.Attribute)
            and node.attr in {"dot", "vdot", "inner", "matmul", "tensordot", "linalg"}
        )
    ]


def test_training_leaves_the_threads_of_numpy_asleep() -> None:
    looked_at = [name for name in MODULES if name.partition(".")[0] in RUN_BY_FIT]
    assert "training.saturation" in looked_at
    for name in looked_at:
        text = inspect.getsource(importlib.import_module(f"foxnn.{name}"))
        assert products(text) == [], name
    assert products("a = b @ c\nd = np.dot(a, a)\ne = a * a") == [1, 2]


# The repository


def sources() -> list[Path]:
    """Return the Python files of the repository, stubs too."""
    return sorted(
        path
        for folder in ("python/foxnn", "benchmarks", "examples", "tests")
        for path in (ROOT / folder).rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    )


@in_the_repository
@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_holds(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text
    assert text.strip().endswith((".", ":")) or ">>>" in text


@in_the_repository
def test_nothing_is_built_for_one_processor_only() -> None:
    word = b"march=" + b"native"
    found = []
    for place in (
        "cmake",
        "cpp",
        "python",
        "benchmarks",
        "examples",
        "tests",
        "wiki",
        ".ci",
        ".github",
        ".",
    ):
        folder = ROOT / place
        paths = folder.glob("*") if place == "." else folder.rglob("*")
        for path in paths:
            if path.is_file() and path.suffix != ".pyc" and word in path.read_bytes():
                found.append(str(path.relative_to(ROOT)))
    assert found == ["CMakeLists.txt"]
    lines = (ROOT / "CMakeLists.txt").read_bytes().splitlines()
    assert all(line.startswith(b"#") for line in lines if word in line)
