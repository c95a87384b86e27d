"""The digit recogniser as a C header: its size, the time per image, and the cost of 8 bits.

``python benchmarks/c_header.py`` trains [784, 512, 512, 10] as ``mnist.py`` does, writes it with
``export_c`` in float and in 8 bits, compiles both, and runs them on the 10,000 test images.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import foxnn
import mnist_data
from measure import in_turns, one_call, timed

FLAGS = "-std=c99 -O3"
ROUNDS = 7

# Classifies all images COUNT times (default: once); prints the number of correct ones and the time.
PROGRAM = """\
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "net.h"

int main(int argc, char **argv) {
  static float x[10000][NET_INPUTS];
  static unsigned char labels[10000];
  struct timespec start, end;
  int right = 0, round, i, j, rounds = argc > 2 ? atoi(argv[2]) : 1;
  FILE *file = fopen(argv[1], "rb");
  if (!file || fread(x, sizeof x, 1, file) != 1 || fread(labels, sizeof labels, 1, file) != 1)
    return 1;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (round = 0; round < rounds; round++) {
    for (i = 0; i < 10000; i++) {
      float y[NET_OUTPUTS];
      int best = 0;
      net_predict(x[i], y);
      for (j = 1; j < NET_OUTPUTS; j++) best = y[j] > y[best] ? j : best;
      right += best == labels[i];
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%d %.9g\\n", right / rounds,
         ((end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec)) / (1e4 * rounds));
  return 0;
}
"""


def compiled(folder: Path, compiler: str, flags: str) -> Path:
    """Compile the program that classifies the images, and run the self-test."""
    (folder / "read.c").write_text(PROGRAM)
    for source in ("read.c", "net_test.c"):
        command = [compiler, *shlex.split(flags), source, "-o", source[:-2], "-lm"]
        subprocess.run(command, cwd=folder, check=True)
    command = [compiler, *shlex.split(flags), "-c", "net_test.c", "-o", "net_test.o"]
    subprocess.run(command, cwd=folder, check=True)
    print(subprocess.run([folder / "net_test"], check=True, capture_output=True, text=True).stdout)
    return folder / "read"


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the four IDX files")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--flags", default=FLAGS, help=f"[{FLAGS}]")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds [{ROUNDS}]")
    parser.add_argument(
        "--network", type=Path, help="file of the trained network; created if missing"
    )
    options = parser.parse_args()
    x_train, y_train, x_test, y_test = mnist_data.load(options.data)
    pictures = x_test.reshape(len(x_test), -1).astype(np.float32) / 255
    if options.network is not None and options.network.exists():
        nn = foxnn.neural_network(options.network)
    else:
        nn = foxnn.neural_network([784, 512, 512, 10], "relu", "softmax", seed=1)
        rates = foxnn.schedules.exponential(0.6)
        nn.fit(x_train.reshape(-1, 784).astype(np.float32) / 255, y_train, 5, 98, schedule=rates)
        if options.network is not None:
            nn.save(options.network)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "pictures").write_bytes(pictures.tobytes() + y_test.astype(np.uint8).tobytes())
        programs = {}
        for kind in (None, "int8"):
            own = place / (kind or "float")
            own.mkdir()
            report = nn.export_c(own / "net.h", weights=kind, samples=(pictures, y_test))
            programs[own.name] = compiled(own, options.compiler, options.flags)
            right = subprocess.check_output([programs[own.name], place / "pictures"], text=True)
            print(f"{own.name}: {right.split()[0]} of 10000 correct; {report}")
            for name in ("net.h", "net_test.o"):
                print(f"{own.name}: {name} has {(own / name).stat().st_size:,} bytes")
        rows = itertools.cycle(pictures)

        def run(program: Path) -> float:
            done = subprocess.run(
                [program, place / "pictures"], check=True, capture_output=True, text=True
            )
            return float(done.stdout.split()[1])

        nn.settings.n_threads = 1
        all_at_once = timed(lambda: nn.predict(pictures))
        times = in_turns(
            {
                "C, float": lambda: run(programs["float"]),
                "C, int8": lambda: run(programs["int8"]),
                "nn.get_out, one thread": one_call(lambda: nn.get_out(next(rows))),
                "nn.predict of all, one thread": lambda: all_at_once() / len(pictures),
            },
            options.rounds,
        )
    for name, seconds in times.items():
        print(
            f"{name}: {1e6 * statistics.median(seconds):.1f} microseconds per image, "
            f"at best {1e6 * min(seconds):.1f}"
        )


if __name__ == "__main__":
    main()
