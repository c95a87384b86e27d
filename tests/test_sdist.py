"""The source distribution has the files of the repository that belong in it, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_DISTRIBUTED = (".ci/", ".github/")  # how the repository itself is checked

# Not in the repository. The environment has a name that git does not ignore, and absolute links.
STRAY = [
    "dist/foxnn-0.0.tar.gz",
    "environment/lib/python3.11/site-packages/other/module.py",
    "environment/pyvenv.cfg",
    "notes.txt",
    "build/wheel/CMakeCache.txt",
    "python/foxnn/_core.cpython-311-x86_64-linux-gnu.so",
    "python/foxnn/__pycache__/network.cpython-311.pyc",
    "tests/.hypothesis/examples/1",
]


def tracked() -> list[str]:
    """Return the files that git knows, or skip the test: a source distribution has no .git."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("it needs the repository")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:  # a checkout of another user, which git does not trust
        pytest.skip(done.stderr.decode())
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def test_it_has_what_belongs_in_it(tmp_path: Path) -> None:
    pytest.importorskip("scikit_build_core")
    names = tracked()
    checkout = tmp_path / "checkout"
    for name in names:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, checkout / name)
    for name in STRAY:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("stray")
    (checkout / "environment" / "bin").mkdir()
    (checkout / "environment" / "bin" / "python").symlink_to(sys.executable)
    (checkout / "environment" / "lib64").symlink_to(checkout / "environment" / "lib")
    program = "from scikit_build_core.build import build_sdist; build_sdist('dist')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (path for path in (checkout / "dist").iterdir() if path.name != Path(STRAY[0]).name)
    with tarfile.open(path) as archive:
        assert all(member.isfile() for member in archive.getmembers())
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert found == {*(n for n in names if not n.startswith(NOT_DISTRIBUTED)), "PKG-INFO"}
