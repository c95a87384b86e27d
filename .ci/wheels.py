"""Build, compare, install and test the source distribution and the wheels for this machine.

    nox -s wheels                          # every Python from 3.10 on found on this machine
    nox -s wheels -- --python 3.12         # one of them
    nox -s wheels -- --tests none          # without the tests

Wheels are built from the source distribution with only the compiler on PATH. The wheel built from
it must have the same contents as the wheel built from the checkout. Each wheel is repaired for the
matching manylinux platform, checked for size, installed into a fresh environment, and must train a
network there; the tests run in the first of these environments. The results are in dist/.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 10)
# Of what is installed, each family of layer kinds takes 50 to 60 kB, populations and lanes 150,
# pages and trainings that are watched 200, several machines 110.
LARGEST_WHEEL = 2_400_000
LARGEST_INSTALLED = 6_200_000
# The programs that g++ calls; everything else that a build needs must come from the package index.
COMPILER_TOOLS = ("g++", "c++", "gcc", "cc", "as", "ld", "ar", "ranlib", "strip")

SMOKE_TEST = """
import foxnn, os, pickle, subprocess, sys
from foxnn import _core

x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
nn = foxnn.neural_network([2, 8, 1], "tanh", "sigmoid", seed=1)
nn.fit(x, y, epochs=500, learning_rate=0.05)
assert nn.predict(x).round().ravel().tolist() == [0, 1, 1, 0]
assert pickle.loads(pickle.dumps(nn)).predict(x).tobytes() == nn.predict(x).tobytes()
assert _core.thread_limit() > 1 or len(os.sched_getaffinity(0)) == 1, "there is no OpenMP"
assert "site-packages" in foxnn.__file__
subprocess.run([sys.executable, "-m", "foxnn", "doctor"], check=True, stdout=subprocess.DEVNULL)
print("  trains with", foxnn.kernel_set(), "on", _core.thread_limit(), "threads")
"""


def say(text: str) -> None:
    """Print a line immediately, before the output of the next command."""
    print(text, flush=True)


def run(*command: str | Path, shown: bool = False, **options: object) -> None:
    """Run a command; if it fails, show its output, unless already shown, and stop."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode:
        sys.exit(f"{done.stdout or ''}\n{' '.join(map(str, command))} failed")


def found_pythons() -> dict[tuple[int, int], str]:
    """Return the interpreters on this machine by version: those on PATH first, then pyenv's."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path.home().glob(".pyenv/versions/*/bin"))
    ask = (
        "import sys, sysconfig; "
        "print(*sys.version_info[:2], sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
    )
    found: dict[tuple[int, int], str] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.[0-9]*")):
            if not path.name.removeprefix("python3.").isdigit():
                continue
            done = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
            if done.returncode == 0:  # a shim of a version that is not selected fails
                major, minor, free_threaded = map(int, done.stdout.split())
                if (major, minor) >= OLDEST and not free_threaded:
                    found.setdefault((major, minor), str(path))
    return dict(sorted(found.items()))


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel without RECORD, which only lists them."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/", "/RECORD"))]
        return {name: archive.read(name) for name in names}


def built(pip: Path, source: Path, folder: Path, **options: object) -> Path:
    """Build a wheel in a separate folder and return its path."""
    folder.mkdir()
    command = (pip, "wheel", "--quiet", "--no-deps", "--no-cache-dir", "-w", folder)
    run(*command, f"--config-settings=build-dir={folder / 'build'}", source, **options)
    return next(folder.glob("*.whl"))


def compare(one: Path, other: Path) -> None:
    """Stop if the contents of two wheels differ."""
    first, second = contents(one), contents(other)
    if first.keys() != second.keys():
        sys.exit(f"only one of the wheels contains {sorted(first.keys() ^ second.keys())}")
    if differing := [name for name in first if first[name] != second[name]]:
        sys.exit(f"the wheels differ in {differing}")
    say(f"  {len(first)} files, all identical to those in the wheel of the checkout")


def repaired(wheel: Path) -> Path:
    """Return the wheel in dist/, repaired for the matching manylinux platform; check its size.

    The repaired wheel also contains OpenMP's library.
    """
    own = wheel.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "auditwheel", "repair", "-w", folder, wheel)
        found = next(Path(folder).glob("*.whl"))
        result = Path(shutil.copy(found, ROOT / "dist"))
    packed, installed = result.stat().st_size, sum(map(len, contents(result).values()))
    say(f"  {wheel.name}: {own / 1e6:.2f} MB")
    say(f"  {result.name}: {packed / 1e6:.2f} MB, {installed / 1e6:.2f} MB installed")
    if own > LARGEST_WHEEL or installed > LARGEST_INSTALLED:
        sys.exit(f"more than {LARGEST_WHEEL / 1e6} MB, or {LARGEST_INSTALLED / 1e6} MB installed")
    run(sys.executable, "-m", "twine", "check", "--strict", result)
    return result


def only_a_compiler(folder: Path) -> dict[str, str]:
    """Return an environment whose PATH contains only the compiler."""
    folder.mkdir()
    for tool in COMPILER_TOOLS:
        if place := shutil.which(tool):
            (folder / tool).symlink_to(place)
    return {**os.environ, "PATH": str(folder)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run all steps and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", metavar="3.X", help="only this version")
    parser.add_argument("--tests", choices=["all", "none"], default="all")
    args = parser.parse_args(argv)
    pythons = found_pythons()
    if args.python:
        pythons = {v: p for v, p in pythons.items() if f"{v[0]}.{v[1]}" in args.python}
    if not pythons:
        sys.exit("no matching Python was found on this machine")
    with tempfile.TemporaryDirectory() as folder:
        _check(pythons, Path(folder), args.tests == "all")
    say("done; dist/ contains the source distribution and the wheels")
    return 0


def _check(pythons: dict[tuple[int, int], str], work: Path, tests: bool) -> None:
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    run(sys.executable, "-m", "build", "--sdist", "-o", ROOT / "dist", ROOT)
    sdist = next((ROOT / "dist").glob("*.tar.gz"))
    run(sys.executable, "-m", "twine", "check", "--strict", sdist)
    say(f"{sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB")
    with tarfile.open(sdist) as archive:
        archive.extractall(work, filter="data")
    source = work / sdist.name.removesuffix(".tar.gz")
    environment = only_a_compiler(work / "path")
    for number, ((major, minor), python) in enumerate(pythons.items()):
        say(f"Python {major}.{minor}: {python}")
        venv = work / f"venv-{major}.{minor}"
        run(python, "-m", "venv", venv)
        pip = venv / "bin" / "pip"
        wheel = built(pip, source, work / f"wheel-{major}.{minor}", env=environment)
        if number == 0:
            compare(wheel, built(pip, ROOT, work / "wheel-of-checkout"))
        wheel = repaired(wheel)
        run(pip, "install", "--quiet", wheel)
        run(venv / "bin" / "python", "-c", SMOKE_TEST, cwd=work, shown=True)
        if number == 0 and tests:
            run(pip, "install", "--quiet", f"{wheel}[test]")
            pytest = (venv / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
            run(*pytest, source / "tests", cwd=source, shown=True)


if __name__ == "__main__":
    sys.exit(main())
