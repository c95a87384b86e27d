"""Fuzz all readers, one after the other: the Python ones by atheris, the engine's by libFuzzer.

Each begins with the seeds and the earlier findings; what is found new stays in the folder of the
corpus, and what breaks a promise in its `crashes`. Ends with 1 where anything did.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from fuzz import readers, seeds  # noqa: E402

# Seconds for one file, sanitizers and instruments included; libFuzzer kills what takes longer.
_TIMEOUT = 5
_LARGEST = 20_000
_MEGABYTES = 1000


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", help="by default all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all together")
    parser.add_argument("--corpus", type=Path, default=ROOT / "build" / "fuzz")
    args = parser.parse_args()
    every = [*readers.READERS, "text"]
    names = args.readers or every
    if unknown := set(names) - set(every):
        parser.error(f"there is no reader {min(unknown)}; there are {', '.join(every)}")
    crashes = args.corpus / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    seconds = max(1, round(args.seconds / len(names)))
    broken = []
    for name in names:
        command = _engine(args.corpus) if name == "text" else _python(name)
        if command is None:
            print(f"{name}: no clang++ here: not fuzzed", flush=True)
            continue
        folder = _corpus(name, args.corpus)
        print(f"{name}: {seconds} s", flush=True)
        done = subprocess.run(
            [
                *command,
                str(folder),
                f"-max_total_time={seconds}",
                f"-timeout={_TIMEOUT}",
                f"-rss_limit_mb={_MEGABYTES}",
                f"-max_len={_LARGEST}",
                f"-artifact_prefix={crashes}/{name}-",
                "-print_final_stats=1",
                "-verbosity=0",
            ],
            env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"},
            check=False,
        )
        if done.returncode:
            broken.append(name)
    print("broken: " + (", ".join(broken) or "nothing"))
    return 1 if broken else 0


def _python(name: str) -> list[str]:
    return [sys.executable, str(HERE / "one.py"), name]


def _engine(folder: Path) -> list[str] | None:
    """Return the command of the engine's target, built anew; None where there is no clang++."""
    compiler = shutil.which("clang++")
    if compiler is None:
        return None
    program = folder / "fuzz_text"
    folders = [f"-I{ROOT / 'cpp' / part}" for part in ("include", "src")]
    flags = ["-std=c++20", "-O1", "-g", "-fsanitize=fuzzer,address,undefined",
             "-fno-sanitize-recover=all", "-D_GLIBCXX_ASSERTIONS"]  # fmt: skip
    sources = [
        str(ROOT / "cpp" / "tests" / "fuzz_text.cpp"),
        str(ROOT / "cpp" / "src" / "text.cpp"),
    ]
    subprocess.run([compiler, *flags, *folders, *sources, "-o", str(program)], check=True)
    return [str(program)]


def _corpus(name: str, root: Path) -> Path:
    """Return the folder of a reader's corpus, with what there is to begin with."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    files = seeds.texts() if name == "text" else seeds.seeds(name)
    files += [path.read_bytes() for path in seeds.findings(name)]
    for data in files:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return folder


if __name__ == "__main__":
    sys.exit(main())
